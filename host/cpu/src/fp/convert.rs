//! Conversions between floating point and integers in the significand.

use super::control::{Control, Flags, Outcome, Rounding, Trap};
use super::operand::denormal_flag;
use super::register::{BIAS, EXPONENT_INTEGER, EXPONENT_SPECIAL, Fr};
use super::round::{Number, shift_right_sticky};

/// The integer a conversion makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Integer {
    /// `fcvt.fx`
    Signed,
    /// `fcvt.fxu`
    Unsigned,
}

/// `fcvt.fx` and `fcvt.fxu`, rounding as the status field says or, with `truncate`, toward zero.
#[inline]
#[must_use]
pub fn fcvt_fx(f2: Fr, integer: Integer, truncate: bool, control: &Control) -> Outcome {
    if f2.is_natval() {
        return Outcome::exact(Fr::NATVAL);
    }
    to_integer(f2, 64, integer, truncate, control).map(Fr::integer)
}

/// `fcvt.xf`: exact, so it has no status field.
#[inline]
#[must_use]
pub fn fcvt_xf(f2: Fr) -> Fr {
    if f2.is_natval() {
        return Fr::NATVAL;
    }
    let integer = f2.significand as i64;
    if integer == 0 {
        return Fr::ZERO;
    }
    let magnitude = integer.unsigned_abs();
    let shift = magnitude.leading_zeros();
    Fr::new(integer < 0, EXPONENT_INTEGER - shift, magnitude << shift)
}

/// The integer of `bits` bits, or the most negative one for an invalid operand. `f2` is not
/// NaTVal.
#[inline]
pub(super) fn to_integer(f2: Fr, bits: u32, integer: Integer, truncate: bool, control: &Control) -> Outcome<u64> {
    let invalid = || Outcome::checked(1 << (bits - 1), Flags::V, control);
    if f2.exponent() == EXPONENT_SPECIAL {
        return invalid();
    }
    let mut flags = denormal_flag(&[f2]);
    let Number { negative, exponent, significand } = Number::of(f2);
    let exponent = exponent - BIAS as i32;
    // The integer part, and the fraction left-justified below it.
    let fixed = match exponent {
        _ if significand == 0 => 0,
        64.. => return invalid(),
        -1.. => u128::from(significand) << (exponent + 1),
        _ => shift_right_sticky(u128::from(significand), exponent.abs_diff(-1)),
    };
    let (whole, fraction) = ((fixed >> 64) as u64, fixed as u64);
    let inexact = fraction != 0;
    const HALF: u64 = 1 << 63;
    let incremented = match if truncate { Rounding::Zero } else { control.rounding() } {
        Rounding::Nearest => fraction > HALF || fraction == HALF && whole & 1 != 0,
        Rounding::Down => inexact && negative,
        Rounding::Up => inexact && !negative,
        Rounding::Zero => false,
    };
    let magnitude = u128::from(whole) + u128::from(incremented);
    let limit = match integer {
        Integer::Signed => (1 << (bits - 1)) - u128::from(!negative),
        Integer::Unsigned if negative => 0,
        Integer::Unsigned => (1 << bits) - 1,
    };
    if magnitude > limit {
        return invalid();
    }
    let value = if negative { (magnitude as u64).wrapping_neg() } else { magnitude as u64 };
    let mut trap = Trap::empty();
    if inexact {
        flags |= Flags::I;
        if control.enabled().contains(Flags::I) {
            trap = if incremented { Trap::I | Trap::FPA } else { Trap::I };
        }
    }
    Outcome { trap, ..Outcome::checked(value, flags, control) }
}
