//! Trials: what a plugin does at first, it does in a process of its own. A library that crashes, exits or hangs there is
//! refused; the host has not loaded anything of it.
//!
//! A trial has the very bytes that the host would load: the host's copy of the file. [`Library`] asks for a trial of
//! loading, [`Instance`] for one of all that an instance does before it serves. Their process is a program that calls
//! [`child`]; a program that does not [name one](in_processes) has no trials.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use patchbay_plugin_api::class::{Attributes, ClassKey};
use patchbay_plugin_api::classifier::ClassifierRef;
use patchbay_plugin_api::conditions::Conditions;
use patchbay_plugin_api::instruction::Mnemonic;
use patchbay_plugin_api::patch_manager::{PatchManagerRef, Trigger};
use patchbay_plugin_api::plugin::State;
use patchbay_plugin_api::routines::RoutinesRef;
use patchbay_plugin_api::site::{Site, SiteFault, SiteStatistics};
use rustix::process::{Resource, Rlimit, Signal, set_parent_process_death_signal, setrlimit};
use serde::{Deserialize, Serialize};

use super::instance::Instance;
use super::kind::{Kind, Plugin, PluginKind};
use super::library::{Library, LoadError};
use crate::equivalence::{self, Instructions, Random};
use patchbay_machine::loader::symbols::Symbols;
use patchbay_machine::text;

/// How long a trial may take where nobody says it.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// How long a plugin that may serve is tried further, for crashes only.
const FURTHER: Duration = Duration::from_millis(500);
/// The states on which each routine runs in a trial. Whether it does the right thing is asked elsewhere.
const STATES: u32 = 4;
/// All that a process of a trial may say, in bytes.
const SAID_MAX: u64 = 1 << 20;

/// How the process of a trial is started.
static PROGRAM: OnceLock<fn() -> Command> = OnceLock::new();

/// From now on, plugins are tried first, in processes that this starts: programs that call [`child`] with their standard
/// input and standard output.
pub fn in_processes(start: fn() -> Command) {
    let _the_first_stays = PROGRAM.set(start);
}

/// A time limit that has begun.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// All of it.
    pub whole: Duration,
    /// When it ends.
    pub end: Instant,
}

impl Limit {
    /// A limit that begins now.
    #[must_use]
    pub fn new(whole: Duration) -> Limit {
        Limit { whole, end: Instant::now() + whole }
    }

    fn left(self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }
}

impl Default for Limit {
    fn default() -> Limit {
        Limit::new(PATIENCE)
    }
}

/// Why a plugin is not let into the host.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// It fails as it might fail in the host; what the host would say.
    #[error("{sentence}")]
    Refused {
        /// The sentence.
        sentence: String,
        /// How its types differ from the host's, if they do.
        differences: Option<String>,
    },
    /// It ends its process.
    #[error("{what} {how} in {step}; this was tried in a process of its own, and nothing of it is loaded")]
    Ended {
        /// The library, or the plugin.
        what: String,
        /// What it was doing.
        step: String,
        /// How it ended.
        how: String,
    },
    /// It does not return.
    #[error(
        "{what} does not return from {step} within {limit:?}; this was tried in a process of its own, and nothing of it is loaded"
    )]
    Late {
        /// The library, or the plugin.
        what: String,
        /// What it was doing.
        step: String,
        /// How long it had.
        limit: Duration,
    },
    /// There is no process to try it in.
    #[error("cannot try {what} in a process of its own: {source}")]
    Process {
        /// The library, or the plugin.
        what: String,
        /// Why.
        source: io::Error,
    },
}

/// What is tried: the first line that a process is sent. The bytes of a state and the guest's symbols follow.
#[derive(Debug, Serialize, Deserialize)]
struct Task {
    /// The file of which the copy is, for sentences.
    file: PathBuf,
    /// The instance to create, or nothing but loading.
    instance: Option<Wanted>,
}

