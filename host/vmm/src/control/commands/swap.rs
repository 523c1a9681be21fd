//! `swap`: another plugin takes over.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Command, arguments, limit};
use crate::control::server::Session;
use crate::policy::Policy;
use crate::swap::{Order, Part, PolicyOrder};

pub(super) const COMMAND: Command = Command {
    name: "swap",
    arguments: &[
        ("kind", "classifier, patch-manager or routines; or policy, for all of them at once"),
        (
            "plugin",
            "the plugin: its NAME, or an absolute FILE, or FILE#NAME; or the policy: its NAME, or an absolute FILE",
        ),
        ("config", "its settings, as NAME=VALUE,… [those of a plugin of the same name, or none]"),
        ("vp", "for routines with the scope vp: the virtual processor [all]"),
        ("repatch", "for patch managers: whether sites that are patched are decided anew [false]"),
        ("discard_state", "whether what the plugin before has learned is lost: it is not asked [false]"),
        ("limit", "how many seconds it may take [5]"),
    ],
    help: "Swaps a plugin, or the whole policy, while the guest runs",
    execute,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    kind: Part,
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
    let kind = match kind {
        Part::Plugin(kind) => kind,
        Part::Policy if config.is_some() || vp.is_some() => {
            return Err(
                "a policy has its own settings and serves all virtual processors: leave config and vp out".into()
            );
        }
        Part::Policy => {
            let policy = Policy::load(&plugin).map_err(|error| error.to_string())?;
            let order = PolicyOrder { policy, repatch, discard_state, limit };
            return session.control.swap_policy(session.vm, &order).map(|swapped| json!(swapped));
        }
    };
    let order =
        Order { kind, plugin, library: None, base: PathBuf::from("/"), config, vp, repatch, discard_state, limit };
    session.control.swap(session.vm, &order).map(|swapped| json!(swapped))
}
