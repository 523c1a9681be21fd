//! What the processors of a machine share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::{Receiver, Sender, unbounded};
use patchbay_cpu::bus::{Bus, Clock};
use patchbay_cpu::coherence_domain::CoherenceDomain;
use patchbay_cpu::processor;

use crate::bus::MachineBus;
use crate::clock::MachineClock;
use crate::devices::interrupt_block::InterruptBlock;
use crate::devices::iosapic::Iosapic;
use crate::devices::ports::PortSpace;
use crate::devices::power::{self, Power};
use crate::devices::uart::Uart;
use crate::firmware::Firmware;
use crate::handle::Calls;
use crate::interrupts::Interrupts;
use crate::layout::{INTERRUPT_BLOCK, IOSAPIC, PORT_SPACE, UART};
use crate::loader::symbols::Symbols;
use crate::memory::Memory;
use crate::outcome::{Outcome, Switch};
use crate::report::Report;

/// The function that a kernel calls when it cannot go on.
const PANIC: &str = "panic";
/// How long a guest that has called its panic function may go on, to print what it has to say, in ticks.
const LAST_WORDS: u64 = 500_000_000;

/// The machine but for its processors.
pub struct Platform {
    /// Memory.
    pub memory: Arc<Memory>,
    /// Memory and devices by address.
    pub bus: Arc<MachineBus>,
    /// Where the processors meet.
    pub domain: Arc<CoherenceDomain>,
    /// The time.
    pub clock: Arc<MachineClock>,
    /// The local SAPICs.
    pub interrupts: Arc<Interrupts>,
    /// What ends the machine.
    pub switch: Arc<Switch>,
    /// The firmware.
    pub firmware: Firmware,
    /// The names of the guest's addresses.
    pub symbols: Symbols,
    pub(crate) calls: Arc<Calls>,
    pub(crate) uart: Arc<Uart>,
    pub(crate) instructions: AtomicU64,
    pub(crate) instruction_limit: u64,
    panic_address: Option<u64>,
    panic: Mutex<Option<Report>>,
    /// When a guest that has called its panic function is at its end, in ticks.
    last_words_end: AtomicU64,
}

/// The ends of the console's line that are outside the machine.
#[derive(Debug)]
pub struct Line {
    /// Bytes for the guest.
    pub input: Sender<u8>,
    /// Bytes of the guest.
    pub output: Receiver<u8>,
}

/// The devices of a machine that is being put together.
pub(crate) struct Board {
    pub(crate) bus: Arc<MachineBus>,
    pub(crate) interrupts: Arc<Interrupts>,
    pub(crate) switch: Arc<Switch>,
    pub(crate) uart: Arc<Uart>,
    pub(crate) line: Line,
}

impl Board {
    pub(crate) fn new(memory: &Arc<Memory>, domain: &Arc<CoherenceDomain>, clock: &Arc<MachineClock>) -> Board {
        let interrupts = Arc::new(Interrupts::new(Arc::clone(domain)));
        let switch = Arc::new(Switch::new(Arc::clone(domain), Arc::clone(&interrupts)));
        let iosapic = Arc::new(Iosapic::new(Arc::clone(&interrupts)));
        let (output, from_guest) = unbounded();
        let (to_guest, input) = unbounded();
        let uart = Arc::new(Uart::new(Arc::clone(&iosapic), output, input));
        let power = Arc::new(Power::new(Arc::clone(clock), Arc::clone(&switch)));
        let ports = PortSpace::default().with(power::PORTS, power);
        let bus = MachineBus::new(Arc::clone(memory))
            .with(UART, Arc::clone(&uart) as _)
            .with(INTERRUPT_BLOCK, Arc::new(InterruptBlock::new(Arc::clone(&interrupts))))
            .with(IOSAPIC, iosapic)
            .with(PORT_SPACE, Arc::new(ports));
        let line = Line { input: to_guest, output: from_guest };
        Board { bus: Arc::new(bus), interrupts, switch, uart, line }
    }
}

impl Platform {
    pub(crate) fn new(
        board: Board,
        memory: Arc<Memory>,
        domain: Arc<CoherenceDomain>,
        clock: Arc<MachineClock>,
        firmware: Firmware,
        symbols: Symbols,
        instruction_limit: Option<u64>,
    ) -> (Platform, Line) {
        let calls = Arc::new(Calls::new(domain.processors(), !clock.is_virtual()));
        let platform = Platform {
            memory,
            bus: board.bus,
            domain,
            clock,
            interrupts: board.interrupts,
            switch: board.switch,
            firmware,
            panic_address: symbols.address(PANIC),
            symbols,
            calls,
            uart: board.uart,
            instructions: AtomicU64::new(0),
            instruction_limit: instruction_limit.unwrap_or(u64::MAX),
            panic: Mutex::new(None),
            last_words_end: AtomicU64::new(u64::MAX),
        };
        (platform, board.line)
    }

    /// What a processor of the machine is connected to.
    #[must_use]
    pub fn connections(&self, index: usize) -> processor::Configuration {
        processor::Configuration {
            domain: Arc::clone(&self.domain),
            index,
            bus: Arc::clone(&self.bus) as Arc<dyn Bus>,
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
        }
    }

    /// Where the guest's panic function is.
    #[must_use]
    pub fn panic_address(&self) -> Option<u64> {
        self.panic_address
    }

    /// The instructions that are left to the limit, at most `slice`.
    pub(crate) fn budget(&self, slice: u64) -> u64 {
        slice.min(self.instruction_limit.saturating_sub(self.instructions.load(Ordering::Relaxed)))
    }

    /// Accounts for completed instructions; ends the machine at the limit or after a panic's last words.
    pub(crate) fn account(&self, instructions: u64) {
        let all = self.instructions.fetch_add(instructions, Ordering::Relaxed) + instructions;
        if all >= self.instruction_limit {
            self.end(Outcome::InstructionLimit);
        }
        let end = self.last_words_end.load(Ordering::Relaxed);
        if end != u64::MAX && self.clock.ticks() >= end {
            self.end(Outcome::Reset);
        }
    }

    /// Ends the machine; after a panic with the report of that.
    pub fn end(&self, outcome: Outcome) {
        let panic = self.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.switch.end(panic.map_or(outcome, |report| Outcome::Crash(Box::new(report))));
    }

    /// The guest has called its panic function.
    pub(crate) fn panicked(&self, report: Report) {
        self.panic.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(report);
        let end = self.clock.ticks().saturating_add(LAST_WORDS);
        self.last_words_end.fetch_min(end, Ordering::Relaxed);
    }
}
