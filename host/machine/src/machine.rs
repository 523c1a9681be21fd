//! A machine: put together, then run until it ends.

use std::fmt::{self, Display};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use patchbay_cpu::coherence_domain::CoherenceDomain;
use patchbay_cpu::engine::EngineChoice;
use patchbay_cpu::processor::Processor;
use rustix::time::{ClockId, clock_gettime};

use crate::clock::MachineClock;
use crate::devices::uart::Uart;
use crate::firmware::Firmware;
use crate::handle::{Errand, Handle};
use crate::interrupts::Interrupts;
use crate::layout::PROCESSORS_MAX;
use crate::loader::symbols::Symbols;
use crate::loader::{self, CodeRange, LoadError, Source};
use crate::memory::{Memory, MemoryError, OutsideMemory};
use crate::outcome::{Outcome, Switch};
use crate::platform::{Board, Platform};
use crate::runner::{Runner, run_in_turns};
use crate::start;
use crate::statistics::{Sample, Statistics, Translated};
use crate::supervisor::{Executor, Supervisor};

/// What time a machine has, and how its processors run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Timing {
    /// Host time; each processor has a thread.
    #[default]
    Host,
    /// Virtual time, which advances with the instructions executed and jumps to the next timer when all processors
    /// halt; they take turns on one thread.
    Virtual,
    /// Virtual time from a fixed date on: the same run gives the same console output and the same counts.
    Deterministic,
}

/// What a machine is made of.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// Its memory, in bytes.
    pub memory: u64,
    /// Its processors.
    pub processors: usize,
    /// What executes each of them.
    pub engine: EngineChoice,
    /// Its time.
    pub timing: Timing,
    /// It ends after this many instructions of all processors.
    pub instruction_limit: Option<u64>,
    /// It ends after this host time, from the moment on at which it is put together.
    pub time_limit: Option<Duration>,
    /// The names of its guest's addresses.
    pub symbols: Symbols,
}

/// Why there is no machine.
#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    /// The number of processors is out of range.
    #[error("a machine has 1 to {PROCESSORS_MAX} processors, not {0}")]
    Processors(usize),
    /// There is no memory.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The guest cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The firmware does not fit.
    #[error("the firmware does not fit: {0}")]
    Firmware(#[from] OutsideMemory),
    /// The host gives no thread.
    #[error("the host gives no thread: {0}")]
    Thread(#[from] std::io::Error),
}

/// A machine with a guest loaded.
pub struct Machine {
    platform: Platform,
    code: Vec<CodeRange>,
    executors: Vec<Executor>,
    output: Receiver<u8>,
    input: Input,
    handle: Handle,
    errands: Vec<Receiver<Errand>>,
    timing: Timing,
    /// When it ends at the latest: loading the guest counts, too.
    deadline: Option<Instant>,
}

/// How a machine ended, and what it counted.
#[derive(Clone, Debug)]
pub struct Run {
    /// How it ended.
    pub outcome: Outcome,
    /// What it counted.
    pub statistics: Statistics,
    /// Where each processor was when it ended.
    pub positions: Vec<Position>,
}

/// Where a processor is.
#[derive(Clone, Debug)]
pub struct Position {
    /// Its IP.
    pub ip: u64,
    /// The symbol before it, and the distance to that in bytes.
    pub symbol: Option<(String, u64)>,
}

impl Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{:#x}", self.ip)?;
        match &self.symbol {
            Some((name, offset)) => write!(f, " <{name}+{offset:#x}>"),
            None => Ok(()),
        }
    }
}

/// The console's keyboard, and the button that switches the machine off.
#[derive(Clone)]
pub struct Input {
    bytes: Sender<u8>,
    /// Weak: the output ends when the machine is gone, whoever still has the keyboard.
    uart: Weak<Uart>,
    interrupts: Arc<Interrupts>,
    switch: Arc<Switch>,
    at_once: bool,
}

impl Input {
    /// Types bytes.
    pub fn send(&self, bytes: &[u8]) {
        for byte in bytes {
            let _machine_is_gone = self.bytes.send(*byte);
        }
        if !self.at_once {
            self.interrupts.wake(0);
        } else if let Some(uart) = self.uart.upgrade() {
            uart.receive();
        }
    }

    /// Has the line send a break, as a terminal does that is asked to.
    pub fn send_break(&self) {
        if let Some(uart) = self.uart.upgrade() {
            uart.send_break();
        }
        self.send(&[]);
    }

    /// Ends the machine.
    pub fn end(&self, outcome: Outcome) {
        self.switch.end(outcome);
    }
}

