//! Moves to and from registers that a general register selects (SDM 3:180-184).

use crate::engine::interpreter::Op;
use crate::interruption::Interruption;
use crate::model::{CPUID, is_page_size};
use crate::outcome::{Leave, Outcome};
use crate::processor::Processor;

/// The bits that must be written as 0 to a region register and a protection key register.
const RR_RESERVED: u64 = !0xffff_fffd;
const PKR_RESERVED: u64 = !0xffff_ff0f;

/// Whether a value may be written to a region register.
#[must_use]
pub const fn is_rr(value: u64) -> bool {
    value & RR_RESERVED == 0 && is_page_size((value >> 2 & 0x3f) as u8)
}

/// Whether a value may be written to a protection key register.
#[must_use]
pub const fn is_pkr(value: u64) -> bool {
    value & PKR_RESERVED == 0
}

/// The number in r3, below `registers`.
///
/// # Errors
/// Register NaT Consumption, Reserved Register/Field.
pub fn index(p: &mut Processor, r3: u8, registers: usize) -> Result<usize, Leave> {
    let index = (p.source(r3)? & 0xff) as usize;
    if index >= registers {
        return Err(p.raise(Interruption::RESERVED_REGISTER_FIELD));
    }
    Ok(index)
}

/// Index and value of a move to a register of a privileged file.
///
/// # Errors
/// Those of [`index`] and Privileged Operation.
pub fn to(p: &mut Processor, r3: u8, r2: u8, registers: usize) -> Result<(usize, u64), Leave> {
    p.check_privilege()?;
    let value = p.source(r2)?;
    Ok((index(p, r3, registers)?, value))
}

/// Index of a move from a register of a privileged file.
///
/// # Errors
/// Those of [`index`] and Privileged Operation.
pub fn from(p: &mut Processor, r3: u8, registers: usize) -> Result<usize, Leave> {
    p.check_privilege()?;
    index(p, r3, registers)
}

/// Region and value of a move to a region register.
///
/// # Errors
/// Privileged Operation, Register NaT Consumption, Reserved Register/Field.
pub fn to_rr(p: &mut Processor, r3: u8, r2: u8) -> Result<(usize, u64), Leave> {
    p.check_privilege()?;
    let value = p.source(r2)?;
    let region = (p.source(r3)? >> 61) as usize;
    if !is_rr(value) {
        return Err(p.raise(Interruption::RESERVED_REGISTER_FIELD));
    }
    Ok((region, value))
}

/// Region of a move from a region register.
///
/// # Errors
/// Privileged Operation, Register NaT Consumption.
pub fn from_rr(p: &mut Processor, r3: u8) -> Result<usize, Leave> {
    p.check_privilege()?;
    Ok((p.source(r3)? >> 61) as usize)
}

/// Index and value of a move to a protection key register.
///
/// # Errors
/// Those of [`to`].
pub fn to_pkr(p: &mut Processor, r3: u8, r2: u8) -> Result<(usize, u64), Leave> {
    let (index, value) = to(p, r3, r2, p.registers.pkr.len())?;
    if !is_pkr(value) {
        return Err(p.raise(Interruption::RESERVED_REGISTER_FIELD));
    }
    Ok((index, value))
}

pub(super) fn mov_to_rr(p: &mut Processor, op: &Op) -> Outcome {
    let (region, value) = to_rr(p, op.r3, op.r2)?;
    p.leave_if_virtualized()?;
    p.write_rr(region, value);
    Err(Leave::Serialize)
}

pub(super) fn mov_to_dbr(p: &mut Processor, op: &Op) -> Outcome {
    let (index, value) = to(p, op.r3, op.r2, p.registers.dbr.len())?;
    p.leave_if_virtualized()?;
    p.write_dbr(index, value);
    Err(Leave::Serialize)
}

