//! What crosses the plugin boundary has the layout that was recorded for this major version.
//!
//! `layout.txt` lists every type that a plugin library can be asked about: size and alignment in bytes, and fields in
//! order. A change of it that is more than new lines at the end of a table (the types marked so) needs a new major
//! version; new lines need a new minor version.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write;

use abi_stable::StableAbi;
use abi_stable::type_layout::{TLData, TypeLayout};
use patchbay_plugin_api::export::LibraryRef;

fn describe(layout: &'static TypeLayout, seen: &mut HashSet<usize>, types: &mut BTreeMap<String, String>) {
    if !seen.insert(std::ptr::from_ref(layout) as usize) {
        return;
    }
    let name = layout.full_type().to_string();
    let kind = match layout.data() {
        TLData::PrefixType(_) => "table",
        TLData::Enum(_) => "enum",
        _ => "structure",
    };
    let mut text = format!("{name}: {kind} of {} bytes, aligned to {}\n", layout.size(), layout.alignment());
    for field in layout.get_fields().into_iter().flat_map(|fields| fields.iter()) {
        let kind = match field.function_range().iter().next() {
            Some(function) => signature(&function.to_string()),
            None => field.full_type().to_string(),
        };
        writeln!(text, "    {}: {kind}", field.name()).unwrap();
    }
    layout.shared_vars().type_layouts().iter().for_each(|layout| describe(layout(), seen, types));
    if layout.package().as_str() == "patchbay-plugin-api" {
        types.insert(name, text);
    }
}

/// The types of abi_stable's text about a function, without its names of parameters and its lifetimes.
fn signature(text: &str) -> String {
    let text = text.split("lifetime").next().unwrap_or_default();
    let words = text.split_whitespace().filter(|word| !word.starts_with("param_"));
    let words = words.map(|word| if word.starts_with("fn(,") || word == "fn(:" { "fn(" } else { word });
    let text = words.collect::<Vec<_>>().join(" ");
    text.replace("fn( ", "fn(").replace(" ,", ",").replace(" )", ")").replace(")->", ") -> ")
}

#[test]
fn the_layout_is_the_recorded_one() {
    let mut types = BTreeMap::new();
    describe(LibraryRef::LAYOUT, &mut HashSet::new(), &mut types);
    let layout: String = types.into_values().collect();
    assert!(layout == include_str!("layout.txt"), "the layout is now:\n{layout}");
}
