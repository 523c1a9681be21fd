//! Moves to and from application registers (SDM 3:173). The registers and their access rules are those of SDM 1:28;
//! ar.ruc is reserved, because a Montecito's CPUID does not announce it.

use patchbay_isa::{Unit, register};

use crate::engine::interpreter::Op;
use crate::interruption::Interruption;
use crate::outcome::{Leave, Outcome};
use crate::processor::Processor;
use crate::processor::application_registers::{belongs_to_rse, ignored_bits, is_ignored, is_reserved};
use crate::registers::ar;

/// Whether a move in this unit is illegal.
fn is_illegal(p: &Processor, op: &Op, unit: Unit) -> bool {
    let number = usize::from(op.r3);
    register::application_is_illegal(op.r3, unit) || number == ar::RUC || belongs_to_rse(p, number)
}

/// `mov r1 = ar3`.
pub(super) fn read(p: &mut Processor, op: &Op, unit: Unit) -> Outcome {
    let number = usize::from(op.r3);
    if is_illegal(p, op, unit) {
        return Err(p.raise(Interruption::ILLEGAL_OPERATION));
    }
    if number == ar::ITC {
        if p.registers.psr.si() && p.registers.psr.cpl() != 0 {
            return Err(p.raise(Interruption::PRIVILEGED_REGISTER));
        }
        p.leave_if_virtualized()?;
    }
    let value = if is_ignored(number) { 0 } else { p.ar(number) };
    p.set_gr(op.r1, value, false);
    Ok(())
}

/// `mov ar3 = r2`.
pub(super) fn write(p: &mut Processor, op: &Op, unit: Unit) -> Outcome {
    check_target(p, op, unit)?;
    let value = p.source(op.r2)?;
    write_value(p, op, value)
}

/// `mov ar3 = imm8`.
pub(super) fn write_immediate(p: &mut Processor, op: &Op, unit: Unit) -> Outcome {
    check_target(p, op, unit)?;
    write_value(p, op, op.imm as u64)
}

fn check_target(p: &mut Processor, op: &Op, unit: Unit) -> Result<(), Leave> {
    if is_illegal(p, op, unit) || register::application_is_read_only(op.r3) {
        return Err(p.raise(Interruption::ILLEGAL_OPERATION));
    }
    Ok(())
}

fn write_value(p: &mut Processor, op: &Op, value: u64) -> Outcome {
    let number = usize::from(op.r3);
    if is_ignored(number) {
        return Ok(());
    }
    if is_reserved(number, value) {
        return Err(p.raise(Interruption::RESERVED_REGISTER_FIELD));
    }
    let cpl = p.registers.psr.cpl();
    if matches!(number, ar::K0..=ar::K7 | ar::ITC | ar::CFLG) && cpl != 0 {
        return Err(p.raise(Interruption::PRIVILEGED_REGISTER));
    }
    if number == ar::ITC {
        p.leave_if_virtualized()?;
    }
    let mut value = value & !ignored_bits(number);
    if number == ar::RSC && value >> 2 & 3 < u64::from(cpl) {
        value = value & !0xc | u64::from(cpl) << 2;
    }
    p.set_ar(number, value);
    Ok(())
}
