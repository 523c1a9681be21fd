//! A patch manager that patches the sites of a list, as `patchbay survey --as-list` writes one, before the guest starts and
//! whenever they fault.
//!
//! ```text
//! # a comment, up to the end of the line
//! ia64_switch_to+0x30.1            a symbol of the guest, an offset, a slot
//! 0xa000000100010e20.2   check     an address, a slot, a trigger of its own
//! ```
//!
//! Numbers are hexadecimal, with or without `0x` where they can be nothing else. An address is the guest's IP, or the
//! guest-physical address of the bundle.

use std::collections::HashMap;

use patchbay_plugin_api::prelude::*;

/// The patch manager. Settings: `file`, the list, relative to the working directory; `trigger`, for sites without one of
/// their own, and `then` as for `patch-first-fault`; `others`: what happens to sites that are not listed (leave or patch).
pub struct PatchList {
    /// By the address of the bundle and the slot.
    sites: HashMap<(u64, u8), Decision>,
    others: Decision,
}

impl Plugin for PatchList {
    const NAME: &'static str = "patch-list";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const DESCRIPTION: &'static str = "patches the sites that a file lists";

    fn create(config: &str, host: &Host) -> Result<Self, String> {
        let mut settings = Settings::new(config)?;
        let file: String = settings.get("file", String::new())?;
        let decision = settings.decision()?;
        let others: String = settings.get("others", "leave".to_owned())?;
        settings.done()?;
        let others = match &*others {
            "leave" => Decision::LEAVE,
            "patch" => decision,
            _ => return Err(format!("setting others cannot be {others:?}: it is one of leave, patch")),
        };
        if file.is_empty() {
            return Err("there is no list of sites: give file = NAME".to_owned());
        }
        let text = std::fs::read_to_string(&file).map_err(|error| format!("cannot read {file}: {error}"))?;
        let sites = read(&text, decision, |name| host.address(name)).map_err(|why| format!("{file}: {why}"))?;
        Ok(PatchList { sites, others })
    }

    fn counters(&self) -> Vec<Counter> {
        vec![Counter::new("sites listed", self.sites.len() as u64)]
    }
}

impl PatchManager for PatchList {
    fn decide(&self, fault: &SiteFault) -> Decision {
        let slot = fault.instruction.slot;
        let listed = [fault.site.ip, fault.site.bundle].iter().find_map(|address| self.sites.get(&(*address, slot)));
        listed.copied().unwrap_or(self.others)
    }

    /// Before the guest starts, only what is listed is patched.
    fn survey(&self, site: &SiteFault, _: &Conditions) -> Option<Decision> {
        let (ip, bundle, slot) = (site.site.ip, site.site.bundle, site.instruction.slot);
        let listed = self.sites.get(&(ip, slot)).or_else(|| self.sites.get(&(bundle, slot)));
        Some(listed.copied().unwrap_or(Decision::LEAVE))
    }
}

/// The sites of a list; or a sentence that names the first line that is wrong.
fn read(
    text: &str,
    decision: Decision,
    symbol: impl Fn(&str) -> Option<u64>,
) -> Result<HashMap<(u64, u8), Decision>, String> {
    let mut sites = HashMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let Some(site) = words.next() else { continue };
        let wrong = |why: String| format!("line {number}: {why}");
        let place = place(site, &symbol).map_err(wrong)?;
        let trigger = words.next().map(trigger).transpose().map_err(wrong)?;
        if let Some(more) = words.next() {
            return Err(wrong(format!("nothing comes after a site and a trigger, and {more:?} does")));
        }
        let own = trigger.map_or(decision, |trigger| match decision.runs_on_behalf() {
            true => Decision::patch(trigger).run_on_behalf(),
            false => Decision::patch(trigger),
        });
        if sites.insert(place, own).is_some() {
            return Err(wrong(format!("{site} is listed twice")));
        }
    }
    Ok(sites)
}