/// The instance that is tried.
#[derive(Debug, Serialize, Deserialize)]
struct Wanted {
    kind: Kind,
    name: String,
    config: String,
    /// The version of the state that it imports, and how many bytes that has.
    state: Option<(u32, u64)>,
    /// How many bytes the text of its guest's symbols has, where they are known.
    symbols: Option<u64>,
}

/// What a process says, one JSON value a line.
#[derive(Debug, Serialize, Deserialize)]
enum Message {
    /// What it does next.
    Step(String),
    /// The plugin may serve. It is tried further.
    Serves,
    /// Why it is refused.
    Refused { sentence: String, differences: Option<String> },
    /// All is tried.
    Done,
}

/// Tries to load a library.
pub(super) fn load(file: &Path, copy: &File, limit: Limit) -> Result<(), TrialError> {
    let task = Task { file: file.to_owned(), instance: None };
    try_in_process(file.display().to_string(), copy, &task, &[], limit)
}

/// Tries to create an instance, and what it does before it serves.
pub(super) fn create<T: PluginKind>(
    plugin: &Plugin<T>,
    copy: &File,
    config: &str,
    state: Option<&State>,
    limit: Limit,
) -> Result<(), TrialError> {
    let mut bytes = state.map(|state| state.bytes().to_vec()).unwrap_or_default();
    let symbols = plugin.symbols().map(|symbols| symbols.to_text().into_bytes());
    let plugin = plugin.descriptor();
    let wanted = Wanted {
        kind: plugin.kind,
        name: plugin.name.clone(),
        config: config.to_owned(),
        state: state.map(|state| (state.version(), bytes.len() as u64)),
        symbols: symbols.as_ref().map(|symbols| symbols.len() as u64),
    };
    bytes.extend(symbols.unwrap_or_default());
    let task = Task { file: plugin.file.clone().unwrap_or_default(), instance: Some(wanted) };
    try_in_process(plugin.to_string(), copy, &task, &bytes, limit)
}

/// A process that ends with this.
struct Ending(Child);

impl Drop for Ending {
    fn drop(&mut self) {
        let _has_ended = self.0.kill();
        let _has_ended = self.0.wait();
    }
}

fn try_in_process(what: String, copy: &File, task: &Task, rest: &[u8], limit: Limit) -> Result<(), TrialError> {
    let Some(start) = PROGRAM.get() else { return Ok(()) };
    let begun = || -> io::Result<(Ending, UnixStream)> {
        let (ours, theirs) = UnixStream::pair()?;
        let mut command = start();
        command.stdin(OwnedFd::from(theirs)).stdout(copy.try_clone()?).stderr(Stdio::null());
        let child = Ending(command.spawn()?);
        let mut line = serde_json::to_vec(task)?;
        line.push(b'\n');
        ours.set_write_timeout(Some(limit.left().max(FURTHER)))?;
        // One that has ended already says so itself.
        let _is_said_by_its_end = (&ours).write_all(&line).and_then(|()| (&ours).write_all(rest));
        Ok((child, ours))
    };
    match begun() {
        Ok((child, socket)) => listen(what, child, &socket, limit),
        Err(source) => Err(TrialError::Process { what, source }),
    }
}

/// Follows a trial to its end.
fn listen(what: String, mut child: Ending, socket: &UnixStream, limit: Limit) -> Result<(), TrialError> {
    let mut lines = BufReader::new(socket.take(SAID_MAX));
    let (mut step, mut end, mut serves) = ("its start".to_owned(), limit.end, false);
    let mut line = Vec::new();
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let late = TrialError::Late { what, step, limit: limit.whole };
            return if serves { Ok(()) } else { Err(late) };
        }
        let _stays_blocking = socket.set_read_timeout(Some(left));
        match lines.read_until(b'\n', &mut line) {
            Ok(1..) if line.ends_with(b"\n") => match serde_json::from_slice(&std::mem::take(&mut line)) {
                Ok(Message::Step(next)) => step = text::line(&next, text::NAME),
                Ok(Message::Serves) => (serves, end) = (true, Instant::now() + FURTHER),
                Ok(Message::Refused { sentence, differences }) => {
                    let sentence = text::line(&sentence, 2 * text::MESSAGE);
                    return Err(TrialError::Refused { sentence, differences });
                }
                Ok(Message::Done) => return Ok(()),
                Err(_) => {}
            },
            Ok(_) => {
                let how = match end_of(&mut child.0, end) {
                    Some(status) => how_it_ended(status),
                    None => "leaves the host without an answer".to_owned(),
                };
                return Err(TrialError::Ended { what, step, how });
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Err(source) => return Err(TrialError::Process { what, source }),
        }
    }
}

