//! How the guest goes on after an instruction that was emulated outside of the run loop.

use patchbay_cpu::interruption::{Interruption, Isr, SINGLE_STEP, Vector};
use patchbay_cpu::outcome::{Leave, Outcome};
use patchbay_cpu::processor::Processor;
use patchbay_cpu::psr::Psr;

use crate::vp::VirtualProcessor;

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

impl VirtualProcessor {
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
}
