//! `resume`: the machine goes on.

use serde_json::{Map, Value, json};

use super::{Command, Nothing, arguments};
use crate::control::server::Session;

pub(super) const COMMAND: Command =
    Command { name: "resume", arguments: &[], help: "Lets a paused machine go on", execute };

fn execute(session: &Session, given: Map<String, Value>) -> Result<Value, String> {
    let Nothing {} = arguments(given)?;
    let target = session.target()?;
    if target.machine.resume() {
        session.control.events.add(Some(target.number), "resumed", format!("{} goes on", target.guest));
    }
    Ok(json!({ "paused": false }))
}
