//! `set`: changes a setting while the guest runs.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::{Command, arguments, limit};
use crate::control::server::Session;
use crate::control::{LIMIT, Target};
use crate::patch::trigger::{self, KindIndex};
use crate::plugins::Kind;
use crate::swap::Setting;

pub(super) const COMMAND: Command = Command {
    name: "set",
    arguments: &[
        ("name", "trigger, mode, fetch or scope; or a setting of a plugin, such as threshold"),
        (
            "value",
            "its value: a kind of trigger; trap or patch for mode; translated or physical for fetch; vmm, vm or vp for scope",
        ),
        ("kind", "the kind of the plugin whose setting it is [patch-manager]"),
        ("vp", "for routines with the scope vp: the virtual processor [all, each with its own plugin]"),
        ("repatch", "for patch managers: whether sites that are patched are decided anew [false]"),
        ("discard_state", "whether what the plugin before has learned is lost: it is not asked [false]"),
        ("limit", "how many seconds it may take [5]"),
    ],
    help: "Changes the triggers of all sites, the mode, how the conventional path fetches, the scope of routine tables, or a setting by recreating a plugin",
    execute,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    name: String,
    value: Value,
    kind: Option<Kind>,
    vp: Option<usize>,
    #[serde(default)]
    repatch: bool,
    #[serde(default)]
    discard_state: bool,
    #[serde(default, deserialize_with = "limit")]
    limit: Option<Duration>,
}

fn execute(session: &Session, given: Map<String, Value>) -> Result<Value, String> {
    let Arguments { name, value, kind, vp, repatch, discard_state, limit } = arguments(given)?;
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
        (None, "fetch") => return set_fetch(session, &target, &value, limit.unwrap_or(LIMIT)),
        (None, "trigger") => return set_trigger(session, &target, vp, &value, limit.unwrap_or(LIMIT)),
        (None, "mode") => return set_mode(session, &target, &value, limit.unwrap_or(LIMIT)),
        (None, "scope") => return set_scope(session, &target, &value, limit.unwrap_or(LIMIT)),
        _ => {}
    }
    let kind = kind.unwrap_or(Kind::PatchManager);
    let setting = Setting { kind, vp, name, value, repatch, discard_state, limit: limit.unwrap_or(LIMIT) };
    session.control.set(session.vm, &setting).map(|swapped| json!(swapped))
}

/// The variant of this name.
fn one_of<T: DeserializeOwned>(name: &str) -> Option<T> {
    serde_json::from_value(json!(name)).ok()
}

fn set_fetch(session: &Session, target: &Target, value: &str, limit: Duration) -> Result<Value, String> {
    let fetch = one_of(value).ok_or_else(|| format!("fetch cannot be {value:?}: it is translated or physical"))?;
    let vm = target.vm.as_ref().ok_or("in native mode there is no conventional path")?;
    vm.set_fetch(&target.machine, fetch, limit).map_err(|error| error.to_string())?;
    session.control.events.add(Some(target.number), "set", format!("fetch is {value}"));
    Ok(json!({ "fetch": value }))
}

/// Changes the setting `trigger` of the patch manager, for sites that are patched from now on, and the triggers that stand.
fn set_trigger(
    session: &Session,
    target: &Target,
    vp: Option<usize>,
    value: &str,
    limit: Duration,
) -> Result<Value, String> {
    let kind = KindIndex::named(value)
        .ok_or_else(|| format!("trigger cannot be {value:?}: it is one of {}", trigger::names()))?;
    let vm = target.vm.as_ref().ok_or("in native mode there are no triggers")?;
    let setting = Setting {
        kind: Kind::PatchManager,
        vp,
        name: "trigger".to_owned(),
        value: value.to_owned(),
        repatch: false,
        discard_state: false,
        limit,
    };
    session.control.set(session.vm, &setting)?;
    let done = vm.retrigger(&target.machine, kind);
    let text =
        format!("trigger is {value}: at {} sites, at {} break instead", done.sites + done.had_it, done.fell_back);
    session.control.events.add(Some(target.number), "set", text);
    Ok(json!(done))
}

fn set_mode(session: &Session, target: &Target, value: &str, limit: Duration) -> Result<Value, String> {
    let patches = match value {
        "patch" => true,
        "trap" => false,
        _ => return Err(format!("mode cannot be {value:?} while the guest runs: it is trap or patch")),
    };
    let vm = target.vm.as_ref().ok_or("in native mode there is no monitor")?;
    vm.set_patching(&target.machine, patches, limit).map_err(|error| error.to_string())?;
    session.control.events.add(Some(target.number), "set", format!("mode is {value}"));
    Ok(json!({ "mode": value }))
}

fn set_scope(session: &Session, target: &Target, value: &str, limit: Duration) -> Result<Value, String> {
    let scope = one_of(value).ok_or_else(|| format!("scope cannot be {value:?}: it is vmm, vm or vp"))?;
    let vm = target.vm.as_ref().ok_or("no plugin serves in this mode")?;
    vm.set_scope(&target.machine, scope, limit).map_err(|error| error.to_string())?;
    session.control.events.add(Some(target.number), "set", format!("scope is {value}"));
    Ok(json!({ "scope": value }))
}
