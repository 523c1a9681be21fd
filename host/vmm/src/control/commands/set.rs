//! `set`: changes a setting while the guest runs.

use std::path::PathBuf;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::{Command, arguments};
use crate::control::server::Session;
use crate::control::{LIMIT, Target};
use crate::plugins::Kind;
use crate::swap::Order;
use crate::vm::Plugins;

pub(super) const COMMAND: Command = Command {
    name: "set",
    arguments: &[
        ("name", "fetch or scope; or a setting of a plugin, such as trigger or threshold"),
        ("value", "its value: translated or physical for fetch, vmm or vp for scope"),
        ("kind", "the kind of the plugin whose setting it is [patch-manager]"),
        ("repatch", "for patch managers: whether sites that are patched are decided anew [false]"),
    ],
    help: "Changes how the conventional path fetches, the scope of routine tables, or a setting of a plugin by recreating it",
    execute,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    name: String,
    value: Value,
    kind: Option<Kind>,
    #[serde(default)]
    repatch: bool,
}

fn execute(session: &Session, given: Map<String, Value>) -> Result<Value, String> {
    let Arguments { name, value, kind, repatch } = arguments(given)?;
    let value = match value {
        Value::String(text) => text,
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        _ => return Err("wrong arguments: value is a string, a number, true or false".to_owned()),
    };
    if name.contains(['=', ',', ';', '\n', '"', '#']) || value.contains(['\n', '"']) {
        return Err("wrong arguments: neither a name nor a value has quotes or lines, and a name no = , ; #".to_owned());
    }
    let target = session.target()?;
    match (kind, name.as_str()) {
        (None, "fetch") => return set_fetch(session, &target, &value),
        (None, "scope") => return set_scope(session, &target, &value),
        _ => {}
    }
    let kind = kind.unwrap_or(Kind::PatchManager);
    let plugins = target.vm.as_ref().and_then(|vm| vm.plugins()).ok_or("no plugin serves in this mode")?;
    let (plugin, config) = present(&plugins, kind).ok_or("no plugin serves")?;
    let config = with(&config, &name, &value);
    let order = Order { kind, plugin, base: PathBuf::from("/"), config: Some(config), vp: None, repatch, limit: LIMIT };
    session.control.swap(session.vm, &order).map(|swapped| json!(swapped))
}

/// The variant of this name.
fn one_of<T: DeserializeOwned>(name: &str) -> Option<T> {
    serde_json::from_value(json!(name)).ok()
}

fn set_fetch(session: &Session, target: &Target, value: &str) -> Result<Value, String> {
    let fetch = one_of(value).ok_or_else(|| format!("fetch cannot be {value:?}: it is translated or physical"))?;
    let vm = target.vm.as_ref().ok_or("in native mode there is no conventional path")?;
    vm.set_fetch(&target.machine, fetch, LIMIT).map_err(|error| error.to_string())?;
    session.control.events.add(Some(target.number), "set", format!("fetch is {value}"));
    Ok(json!({ "fetch": value }))
}

fn set_scope(session: &Session, target: &Target, value: &str) -> Result<Value, String> {
    let scope = one_of(value).ok_or_else(|| format!("scope cannot be {value:?}: it is vmm or vp"))?;
    let vm = target.vm.as_ref().ok_or("no plugin serves in this mode")?;
    vm.set_scope(&target.machine, scope, LIMIT).map_err(|error| error.to_string())?;
    session.control.events.add(Some(target.number), "set", format!("scope is {value}"));
    Ok(json!({ "scope": value }))
}

/// How the plugin that serves is found again, and its settings.
fn present(plugins: &Plugins, kind: Kind) -> Option<(String, String)> {
    let (descriptor, config) = match kind {
        Kind::Classifier => (plugins.classifier.descriptor(), plugins.classifier.config()),
        Kind::PatchManager => (plugins.patch_manager.descriptor(), plugins.patch_manager.config()),
        Kind::Routines => plugins.routines.first().map(|routines| (routines.descriptor(), routines.config()))?,
    };
    let file = descriptor.file.as_ref().and_then(|file| std::path::absolute(file).ok());
    let plugin = match file {
        Some(file) => format!("{}#{}", file.display(), descriptor.name),
        None => descriptor.name.clone(),
    };
    Some((plugin, config.to_owned()))
}

/// Settings with one of them changed.
fn with(config: &str, name: &str, value: &str) -> String {
    let mut quoted = false;
    let separates = |c| {
        quoted ^= c == '"';
        c == '\n' || !quoted && matches!(c, ',' | ';')
    };
    let others = config.split(separates).map(str::trim).filter(|pair| {
        let has = pair.split_once('=').map(|(other, _)| other.trim());
        !pair.is_empty() && has != Some(name)
    });
    let mut lines: Vec<String> = others.map(str::to_owned).collect();
    lines.push(format!("{name} = \"{value}\""));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_takes_the_place_of_the_one_before() {
        assert_eq!(with("", "threshold", "3"), "threshold = \"3\"");
        let config = "threshold = 8\ntext = \"a, b = c\"; then=run";
        assert_eq!(with(config, "threshold", "3"), "text = \"a, b = c\"\nthen=run\nthreshold = \"3\"");
    }
}
