//! The interpreter: one indirect call an instruction.

pub(super) mod execute;
pub mod lower;
mod op;

pub use op::{Execute, Op};

use super::Engine;
use super::leave::Progress;
use super::run::{Entered, Execution, RunLoop};
use crate::exit::Exit;
use crate::processor::Processor;

/// The interpreter of one processor.
#[derive(Debug, Default)]
pub struct Interpreter {
    run: RunLoop,
}

struct Interpretation;

impl Execution for Interpretation {
    #[inline]
    fn execute(&mut self, p: &mut Processor, entered: &Entered, progress: &mut Progress) -> Option<Exit> {
        execute::execute(p, entered.prepared, progress)
    }
}

impl Engine for Interpreter {
    fn run(&mut self, processor: &mut Processor, budget: u64) -> Exit {
        self.run.run(processor, budget, &mut Interpretation)
    }

    fn set_breakpoint(&mut self, ip: Option<u64>) {
        self.run.set_breakpoint(ip);
    }

    fn step(&mut self, processor: &mut Processor) -> Exit {
        self.run.step_for_debugger(processor)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Interpreter;
    use crate::engine::Engine;
    use crate::exit::Exit;
    use crate::flat_machine::{self, FlatMemory};
    use crate::interruption::{Isr, Vector};
    use crate::psr::Psr;
    use crate::registers::cr;

    /// `adds r8=1,r8` in slots 0 and 2, between them a nop (MII).
    const CODE: u128 = 0x01 | ADD_ONE << 5 | 0x8000000 << 46 | ADD_ONE << 87;
    const ADD_ONE: u128 = 0x8 << 37 | 2 << 34 | 8 << 20 | 1 << 13 | 8 << 6;

    /// Each instruction traps, and execution goes on at the next slot (SDM 2:26).
    #[test]
    fn single_steps_slot_by_slot() {
        let memory = Arc::new(FlatMemory::new(0x10000));
        memory.write_bytes(0x1000, &CODE.to_le_bytes()).expect("RAM");
        let mut p = flat_machine::processor(memory);
        p.registers.cr[cr::IVA] = 0x8000;
        let mut engine = Interpreter::default();
        for (slot, next, r8) in [(0, (0x1000, 1), 1), (1, (0x1000, 2), 1), (2, (0x1010, 0), 2)] {
            p.registers.ip = 0x1000;
            p.set_psr(Psr::new().with_ic(true).with_ss(true).with_ri(slot));
            engine.set_breakpoint(Some(0x8000 + Vector::SingleStepTrap as u64));
            assert_eq!(engine.run(&mut p, 10), Exit::Breakpoint);
            let ri = Psr::from(p.registers.cr[cr::IPSR]).ri();
            assert_eq!((p.registers.cr[cr::IIP], ri), next);
            assert_eq!(Isr::from(p.registers.cr[cr::ISR]).ei(), slot);
            assert_eq!(p.gr(8), r8);
        }
    }
}
