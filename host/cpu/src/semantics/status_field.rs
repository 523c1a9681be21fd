//! Instructions on the status fields of FPSR.

use super::b;
use crate::engine::interpreter::Op;
use crate::fp::StatusField;
use crate::interruption::Interruption;
use crate::outcome::Outcome;
use crate::processor::Processor;
use crate::processor::application_registers::is_reserved;
use crate::registers::ar;

/// The control bits of a status field, and the flags above them.
const CONTROLS: u64 = 0x7f;
const FLAGS: u64 = 0x3f << 7;
const TRAPS: u64 = 0x3f;

fn shift(op: &Op) -> u32 {
    StatusField::from_bits(op.completer.into()).shift()
}

/// `fsetc`: the controls of sf0, masked, become those of the status field.
pub(super) fn fsetc(p: &mut Processor, op: &Op) -> Outcome {
    let (and_mask, or_mask) = (u64::from(op.r2), u64::from(op.r3));
    let fpsr = p.registers.ar[ar::FPSR];
    let controls = fpsr >> StatusField::Sf0.shift() & CONTROLS & and_mask | or_mask;
    let value = fpsr & !(CONTROLS << shift(op)) | controls << shift(op);
    if is_reserved(ar::FPSR, value) {
        return Err(p.raise(Interruption::RESERVED_REGISTER_FIELD));
    }
    p.registers.ar[ar::FPSR] = value;
    Ok(())
}

/// `fclrf`: clears the flags.
pub(super) fn fclrf(p: &mut Processor, op: &Op) -> Outcome {
    p.registers.ar[ar::FPSR] &= !(FLAGS << shift(op));
    Ok(())
}

/// `fchkf`: branches if a flag is set that would trap, or that sf0 does not have (SDM 3:63). Processors may leave the
/// branch to a Speculative Operation fault; this one does not.
pub(super) fn fchkf(p: &mut Processor, op: &Op) -> Outcome {
    let fpsr = p.registers.ar[ar::FPSR];
    let flags = |shift: u32| (fpsr >> shift & FLAGS) >> 7;
    let found = flags(shift(op));
    if found & !(fpsr & TRAPS) != 0 || found & !flags(StatusField::Sf0.shift()) != 0 {
        return b::cond(p, op);
    }
    Ok(())
}
