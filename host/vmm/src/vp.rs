//! A virtual processor: its descriptor and what the monitor knows of it.

use std::sync::Arc;

use patchbay_cpu::bus::PhysicalAddress;
use patchbay_cpu::engine::interpreter::Op;
use patchbay_cpu::exit::Exit;
use patchbay_cpu::hook::Hook;
use patchbay_cpu::interruption::{Interruption, Isr, MOST_FAULTS, SINGLE_STEP, Vector};
use patchbay_cpu::outcome::{Leave, Outcome};
use patchbay_cpu::processor::Processor;
use patchbay_cpu::psr::Psr;
use patchbay_plugin_api::services::ServicesRef;
use patchbay_plugin_api::vpd::Vpd;

use crate::cache::SiteCache;
use crate::conventional::Conventional;
use crate::counters::Counters;
use crate::guest::{Guest, take_over};
use crate::plugins::Failed;
use crate::services::services;
use crate::statistics::VpCounts;
use crate::table::Table;
use crate::vm::{Patching, Vm};

/// One virtual processor. It is the hook of its processor, and lives there.
pub struct VirtualProcessor {
    /// Its number.
    pub index: usize,
    /// Its virtual machine.
    pub vm: Arc<Vm>,
    /// Its descriptor.
    pub vpd: Vpd,
    /// Its conventional path.
    pub conventional: Conventional,
    /// What it counted.
    pub counters: Counters,
    /// What a plugin did that its virtual machine does not survive.
    pub failure: Option<Failed>,
    pub(crate) patching: Option<Arc<Patching>>,
    pub(crate) table: Option<Arc<Table>>,
    pub(crate) services: ServicesRef,
    pub(crate) cache: SiteCache,
    /// The ar.itc at which it looks after reviews.
    pub(crate) next_review: u64,
    /// The instruction count at the last interruption, and the interruptions since it has changed.
    progress: (u64, u32),
}

impl VirtualProcessor {
    /// A virtual processor that takes over a processor as it is.
    #[must_use]
    pub fn new(vm: Arc<Vm>, index: usize, p: &mut Processor) -> VirtualProcessor {
        let patching = vm.patching();
        VirtualProcessor {
            index,
            vpd: take_over(p),
            conventional: Conventional::new(vm.fetch()),
            counters: Counters::default(),
            failure: None,
            table: patching.as_ref().and_then(|patching| patching.table(index)).cloned(),
            patching,
            services: services(),
            cache: SiteCache::default(),
            next_review: 0,
            progress: (0, 0),
            vm,
        }
    }

    /// Takes over again a processor that the firmware has started anew: what it counted, its time and its interrupts go on.
    pub(crate) fn restart(&mut self, p: &mut Processor) {
        let Vpd { vitc_offset, virr, vin_service, .. } = self.vpd;
        self.vpd = Vpd { vitc_offset, virr, vin_service, ..take_over(p) };
    }

    /// Takes other plugins over. Returns those it had.
    pub(crate) fn adopt(&mut self, patching: &Arc<Patching>) -> Option<Arc<Patching>> {
        self.table = patching.table(self.index).cloned();
        self.next_review = 0;
        self.patching.replace(Arc::clone(patching))
    }

    /// Runs something on the guest.
    pub fn guest<'a>(&'a mut self, p: &'a mut Processor) -> Guest<'a> {
        Guest { p, vpd: &mut self.vpd, frame: None }
    }

    /// Reacts to an exit; gives back the exits that are not the monitor's, but the machine's.
    pub fn react(&mut self, p: &mut Processor, exit: Exit) -> Option<Exit> {
        match exit {
            Exit::Virtualization(instruction) => self.virtualization(p, &instruction),
            Exit::Interruption(interruption) => self.interruption(p, &interruption),
            Exit::Budget | Exit::Attention => {}
            exit => return Some(exit),
        }
        self.guest(p).deliver_interrupt();
        self.review_if_due(p);
        None
    }

    /// An interruption of the guest: an interrupt is taken from the machine, all else is the guest's own.
    fn interruption(&mut self, p: &mut Processor, interruption: &Interruption) {
        if interruption.vector == Vector::ExternalInterrupt {
            self.guest(p).take_interrupts();
        } else {
            self.reflect(p, interruption);
        }
    }

    fn reflect(&mut self, p: &mut Processor, interruption: &Interruption) {
        let (before, count) = self.progress;
        self.progress = (p.instructions, if before == p.instructions { count + 1 } else { 0 });
        self.guest(p).reflect(interruption);
    }

    /// Whether the guest takes interruptions without end.
    #[must_use]
    pub fn is_stuck(&self) -> bool {
        self.progress.1 > MOST_FAULTS
    }

    /// What follows the emulation of the instruction at IP and PSR.ri, outside of the run loop.
    pub(crate) fn conclude(&mut self, p: &mut Processor, before: &Before, outcome: Outcome) {
        let Before { ip, slot, .. } = *before;
        match outcome {
            Ok(()) | Err(Leave::Serialize) => {
                before.complete(p);
                p.set_psr(Psr::from(u64::from(p.registers.psr) & !Psr::ONE_INSTRUCTION));
                p.advance_past(ip, slot, false);
                if before.stepping {
                    let isr = Isr::new().with_code(SINGLE_STEP).with_ei(slot);
                    self.reflect(p, &Interruption { isr, ..Interruption::fault(Vector::SingleStepTrap, 0) });
                }
            }
            Err(Leave::Return) => {
                before.complete(p);
                if p.complete_frame().is_err() {
                    self.fault(p, p.registers.psr.ri());
                }
            }
            Err(_) => self.fault(p, slot),
        }
    }

    /// Delivers the fault that the processor has raised.
    fn fault(&mut self, p: &mut Processor, slot: u8) {
        p.raised.isr.set_ei(slot);
        p.raised.isr.set_ir(p.frame_is_incomplete());
        let raised = p.raised;
        self.reflect(p, &raised);
    }

    /// What it counted.
    #[must_use]
    pub fn counts(&self) -> VpCounts {
        VpCounts { vp: self.index, counters: self.counters.clone(), conventional: self.conventional.counts }
    }
}

/// What an instruction that is emulated found.
pub(crate) struct Before {
    pub(crate) ip: u64,
    pub(crate) slot: u8,
    /// PSR.ss.
    stepping: bool,
    /// The guest's PSR.ic.
    collecting: bool,
}

impl Before {
    pub(crate) fn new(p: &Processor) -> Before {
        let registers = &p.registers;
        Before {
            ip: registers.ip,
            slot: registers.psr.ri(),
            stepping: registers.psr.ss(),
            collecting: p.interruption_collection(),
        }
    }

    /// Counts the instruction, which cr.iipa names if it was executed at PSR.ic = 1 (SDM 2:40).
    fn complete(&self, p: &mut Processor) {
        p.instructions += 1;
        if self.collecting {
            p.last_ip = self.ip;
        }
    }
}

impl Hook for VirtualProcessor {
    fn break_instruction(&mut self, p: &mut Processor, op: &Op, iim: u64) -> Option<Outcome> {
        self.trigger(p, op, iim)
    }

    fn flush(&mut self, p: &Processor, line: PhysicalAddress) {
        if self.table.is_some() {
            self.counters.forgotten += self.vm.sites.compare(p.bus(), line);
        }
    }
}

impl Drop for VirtualProcessor {
    fn drop(&mut self) {
        self.cache.add();
        self.vm.finish(self.counts());
    }
}
