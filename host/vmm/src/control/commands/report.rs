//! `report`: what a plugin has to tell.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Command, arguments, limit};
use crate::control::LIMIT;
use crate::control::server::Session;
use crate::plugins::{Failed, Instance, Kind, PluginKind};
use crate::swap::SwapError;

pub(super) const COMMAND: Command = Command {
    name: "report",
    arguments: &[
        ("kind", "classifier, patch-manager or routines"),
        ("vp", "for routines: the virtual processor whose routines they are [0]"),
        ("limit", "how many seconds it may take [5]"),
    ],
    help: "The text in which a plugin tells what it did, such as the last operations",
    execute,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    kind: Kind,
    vp: Option<usize>,
    #[serde(default, deserialize_with = "limit")]
    limit: Option<Duration>,
}

fn execute(session: &Session, given: Map<String, Value>) -> Result<Value, String> {
    let Arguments { kind, vp, limit } = arguments(given)?;
    let limit = limit.unwrap_or(LIMIT);
    let target = session.target()?;
    let plugins = target.vm.as_ref().and_then(|vm| vm.plugins()).ok_or("no plugin serves in this mode")?;
    let processors = target.machine.processors();
    match vp {
        Some(_) if kind != Kind::Routines => return Err(SwapError::Shared(kind).to_string()),
        Some(vp) if vp >= processors => return Err(SwapError::NoVp { vp, processors }.to_string()),
        _ => {}
    }
    let report = match kind {
        Kind::Classifier => report(&plugins.classifier, limit),
        Kind::PatchManager => report(&plugins.patch_manager, limit),
        Kind::Routines => {
            let of_vp = plugins.routines.get(vp.unwrap_or(0)).or(plugins.routines.last());
            report(of_vp.ok_or("no plugin serves")?, limit)
        }
    };
    Ok(json!(report.map_err(|failed| failed.to_string())?))
}

fn report<T: PluginKind>(instance: &Arc<Instance<T>>, limit: Duration) -> Result<String, Failed> {
    instance.within(limit, "report", Instance::report)
}
