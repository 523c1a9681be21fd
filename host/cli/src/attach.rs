//! `patchbay ctl SOCKET console`: the console of a machine that runs elsewhere.

use std::io::{self, IsTerminal, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::thread;

use patchbay::output::{OutputError, tell};
use patchbay_vmm::control::console::{bytes_of, text_of};
use serde_json::{Value, json};

use crate::console::terminal::{Terminal, window_size};
use crate::console::{CHUNK, Command, Keys, signals};
use crate::ctl::{Connection, CtlError};

const HELP: &str = "\r\n\
Ctrl-A x       leave: the machine runs on\r\n\
Ctrl-A p       pause the machine, or let it go on\r\n\
Ctrl-A b       send a break\r\n\
Ctrl-A w       type the window's size: stty rows … cols …\r\n\
Ctrl-A Ctrl-A  type Ctrl-A\r\n\
Ctrl-A h       this help\r\n";

/// Shows what the guest prints and types what comes from standard input, until the guest ends or the user leaves.
pub(crate) fn console(mut connection: Connection, vm: Option<u32>) -> Result<(), CtlError> {
    let answer = connection.ask(&json!({ "command": "console", "vm": vm }))?;
    let (vm, recent) = (answer["vm"].clone(), answer["recent"].clone());
    let write = |text: &Value| -> Result<(), CtlError> {
        let bytes = bytes_of(text.as_str().unwrap_or_default()).unwrap_or_default();
        let mut output = io::stdout().lock();
        output.write_all(&bytes).and_then(|()| output.flush()).map_err(|error| CtlError::Write(OutputError(error)))
    };
    let terminal = if io::stdin().is_terminal() { Some(Terminal::raw().map_err(CtlError::Broken)?) } else { None };
    let leaves = connection.stream.try_clone()?;
    let signals = signals::watch(move || drop(leaves.shutdown(Shutdown::Both)))?;
    write(&recent)?;
    let (typing, of, interactive) = (connection.stream.try_clone()?, vm.clone(), terminal.is_some());
    thread::spawn(move || type_keys(typing, &of, interactive));
    let mut result = Ok(());
    while let Some(line) = connection.receive()? {
        if let Some(text) = line.get("console") {
            if text.is_null() {
                break;
            }
            result = write(text);
        } else if let Some(error) = line.get("error").and_then(Value::as_str) {
            result = Err(CtlError::Refused(error.to_owned()));
        }
        if result.is_err() {
            break;
        }
    }
    drop(terminal);
    if interactive && signals.signal().is_none() && result.is_ok() {
        tell(format_args!("\nThe console of machine {vm} is left.\n"));
    }
    result
}

/// Types what comes from standard input until it ends. Whoever leaves ends the connection.
fn type_keys(mut to: UnixStream, vm: &Value, interactive: bool) {
    let mut keys = Keys::default();
    let mut buffer = [0; CHUNK];
    let mut paused = false;
    while let Ok(length @ 1..) = io::stdin().read(&mut buffer) {
        let commands =
            if interactive { keys.press(&buffer[..length]) } else { vec![Command::Type(buffer[..length].to_vec())] };
        for command in commands {
            let request = match command {
                Command::Type(bytes) => json!({ "command": "type", "vm": vm, "text": text_of(&bytes) }),
                Command::Break => json!({ "command": "type", "vm": vm, "break": true }),
                Command::Pause => {
                    paused = !paused;
                    json!({ "command": if paused { "pause" } else { "resume" }, "vm": vm })
                }
                Command::WindowSize => match window_size() {
                    Some((rows, columns)) => {
                        json!({ "command": "type", "vm": vm, "text": format!("stty rows {rows} cols {columns}\r") })
                    }
                    None => continue,
                },
                Command::Leave => {
                    let _has_ended = to.shutdown(Shutdown::Both);
                    return;
                }
                Command::Help | Command::Statistics | Command::NextMachine => {
                    tell(format_args!("{HELP}"));
                    continue;
                }
            };
            if to.write_all(format!("{request}\n").as_bytes()).is_err() {
                return;
            }
        }
    }
}
