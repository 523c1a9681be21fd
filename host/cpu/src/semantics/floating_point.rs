//! Floating-point operations on a processor: their operands, and what becomes of results, flags, faults and traps
//! (SDM 1:102). What they compute is in [`crate::fp`].

use crate::engine::interpreter::Op;
use crate::fp::compare::{fclass, fcmp};
use crate::fp::{self, Completer, Control, Fr, Relation, StatusField};
use crate::interruption::{Interruption, Vector};
use crate::outcome::{Leave, Outcome};
use crate::processor::Processor;
use crate::registers::ar;

/// What FPSR and the completers decide.
#[inline]
fn control(p: &Processor, op: &Op, completer: Completer) -> Control {
    Control::new(p.registers.ar[ar::FPSR], StatusField::from_bits(op.completer.into()), completer)
}

/// The bit of ISR.code that says floating-point trap among concurrent traps (SDM 2:170).
const FP_TRAP: u16 = 1;

/// Faults, or writes the result, sets the flags and traps.
#[inline(always)]
fn complete<T>(p: &mut Processor, op: &Op, outcome: fp::Outcome<T>, write: impl FnOnce(&mut Processor, T)) -> Outcome {
    if !outcome.fault.is_empty() {
        let code = outcome.fault.bits().into();
        return Err(p.raise(Interruption::fault(Vector::FloatingPointFault, code)));
    }
    write(p, outcome.value);
    if !outcome.flags.is_empty() {
        let fpsr = &mut p.registers.ar[ar::FPSR];
        *fpsr = StatusField::from_bits(op.completer.into()).set_flags(*fpsr, outcome.flags);
    }
    if !outcome.trap.is_empty() {
        p.raised = Interruption::fault(Vector::FloatingPointTrap, outcome.trap.bits() | FP_TRAP);
        return Err(Leave::Trap);
    }
    Ok(())
}

/// f1 from f2, by an operation without status field.
#[inline]
pub(super) fn bits1(p: &mut Processor, op: &Op, result: impl FnOnce(Fr) -> Fr) -> Outcome {
    p.set_fr(op.r1, result(p.fr(op.r2)));
    Ok(())
}

/// f1 from f2 and f3, by an operation without status field.
#[inline]
pub(super) fn bits2(p: &mut Processor, op: &Op, result: impl FnOnce(Fr, Fr) -> Fr) -> Outcome {
    p.set_fr(op.r1, result(p.fr(op.r2), p.fr(op.r3)));
    Ok(())
}

/// f1 from f3, f4 and f2, by an operation without status field.
#[inline]
pub(super) fn bits3(p: &mut Processor, op: &Op, result: impl FnOnce(Fr, Fr, Fr) -> Fr) -> Outcome {
    p.set_fr(op.r1, result(p.fr(op.r3), p.fr(op.r4), p.fr(op.r2)));
    Ok(())
}

/// f1 from f2.
#[inline]
pub(super) fn compute1(
    p: &mut Processor,
    op: &Op,
    completer: Completer,
    compute: impl FnOnce(Fr, &Control) -> fp::Outcome,
) -> Outcome {
    let outcome = compute(p.fr(op.r2), &control(p, op, completer));
    complete(p, op, outcome, |p, value| p.set_fr(op.r1, value))
}

/// f1 from f2 and f3.
#[inline]
pub(super) fn compute2(
    p: &mut Processor,
    op: &Op,
    completer: Completer,
    compute: impl FnOnce(Fr, Fr, &Control) -> fp::Outcome,
) -> Outcome {
    let outcome = compute(p.fr(op.r2), p.fr(op.r3), &control(p, op, completer));
    complete(p, op, outcome, |p, value| p.set_fr(op.r1, value))
}

/// Nothing is added to a product where f2 is FR 0 (SDM 3, "fma").
#[inline(always)]
fn addend(p: &Processor, op: &Op) -> Option<Fr> {
    if op.r2 == 0 { None } else { Some(p.fr(op.r2)) }
}

/// f1 from f3, f4 and f2, the product or f2 negated. Inlined, so that each completer has code of its own.
#[inline(always)]
pub(super) fn multiply_add(
    p: &mut Processor,
    op: &Op,
    completer: Completer,
    negate_product: bool,
    negate_addend: bool,
) -> Outcome {
    let control = control(p, op, completer);
    let (f3, f4, f2) = (p.fr(op.r3), p.fr(op.r4), addend(p, op));
    let outcome = fp::fma::multiply_add(f3, f4, f2, negate_product, negate_addend, &control);
    complete(p, op, outcome, |p, value| p.set_fr(op.r1, value))
}

/// f1 from f3, f4 and f2, in both halves.
#[inline]
pub(super) fn multiply_add_pair(
    p: &mut Processor,
    op: &Op,
    compute: impl FnOnce(Fr, Fr, Option<Fr>, &Control) -> fp::Outcome,
) -> Outcome {
    let outcome = compute(p.fr(op.r3), p.fr(op.r4), addend(p, op), &control(p, op, Completer::Parallel));
    complete(p, op, outcome, |p, value| p.set_fr(op.r1, value))
}

/// f1 and p2 from f2 and f3. p2 is cleared where the qualifying predicate is 0.
#[inline]
pub(super) fn approximate(
    p: &mut Processor,
    op: &Op,
    completer: Completer,
    compute: impl FnOnce(Fr, Fr, &Control) -> fp::Outcome<(Fr, bool)>,
) -> Outcome {
    if !p.pr(op.predicate) {
        p.set_pr(op.p2, false);
        return Ok(());
    }
    let outcome = compute(p.fr(op.r2), p.fr(op.r3), &control(p, op, completer));
    complete(p, op, outcome, |p, (value, iterate)| {
        p.set_fr(op.r1, value);
        p.set_pr(op.p2, iterate);
    })
}

/// `fcmp`. A NaTVal clears both predicates.
#[inline]
pub(super) fn compare(p: &mut Processor, op: &Op, relation: Relation) -> Outcome {
    let (f2, f3) = (p.fr(op.r2), p.fr(op.r3));
    if f2.is_natval() || f3.is_natval() {
        p.set_pr2(op.p1, false, op.p2, false);
        return Ok(());
    }
    let outcome = fcmp(f2, f3, relation, &control(p, op, Completer::Dynamic));
    complete(p, op, outcome, |p, holds| p.set_pr2(op.p1, holds, op.p2, !holds))
}

/// `fcmp.unc`.
#[inline]
pub(super) fn compare_unc(p: &mut Processor, op: &Op, relation: Relation) -> Outcome {
    if !p.pr(op.predicate) {
        p.set_pr2(op.p1, false, op.p2, false);
        return Ok(());
    }
    compare(p, op, relation)
}

/// `fclass.m`. A NaTVal that is not asked for clears both predicates.
pub(super) fn class(p: &mut Processor, op: &Op) -> Outcome {
    match fclass(p.fr(op.r2), op.imm as u64) {
        Some(member) => p.set_pr2(op.p1, member, op.p2, !member),
        None => p.set_pr2(op.p1, false, op.p2, false),
    }
    Ok(())
}

/// `fclass.m.unc`.
pub(super) fn class_unc(p: &mut Processor, op: &Op) -> Outcome {
    if !p.pr(op.predicate) {
        p.set_pr2(op.p1, false, op.p2, false);
        return Ok(());
    }
    class(p, op)
}

#[cfg(test)]
mod tests;
