//! Comparisons, and the minima and maxima that rest on them.

use std::cmp::Ordering;

use super::control::{Control, Flags, Outcome};
use super::operand::denormal_flag;
use super::register::{Fr, SIGN};
use super::round::Number;

/// A relation of `fcmp` and `fpcmp`; the others are their negations or swap the operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Equal.
    Eq,
    /// Less than.
    Lt,
    /// Less than or equal.
    Le,
    /// Unordered.
    Unord,
}

/// The order of two operands that are not NaTVal; `None` if they are unordered.
#[inline]
fn order(a: Fr, b: Fr) -> Option<Ordering> {
    let unordered = |f: Fr| f.is_nan() || f.is_unsupported();
    if unordered(a) || unordered(b) {
        return None;
    }
    let (a, b) = (Number::of(a), Number::of(b));
    if a.significand == 0 && b.significand == 0 {
        return Some(Ordering::Equal);
    }
    let magnitude =
        (a.significand != 0, a.exponent, a.significand).cmp(&(b.significand != 0, b.exponent, b.significand));
    Some(match (a.negative, b.negative) {
        (false, false) => magnitude,
        (true, true) => magnitude.reverse(),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
    })
}

/// V for operands a relation cannot take, otherwise D for unnormalized ones.
#[inline]
fn flags(a: Fr, b: Fr, quiet: bool) -> Flags {
    let invalid = |f: Fr| f.is_unsupported() || f.is_snan() || !quiet && f.is_nan();
    if invalid(a) || invalid(b) {
        Flags::V
    } else if a.is_nan() || b.is_nan() {
        Flags::empty()
    } else {
        denormal_flag(&[a, b])
    }
}

/// Whether the relation holds between `f2` and `f3`. Neither is NaTVal: that clears both target
/// predicates before any comparison (SDM 3, "fcmp").
#[inline]
#[must_use]
pub fn fcmp(f2: Fr, f3: Fr, relation: Relation, control: &Control) -> Outcome<bool> {
    let order = order(f2, f3);
    let holds = match relation {
        Relation::Eq => order == Some(Ordering::Equal),
        Relation::Lt => order == Some(Ordering::Less),
        Relation::Le => order.is_some_and(Ordering::is_le),
        Relation::Unord => order.is_none(),
    };
    let quiet = matches!(relation, Relation::Eq | Relation::Unord);
    Outcome::checked(holds, flags(f2, f3, quiet), control)
}

/// `f2` if it stands in `wanted` order to `f3`, otherwise `f3`, also when they are unordered.
#[inline]
fn select(f2: Fr, f3: Fr, absolute: bool, wanted: Ordering, control: &Control) -> Outcome {
    if f2.is_natval() || f3.is_natval() {
        return Outcome::exact(Fr::NATVAL);
    }
    let key = |f: Fr| {
        if absolute { Fr { sign_exponent: f.sign_exponent & !SIGN, ..f } } else { f }
    };
    let value = if order(key(f2), key(f3)) == Some(wanted) { f2 } else { f3 };
    Outcome::checked(value, flags(f2, f3, false), control)
}

/// `f2` if it is less than `f3`, otherwise `f3`.
#[inline]
#[must_use]
pub fn fmin(f2: Fr, f3: Fr, control: &Control) -> Outcome {
    select(f2, f3, false, Ordering::Less, control)
}

/// `f2` if it is greater than `f3`, otherwise `f3`.
#[inline]
#[must_use]
pub fn fmax(f2: Fr, f3: Fr, control: &Control) -> Outcome {
    select(f2, f3, false, Ordering::Greater, control)
}

/// `f2` if its magnitude is less than that of `f3`, otherwise `f3`.
#[inline]
#[must_use]
pub fn famin(f2: Fr, f3: Fr, control: &Control) -> Outcome {
    select(f2, f3, true, Ordering::Less, control)
}

/// `f2` if its magnitude is greater than that of `f3`, otherwise `f3`.
#[inline]
#[must_use]
pub fn famax(f2: Fr, f3: Fr, control: &Control) -> Outcome {
    select(f2, f3, true, Ordering::Greater, control)
}

/// Whether `f2` is in one of the classes of `fclass9` (SDM 3:64). `None` if it is NaTVal and the
/// mask does not ask for that: both target predicates are then cleared.
#[inline]
#[must_use]
pub fn fclass(f2: Fr, fclass9: u64) -> Option<bool> {
    const POSITIVE: u64 = 0x001;
    const NEGATIVE: u64 = 0x002;
    const ZERO: u64 = 0x004;
    const UNNORMAL: u64 = 0x008;
    const NORMAL: u64 = 0x010;
    const INFINITY: u64 = 0x020;
    const SNAN: u64 = 0x040;
    const QNAN: u64 = 0x080;
    const NATVAL: u64 = 0x100;
    let asked = |mask: u64| fclass9 & mask != 0;
    if f2.is_natval() {
        return asked(NATVAL).then_some(true);
    }
    let kind = if f2.is_zero() {
        ZERO
    } else if f2.is_unnormal() {
        UNNORMAL
    } else if f2.is_normal() {
        NORMAL
    } else if f2.is_infinity() {
        INFINITY
    } else {
        return Some(f2.is_snan() && asked(SNAN) || f2.is_qnan() && asked(QNAN));
    };
    Some(asked(kind) && asked(if f2.sign() { NEGATIVE } else { POSITIVE }))
}
