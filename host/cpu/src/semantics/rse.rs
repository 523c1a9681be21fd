//! Instructions on the register stack: frames, the backing store and its application registers.

use crate::engine::interpreter::Op;
use crate::interruption::Interruption;
use crate::outcome::{Leave, Outcome};
use crate::processor::Processor;
use crate::registers::{ar, cr};

/// `alloc`. That the target is in the new frame is the decoder's to see.
pub(super) fn alloc(p: &mut Processor, op: &Op) -> Outcome {
    let (sof, sol, rotating) = (op.r2, op.r3, op.r4);
    if sof > 96 || rotating > sof || sol > sof || op.predicate != 0 {
        return Err(p.raise(Interruption::ILLEGAL_OPERATION));
    }
    let cfm = p.registers.cfm;
    let sor = rotating >> 3;
    if sor != cfm.sor() && cfm.rotated() {
        return Err(p.raise(Interruption::RESERVED_REGISTER_FIELD));
    }
    p.make_room_for_frame(usize::from(sof))?;
    p.registers.cfm = cfm.with_sof(sof).with_sol(sol).with_sor(sor);
    p.set_gr(op.r1, p.registers.ar[ar::PFS], false);
    Ok(())
}

/// `cover` does not require privilege, so that at a lower one it is not virtualized (SDM 3:48), unless it has to write
/// the guest's cr.ifs, which the SDM does not think of.
pub(super) fn cover(p: &mut Processor, _: &Op) -> Outcome {
    if p.registers.psr.cpl() == 0 || !p.interruption_collection() {
        p.leave_if_virtualized()?;
    }
    let cfm = p.cover_frame();
    if !p.registers.psr.ic() {
        p.registers.cr[cr::IFS] = 1 << 63 | u64::from(cfm);
    }
    Err(Leave::Serialize)
}

pub(super) fn clear_rotation(p: &mut Processor, only_predicates: bool) -> Outcome {
    p.registers.clear_rotation(only_predicates);
    Ok(())
}

pub(super) fn flushrs(p: &mut Processor, _: &Op) -> Outcome {
    p.flush_register_stack()
}

pub(super) fn loadrs(p: &mut Processor, _: &Op) -> Outcome {
    let rsc = p.registers.ar[ar::RSC];
    let bytes = rsc >> 16 & 0x3ff8;
    if rsc & 3 != 0 || p.registers.cfm.sof() != 0 && rsc >> 16 & 0x3fff != 0 {
        return Err(p.raise(Interruption::ILLEGAL_OPERATION));
    }
    if !p.load_register_stack(bytes)? {
        return Err(p.raise(Interruption::ILLEGAL_OPERATION));
    }
    Ok(())
}
