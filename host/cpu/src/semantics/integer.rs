//! Integer arithmetic, logic and extension.

use crate::engine::interpreter::Op;
use crate::outcome::Outcome;
use crate::processor::Processor;

/// An operation on r2 and r3.
#[inline]
pub(super) fn alu(p: &mut Processor, op: &Op, operation: impl Fn(u64, u64) -> u64) -> Outcome {
    let value = operation(p.gr(op.r2), p.gr(op.r3));
    p.set_gr(op.r1, value, p.nat2(op.r2, op.r3));
    Ok(())
}

/// An operation on the immediate and r3.
#[inline]
pub(super) fn alu_immediate(p: &mut Processor, op: &Op, operation: impl Fn(u64, u64) -> u64) -> Outcome {
    let value = operation(op.imm as u64, p.gr(op.r3));
    p.set_gr(op.r1, value, p.nat(op.r3));
    Ok(())
}

/// An operation on r2, the immediate and r3.
#[inline]
pub(super) fn alu_count(p: &mut Processor, op: &Op, operation: impl Fn(u64, u32, u64) -> u64) -> Outcome {
    let value = operation(p.gr(op.r2), op.imm as u32, p.gr(op.r3));
    p.set_gr(op.r1, value, p.nat2(op.r2, op.r3));
    Ok(())
}

/// An operation on r2 alone.
#[inline]
pub(super) fn unary_r2(p: &mut Processor, op: &Op, operation: impl Fn(u64) -> u64) -> Outcome {
    let value = operation(p.gr(op.r2));
    p.set_gr(op.r1, value, p.nat(op.r2));
    Ok(())
}

/// An operation on r3 alone.
#[inline]
pub(super) fn unary(p: &mut Processor, op: &Op, operation: impl Fn(u64) -> u64) -> Outcome {
    let value = operation(p.gr(op.r3));
    p.set_gr(op.r1, value, p.nat(op.r3));
    Ok(())
}

/// A 32-bit pointer sum as a 64-bit pointer: bits 31:30 of the base select the region (SDM 3:14).
#[inline]
pub(super) fn pointer(sum: u64, base: u64) -> u64 {
    sum & 0xffff_ffff | (base & 0xc000_0000) << 31
}

/// The index of the first zero element from the left, of `COUNT` elements.
#[inline]
pub(super) fn first_zero_left<const COUNT: usize>(value: u64) -> u64 {
    let width = 64 / COUNT as u32;
    let zero = (0..COUNT as u32).find(|index| value << (index * width) >> (64 - width) == 0);
    zero.map_or(COUNT as u64, u64::from)
}

/// The index of the first zero element from the right, of `COUNT` elements.
#[inline]
pub(super) fn first_zero_right<const COUNT: usize>(value: u64) -> u64 {
    let width = 64 / COUNT as u32;
    let zero = (0..COUNT as u32).find(|index| value >> (index * width) << (64 - width) == 0);
    zero.map_or(COUNT as u64, u64::from)
}
