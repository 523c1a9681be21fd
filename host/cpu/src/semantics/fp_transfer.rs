//! Transfers between general and floating-point registers (SDM 3:122, 3:241). NaT becomes NaTVal and back.

use crate::engine::interpreter::Op;
use crate::fp::Fr;
use crate::outcome::Outcome;
use crate::processor::Processor;

#[inline]
pub(super) fn setf(p: &mut Processor, op: &Op, convert: impl Fn(u64) -> Fr) -> Outcome {
    let value = if p.nat(op.r2) { Fr::NATVAL } else { convert(p.gr(op.r2)) };
    p.set_fr(op.r1, value);
    Ok(())
}

#[inline]
pub(super) fn getf(p: &mut Processor, op: &Op, convert: impl Fn(Fr) -> u64) -> Outcome {
    let fr = p.fr(op.r2);
    p.set_gr(op.r1, convert(fr), fr.is_natval());
    Ok(())
}
