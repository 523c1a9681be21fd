//! `patchbay run`: boots a guest.

use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use patchbay::monitor::{Monitor, MonitorError};
use patchbay::number::number;
use patchbay::output::tell;
use patchbay_cpu::engine::EngineChoice;
use patchbay_machine::guest::{Guest, SizeError, parse_size};
use patchbay_machine::loader::symbols::Symbols;
use patchbay_machine::loader::{CodeRange, LoadError, Source};
use patchbay_machine::machine::{Configuration, MachineError, Position, Timing};
use patchbay_machine::outcome::Outcome;
use patchbay_machine::statistics::Statistics;
use patchbay_vmm::control::Control;
use patchbay_vmm::control::server::{ListenError, Server};
use patchbay_vmm::control::watch::{WatchError, watch};
use patchbay_vmm::statistics::VmStatistics;
use rustix::time::{ClockId, clock_gettime};

use crate::boot::{Boot, Booted};
use crate::console::{ConsoleError, Desk, restore_terminal, signals};
use crate::crash;
use crate::guests::FindError;
use crate::log;
use crate::summary::summary;
use crate::vms::{VmError, read_all};
use crate::watchdog::Watchdog;

/// The exit status at a limit.
const LIMIT: u8 = 3;
/// The exit status of a guest that has ended well, and of whose output something is lost.
const OUTPUT_LOST: u8 = 4;

/// Boots a guest; its console is this terminal (Ctrl-A h helps, Ctrl-A x leaves)
#[derive(Args, Clone)]
#[command(after_help = "Exit status:\n  \
0        the guest powered off with status 0 or none, or was switched off\n  \
1        the guest crashed or panicked\n  \
2        a mistake on the command line or in a file: no guest ran\n  \
3        a limit of time or instructions\n  \
4        output of the guest could not be written\n  \
65-127   the guest powered off with status 1-63, plus 64; larger ones give 127, and --stats json has them whole\n  \
128+N    signal N ended the command\n\n\
Examples:\n  \
patchbay run                                       Linux, to its shell\n  \
patchbay run linux --processors 4 --append run=smoke\n  \
patchbay run hello                                 a bare-metal guest\n  \
patchbay run --vm a.toml --vm b.toml               two virtual machines side by side\n  \
patchbay run ./vmlinux --append 'console=ttyS0' --initrd ./root.cpio.gz")]
pub(crate) struct Run {
    /// A bundled guest (`patchbay guests` lists them), an ELF image, or a directory with a guest.toml
    #[arg(default_value = "linux")]
    pub(crate) guest: String,
    /// What files in the guest's name are relative to
    #[arg(skip)]
    pub(crate) base: PathBuf,
    /// Runs the virtual machine that this TOML file describes; several run side by side. Its keys are guest, processors,
    /// memory, append, initrd, console, mode, policy, classifier, patch-manager and routines, as the switches
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["guest", "console", "symbols", "load_address"]
    )]
    vm: Vec<PathBuf>,
    /// The number of processors [default: the guest's, mostly 1]
    #[arg(long, short, value_name = "N")]
    pub(crate) processors: Option<usize>,
    /// The size of memory, with K, M or G [default: the guest's, mostly 1G]
    #[arg(long, short, value_name = "SIZE", value_parser = size)]
    pub(crate) memory: Option<u64>,
    /// Adds to the guest's command line
    #[arg(long, short, value_name = "TEXT")]
    pub(crate) append: Vec<String>,
    /// Adds a part to the guest's initial RAM disk
    #[arg(long, short, value_name = "FILE")]
    pub(crate) initrd: Vec<PathBuf>,
    /// Names of addresses for reports: a System.map or an ELF image
    #[arg(long, value_name = "FILE")]
    symbols: Option<PathBuf>,
    /// The image is not ELF: put it at this physical address and enter it there
    #[arg(long, value_name = "ADDRESS", value_parser = number::<u64>)]
    load_address: Option<u64>,
    /// Survey this guest-physical memory, too, for sites to patch before the guest starts: FIRST-END in hexadecimal
    #[arg(long, value_name = "RANGE", value_parser = range)]
    pub(crate) survey: Vec<CodeRange>,
    /// The console: standard input and output; a pseudo-terminal, whose name is printed; a socket, for one or more such as
    /// socat - UNIX:PATH; or a file for its output
    #[arg(long, value_name = "stdio|pty|unix:PATH|FILE", default_value = "stdio")]
    pub(crate) console: String,
    /// What executes the processors: interpreter, or translator, which compiles what was entered hot times
    #[arg(long, value_name = "ENGINE[,hot=N]", default_value = "interpreter")]
    engine: EngineChoice,
    /// Where time comes from: the host, or the instructions executed (all processors then share a thread)
    #[arg(long, value_enum, default_value = "host")]
    clock: Clock,
    /// Two runs give the same output and counts: virtual time from a fixed date on, piped input read first
    #[arg(long)]
    deterministic: bool,
    /// Stop after this many instructions of all processors
    #[arg(long, value_name = "N", value_parser = number::<u64>)]
    limit_instructions: Option<u64>,
    /// Stop after this many seconds of host time
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    limit_time: Option<Duration>,
    /// Listen at a Unix socket that `patchbay ctl` connects to; only you can
    #[arg(long, value_name = "SOCKET")]
    control: Option<PathBuf>,
    /// Swap a plugin when its shared library in this directory changes, such as target/release
    #[arg(long, value_name = "DIR")]
    watch: Option<PathBuf>,
    /// How to print the counts at the end, on standard error: as text that fits a screen, in full, or as JSON
    #[arg(long, value_enum, default_value = "text")]
    stats: Stats,
    #[command(flatten)]
    pub(crate) monitor: Monitor,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Clock {
    Host,
    Virtual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Stats {
    Text,
    Full,
    Json,
    None,
}

/// The counts of machine and monitor as one JSON object.
#[derive(serde::Serialize)]
struct AllStatistics<'a> {
    /// The file that describes the virtual machine, where there may be several.
    #[serde(skip_serializing_if = "Option::is_none")]
    vm: Option<&'a PathBuf>,
    /// How the guest ended, in a sentence.
    outcome: String,
    /// The processor time that the command has used, for all its machines, in seconds.
    cpu_seconds: f64,
    /// The status with which it powered off, if it gave one.
    #[serde(skip_serializing_if = "Option::is_none")]
    guest_status: Option<u64>,
    #[serde(flatten)]
    machine: &'a Statistics,
    #[serde(skip_serializing_if = "Option::is_none")]
    monitor: Option<VmStatistics>,
}

