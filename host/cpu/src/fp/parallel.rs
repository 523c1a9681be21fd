//! Pairs of singles: each half is widened to the register format, computed with the range and
//! precision of a single, and narrowed again.

use super::compare::{self, Relation};
use super::control::{Control, Fault, Outcome, Trap};
use super::convert::{Integer, to_integer};
use super::fma;
use super::reciprocal::Approximation::{self, Result, Start};
use super::reciprocal::{SINGLE, reciprocal, reciprocal_root};
use super::register::{BIAS, EXPONENT_SPECIAL, Fr, INTEGER_BIT};

/// One result from those of the halves.
fn join<T>(high: Outcome<u32>, low: Outcome<u32>, result: impl FnOnce(Fr) -> T) -> Outcome<T> {
    Outcome {
        value: result(Fr::pair(high.value, low.value)),
        flags: high.flags | low.flags,
        fault: high.fault | Fault::from_bits_truncate(low.fault.bits() << 4),
        trap: high.trap | Trap::from_bits_truncate(low.trap.bits() >> 4),
    }
}

/// The single of a result; that of an enabled overflow or underflow keeps its low 8 exponent bits.
fn narrow(outcome: Outcome) -> Outcome<u32> {
    outcome.map(|value| {
        let single = value.to_single();
        if value.significand < INTEGER_BIT || value.exponent() == EXPONENT_SPECIAL {
            return single;
        }
        let exponent = value.exponent().wrapping_sub(BIAS - 127) & 0xff;
        single & !(0xff << 23) | exponent << 23
    })
}

/// Computes both halves of up to three operands.
fn each<const N: usize>(operands: [Fr; N], compute: impl Fn([Fr; N]) -> Outcome<u32>) -> Outcome {
    if operands.iter().any(|f| f.is_natval()) {
        return Outcome::exact(Fr::NATVAL);
    }
    let high = compute(operands.map(|f| Fr::from_single(f.halves().0)));
    let low = compute(operands.map(|f| Fr::from_single(f.halves().1)));
    join(high, low, |value| value)
}

/// A scalar multiply and add.
type MultiplyAdd = fn(Fr, Fr, Option<Fr>, &Control) -> Outcome;

fn multiply_add(f3: Fr, f4: Fr, f2: Option<Fr>, compute: MultiplyAdd, control: &Control) -> Outcome {
    match f2 {
        Some(f2) => each([f3, f4, f2], |[f3, f4, f2]| narrow(compute(f3, f4, Some(f2), control))),
        None => each([f3, f4], |[f3, f4]| narrow(compute(f3, f4, None, control))),
    }
}

/// `f3 * f4 + f2` in both halves; `f2` is `None` when the instruction names FR 0.
#[must_use]
pub fn fpma(f3: Fr, f4: Fr, f2: Option<Fr>, control: &Control) -> Outcome {
    multiply_add(f3, f4, f2, fma::fma, control)
}

/// `f3 * f4 - f2` in both halves; see [`fpma`] for `f2`.
#[must_use]
pub fn fpms(f3: Fr, f4: Fr, f2: Option<Fr>, control: &Control) -> Outcome {
    multiply_add(f3, f4, f2, fma::fms, control)
}

/// `-(f3 * f4) + f2` in both halves; see [`fpma`] for `f2`.
#[must_use]
pub fn fpnma(f3: Fr, f4: Fr, f2: Option<Fr>, control: &Control) -> Outcome {
    multiply_add(f3, f4, f2, fma::fnma, control)
}

/// `fmin` in both halves.
#[must_use]
pub fn fpmin(f2: Fr, f3: Fr, control: &Control) -> Outcome {
    each([f2, f3], |[f2, f3]| narrow(compare::fmin(f2, f3, control)))
}

/// `fmax` in both halves.
#[must_use]
pub fn fpmax(f2: Fr, f3: Fr, control: &Control) -> Outcome {
    each([f2, f3], |[f2, f3]| narrow(compare::fmax(f2, f3, control)))
}

/// `famin` in both halves.
#[must_use]
pub fn fpamin(f2: Fr, f3: Fr, control: &Control) -> Outcome {
    each([f2, f3], |[f2, f3]| narrow(compare::famin(f2, f3, control)))
}

/// `famax` in both halves.
#[must_use]
pub fn fpamax(f2: Fr, f3: Fr, control: &Control) -> Outcome {
    each([f2, f3], |[f2, f3]| narrow(compare::famax(f2, f3, control)))
}

/// All ones in each half whose relation holds or, with `negate`, does not hold.
#[must_use]
pub fn fpcmp(f2: Fr, f3: Fr, relation: Relation, negate: bool, control: &Control) -> Outcome {
    each([f2, f3], |[f2, f3]| {
        compare::fcmp(f2, f3, relation, control).map(|holds| if holds != negate { u32::MAX } else { 0 })
    })
}

/// A 32-bit integer from each half.
#[must_use]
pub fn fpcvt_fx(f2: Fr, integer: Integer, truncate: bool, control: &Control) -> Outcome {
    each([f2], |[f2]| to_integer(f2, 32, integer, truncate, control).map(|value| value as u32))
}

/// Both approximations; the flag is set if both are to be iterated.
fn approximate(high: Outcome<Approximation>, low: Outcome<Approximation>) -> Outcome<(Fr, bool)> {
    let iterate = |half: &Outcome<Approximation>| matches!(half.value, Start(_, true));
    let both = iterate(&high) && iterate(&low);
    let half = |half: Outcome<Approximation>| {
        narrow(half.map(|approximation| match approximation {
            Start(value, false) if value.exponent() >= BIAS + 127 => Fr::infinity(value.sign()),
            Start(value, false) if value.exponent() <= BIAS - 126 => Fr::zero(value.sign()),
            Start(value, _) | Result(value) => value,
        }))
    };
    join(half(high), half(low), |value| (value, both))
}

/// `frcpa` in both halves. Beyond the limits of a single the predicate is cleared: software then
/// divides the halves one by one.
#[must_use]
pub fn fprcpa(f2: Fr, f3: Fr, control: &Control) -> Outcome<(Fr, bool)> {
    if f2.is_natval() || f3.is_natval() {
        return Outcome::exact((Fr::NATVAL, false));
    }
    let half = |f2, f3| reciprocal(Fr::from_single(f2), Fr::from_single(f3), &SINGLE, control);
    let ((a, b), (c, d)) = (f2.halves(), f3.halves());
    approximate(half(a, c), half(b, d))
}

/// The reciprocal square root approximations of both halves; see [`fprcpa`] for the limits. Where
/// nothing is to be iterated the result is the reciprocal of the root, not the root.
#[must_use]
pub fn fprsqrta(f3: Fr, control: &Control) -> Outcome<(Fr, bool)> {
    if f3.is_natval() {
        return Outcome::exact((Fr::NATVAL, false));
    }
    let half = |f3| {
        reciprocal_root(Fr::from_single(f3), &SINGLE, control).map(|approximation| match approximation {
            Result(value) if value.is_zero() => Result(Fr::infinity(value.sign())),
            Result(value) if value.is_infinity() => Result(Fr::zero(value.sign())),
            other => other,
        })
    };
    let (high, low) = f3.halves();
    approximate(half(high), half(low))
}
