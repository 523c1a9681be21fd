//! The console: the guest's line at a terminal, a pipe or a file.

mod keys;
pub(crate) mod progress;
pub(crate) mod signals;
mod terminal;

use std::fmt;
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use crossbeam_channel::Receiver;
use patchbay::output::tell;
use patchbay_machine::machine::Input;
use patchbay_machine::outcome::Outcome;

use crate::log::Screen;
use keys::{Command, Keys};
use terminal::Terminal;
pub(crate) use terminal::{restore as restore_terminal, restore_at_once as restore_terminal_at_once};

/// The most bytes that are written or read at once.
const CHUNK: usize = 4096;

const HELP: &str = "\r\n\
Ctrl-A x       leave: the machine is switched off\r\n\
Ctrl-A h       this help\r\n\
Ctrl-A w       type the window's size: stty rows … cols …\r\n\
Ctrl-A Ctrl-A  type Ctrl-A\r\n";

/// Where the console is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Standard input and output.
    Stdio,
    /// Output goes to a file; there is no input.
    File(PathBuf),
}

impl From<&str> for Place {
    fn from(text: &str) -> Place {
        if text == "stdio" { Place::Stdio } else { Place::File(text.into()) }
    }
}

/// Why there is no console.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConsoleError {
    #[error("cannot write {0}: {1}")]
    Create(PathBuf, io::Error),
    #[error("cannot read standard input: {0}")]
    Input(io::Error),
    #[error("cannot use the terminal: {0}")]
    Terminal(io::Error),
}

/// Output of the guest that is written nowhere.
#[derive(Debug, thiserror::Error)]
#[error("the guest's output is lost in part: cannot write to {place}: {error}")]
pub(crate) struct LostError {
    place: Place,
    error: io::Error,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Stdio => f.write_str("standard output"),
            Place::File(file) => write!(f, "{}", file.display()),
        }
    }
}

/// The machine that the keyboard belongs to; a reset exchanges it.
type Attached = Arc<Mutex<Option<Input>>>;

/// The console. Dropping it restores the terminal.
pub(crate) struct Console {
    place: Place,
    output: Option<File>,
    /// The first error of the output.
    lost: Arc<Mutex<Option<io::Error>>>,
    attached: Attached,
    /// What is typed before anything else.
    typed: Vec<u8>,
    /// Whether the keys are yet to be read: they are not until there is a machine that they belong to.
    unread: bool,
    terminal: Option<Terminal>,
}

impl Console {
    /// Opens the console. With `at_once`, input that is not typed at a terminal is read to its end first.
    pub(crate) fn open(place: &Place, at_once: bool) -> Result<Console, ConsoleError> {
        let (attached, lost, place) = (Attached::default(), Arc::default(), place.clone());
        if let Place::File(path) = &place {
            let file = create(path)?;
            let output = Some(file);
            return Ok(Console { place, output, lost, attached, typed: Vec::new(), unread: false, terminal: None });
        }
        let mut typed = Vec::new();
        let mut terminal = None;
        if io::stdin().is_terminal() {
            terminal = Some(Terminal::raw().map_err(ConsoleError::Terminal)?);
        } else if at_once {
            io::stdin().read_to_end(&mut typed).map_err(ConsoleError::Input)?;
        }
        let unread = terminal.is_some() || !at_once;
        Ok(Console { place, output: None, lost, attached, typed, unread, terminal })
    }

    /// Connects a machine. The thread that is returned ends when the machine is gone and its output is written.
    pub(crate) fn attach(&mut self, input: Input, output: Receiver<u8>) -> JoinHandle<()> {
        input.send(&std::mem::take(&mut self.typed));
        *lock(&self.attached) = Some(input.clone());
        if std::mem::take(&mut self.unread) {
            let (keyboard, interactive) = (Arc::clone(&self.attached), self.terminal.is_some());
            thread::spawn(move || read_keys(&keyboard, interactive));
        }
        let file = self.output.as_ref().and_then(|file| file.try_clone().ok());
        let lost = Arc::clone(&self.lost);
        thread::spawn(move || {
            let written = match file {
                Some(file) => copy(&output, file),
                None => copy(&output, Screen(io::stdout())),
            };
            let Err(error) = written else { return };
            if error.kind() == io::ErrorKind::BrokenPipe {
                // Nobody reads what the guest prints.
                input.end(Outcome::Quit);
            }
            lost.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            // The guest may go on to its own end, which is worth knowing.
            output.iter().for_each(drop);
        })
    }

    /// Why output of the guest was lost, if any was.
    pub(crate) fn lost(&self) -> Option<LostError> {
        let error = self.lost.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        Some(LostError { place: self.place.clone(), error })
    }

    /// Ends the machine that is connected.
    pub(crate) fn quitter(&self) -> impl Fn() + Send + use<> {
        let attached = Arc::clone(&self.attached);
        move || {
            if let Some(input) = &*lock(&attached) {
                input.end(Outcome::Quit);
            }
        }
    }
}

fn create(path: &Path) -> Result<File, ConsoleError> {
    File::create(path).map_err(|error| ConsoleError::Create(path.to_owned(), error))
}

fn lock(attached: &Attached) -> std::sync::MutexGuard<'_, Option<Input>> {
    attached.lock().unwrap_or_else(PoisonError::into_inner)
}

fn copy(output: &Receiver<u8>, mut to: impl Write) -> io::Result<()> {
    while let Ok(byte) = output.recv() {
        let mut bytes = vec![byte];
        bytes.extend(output.try_iter().take(CHUNK));
        to.write_all(&bytes)?;
        to.flush()?;
    }
    Ok(())
}

/// Types what comes from standard input until it ends.
fn read_keys(attached: &Attached, interactive: bool) {
    let mut keys = Keys::default();
    let mut buffer = [0; CHUNK];
    while let Ok(length @ 1..) = io::stdin().read(&mut buffer) {
        if !interactive {
            send(attached, &buffer[..length]);
            continue;
        }
        for command in keys.press(&buffer[..length]) {
            match command {
                Command::Type(bytes) => send(attached, &bytes),
                Command::Leave => {
                    if let Some(input) = &*lock(attached) {
                        input.end(Outcome::Quit);
                    }
                }
                Command::Help => tell(format_args!("{HELP}")),
                Command::WindowSize => {
                    if let Some((rows, columns)) = terminal::window_size() {
                        send(attached, format!("stty rows {rows} cols {columns}\r").as_bytes());
                    }
                }
            }
        }
    }
}

fn send(attached: &Attached, bytes: &[u8]) {
    if let Some(input) = &*lock(attached) {
        input.send(bytes);
    }
}
