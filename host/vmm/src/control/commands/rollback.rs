//! `rollback`: the plugin before takes over again.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Command, arguments, limit};
use crate::control::server::Session;
use crate::plugins::Kind;
use crate::swap::Rollback;

pub(super) const COMMAND: Command = Command {
    name: "rollback",
    arguments: &[
        ("kind", "classifier, patch-manager or routines"),
        ("discard_state", "whether what the plugin before has learned is lost: it is not asked [false]"),
        ("limit", "how many seconds it may take [5]"),
    ],
    help: "Goes back to the plugin before the last swap of a kind",
    execute,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    kind: Kind,
    #[serde(default)]
    discard_state: bool,
    #[serde(default, deserialize_with = "limit")]
    limit: Option<Duration>,
}

fn execute(session: &Session, given: Map<String, Value>) -> Result<Value, String> {
    let Arguments { kind, discard_state, limit } = arguments(given)?;
    let limit = limit.unwrap_or(crate::control::LIMIT);
    session.control.rollback(session.vm, Rollback { kind, discard_state, limit }).map(|swapped| json!(swapped))
}
