//! Shifts and bit fields.

use crate::engine::interpreter::Op;
use crate::outcome::Outcome;
use crate::processor::Processor;

/// Shifts left; counts of 64 and more give 0.
#[inline]
pub(super) fn left(value: u64, count: u64) -> u64 {
    if count < 64 { value << count } else { 0 }
}

/// Shifts right; counts of 64 and more give 0.
#[inline]
pub(super) fn right(value: u64, count: u64) -> u64 {
    if count < 64 { value >> count } else { 0 }
}

/// Shifts right with the sign; counts of 64 and more give the sign everywhere.
#[inline]
pub(super) fn right_signed(value: u64, count: u64) -> u64 {
    (value as i64 >> count.min(63)) as u64
}

pub(super) fn shrp(p: &mut Processor, op: &Op) -> Outcome {
    let pair = u128::from(p.gr(op.r2)) << 64 | u128::from(p.gr(op.r3));
    p.set_gr(op.r1, (pair >> (op.imm & 63)) as u64, p.nat2(op.r2, op.r3));
    Ok(())
}

/// The field's position, and its length within the register (1 to 64).
#[inline]
fn field(op: &Op) -> (u32, u32) {
    let position = u32::from(op.completer & 63);
    (position, u32::from(op.r4).clamp(1, 64 - position))
}

/// The bits of the field.
#[inline]
fn mask(op: &Op) -> u64 {
    let (position, length) = field(op);
    u64::MAX >> (64 - length) << position
}

/// The field of r3, at the top.
#[inline]
fn extracted(p: &Processor, op: &Op) -> (u64, u32) {
    let (position, length) = field(op);
    (p.gr(op.r3) << (64 - position - length), 64 - length)
}

pub(super) fn extr(p: &mut Processor, op: &Op) -> Outcome {
    let (top, down) = extracted(p, op);
    p.set_gr(op.r1, (top as i64 >> down) as u64, p.nat(op.r3));
    Ok(())
}

pub(super) fn extr_u(p: &mut Processor, op: &Op) -> Outcome {
    let (top, down) = extracted(p, op);
    p.set_gr(op.r1, top >> down, p.nat(op.r3));
    Ok(())
}

/// The value's low bits in the field.
#[inline]
fn deposited(op: &Op, value: u64) -> u64 {
    value << (op.completer & 63) & mask(op)
}

pub(super) fn dep_z(p: &mut Processor, op: &Op) -> Outcome {
    p.set_gr(op.r1, deposited(op, p.gr(op.r2)), p.nat(op.r2));
    Ok(())
}

pub(super) fn dep_z_imm8(p: &mut Processor, op: &Op) -> Outcome {
    p.set_gr(op.r1, deposited(op, op.imm as u64), false);
    Ok(())
}

pub(super) fn dep(p: &mut Processor, op: &Op) -> Outcome {
    let value = p.gr(op.r3) & !mask(op) | deposited(op, p.gr(op.r2));
    p.set_gr(op.r1, value, p.nat2(op.r2, op.r3));
    Ok(())
}

pub(super) fn dep_imm1(p: &mut Processor, op: &Op) -> Outcome {
    let value = p.gr(op.r3) & !mask(op) | deposited(op, op.imm as u64);
    p.set_gr(op.r1, value, p.nat(op.r3));
    Ok(())
}
