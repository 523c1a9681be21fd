//! The consoles: the guests' lines at a terminal, a pipe, a file, a pseudo-terminal or a socket.

mod desk;
mod keys;
mod places;
pub(crate) mod progress;
pub(crate) mod signals;
pub(crate) mod terminal;

use std::fmt;
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use crossbeam_channel::Receiver;
use patchbay_machine::machine::Input;
use patchbay_machine::outcome::Outcome;
use patchbay_vmm::control::console::Line;
use patchbay_vmm::control::server::ListenError;

use crate::log::{Screen, say};
pub(crate) use desk::Desk;
pub(crate) use keys::{Command, Keys};
use places::Open;
use terminal::Terminal;
pub(crate) use terminal::{restore as restore_terminal, restore_at_once as restore_terminal_at_once};

/// The most bytes that are written or read at once.
pub(crate) const CHUNK: usize = 4096;

/// Where a console is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Standard input and output.
    Stdio,
    /// A pseudo-terminal of its own.
    Pty,
    /// A socket that this process listens at.
    Socket(PathBuf),
    /// Output goes to a file; there is no input.
    File(PathBuf),
}

impl From<&str> for Place {
    fn from(text: &str) -> Place {
        match (text, text.strip_prefix("unix:")) {
            ("stdio", _) => Place::Stdio,
            ("pty", _) => Place::Pty,
            (_, Some(path)) => Place::Socket(path.into()),
            (path, None) => Place::File(path.into()),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Stdio => f.write_str("standard output"),
            Place::Pty => f.write_str("the pseudo-terminal"),
            Place::Socket(file) | Place::File(file) => write!(f, "{}", file.display()),
        }
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
    #[error("the host gives no pseudo-terminal: {0}")]
    Pty(io::Error),
    #[error(transparent)]
    Listen(#[from] ListenError),
}

/// Output of the guest that is written nowhere.
#[derive(Debug, thiserror::Error)]
#[error("the guest's output is lost in part: cannot write to {place}: {error}")]
pub(crate) struct LostError {
    place: Place,
    error: io::Error,
}

/// A console. Dropping it restores the terminal, if it had that.
pub(crate) struct Console {
    number: u32,
    place: Place,
    line: Arc<Line>,
    desk: Arc<Desk>,
    output: Option<File>,
    /// The first error of the output.
    lost: Arc<Mutex<Option<io::Error>>>,
    /// What is typed before anything else.
    typed: Vec<u8>,
    /// Whether the keys are yet to be read: they are not until there is a machine that they belong to.
    unread: bool,
    terminal: Option<Terminal>,
    open: Option<Open>,
}

impl Console {
    /// Opens the console of the machine with this number and the guest of this name. With `at_once`, input that is not
    /// typed at a terminal is read to its end first.
    pub(crate) fn open(
        place: &Place,
        number: u32,
        name: &str,
        at_once: bool,
        desk: &Arc<Desk>,
    ) -> Result<Console, ConsoleError> {
        let line = Arc::<Line>::default();
        desk.add(number, name, &line);
        let mut console = Console {
            number,
            place: place.clone(),
            line: Arc::clone(&line),
            desk: Arc::clone(desk),
            output: None,
            lost: Arc::default(),
            typed: Vec::new(),
            unread: false,
            terminal: None,
            open: None,
        };
        match place {
            Place::Stdio => {
                if io::stdin().is_terminal() {
                    console.terminal = Some(Terminal::raw().map_err(ConsoleError::Terminal)?);
                } else if at_once {
                    io::stdin().read_to_end(&mut console.typed).map_err(ConsoleError::Input)?;
                }
                console.unread = console.terminal.is_some() || !at_once;
                desk.show(number);
            }
            Place::Pty => {
                let (open, terminal) = places::open_pty(&line).map_err(ConsoleError::Pty)?;
                console.open = Some(open);
                say(&format!("the console of {name} is {terminal}"));
            }
            Place::Socket(path) => console.open = Some(places::open_socket(path, &line)?),
            Place::File(path) => console.output = Some(create(path)?),
        }
        Ok(console)
    }

    /// What others reach it by.
    pub(crate) fn line(&self) -> &Arc<Line> {
        &self.line
    }

    /// Connects a machine. The thread that is returned ends when the machine is gone and its output is written.
    pub(crate) fn attach(&mut self, input: Input, output: Receiver<u8>) -> JoinHandle<()> {
        input.send(&std::mem::take(&mut self.typed));
        self.line.connect(input.clone());
        if std::mem::take(&mut self.unread) {
            let (desk, interactive) = (Arc::clone(&self.desk), self.terminal.is_some());
            thread::spawn(move || desk.read_keys(interactive));
        }
        let mut file = self.output.as_ref().and_then(|file| file.try_clone().ok());
        let (lost, line, desk, number) =
            (Arc::clone(&self.lost), Arc::clone(&self.line), Arc::clone(&self.desk), self.number);
        thread::spawn(move || {
            let mut screen = Screen(io::stdout());
            let lose = |error: io::Error| {
                if error.kind() == io::ErrorKind::BrokenPipe {
                    // Nobody reads what the guest prints.
                    input.end(Outcome::Quit);
                }
                // The guest goes on to its own end, which is worth knowing.
                lost.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            };
            let mut on_screen = true;
            while let Ok(byte) = output.recv() {
                let mut bytes = vec![byte];
                bytes.extend(output.try_iter().take(CHUNK));
                line.print(&bytes);
                if let Some(Err(error)) = file.as_mut().map(|file| file.write_all(&bytes)) {
                    file = None;
                    lose(error);
                }
                if on_screen
                    && desk.shows(number)
                    && let Err(error) = screen.write_all(&bytes).and_then(|()| screen.flush())
                {
                    on_screen = false;
                    lose(error);
                }
            }
        })
    }

    /// Why output of the guest was lost, if any was.
    pub(crate) fn lost(&self) -> Option<LostError> {
        let error = self.lost.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        Some(LostError { place: self.place.clone(), error })
    }

    /// Ends the machine that is connected.
    pub(crate) fn quitter(&self) -> impl Fn() + Send + use<> {
        let line = Arc::clone(&self.line);
        move || {
            if let Some(input) = line.input() {
                input.end(Outcome::Quit);
            }
        }
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.desk.remove(self.number);
        self.line.close();
    }
}

fn create(path: &Path) -> Result<File, ConsoleError> {
    File::create(path).map_err(|error| ConsoleError::Create(path.to_owned(), error))
}
