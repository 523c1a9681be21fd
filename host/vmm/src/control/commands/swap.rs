//! `swap`: another plugin takes over.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Command, arguments, limit};
use crate::control::server::Session;
use crate::plugins::Kind;
use crate::swap::Order;

pub(super) const COMMAND: Command = Command {
    name: "swap",
    arguments: &[
        ("kind", "classifier, patch-manager or routines"),
        ("plugin", "the plugin: its NAME, or an absolute FILE, or FILE#NAME"),
        ("config", "its settings, as NAME=VALUE,… [those of a plugin of the same name, or none]"),
        ("vp", "for routines with the scope vp: the virtual processor [all]"),
        ("repatch", "for patch managers: whether sites that are patched are decided anew [false]"),
        ("discard_state", "whether what the plugin before has learned is lost: it is not asked [false]"),
        ("limit", "how many seconds it may take [5]"),
    ],
    help: "Swaps a plugin while the guest runs",
    execute,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    kind: Kind,
    plugin: String,
    config: Option<String>,
    vp: Option<usize>,
    #[serde(default)]
    repatch: bool,
    #[serde(default)]
    discard_state: bool,
    #[serde(default, deserialize_with = "limit")]
    limit: Option<Duration>,
}

fn execute(session: &Session, given: Map<String, Value>) -> Result<Value, String> {
    let Arguments { kind, plugin, config, vp, repatch, discard_state, limit } = arguments(given)?;
    let limit = limit.unwrap_or(crate::control::LIMIT);
    let order =
        Order { kind, plugin, library: None, base: PathBuf::from("/"), config, vp, repatch, discard_state, limit };
    session.control.swap(session.vm, &order).map(|swapped| json!(swapped))
}
