//! `pause`: the machine and its time stand still.

use serde_json::{Map, Value, json};

use super::{Command, Nothing, arguments};
use crate::control::LIMIT;
use crate::control::server::Session;

pub(super) const COMMAND: Command =
    Command { name: "pause", arguments: &[], help: "Stops all processors, and the machine's time", execute };

fn execute(session: &Session, given: Map<String, Value>) -> Result<Value, String> {
    let Nothing {} = arguments(given)?;
    let target = session.target()?;
    if target.machine.pause(LIMIT).map_err(|error| error.to_string())? {
        session.control.events.add(Some(target.number), "paused", format!("{} stands still", target.guest));
    }
    Ok(json!({ "paused": true }))
}