/// The bundle and the slot of `symbol+0x10.1`, `symbol.1` or `0xADDRESS.1`.
fn place(site: &str, symbol: impl Fn(&str) -> Option<u64>) -> Result<(u64, u8), String> {
    let (bundle, slot) = site.rsplit_once('.').ok_or_else(|| format!("{site:?} has no slot: write {site}.0"))?;
    let slot = match slot {
        "0" => 0,
        "1" => 1,
        "2" => 2,
        _ => return Err(format!("the slot of {site:?} is none of 0, 1, 2")),
    };
    let address = match bundle.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).map_err(|_| format!("{bundle:?} is not an address"))?,
        None => of_symbol(bundle, symbol)?,
    };
    if address.is_multiple_of(16) {
        Ok((address, slot))
    } else {
        Err(format!("{bundle} is not the address of a bundle"))
    }
}

fn of_symbol(text: &str, symbol: impl Fn(&str) -> Option<u64>) -> Result<u64, String> {
    let (name, offset) = text.split_once('+').unwrap_or((text, "0x0"));
    let digits = offset.strip_prefix("0x").unwrap_or(offset);
    let offset = u64::from_str_radix(digits, 16).map_err(|_| format!("the offset of {text:?} is not hexadecimal"))?;
    let address = symbol(name).ok_or_else(|| format!("the guest has no symbol {name:?}, or several"))?;
    Ok(address.wrapping_add(offset))
}

fn trigger(name: &str) -> Result<Trigger, String> {
    let names = || Trigger::ALL.map(|(_, name)| name).join(", ");
    Trigger::named(name).ok_or_else(|| format!("{name:?} is no trigger: it is one of {}", names()))
}

patchbay_plugin_api::export_plugins! {
    statics: none,
    patch_managers: [PatchList],
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Result<Vec<(u64, u8, Option<Trigger>)>, String> {
        let symbols =
            |name: &str| [("entry", 0x1000), ("part.0", 0x2000)].iter().find(|(n, _)| *n == name).map(|s| s.1);
        let sites = read(text, Decision::patch(Trigger::BREAK), symbols)?;
        let mut sites: Vec<_> = sites.iter().map(|(place, own)| (place.0, place.1, own.trigger())).collect();
        sites.sort_unstable_by_key(|site| (site.0, site.1));
        Ok(sites)
    }

    #[test]
    fn sites_are_symbols_or_addresses_with_a_slot_and_perhaps_a_trigger() {
        let text = "# two\n\n entry+0x10.1  # here\nentry+20.2 jmp\npart.0.0\n0xa000000100000000.2\tcheck\n";
        let expected = [
            (0x1010, 1, Some(Trigger::BREAK)),
            (0x1020, 2, Some(Trigger::JMP)),
            (0x2000, 0, Some(Trigger::BREAK)),
            (0xa000_0001_0000_0000, 2, Some(Trigger::CHECK)),
        ];
        assert_eq!(list(text), Ok(expected.to_vec()));
    }

    #[test]
    fn errors_name_the_line() {
        for (text, expected) in [
            ("\nentry", "line 2: \"entry\" has no slot: write entry.0"),
            ("entry.3", "line 1: the slot of \"entry.3\" is none of 0, 1, 2"),
            ("other.1", "line 1: the guest has no symbol \"other\", or several"),
            ("entry+x.1", "line 1: the offset of \"entry+x\" is not hexadecimal"),
            ("0x1g.1", "line 1: \"0x1g\" is not an address"),
            ("entry+8.1", "line 1: entry+8 is not the address of a bundle"),
            ("entry.1 call", "line 1: \"call\" is no trigger: it is one of break, pseudo, branch, jmp, check"),
            ("entry.1 jmp x", "line 1: nothing comes after a site and a trigger, and \"x\" does"),
            ("entry.1\n0x1000.1", "line 2: 0x1000.1 is listed twice"),
        ] {
            assert_eq!(list(text), Err(expected.to_owned()), "{text}");
        }
    }
}
