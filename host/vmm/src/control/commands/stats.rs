//! `stats`: what was counted until now.

use patchbay_machine::statistics::{Sample, Statistics};
use serde_json::{Map, Value, json};

use super::{Command, Nothing, arguments};
use crate::control::LIMIT;
use crate::control::server::Session;

pub(super) const COMMAND: Command =
    Command { name: "stats", arguments: &[], help: "What was counted until now", execute };

fn execute(session: &Session, given: Map<String, Value>) -> Result<Value, String> {
    let Nothing {} = arguments(given)?;
    let target = session.target()?;
    let samples = target.machine.ask(LIMIT, |executor, _| Sample::of(&executor.processor));
    let samples = samples.map_err(|error| error.to_string())?;
    let machine = Statistics::new(samples.into_iter(), target.started.elapsed());
    match target.statistics(0)? {
        None => Ok(json!({ "machine": machine })),
        Some(monitor) => {
            let swaps = target.vm.as_ref().map(|vm| vm.swap_statistics());
            Ok(json!({ "machine": machine, "monitor": monitor, "swaps": swaps }))
        }
    }
}