/// Why a guest cannot be run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    #[error(transparent)]
    Vm(#[from] VmError),
    #[error(transparent)]
    Find(#[from] FindError),
    #[error(transparent)]
    Machine(#[from] MachineError),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Console(#[from] ConsoleError),
    #[error("--survey {0:#x}-{1:#x}: not all of that is the machine's memory")]
    Survey(u64, u64),
    #[error("{0} uses at most {1} processors, not {2}")]
    Processors(String, usize, usize),
    #[error(transparent)]
    Monitor(#[from] MonitorError),
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error(transparent)]
    Watch(#[from] WatchError),
    #[error("cannot watch for signals: {0}")]
    Signals(std::io::Error),
}

fn size(text: &str) -> Result<u64, SizeError> {
    parse_size(text)
}

/// `0x4000000-0x4800000`: guest-physical addresses, the second beyond the end.
fn range(text: &str) -> Result<CodeRange, String> {
    let address = |text: &str| u64::from_str_radix(text.strip_prefix("0x").unwrap_or(text), 16).ok();
    let ends = text.split_once('-').and_then(|(first, end)| Some(address(first)?..address(end)?));
    match ends {
        Some(physical) if physical.start < physical.end => Ok(CodeRange { address: physical.start, physical }),
        _ => Err("a range is FIRST-END in hexadecimal, as 0x4000000-0x4800000".to_owned()),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "a number of seconds is needed".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

impl Run {
    /// Runs the guests until all their machines have ended. Returns the first exit status that is not 0.
    pub(crate) fn run(&self) -> Result<u8, RunError> {
        let runs = if self.vm.is_empty() { vec![self.clone()] } else { read_all(&self.vm, self)? };
        let vmm = self.monitor.vmm()?;
        let control = Arc::new(Control::default());
        let told = Arc::clone(&control);
        log::listen(move |level, text| {
            if level <= tracing::Level::INFO {
                told.events.add_logged(format!("{}: {text}", log::name(level)));
            }
        });
        let deadline = self.limit_time.and_then(|limit| Instant::now().checked_add(limit));
        let desk = Desk::new(&control);
        let loading = Loading::until(deadline);
        let boots: Vec<Boot> = (0..)
            .zip(&runs)
            .map(|(number, run)| Boot::new(run, number, &vmm, deadline, &desk))
            .collect::<Result<_, _>>()?;
        drop(loading);
        let listen = |path: &PathBuf| Server::listen(path, Arc::clone(&control));
        let server = Arc::new(self.control.as_ref().map(listen).transpose()?);
        let watched = self.watch.as_ref().map(|folder| watch(folder, Arc::clone(&control))).transpose()?;
        let quitters: Vec<_> = boots.iter().map(Boot::quitter).collect();
        let signals = signals::watch(move || quitters.iter().for_each(|quit| quit())).map_err(RunError::Signals)?;
        let listening = Arc::clone(&server);
        let watchdog = Watchdog::start(boots.len(), move || {
            listening.iter().for_each(Server::close);
            restore_terminal();
        });
        let ended: Vec<Result<Booted, RunError>> = std::thread::scope(|scope| {
            let run = |boot: Boot| scope.spawn(|| boot.run(&control, &watchdog));
            let threads: Vec<_> = boots.into_iter().map(run).collect();
            let join = |thread: ScopedJoinHandle<_>| thread.join().unwrap_or_else(|panic| resume_unwind(panic));
            threads.into_iter().map(join).collect()
        });
        drop(watched);
        (*server).iter().for_each(Server::close);
        let mut status = 0;
        let cpu_seconds = cpu_seconds();
        for (index, ended) in ended.into_iter().enumerate() {
            let Booted { outcome, positions, machine, monitor, lost } = ended?;
            let file = self.vm.get(index);
            if let Some(file) = file
                && self.stats != Stats::Json
            {
                tell(format_args!("{}:\n", file.display()));
            }
            let own = signals.signal().map_or_else(
                || report(&outcome, &positions),
                |signal| 128_u8.saturating_add(u8::try_from(signal).unwrap_or_default()),
            );
            if let Some(lost) = &lost {
                tell(format_args!("patchbay: {lost}\n"));
            }
            let own = if own == 0 && lost.is_some() { OUTPUT_LOST } else { own };
            status = if status == 0 { own } else { status };
            match self.stats {
                Stats::Text => tell(format_args!("{}", summary(&machine, monitor.as_ref(), cpu_seconds))),
                Stats::Full => tell(format_args!("{machine}{}", monitor.map(|vm| vm.to_string()).unwrap_or_default())),
                Stats::Json => {
                    let guest_status = if let Outcome::PowerOff(status) = outcome { status } else { None };
                    let outcome = outcome.to_string();
                    let all =
                        AllStatistics { vm: file, outcome, guest_status, cpu_seconds, machine: &machine, monitor };
                    tell(format_args!("{}\n", serde_json::to_string(&all).unwrap_or_default()));
                }
                Stats::None => {}
            }
        }
        Ok(status)
    }

    /// What is loaded.
    pub(crate) fn source(&self, guest: &Guest) -> Source {
        let words = std::iter::once(&guest.append).chain(&self.append).map(String::as_str);
        let words: Vec<&str> = words.filter(|text| !text.is_empty()).collect();
        Source {
            image: guest.kernel.clone(),
            load_address: self.load_address.or(guest.load_address),
            initrd: guest.initrd.iter().chain(&self.initrd).cloned().collect(),
            command_line: words.join(" "),
        }
    }

    /// The machine.
    pub(crate) fn configuration(
        &self,
        guest: &Guest,
        source: &Source,
        deadline: Option<Instant>,
    ) -> Result<Configuration, RunError> {
        let processors = self.processors.unwrap_or(guest.processors);
        if processors > guest.max_processors {
            return Err(RunError::Processors(guest.name.clone(), guest.max_processors, processors));
        }
        let symbols = match self.symbols.as_ref().or(guest.symbols.as_ref()) {
            Some(file) => Symbols::read(file)?,
            None if source.load_address.is_none() => Symbols::read(&source.image)?,
            None => Symbols::default(),
        };
        Ok(Configuration {
            memory: self.memory.unwrap_or(guest.memory),
            processors,
            engine: self.engine,
            timing: match (self.deterministic, self.clock) {
                (true, _) => Timing::Deterministic,
                (false, Clock::Virtual) => Timing::Virtual,
                (false, Clock::Host) => Timing::Host,
            },
            instruction_limit: self.limit_instructions,
            time_limit: deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())),
            symbols,
        })
    }
}

/// The processor time that this process has used, in seconds.
fn cpu_seconds() -> f64 {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    used.tv_sec as f64 + used.tv_nsec as f64 * 1e-9
}

/// Says how a machine ended, where that is not the guest's own doing; returns the exit status.
fn report(outcome: &Outcome, positions: &[Position]) -> u8 {
    match outcome {
        Outcome::PowerOff(status) => status.map_or(0, exit_status),
        Outcome::Crash(report) => {
            tell(format_args!("patchbay: {report}"));
            1
        }
        Outcome::InstructionLimit => stopped("instructions", positions),
        Outcome::TimeLimit => stopped("time", positions),
        Outcome::Reset | Outcome::Quit => 0,
    }
}

fn stopped(limit: &str, positions: &[Position]) -> u8 {
    tell(format_args!("patchbay: the limit of {limit} is reached\n"));
    for (processor, position) in positions.iter().enumerate() {
        tell(format_args!("processor {processor} is at {position}\n"));
    }
    LIMIT
}

/// A guest's status as an exit status, which none of the command's own is: 0, or 65 to 127.
fn exit_status(status: u64) -> u8 {
    match u8::try_from(status) {
        Ok(0) => 0,
        Ok(status @ 1..=63) => 64 + status,
        _ => 127,
    }
}

/// Ends the command if loading takes longer than all may: a file may be a pipe that nobody writes to.
struct Loading {
    #[expect(dead_code, reason = "dropping it is its use")]
    ended: Sender<()>,
}

impl Loading {
    fn until(deadline: Option<Instant>) -> Loading {
        let (ended, loaded) = bounded::<()>(0);
        if let Some(deadline) = deadline {
            std::thread::spawn(move || {
                if loaded.recv_deadline(deadline) == Err(RecvTimeoutError::Timeout) {
                    restore_terminal();
                    tell(format_args!("patchbay: the limit of time is reached while the guest is loaded\n"));
                    crash::orderly();
                    std::process::exit(LIMIT.into());
                }
            });
        }
        Loading { ended }
    }
}
