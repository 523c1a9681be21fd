//! `stop`: the machine ends.

use patchbay_machine::outcome::Outcome;
use serde_json::{Map, Value, json};

use super::{Command, Nothing, arguments};
use crate::control::server::Session;

pub(super) const COMMAND: Command = Command {
    name: "stop",
    arguments: &[],
    help: "Switches the machine off; the command that runs it ends with its last machine",
    execute,
};

fn execute(session: &Session, given: Map<String, Value>) -> Result<Value, String> {
    let Nothing {} = arguments(given)?;
    let target = session.target()?;
    session.control.events.add(Some(target.number), "stopped", format!("{} is switched off", target.guest));
    target.machine.end(Outcome::Quit);
    Ok(json!({ "stopped": true }))
}