impl Machine {
    /// Puts a machine together and loads its guest.
    ///
    /// # Errors
    /// If the configuration is out of range or the guest cannot be loaded.
    pub fn new(configuration: &Configuration, source: &Source) -> Result<Machine, MachineError> {
        let deadline = configuration.time_limit.and_then(|limit| Instant::now().checked_add(limit));
        let count = configuration.processors;
        if !(1..=PROCESSORS_MAX).contains(&count) {
            return Err(MachineError::Processors(count));
        }
        let memory = Arc::new(Memory::new(configuration.memory)?);
        let guest = loader::load(&memory, source)?;
        let clock = Arc::new(match configuration.timing {
            Timing::Host => MachineClock::host(),
            Timing::Virtual => MachineClock::virtual_time(),
            Timing::Deterministic => MachineClock::deterministic(),
        });
        let firmware = Firmware::install(&memory, Arc::clone(&clock), count, &guest.loaded)?;
        let threads = configuration.timing == Timing::Host;
        let domain = Arc::new(CoherenceDomain::new(count, !threads));
        let board = Board::new(&memory, &domain, &clock);
        let (platform, line) = Platform::new(
            board,
            memory,
            domain,
            clock,
            firmware,
            configuration.symbols.clone(),
            configuration.instruction_limit,
        );
        let input = Input {
            bytes: line.input,
            uart: Arc::downgrade(&platform.uart),
            interrupts: Arc::clone(&platform.interrupts),
            switch: Arc::clone(&platform.switch),
            at_once: threads,
        };
        let (handle, errands) = Handle::new(&platform);
        let mut executors: Vec<Executor> = (0..count)
            .map(|index| {
                let mut engine = configuration.engine.engine();
                engine.set_breakpoint(platform.panic_address());
                let processor = Processor::new(platform.connections(index));
                Executor { index, processor, engine }
            })
            .collect();
        start::boot_processor(&mut executors[0].processor, guest.entry);
        Ok(Machine {
            platform,
            code: guest.code,
            executors,
            output: line.output,
            input,
            handle,
            errands,
            timing: configuration.timing,
            deadline,
        })
    }

    /// The code of the image that is loaded.
    #[must_use]
    pub fn code(&self) -> &[CodeRange] {
        &self.code
    }

    /// Whether all of a range is memory.
    #[must_use]
    pub fn has_memory(&self, range: &Range<u64>) -> bool {
        let memory = self.platform.memory.ranges();
        memory.iter().any(|memory| memory.start <= range.start && range.end <= memory.end)
    }

    /// What the guest prints. The channel is closed when the machine is gone.
    #[must_use]
    pub fn output(&self) -> Receiver<u8> {
        self.output.clone()
    }

    /// The console's keyboard.
    #[must_use]
    pub fn input(&self) -> Input {
        self.input.clone()
    }

    /// The machine for other threads.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Runs the machine until it ends; `supervisor` makes the owner of each processor's exits.
    ///
    /// # Errors
    /// If the host gives no thread.
    pub fn run(self, supervisor: impl Fn(usize) -> Box<dyn Supervisor>) -> Result<Run, MachineError> {
        let Machine { platform, executors, errands, timing, deadline, .. } = self;
        let start = Instant::now();
        let runners: Vec<Runner> = executors
            .into_iter()
            .zip(errands)
            .map(|(executor, errands)| {
                let owner = supervisor(executor.index);
                Runner::new(executor, owner, errands, &platform)
            })
            .collect();
        let busy = AtomicU64::new(0);
        let executors = run_threads(runners, &platform, timing, deadline, &busy)?;
        let outcome = platform.switch.outcome().unwrap_or(Outcome::Quit);
        let samples = executors.iter().map(|executor| Sample::of(&executor.processor));
        let busy = Duration::from_nanos(busy.into_inner()).as_secs_f64();
        let statistics = Statistics {
            processor_seconds: Some(busy),
            translated: Translated::of(executors.iter().map(|executor| executor.engine.statistics())),
            ..Statistics::new(samples, start.elapsed())
        };
        let positions = executors.iter().map(|executor| {
            let ip = executor.processor.registers.ip;
            Position { ip, symbol: platform.symbols.name(ip).map(|(name, offset)| (name.to_owned(), offset)) }
        });
        Ok(Run { outcome, statistics, positions: positions.collect() })
    }
}

/// A thread that executes processors. It tells that it ends by dropping its sender; if it panics, the others end too.
struct Running<'a>(&'a Platform, #[expect(dead_code, reason = "dropping it is its use")] Sender<()>);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.end(Outcome::Quit);
        }
    }
}

/// Adds the processor time of this thread, in nanoseconds.
fn add_own_time(busy: &AtomicU64) {
    let own = clock_gettime(ClockId::ThreadCPUTime);
    let nanoseconds = own.tv_sec.unsigned_abs() * 1_000_000_000 + own.tv_nsec.unsigned_abs();
    busy.fetch_add(nanoseconds, Ordering::Relaxed);
}

