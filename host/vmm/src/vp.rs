//! A virtual processor: its descriptor and what the monitor knows of it.

use patchbay_cpu::bus::PhysicalAddress;
use patchbay_cpu::hook::Hook;
use patchbay_cpu::interruption::{Interruption, Isr, Vector};
use patchbay_cpu::op::{Op, Outcome, Stop};
use patchbay_cpu::processor::Processor;
use patchbay_cpu::psr::Psr;
use patchbay_isa::Instruction;
use patchbay_plugin_api::vpd::Vpd;

use crate::conventional::Conventional;
use crate::guest::{Guest, take_over};

/// Interruptions in a row, with no instruction completed, that no handler can mend.
const MOST_FAULTS: u32 = 16;
/// The bit of ISR.code that says single step (SDM 2:205).
const SINGLE_STEP: u16 = 1 << 3;

/// One virtual processor. It is the hook of its processor, and lives there.
pub struct VirtualProcessor {
    /// Its descriptor.
    pub vpd: Vpd,
    /// Its conventional path.
    pub conventional: Conventional,
    /// The instruction count at the last interruption, and the interruptions since it has changed.
    progress: (u64, u32),
}

impl VirtualProcessor {
    /// A virtual processor that takes over a processor as it is.
    #[must_use]
    pub fn new(p: &mut Processor) -> VirtualProcessor {
        VirtualProcessor { vpd: take_over(p), conventional: Conventional::default(), progress: (0, 0) }
    }

    /// Runs something on the guest.
    pub fn guest<'a>(&'a mut self, p: &'a mut Processor) -> Guest<'a> {
        Guest { p, vpd: &mut self.vpd, frame: None }
    }

    /// An interruption of the guest: an interrupt is taken from the machine, all else is the guest's own.
    pub fn interruption(&mut self, p: &mut Processor, interruption: &Interruption) {
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

    /// A virtualization fault of the instruction at IP and PSR.ri.
    pub fn virtualization(&mut self, p: &mut Processor, instruction: &Instruction) {
        let stepping = p.registers.psr.ss();
        let collected = p.guest_ic.then_some(p.registers.ip);
        if let Some(outcome) = self.conventional.emulate(p, &mut self.vpd, instruction.slot()) {
            self.conclude(p, outcome, stepping, collected);
        }
    }

    /// What follows the emulation of the instruction at IP and PSR.ri, outside of the run loop. `collected` is its bundle,
    /// if the guest's PSR.ic was 1 before it.
    fn conclude(&mut self, p: &mut Processor, outcome: Outcome, stepping: bool, collected: Option<u64>) {
        let (ip, slot) = (p.registers.ip, p.registers.psr.ri());
        match outcome {
            Ok(()) | Err(Stop::Serialize) => {
                complete(p, collected);
                let last = slot == 2;
                let psr = u64::from(p.registers.psr) & !Psr::ONE_INSTRUCTION;
                p.registers.ip = if last { ip.wrapping_add(16) } else { ip };
                p.set_psr(Psr::from(psr).with_ri(if last { 0 } else { slot + 1 }));
                if stepping {
                    let isr = Isr::new().with_code(SINGLE_STEP).with_ei(slot);
                    self.reflect(p, &Interruption { isr, ..Interruption::fault(Vector::SingleStepTrap, 0) });
                }
            }
            Err(Stop::Return) => complete(p, collected),
            Err(_) => {
                p.raised.isr.set_ei(slot);
                p.raised.isr.set_ir(p.frame_is_incomplete());
                let raised = p.raised;
                self.reflect(p, &raised);
            }
        }
    }
}

/// Counts an instruction, which cr.iipa names if it was executed at PSR.ic = 1 (SDM 2:40).
fn complete(p: &mut Processor, collected: Option<u64>) {
    p.instructions += 1;
    if let Some(ip) = collected {
        p.last_ip = ip;
    }
}

impl Hook for VirtualProcessor {
    fn break_instruction(&mut self, _: &mut Processor, _: &Op, _: u64) -> Option<Outcome> {
        None
    }

    fn flush(&mut self, _: &Processor, _: PhysicalAddress) {}
}
