//! A-type instructions.

use patchbay_isa::rows::A;

use crate::op::{Execute, Op, Outcome};
use crate::processor::Processor;

/// The semantics of an A-type instruction.
#[must_use]
pub fn of(instruction: A) -> Execute {
    match instruction {
        A::Add => |p, op| alu(p, op, |r2, r3| r2.wrapping_add(r3)),
        A::Adds | A::Addl => |p, op| alu_immediate(p, op, |imm, r3| imm.wrapping_add(r3)),
        _ => |p, _| Err(p.raise(crate::interruption::Interruption::ILLEGAL_OPERATION)),
    }
}

#[inline]
fn alu(p: &mut Processor, op: &Op, operation: impl Fn(u64, u64) -> u64) -> Outcome {
    let value = operation(p.gr(op.r2), p.gr(op.r3));
    p.set_gr(op.r1, value, p.nat2(op.r2, op.r3));
    Ok(())
}

#[inline]
fn alu_immediate(p: &mut Processor, op: &Op, operation: impl Fn(u64, u64) -> u64) -> Outcome {
    let value = operation(op.imm as u64, p.gr(op.r3));
    p.set_gr(op.r1, value, p.nat(op.r3));
    Ok(())
}
