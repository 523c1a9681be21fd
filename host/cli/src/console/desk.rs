//! The terminal, where the console of one machine is seen and typed at, and Ctrl-A leads to the others.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use patchbay_machine::outcome::Outcome;
use patchbay_vmm::control::console::Line;
use patchbay_vmm::control::{Control, LIMIT};

use super::keys::{Command, Keys};
use super::{CHUNK, terminal};
use crate::log::{Screen, say};
use crate::summary::brief;

const HELP: &[&str] = &[
    "Ctrl-A x       leave: the machine is switched off",
    "Ctrl-A p       pause the machine, or let it go on",
    "Ctrl-A s       what was counted",
    "Ctrl-A n       the console of the next machine",
    "Ctrl-A b       send a break",
    "Ctrl-A w       type the window's size: stty rows … cols …",
    "Ctrl-A Ctrl-A  type Ctrl-A",
    "Ctrl-A h       this help",
];

/// The consoles of a command, of which standard output shows one.
pub(crate) struct Desk {
    control: Arc<Control>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The guest's name and its console, by the number of its machine.
    lines: BTreeMap<u32, (String, Arc<Line>)>,
    shown: Option<u32>,
}

impl Desk {
    /// One without consoles.
    pub(crate) fn new(control: &Arc<Control>) -> Arc<Desk> {
        Arc::new(Desk { control: Arc::clone(control), state: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, number: u32, name: &str, line: &Arc<Line>) {
        self.lock().lines.insert(number, (name.to_owned(), Arc::clone(line)));
    }

    pub(super) fn remove(&self, number: u32) {
        self.lock().lines.remove(&number);
    }

    /// From now on, standard output shows this console.
    pub(super) fn show(&self, number: u32) {
        self.lock().shown = Some(number);
    }

    /// Whether standard output shows this console.
    pub(super) fn shows(&self, number: u32) -> bool {
        self.lock().shown == Some(number)
    }

    /// The machine whose console is shown, and that console.
    fn shown(&self) -> Option<(u32, Arc<Line>)> {
        let state = self.lock();
        let number = state.shown?;
        state.lines.get(&number).map(|(_, line)| (number, Arc::clone(line)))
    }

    /// Types what comes from standard input until it ends.
    pub(super) fn read_keys(&self, interactive: bool) {
        let mut keys = Keys::default();
        let mut buffer = [0; CHUNK];
        let mut typed = 0;
        while let Ok(length @ 1..) = io::stdin().read(&mut buffer) {
            typed += length;
            if interactive {
                keys.press(&buffer[..length]).into_iter().for_each(|command| self.execute(command));
            } else if let Some((_, line)) = self.shown() {
                line.send(&buffer[..length]);
            }
        }
        if typed > 0 {
            say("standard input has ended: nothing more is typed at the guest's console");
        }
    }

    fn execute(&self, command: Command) {
        if command == Command::NextMachine {
            return self.next();
        }
        if command == Command::Help {
            return HELP.iter().for_each(|line| say(line));
        }
        let Some((number, line)) = self.shown() else {
            return say("this machine has ended; Ctrl-A n leads to the next one");
        };
        let said = match command {
            Command::Type(bytes) => {
                line.send(&bytes);
                Ok(String::new())
            }
            Command::Leave => {
                if let Some(input) = line.input() {
                    input.end(Outcome::Quit);
                }
                Ok(String::new())
            }
            Command::WindowSize => {
                if let Some((rows, columns)) = terminal::window_size() {
                    line.send(format!("stty rows {rows} cols {columns}\r").as_bytes());
                }
                Ok(String::new())
            }
            Command::Break => {
                if let Some(input) = line.input() {
                    input.send_break();
                }
                Ok("a break is sent".to_owned())
            }
            Command::Pause => self.pause(number),
            Command::Statistics => self.control.target(Some(number)).and_then(|target| brief(&target)),
            Command::NextMachine | Command::Help => Ok(String::new()),
        };
        let said = said.unwrap_or_else(|error| error);
        if !said.is_empty() {
            say(&said);
        }
    }

    /// Pauses a machine that runs, or lets one go on that stands.
    fn pause(&self, number: u32) -> Result<String, String> {
        let target = self.control.target(Some(number))?;
        if target.machine.resume() {
            return Ok("the machine goes on".to_owned());
        }
        target.machine.pause(LIMIT).map_err(|error| error.to_string())?;
        Ok("the machine stands still; Ctrl-A p lets it go on".to_owned())
    }

    /// Shows the console of the next machine: what it has printed last, and what it prints.
    fn next(&self) {
        let mut state = self.lock();
        let after = state.shown.map_or(0, |shown| shown + 1);
        let next = state.lines.range(after..).chain(state.lines.range(..after)).next();
        let Some((number, (name, line))) = next.map(|(number, next)| (*number, next.clone())) else { return };
        if state.shown == Some(number) {
            return say("there is no other machine");
        }
        say(&format!("machine {number}, {name}:"));
        let mut screen = Screen(io::stdout());
        let (recent, _) = line.read();
        let _is_told_when_more_is_lost = screen.write_all(&recent).and_then(|()| screen.flush());
        state.shown = Some(number);
    }
}
