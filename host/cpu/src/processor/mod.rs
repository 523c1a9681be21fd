//! What a processor is and can do. Its registers stand in [`registers`](crate::registers); how instructions use them is
//! written in the words of `vocabulary`.

pub mod application_registers;
pub(crate) mod breakpoints;
pub mod control_registers;
pub mod debugger;
pub mod external_interrupts;
pub mod interruption;
mod vocabulary;

use std::sync::Arc;

use crate::alat::Alat;
use crate::bus::{Bus, Clock};
use crate::code_view::CodeView;
use crate::coherence_domain::{CoherenceDomain, Mailbox, Purges};
use crate::exit::Exit;
use crate::hook::Hook;
use crate::interruption::{Interruption, Recent};
use crate::mmu::Mmu;
use crate::outcome::Leave;
use crate::processor::debugger::Debugger;
use crate::processor::external_interrupts::ExternalInterrupts;
use crate::psr::Psr;
use crate::registers::Registers;
use crate::rse::Rse;

/// What a processor is connected to.
#[derive(Clone)]
pub struct Configuration {
    /// The processors of its machine.
    pub domain: Arc<CoherenceDomain>,
    /// Which of them it is.
    pub index: usize,
    /// Memory and devices.
    pub bus: Arc<dyn Bus>,
    /// The machine's time.
    pub clock: Arc<dyn Clock>,
}

/// One processor. Engines execute it; nothing here says how.
pub struct Processor {
    /// The registers that instructions name.
    pub registers: Registers,
    /// Instructions completed since reset, those with a false predicate among them.
    pub instructions: u64,
    /// The bundle of the last instruction completed at PSR.ic = 1, for cr.iipa.
    pub last_ip: u64,
    /// Interruptions delivered since reset, by vector offset divided by 256.
    pub delivered: [u64; 98],
    /// Whether `vmsw` is virtualized wherever it stands: the VPD's vdc.d_vmsw.
    pub vmsw_disabled: bool,
    /// At PSR.vm = 1, the PSR.ic that counts: the guest's, vpsr.ic.
    pub guest_ic: bool,
    /// Who is told of triggers at PSR.vm = 1.
    pub hook: Option<Box<dyn Hook>>,
    /// What it executes at PSR.vm = 1 in place of what memory holds.
    pub code_view: Option<Arc<dyn CodeView>>,
    /// The interruptions delivered last, the latest first.
    pub recent: [Recent; 8],
    pauses: u32,
    pub(crate) configuration: Configuration,
    mailbox: Arc<Mailbox>,
    /// Room for the purges that it takes from its mailbox.
    pub(crate) purges: Purges,
    pub(crate) external: ExternalInterrupts,
    pub(crate) rse: Rse,
    pub(crate) alat: Alat,
    pub(crate) mmu: Mmu,
    pub(crate) debugger: Debugger,
    /// What compiled code keeps here.
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    pub(crate) compiled: crate::engine::translator::Compiled,
    /// The interruption that a function returning [`Leave::Fault`] raises.
    pub raised: Interruption,
    /// The exit that a function returning [`Leave::Exit`] asks for.
    pub exit: Option<Exit>,
}

impl Processor {
    /// A processor after reset.
    #[must_use]
    pub fn new(configuration: Configuration) -> Processor {
        let alone = configuration.domain.is_alone();
        let registers = Registers::new();
        Processor {
            mmu: Mmu::new(&registers),
            registers,
            instructions: 0,
            last_ip: 0,
            delivered: [0; 98],
            vmsw_disabled: false,
            guest_ic: true,
            hook: None,
            code_view: None,
            mailbox: Arc::clone(configuration.domain.mailbox(configuration.index)),
            recent: [Recent::default(); 8],
            pauses: 0,
            configuration,
            purges: Purges::default(),
            external: ExternalInterrupts::default(),
            rse: Rse::default(),
            alat: Alat::new(alone),
            debugger: Debugger::default(),
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            compiled: crate::engine::translator::Compiled::new(),
            raised: Interruption::ILLEGAL_OPERATION,
            exit: None,
        }
    }

    /// Memory and devices.
    #[must_use]
    pub fn bus(&self) -> &dyn Bus {
        &*self.configuration.bus
    }

    /// Where other threads reach this processor.
    #[must_use]
    pub fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }

    /// Sets PSR, and whatever follows from it. The register bank is exchanged if PSR.bn changes.
    pub fn set_psr(&mut self, psr: Psr) {
        self.registers.select_bank(psr.bn());
        if psr.i() && !self.registers.psr.i() {
            self.mailbox().request_attention();
        }
        self.registers.psr = psr;
        self.mmu.psr_changed(&self.registers);
    }

    /// PSR.ic as the code that executes has it: a guest runs at PSR.ic = 1 whatever its own is.
    #[inline]
    #[must_use]
    pub fn interruption_collection(&self) -> bool {
        if self.registers.psr.vm() { self.guest_ic } else { self.registers.psr.ic() }
    }

    /// Waits a little for another processor. On a host with fewer processors it may not even run, so that now and then
    /// this thread makes way for it.
    pub fn pause(&mut self) {
        const SPINS: u32 = 64;
        self.pauses += 1;
        if self.pauses == SPINS {
            self.pauses = 0;
            if !self.configuration.domain.is_alone() {
                std::thread::yield_now();
            }
        }
    }

    /// Raises a fault in place of an instruction's result: `return Err(p.raise(…))`.
    #[cold]
    pub fn raise(&mut self, interruption: Interruption) -> Leave {
        self.raised = interruption;
        Leave::Fault
    }
}
