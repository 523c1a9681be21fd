//! Moves between general registers and branch registers, predicates and IP, and the check of speculation.

use crate::engine::interpreter::Op;
use crate::interruption::{Interruption, Vector};
use crate::outcome::Outcome;
use crate::processor::Processor;

pub(super) fn nop(_: &mut Processor, _: &Op) -> Outcome {
    Ok(())
}

/// `hint @pause`: code that waits for another processor says so.
pub(super) fn pause(p: &mut Processor, _: &Op) -> Outcome {
    p.pause();
    Ok(())
}

/// `break`: iim is the immediate.
pub(super) fn break_instruction(p: &mut Processor, op: &Op) -> Outcome {
    break_with(p, op.imm as u64)
}

/// Raises a Break Instruction fault.
pub(super) fn break_with(p: &mut Processor, iim: u64) -> Outcome {
    Err(p.raise(Interruption { iim: Some(iim), ..Interruption::fault(Vector::BreakInstruction, 0) }))
}

/// `chk.s` on a general register. The SDM leaves it to the processor whether it branches to the recovery code or
/// raises a Speculative Operation fault for the operating system to do so (SDM 3:36).
pub(super) fn chk_s(p: &mut Processor, op: &Op) -> Outcome {
    if p.nat(op.r2) {
        let target = p.ip(op).wrapping_add(op.imm as u64);
        return Err(p.branch(target));
    }
    Ok(())
}

pub(super) fn to_br(p: &mut Processor, op: &Op) -> Outcome {
    p.registers.br[usize::from(op.r1 & 7)] = p.source(op.r2)?;
    Ok(())
}

pub(super) fn from_br(p: &mut Processor, op: &Op) -> Outcome {
    p.set_gr(op.r1, p.registers.br[usize::from(op.r2 & 7)], false);
    Ok(())
}

pub(super) fn from_ip(p: &mut Processor, op: &Op) -> Outcome {
    p.set_gr(op.r1, p.ip(op), false);
    Ok(())
}

pub(super) fn from_pr(p: &mut Processor, op: &Op) -> Outcome {
    p.set_gr(op.r1, p.registers.physical_predicates(), false);
    Ok(())
}

/// Bit 16 of the mask selects all rotating predicates, so that the mask is sign-extended.
pub(super) fn to_pr(p: &mut Processor, op: &Op) -> Outcome {
    let value = p.source(op.r2)?;
    set_predicates(p, value, op.imm as u64);
    Ok(())
}

pub(super) fn to_pr_rot(p: &mut Processor, op: &Op) -> Outcome {
    set_predicates(p, op.imm as u64, !0xffff);
    Ok(())
}

fn set_predicates(p: &mut Processor, value: u64, mask: u64) {
    let kept = p.registers.physical_predicates() & !mask;
    p.registers.set_physical_predicates(kept | value & mask);
}
