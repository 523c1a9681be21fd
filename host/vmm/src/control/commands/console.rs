//! `console`: what the guest prints; `type`: what it is to read.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Command, Nothing, arguments};
use crate::control::console::{bytes_of, text_of};
use crate::control::server::Session;

pub(super) const COMMAND: Command = Command {
    name: "console",
    arguments: &[],
    help: "Sends what the guest has printed last, and what it prints; a character a byte",
    execute,
};

pub(super) const TYPE: Command = Command {
    name: "type",
    arguments: &[
        ("text", "what is typed; a character a byte"),
        ("break", "whether the line is to send a break afterwards [false]"),
    ],
    help: "Types at the guest's console",
    execute: execute_type,
};

fn execute(session: &Session, given: Map<String, Value>) -> Result<Value, String> {
    let Nothing {} = arguments(given)?;
    let (number, line) = session.control.console(session.vm)?;
    let (recent, pieces) = line.read();
    session.follow_console(number, pieces)?;
    Ok(json!({ "vm": number, "recent": text_of(&recent) }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Typed {
    #[serde(default)]
    text: String,
    #[serde(default)]
    r#break: bool,
}

fn execute_type(session: &Session, given: Map<String, Value>) -> Result<Value, String> {
    let Typed { text, r#break } = arguments(given)?;
    let (_, line) = session.control.console(session.vm)?;
    let bytes = bytes_of(&text)?;
    line.send(&bytes);
    if r#break && let Some(input) = line.input() {
        input.send_break();
    }
    Ok(json!({ "typed": bytes.len() }))
}