/// How a process has ended that says nothing more, if it has in time.
fn end_of(child: &mut Child, end: Instant) -> Option<ExitStatus> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < end => thread::sleep(Duration::from_millis(1)),
            _ => return None,
        }
    }
}

/// What the end of a process says of the plugin in it.
#[must_use]
pub fn how_it_ended(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(6), _) => "aborts".to_owned(),
        (Some(signal @ (4 | 7 | 8 | 11)), _) => format!("crashes with signal {signal}"),
        (Some(signal), _) => format!("is ended by signal {signal}"),
        (None, code) => format!("ends the process with code {}", code.unwrap_or_default()),
    }
}

/// The way to the host.
struct Host(UnixStream);

impl Host {
    fn say(&mut self, message: &Message) -> io::Result<()> {
        let mut line = serde_json::to_vec(message)?;
        line.push(b'\n');
        self.0.write_all(&line)
    }

    fn step(&mut self, step: &str) -> io::Result<()> {
        self.say(&Message::Step(step.to_owned()))
    }

    fn refuse(&mut self, why: &impl ToString) -> io::Result<()> {
        self.say(&Message::Refused { sentence: why.to_string(), differences: None })
    }
}

/// Is the process of a trial: does what the host asks at `socket` with the library whose bytes `copy` has.
///
/// # Errors
/// If the host does not listen any more.
pub fn child(socket: UnixStream, copy: File) -> io::Result<()> {
    // The process is of no use without its host, and whatever happens in it is not worth a core dump.
    let _goes_without = set_parent_process_death_signal(Some(Signal::KILL));
    let _goes_without = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let mut reader = BufReader::new(socket.try_clone()?);
    let mut host = Host(socket);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let task: Task = serde_json::from_str(&line)?;
    host.step("its loading")?;
    let library = match Library::of_copy(&task.file, copy) {
        Ok(library) => library,
        Err(error) => {
            let differences = error.differences().map(str::to_owned);
            return host.say(&Message::Refused { sentence: error.to_string(), differences });
        }
    };
    if let Some(wanted) = task.instance {
        let mut bytes = vec![0; wanted.state.map_or(0, |(_, length)| length as usize)];
        reader.read_exact(&mut bytes)?;
        let state = wanted.state.map(|(version, _)| State::new(version, bytes));
        let symbols = wanted.symbols.map(|length| read_symbols(&mut reader, length)).transpose()?;
        let go_on = match wanted.kind {
            Kind::Classifier => instance(&mut host, &library, &wanted, state.as_ref(), symbols, classifier)?,
            Kind::PatchManager => instance(&mut host, &library, &wanted, state.as_ref(), symbols, patch_manager)?,
            Kind::Routines => instance(&mut host, &library, &wanted, state.as_ref(), symbols, routines)?,
        };
        if !go_on {
            return Ok(());
        }
    }
    host.say(&Message::Done)
}

fn read_symbols(reader: &mut impl Read, length: u64) -> io::Result<Arc<Symbols>> {
    let mut bytes = vec![0; length as usize];
    reader.read_exact(&mut bytes)?;
    Ok(Arc::new(Symbols::parse(&String::from_utf8_lossy(&bytes))))
}

