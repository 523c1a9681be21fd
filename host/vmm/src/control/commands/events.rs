//! `events`: what has happened, and what happens.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Command, arguments};
use crate::control::server::Session;

pub(super) const COMMAND: Command = Command {
    name: "events",
    arguments: &[
        ("last", "how many of the events so far [20]"),
        ("follow", "whether to send those that follow, too [false]"),
    ],
    help: "What has happened to the machine from outside",
    execute,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    #[serde(default = "last")]
    last: usize,
    #[serde(default)]
    follow: bool,
}

fn last() -> usize {
    20
}

fn execute(session: &Session, given: Map<String, Value>) -> Result<Value, String> {
    let Arguments { last, follow } = arguments(given)?;
    let events = &session.control.events;
    if !follow {
        return Ok(json!(events.last(last)));
    }
    let (before, receiver) = events.follow(last);
    session.follow(receiver)?;
    Ok(json!(before))
}
