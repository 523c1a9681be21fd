//! `patches`: the sites with most faults and triggers.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Command, arguments};
use crate::control::server::Session;

pub(super) const COMMAND: Command = Command {
    name: "patches",
    arguments: &[("top", "at most so many sites [20]")],
    help: "The sites with most faults and triggers",
    execute,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    #[serde(default = "top")]
    top: usize,
}

fn top() -> usize {
    20
}

fn execute(session: &Session, given: Map<String, Value>) -> Result<Value, String> {
    let Arguments { top } = arguments(given)?;
    let statistics = session.target()?.statistics(top)?;
    let statistics = statistics.ok_or("in native mode nothing is patched")?;
    Ok(json!({
        "sites": statistics.sites,
        "patched": statistics.sites_patched,
        "classes": statistics.classes,
        "top": statistics.top,
    }))
}
