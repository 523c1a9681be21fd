//! X-type instructions.

use patchbay_isa::rows::X;

use super::{b, mov};
use crate::engine::interpreter::{Execute, Op};
use crate::outcome::Outcome;
use crate::processor::Processor;

/// The semantics of an X-type instruction.
#[must_use]
pub fn of(instruction: X) -> Execute {
    match instruction {
        X::Movl => movl,
        X::Brl => b::cond,
        X::BrlCall => b::call,
        X::Break => break_x,
        X::Nop | X::Hint => |_, _| Ok(()),
    }
}

fn movl(p: &mut Processor, op: &Op) -> Outcome {
    p.set_gr(op.r1, op.imm as u64, false);
    Ok(())
}

/// The lower 21 bits of the immediate reach IIM (SDM 3:29).
fn break_x(p: &mut Processor, op: &Op) -> Outcome {
    mov::break_with(p, op.imm as u64 & 0x1f_ffff)
}
