//! Instructions on the processor status register (SDM 3:193, 3:239-241, 3:254-256).

use crate::engine::interpreter::Op;
use crate::interruption::Interruption;
use crate::outcome::{Leave, Outcome};
use crate::processor::Processor;
use crate::psr::Psr;

/// PSR.up, which PSR.sp protects from unprivileged changes.
const UP: u64 = 1 << 2;

/// The value that `mov psr.l=` writes, in bits 31:0.
///
/// # Errors
/// Privileged Operation, Register NaT Consumption, Reserved Register/Field.
pub fn to_psr(p: &mut Processor, r2: u8) -> Result<u64, Leave> {
    p.check_privilege()?;
    let value = p.source(r2)?;
    if value & 0xffff_ffff & !Psr::SYSTEM_MASK != 0 {
        return Err(p.raise(Interruption::RESERVED_REGISTER_FIELD));
    }
    Ok(value)
}

/// Checks `ssm` and `rsm`.
///
/// # Errors
/// Privileged Operation, Reserved Register/Field.
pub fn system_mask(p: &mut Processor, mask: u64) -> Outcome {
    p.check_privilege()?;
    if mask & !Psr::IMMEDIATE_MASK != 0 {
        return Err(p.raise(Interruption::RESERVED_REGISTER_FIELD));
    }
    Ok(())
}

pub(super) fn mov_to_psr(p: &mut Processor, op: &Op) -> Outcome {
    let value = to_psr(p, op.r2)?;
    p.leave_if_virtualized()?;
    let psr = u64::from(p.registers.psr);
    p.set_psr(Psr::from(psr & !0xffff_ffff | value & 0xffff_ffff));
    Err(Leave::Serialize)
}

pub(super) fn mov_from_psr(p: &mut Processor, op: &Op) -> Outcome {
    p.check_privilege()?;
    p.leave_if_virtualized()?;
    p.set_gr(op.r1, u64::from(p.registers.psr) & Psr::READABLE, false);
    Ok(())
}

pub(super) fn mov_to_psr_um(p: &mut Processor, op: &Op) -> Outcome {
    let value = p.source(op.r2)?;
    if value & 0xff & !Psr::USER_MASK != 0 {
        return Err(p.raise(Interruption::RESERVED_REGISTER_FIELD));
    }
    change_user_mask(p, |psr, bits| psr & !bits | value & bits)
}

pub(super) fn mov_from_psr_um(p: &mut Processor, op: &Op) -> Outcome {
    p.set_gr(op.r1, u64::from(p.registers.psr) & Psr::USER_MASK, false);
    Ok(())
}

pub(super) fn sum(p: &mut Processor, op: &Op) -> Outcome {
    user_mask_immediate(p, op)?;
    change_user_mask(p, |psr, bits| psr | op.imm as u64 & bits)
}

pub(super) fn rum(p: &mut Processor, op: &Op) -> Outcome {
    user_mask_immediate(p, op)?;
    change_user_mask(p, |psr, bits| psr & !(op.imm as u64 & bits))
}

fn user_mask_immediate(p: &mut Processor, op: &Op) -> Outcome {
    if op.imm as u64 & !Psr::USER_MASK != 0 {
        return Err(p.raise(Interruption::RESERVED_REGISTER_FIELD));
    }
    Ok(())
}

/// Changes the bits of the user mask that the processor lets change.
fn change_user_mask(p: &mut Processor, change: impl Fn(u64, u64) -> u64) -> Outcome {
    let psr = u64::from(p.registers.psr);
    let bits = if p.registers.psr.sp() { Psr::USER_MASK & !UP } else { Psr::USER_MASK };
    p.set_psr(Psr::from(change(psr, bits)));
    Err(Leave::Serialize)
}

pub(super) fn ssm(p: &mut Processor, op: &Op) -> Outcome {
    system_mask(p, op.imm as u64)?;
    p.leave_if_virtualized()?;
    p.set_psr(Psr::from(u64::from(p.registers.psr) | op.imm as u64));
    Err(Leave::Serialize)
}

pub(super) fn rsm(p: &mut Processor, op: &Op) -> Outcome {
    system_mask(p, op.imm as u64)?;
    p.leave_if_virtualized()?;
    p.set_psr(Psr::from(u64::from(p.registers.psr) & !(op.imm as u64)));
    Err(Leave::Serialize)
}
