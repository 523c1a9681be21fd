//! The commands of the control protocol, a file each.

mod console;
mod events;
mod patches;
mod pause;
mod report;
mod resume;
mod rollback;
mod set;
mod stats;
mod status;
mod stop;
mod swap;

use std::time::Duration;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error};
use serde_json::{Map, Value};

use super::protocol::Request;
use super::server::Session;

/// What executes a command: the arguments give the answer, or a sentence that says why not.
type Execute = fn(&Session, Map<String, Value>) -> Result<Value, String>;

/// A command.
#[derive(Clone, Copy, Debug)]
pub struct Command {
    /// Its name.
    pub name: &'static str,
    /// Its arguments: what each means, and what it is if it is left out.
    pub arguments: &'static [(&'static str, &'static str)],
    /// What it does.
    pub help: &'static str,
    execute: Execute,
}

/// All commands.
pub const COMMANDS: &[Command] = &[
    status::COMMAND,
    stats::COMMAND,
    swap::COMMAND,
    rollback::COMMAND,
    set::COMMAND,
    report::COMMAND,
    patches::COMMAND,
    pause::COMMAND,
    resume::COMMAND,
    stop::COMMAND,
    events::COMMAND,
    console::COMMAND,
    console::TYPE,
];

/// Executes a request.
///
/// # Errors
/// A sentence that says why not.
pub fn execute(session: &Session, request: Request) -> Result<Value, String> {
    match COMMANDS.iter().find(|command| command.name == request.command) {
        Some(command) => (command.execute)(session, request.arguments),
        None => {
            let names: Vec<_> = COMMANDS.iter().map(|command| command.name).collect();
            Err(format!("there is no command {:?}; there are {}", request.command, names.join(", ")))
        }
    }
}

/// The arguments of a command as it wants them.
fn arguments<T: DeserializeOwned>(arguments: Map<String, Value>) -> Result<T, String> {
    serde_json::from_value(Value::Object(arguments)).map_err(|error| format!("wrong arguments: {error}"))
}

/// For commands without arguments.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// The longest time limit.
const LONGEST: Duration = Duration::from_secs(3600);

/// A time limit in seconds.
fn limit<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    let Some(seconds) = Option::<f64>::deserialize(from)? else { return Ok(None) };
    let limit = Duration::try_from_secs_f64(seconds).ok().filter(|limit| *limit <= LONGEST);
    let refused = || D::Error::custom(format!("limit is a number of seconds from 0 to {}", LONGEST.as_secs()));
    limit.map(Some).ok_or_else(refused)
}