/// Tries an instance; whether it may serve.
fn instance<T: PluginKind>(
    host: &mut Host,
    library: &Library,
    wanted: &Wanted,
    state: Option<&State>,
    symbols: Option<Arc<Symbols>>,
    kind: impl FnOnce(&mut Host, &Instance<T>) -> io::Result<()>,
) -> io::Result<bool> {
    let Some(plugin): Option<Plugin<T>> = library.plugin(&wanted.name) else {
        let (file, name) = (library.file().display(), &wanted.name);
        return host.refuse(&format!("{file} exports no plugin named {name}")).map(|()| false);
    };
    let plugin = plugin.with_symbols(symbols);
    host.step("create")?;
    let mut next = |done: &'static str| {
        let next = match (done, state) {
            ("create", Some(_)) => "import_state",
            ("create", None) | ("import", _) => "self_test",
            _ => return,
        };
        let _nobody_waits = host.step(next);
    };
    let instance = match Instance::create_here(&plugin, &wanted.config, state, &mut next) {
        Ok(instance) => instance,
        Err(failed) => return host.refuse(&failed).map(|()| false),
    };
    kind(host, &instance)?;
    host.step("export_state")?;
    let _said_when_it_serves = instance.export_state();
    host.step("counters")?;
    let _said_when_it_serves = instance.counters();
    host.step("report")?;
    let _said_when_it_serves = instance.report();
    host.step("drop")?;
    let _said_when_it_serves = instance.destroy();
    Ok(true)
}

/// The sites that plugins are asked about.
const SITE: Site = Site { bundle: 0x10_0000, ip: 0xa000_0000_0010_0000, rid: 7, vm: 0, vp: 0, reserved: 0 };

fn classifier(host: &mut Host, classifier: &Instance<ClassifierRef>) -> io::Result<()> {
    host.say(&Message::Serves)?;
    host.step("classify")?;
    let mut random = Random::new(1);
    for instructions in Mnemonic::ALL.iter().filter_map(|&mnemonic| Instructions::of(mnemonic)) {
        let _said_when_it_serves = classifier.classify(&instructions.random(&mut random, None).instruction, &SITE);
    }
    Ok(())
}

fn patch_manager(host: &mut Host, manager: &Instance<PatchManagerRef>) -> io::Result<()> {
    host.say(&Message::Serves)?;
    let Some(instructions) = Instructions::of(Mnemonic::MovFromPsr) else { return Ok(()) };
    let instruction = instructions.random(&mut Random::new(1), None).instruction;
    let class = ClassKey::new(&instruction, Attributes::NONE);
    host.step("decide")?;
    for faults in [1, 2, 1000] {
        let fault = SiteFault { site: SITE, class, instruction, faults };
        let _said_when_it_serves = manager.decide(&fault, &Conditions::default());
    }
    host.step("survey")?;
    let site = SiteFault { site: SITE, class, instruction, faults: 0 };
    let _said_when_it_serves = manager.survey(&site, &Conditions { before_start: 1, ..Conditions::default() });
    host.step("review_period")?;
    let _said_when_it_serves = manager.review_period();
    host.step("review")?;
    for trigger in [Trigger::NONE, Trigger::BREAK] {
        let site = SiteStatistics { site: SITE, class, instruction, trigger, reserved: 0, faults: 9, triggers: 9 };
        let _said_when_it_serves = manager.review(&site, &Conditions::default());
    }
    Ok(())
}

fn routines(host: &mut Host, routines: &Instance<RoutinesRef>) -> io::Result<()> {
    host.say(&Message::Serves)?;
    host.step("templates")?;
    let _said_when_it_serves = routines.templates();
    for &mnemonic in Mnemonic::ALL {
        host.step(&format!("its routines for {}", mnemonic.name()))?;
        // Differences are no concern of a trial, nor is a host that is given nonsense.
        let compare = || equivalence::compare(routines, mnemonic, equivalence::Trial::new(STATES, 1)).is_ok();
        let _said_by_plugin_check = catch_unwind(AssertUnwindSafe(compare));
    }
    Ok(())
}

impl From<TrialError> for LoadError {
    fn from(error: TrialError) -> LoadError {
        LoadError::Trial(error)
    }
}
