//! `report`: what a plugin has to tell.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Command, arguments, limit};
use crate::control::LIMIT;
use crate::control::server::Session;
use crate::plugins::{Failed, Instance, Kind, PluginKind};

pub(super) const COMMAND: Command = Command {
    name: "report",
    arguments: &[
        ("kind", "classifier, patch-manager or routines"),
        ("vp", "for routines with the scope vp: the virtual processor [0]"),
        ("limit", "how many seconds it may take [5]"),
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
    #[serde(default, deserialize_with = "limit")]
    limit: Option<Duration>,
}

fn execute(session: &Session, given: Map<String, Value>) -> Result<Value, String> {
    let Arguments { kind, vp, limit } = arguments(given)?;
    let limit = limit.unwrap_or(LIMIT);
    let target = session.target()?;
    let plugins = target.vm.as_ref().and_then(|vm| vm.plugins()).ok_or("no plugin serves in this mode")?;
    let report = match kind {
        Kind::Classifier => report(&plugins.classifier, limit),
        Kind::PatchManager => report(&plugins.patch_manager, limit),
        Kind::Routines => {
            report(plugins.routines.get(vp).or(plugins.routines.last()).ok_or("no plugin serves")?, limit)
        }
    };
    Ok(json!(report.map_err(|failed| failed.to_string())?))
}

fn report<T: PluginKind>(instance: &Arc<Instance<T>>, limit: Duration) -> Result<String, Failed> {
    instance.within(limit, "report", Instance::report)
}
