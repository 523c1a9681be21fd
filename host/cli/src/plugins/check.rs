//! `patchbay plugin check`: tries the plugins of a library in a process of their own, so that one that crashes or never
//! returns harms nobody, and says what is wrong.

mod examine;

use std::collections::HashSet;
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::Args;
use patchbay::output::{tell, unless_closed};
use patchbay_vmm::plugins::trial::how_it_ended;
use serde::{Deserialize, Serialize};

use crate::log;

/// Tries the plugins of a library in a process of their own, and says what is wrong with them
#[derive(Args)]
#[command(after_help = "Exit status: 0 if nothing wrong was found, 1 if something is, 2 if it is no plugin library.")]
pub(super) struct Check {
    /// The settings to create them with, as NAME=VALUE,…
    #[arg(long, default_value = "")]
    config: String,
    /// The random states on which the routine of each mnemonic is compared with the conventional path
    #[arg(long, value_name = "N", default_value_t = 500)]
    states: u32,
    /// What the random states are made from
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The time in which each step must end, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    patience: u64,
    /// Be the process of their own, and report to standard input
    #[arg(long, hide = true)]
    pub(super) child: bool,
    /// The library, or LIBRARY#NAME for one of its plugins
    file: String,
}

/// What the process of the plugin reports, one JSON value a line.
#[derive(Debug, Serialize, Deserialize)]
enum Message {
    /// What it does next.
    Step(String),
    /// A line for the reader.
    Line(String),
    /// What is wrong, in one sentence.
    Wrong(String),
    /// Why it is no plugin, in one sentence.
    Refused(String),
    /// It has ended.
    Done,
}

/// Why nothing was found out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{0}")]
    Refused(String),
    #[error("cannot start a process for the plugin: {0}")]
    Start(io::Error),
    #[error("cannot report what the plugin does: {0}")]
    Report(io::Error),
}

impl Check {
    /// Writes what is found to standard output, and what is wrong to standard error; whether nothing is.
    pub(super) fn run(&self) -> Result<bool, Error> {
        if self.child {
            return self.examine().map(|()| true).map_err(Error::Report);
        }
        let (ours, theirs) = UnixStream::pair().map_err(Error::Start)?;
        let mut child = self.start(theirs).map_err(Error::Start)?;
        let verdict = self.listen(ours, &mut child);
        // It has ended, or is of no use any more.
        let _ = child.kill();
        let _ = child.wait();
        let wrong = verdict?;
        for sentence in &wrong {
            tell(format_args!("patchbay: {sentence}\n"));
        }
        if wrong.is_empty() {
            unless_closed(writeln!(io::stdout(), "nothing wrong was found")).map_err(Error::Report)?;
        }
        Ok(wrong.is_empty())
    }

    /// What a plugin prints to standard output appears on standard error.
    fn start(&self, socket: UnixStream) -> io::Result<Child> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--log", "off", "plugin", "check", "--child", "--config", &self.config]);
        command.args(["--states", &self.states.to_string(), "--seed", &self.seed.to_string(), "--", &self.file]);
        command.stdin(OwnedFd::from(socket)).stdout(Stdio::from(io::stderr())).spawn()
    }

    /// Passes on what the process reports until it ends; what is wrong.
    fn listen(&self, socket: UnixStream, child: &mut Child) -> Result<Vec<String>, Error> {
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(socket).lines().map_while(Result::ok) {
                let Ok(message) = serde_json::from_str::<Message>(&line) else { continue };
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let (mut wrong, mut step) = (Vec::new(), "it starts".to_owned());
        let (file, _) = super::split_reference(&self.file);
        loop {
            match receiver.recv_timeout(Duration::from_secs(self.patience)) {
                Ok(Message::Step(next)) => step = next,
                Ok(Message::Line(line)) => {
                    unless_closed(writeln!(io::stdout(), "{line}")).map_err(Error::Report)?;
                }
                Ok(Message::Wrong(sentence)) => wrong.push(sentence),
                Ok(Message::Refused(sentence)) => return Err(Error::Refused(sentence)),
                Ok(Message::Done) => break,
                Err(RecvTimeoutError::Timeout) => {
                    wrong.push(format!("{file} takes more than {} s: {step}", self.patience));
                    break;
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let status = child.wait().map_err(Error::Start)?;
                    wrong.push(format!("{file} {}: {step}", how_it_ended(status)));
                    break;
                }
            }
        }
        Ok(wrong)
    }

    fn examine(&self) -> io::Result<()> {
        let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
        let report = Report { socket: Arc::new(Mutex::new(socket)) };
        let of_log = report.clone();
        // What is said at each creation or each decision is worth one line.
        let said = Mutex::new(HashSet::new());
        log::listen(move |level, text| {
            let line = format!("  log {}: {text}", log::name(level));
            if said.lock().unwrap_or_else(PoisonError::into_inner).insert(line.clone()) {
                let _nobody_waits = of_log.line(&line);
            }
        });
        let (file, name) = super::split_reference(&self.file);
        examine::examine(self, Path::new(file), name, &report)?;
        report.send(&Message::Done)
    }
}

/// The way to the process that waits.
#[derive(Clone)]
struct Report {
    socket: Arc<Mutex<UnixStream>>,
}

impl Report {
    fn send(&self, message: &Message) -> io::Result<()> {
        let mut line = serde_json::to_string(message)?;
        line.push('\n');
        self.socket.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes())
    }

    fn step(&self, step: &str) -> io::Result<()> {
        self.send(&Message::Step(step.to_owned()))
    }

    fn line(&self, line: &str) -> io::Result<()> {
        self.send(&Message::Line(line.to_owned()))
    }

    fn wrong(&self, sentence: &impl ToString) -> io::Result<()> {
        self.send(&Message::Wrong(sentence.to_string()))
    }
}
