//! `report`: what a plugin has to tell.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Command, arguments};
use crate::control::server::Session;
use crate::plugins::Kind;

pub(super) const COMMAND: Command = Command {
    name: "report",
    arguments: &[
        ("kind", "classifier, patch-manager or routines"),
        ("vp", "for routines with the scope vp: the virtual processor [0]"),
    ],
    help: "The text in which a plugin tells what it did, such as the last operations",
    execute,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    kind: Kind,
    #[serde(default)]
    vp: usize,
}

fn execute(session: &Session, given: Map<String, Value>) -> Result<Value, String> {
    let Arguments { kind, vp } = arguments(given)?;
    let target = session.target()?;
    let plugins = target.vm.as_ref().and_then(|vm| vm.plugins()).ok_or("no plugin serves in this mode")?;
    let report = match kind {
        Kind::Classifier => plugins.classifier.report(),
        Kind::PatchManager => plugins.patch_manager.report(),
        Kind::Routines => plugins.routines.get(vp).or(plugins.routines.last()).ok_or("no plugin serves")?.report(),
    };
    Ok(json!(report.map_err(|failed| failed.to_string())?))
}
