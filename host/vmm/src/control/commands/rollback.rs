//! `rollback`: the plugin before takes over again.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Command, arguments, limit};
use crate::control::server::Session;
use crate::swap::{Part, Rollback};

pub(super) const COMMAND: Command = Command {
    name: "rollback",
    arguments: &[
        ("kind", "classifier, patch-manager, routines or policy [with list: all]"),
        ("list", "whether to say what there is to go back to, and to do nothing [false]"),
        ("discard_state", "whether what the plugin before has learned is lost: it is not asked [false]"),
        ("limit", "how many seconds it may take [5]"),
    ],
    help: "Goes back to the plugin before the last swap of a kind",
    execute,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    kind: Option<Part>,
    #[serde(default)]
    list: bool,
    #[serde(default)]
    discard_state: bool,
    #[serde(default, deserialize_with = "limit")]
    limit: Option<Duration>,
}

fn execute(session: &Session, given: Map<String, Value>) -> Result<Value, String> {
    let Arguments { kind, list, discard_state, limit } = arguments(given)?;
    if list {
        let target = session.target()?;
        let vm = target.vm.as_ref().ok_or("in native mode there are no plugins")?;
        let mut before = vm.rollbacks().map_err(|error| error.to_string())?;
        before.retain(|before| kind.is_none_or(|kind| kind == Part::Plugin(before.kind)));
        return Ok(json!(before));
    }
    let kind = kind.ok_or("wrong arguments: missing field `kind`")?;
    let limit = limit.unwrap_or(crate::control::LIMIT);
    let kind = match kind {
        Part::Plugin(kind) => kind,
        Part::Policy => {
            let swapped = session.control.rollback_policy(session.vm, discard_state, limit);
            return swapped.map(|swapped| json!(swapped));
        }
    };
    session.control.rollback(session.vm, Rollback { kind, discard_state, limit }).map(|swapped| json!(swapped))
}