/// Runs the processors on threads; returns them when the machine has ended. `busy` gets the processor time of the threads, in
/// nanoseconds.
fn run_threads(
    mut runners: Vec<Runner>,
    platform: &Platform,
    timing: Timing,
    deadline: Option<Instant>,
    busy: &AtomicU64,
) -> Result<Vec<Executor>, MachineError> {
    let (running, done) = bounded::<()>(0);
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        if timing == Timing::Host {
            for runner in &mut runners {
                let running = running.clone();
                let name = format!("processor {}", runner.executor.index);
                let thread = std::thread::Builder::new().name(name).spawn_scoped(scope, move || {
                    let _running = Running(platform, running);
                    runner.run();
                    add_own_time(busy);
                });
                if thread.is_err() {
                    platform.end(Outcome::Quit);
                }
                threads.push(thread?);
            }
            drop(running);
        } else {
            let runners = &mut runners;
            let name = "processors".to_owned();
            let thread = std::thread::Builder::new().name(name).spawn_scoped(scope, move || {
                let _running = Running(platform, running);
                run_in_turns(runners, platform);
                add_own_time(busy);
            });
            threads.push(thread?);
        }
        if deadline.is_some_and(|deadline| done.recv_deadline(deadline) == Err(RecvTimeoutError::Timeout)) {
            platform.end(Outcome::TimeLimit);
        }
        Ok::<(), MachineError>(())
    })?;
    Ok(runners.into_iter().map(|runner| runner.executor).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervisor::Native;

    /// `{ .mib adds r8=5,r0; nop.i 0; br.cond.sptk.few b0 }`
    const RETURN_5: [u64; 2] = [0x0000_2100_0014_4010, 0x0080_0000_0000_0200];
    /// `{ .mib nop.m 0; nop.i 0; br.cond.sptk.few . }`
    const LOOP: [u64; 2] = [0x0000_0001_0000_0010, 0x4000_0000_0000_0200];
    /// `{ .mlx movl r14=0x8000000 } { .mii mov b6=r14 } { .mib br.cond.sptk.few b6 }`
    const LEAVE_MEMORY: [u64; 6] = [
        0x0008_0001_0000_0004,
        0x6000_0001_c000_0000,
        0x7060_0001_0000_0000,
        0x0004_0000_0003_8004,
        0x0000_0001_0000_0011,
        0x0080_0060_0000_0200,
    ];
    /// `{ .mii break.m 0; break.i 0; break.i 0 }`
    const BREAK: [u64; 2] = [0, 0];

    fn configuration() -> Configuration {
        Configuration {
            memory: 64 << 20,
            processors: 2,
            engine: EngineChoice::default(),
            timing: Timing::Deterministic,
            instruction_limit: Some(1_000_000),
            time_limit: Some(Duration::from_secs(60)),
            symbols: Symbols::default(),
        }
    }

    fn run(configuration: &Configuration, code: &[u64]) -> Run {
        let directory = tempfile::tempdir().unwrap();
        let image = directory.path().join("code");
        std::fs::write(&image, code.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>()).unwrap();
        let source = Source { image, load_address: Some(0x10_0000), ..Source::default() };
        Machine::new(configuration, &source).unwrap().run(|_| Box::new(Native)).unwrap()
    }

    #[test]
    fn returning_to_the_firmware_is_a_power_off_with_r8_as_status() {
        for timing in [Timing::Host, Timing::Virtual, Timing::Deterministic] {
            let run = run(&Configuration { timing, ..configuration() }, &RETURN_5);
            assert!(matches!(run.outcome, Outcome::PowerOff(Some(5))), "{:?}", run.outcome);
            assert_eq!(run.statistics.processors, [3, 0]);
        }
    }

    #[test]
    fn limits_end_a_loop() {
        let run_limited = run(&configuration(), &LOOP);
        assert!(matches!(run_limited.outcome, Outcome::InstructionLimit));
        assert_eq!(run_limited.positions[0].ip, 0x10_0000);
        assert!((1_000_000..1_000_100).contains(&run_limited.statistics.instructions));
        for timing in [Timing::Host, Timing::Deterministic] {
            let time_limit = Some(Duration::from_millis(20));
            let limits = Configuration { timing, time_limit, instruction_limit: None, ..configuration() };
            assert!(matches!(run(&limits, &LOOP).outcome, Outcome::TimeLimit));
        }
    }

    #[test]
    fn executing_what_is_not_memory_is_a_crash_with_a_report() {
        let run = run(&configuration(), &LEAVE_MEMORY);
        let Outcome::Crash(report) = run.outcome else { panic!("{:?}", run.outcome) };
        assert_eq!((report.processor, report.registers.ip, report.bundle), (0, 0x800_0000, None));
        let text = report.to_string();
        assert!(text.contains("no memory") && text.contains("0x8000000"), "{text}");
    }

    #[test]
    fn a_fault_without_a_handler_is_a_crash() {
        let run = run(&configuration(), &BREAK);
        let Outcome::Crash(report) = run.outcome else { panic!("{:?}", run.outcome) };
        assert!(report.to_string().contains("break-instruction"), "{report}");
    }

    #[test]
    fn the_number_of_processors_is_checked() {
        for processors in [0, 65] {
            let error = Machine::new(&Configuration { processors, ..configuration() }, &Source::default());
            assert!(matches!(error, Err(MachineError::Processors(count)) if count == processors));
        }
    }
}
