//! Checks of speculation and the invalidation of the ALAT (SDM 3:35, 3:143).

use crate::alat::Tag;
use crate::engine::interpreter::Op;
use crate::outcome::Outcome;
use crate::processor::Processor;

/// To the recovery code. The SDM leaves it to the processor whether it branches there or raises a Speculative
/// Operation fault for the operating system to do so (SDM 3:36).
fn recover(p: &mut Processor, op: &Op) -> Outcome {
    let target = p.ip(op).wrapping_add(op.imm as u64);
    Err(p.branch(target))
}

/// `chk.s` on a floating-point register.
pub(super) fn chk_s_fr(p: &mut Processor, op: &Op) -> Outcome {
    if p.fr(op.r2).is_natval() { recover(p, op) } else { Ok(()) }
}

#[inline]
fn chk_a(p: &mut Processor, op: &Op, tag: Tag, clear: bool) -> Outcome {
    if !p.alat.contains(tag) {
        return recover(p, op);
    }
    if clear {
        p.alat.remove(tag);
    }
    Ok(())
}

/// `chk.a` on a general register.
pub(super) fn chk_a_gr<const CLEAR: bool>(p: &mut Processor, op: &Op) -> Outcome {
    chk_a(p, op, p.gr_tag(op.r1), CLEAR)
}

/// `chk.a` on a floating-point register.
pub(super) fn chk_a_fr<const CLEAR: bool>(p: &mut Processor, op: &Op) -> Outcome {
    chk_a(p, op, p.fr_tag(op.r1), CLEAR)
}

pub(super) fn invala(p: &mut Processor, _: &Op) -> Outcome {
    p.alat.clear();
    Ok(())
}

pub(super) fn invala_e_gr(p: &mut Processor, op: &Op) -> Outcome {
    p.alat.remove(p.gr_tag(op.r1));
    Ok(())
}

pub(super) fn invala_e_fr(p: &mut Processor, op: &Op) -> Outcome {
    p.alat.remove(p.fr_tag(op.r1));
    Ok(())
}