pub(super) fn mov_to_ibr(p: &mut Processor, op: &Op) -> Outcome {
    let (index, value) = to(p, op.r3, op.r2, p.registers.ibr.len())?;
    p.leave_if_virtualized()?;
    p.registers.ibr[index] = value;
    Err(Leave::Serialize)
}

pub(super) fn mov_to_pkr(p: &mut Processor, op: &Op) -> Outcome {
    let (index, value) = to_pkr(p, op.r3, op.r2)?;
    p.leave_if_virtualized()?;
    p.write_pkr(index, value);
    Err(Leave::Serialize)
}

pub(super) fn mov_to_pmc(p: &mut Processor, op: &Op) -> Outcome {
    let (index, value) = to(p, op.r3, op.r2, p.registers.pmc.len())?;
    p.leave_if_virtualized()?;
    p.registers.pmc[index] = value;
    Ok(())
}

pub(super) fn mov_to_pmd(p: &mut Processor, op: &Op) -> Outcome {
    let (index, value) = to(p, op.r3, op.r2, p.registers.pmd.len())?;
    p.leave_if_virtualized()?;
    p.registers.pmd[index] = value;
    Ok(())
}

/// No model-specific register exists: writes are ignored.
pub(super) fn mov_to_msr(p: &mut Processor, op: &Op) -> Outcome {
    to(p, op.r3, op.r2, 256)?;
    Ok(())
}

pub(super) fn mov_from_rr(p: &mut Processor, op: &Op) -> Outcome {
    let region = from_rr(p, op.r3)?;
    p.leave_if_virtualized()?;
    p.set_gr(op.r1, p.registers.rr[region], false);
    Ok(())
}

pub(super) fn mov_from_dbr(p: &mut Processor, op: &Op) -> Outcome {
    let index = from(p, op.r3, p.registers.dbr.len())?;
    p.leave_if_virtualized()?;
    p.set_gr(op.r1, p.registers.dbr[index], false);
    Ok(())
}

pub(super) fn mov_from_ibr(p: &mut Processor, op: &Op) -> Outcome {
    let index = from(p, op.r3, p.registers.ibr.len())?;
    p.leave_if_virtualized()?;
    p.set_gr(op.r1, p.registers.ibr[index], false);
    Ok(())
}

pub(super) fn mov_from_pkr(p: &mut Processor, op: &Op) -> Outcome {
    let index = from(p, op.r3, p.registers.pkr.len())?;
    p.leave_if_virtualized()?;
    p.set_gr(op.r1, p.registers.pkr[index], false);
    Ok(())
}

pub(super) fn mov_from_pmc(p: &mut Processor, op: &Op) -> Outcome {
    let index = from(p, op.r3, p.registers.pmc.len())?;
    p.leave_if_virtualized()?;
    p.set_gr(op.r1, p.registers.pmc[index], false);
    Ok(())
}

/// Performance monitors are readable at every privilege level; those that PSR.sp or the PMC of a counter makes private
/// read as 0 (SDM 3:181).
pub(super) fn mov_from_pmd(p: &mut Processor, op: &Op) -> Outcome {
    const FIRST_COUNTER: usize = 4;
    let index = index(p, op.r3, p.registers.pmd.len())?;
    let privileged = index >= FIRST_COUNTER && p.registers.pmc[index] >> 6 & 1 != 0;
    let private = p.registers.psr.cpl() != 0 && (p.registers.psr.sp() || privileged);
    let value = if private { 0 } else { p.registers.pmd[index] };
    p.set_gr(op.r1, value, false);
    Ok(())
}

/// No model-specific register exists: they read as 0.
pub(super) fn mov_from_msr(p: &mut Processor, op: &Op) -> Outcome {
    from(p, op.r3, 256)?;
    p.set_gr(op.r1, 0, false);
    Ok(())
}

pub(super) fn mov_from_cpuid(p: &mut Processor, op: &Op) -> Outcome {
    let index = index(p, op.r3, CPUID.len())?;
    p.leave_if_virtualized()?;
    p.set_gr(op.r1, CPUID[index], false);
    Ok(())
}
