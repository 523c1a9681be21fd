//! The one rounding every arithmetic result goes through (SDM 1:104-1:107).

use super::control::{Control, Flags, Outcome, Rounding, Trap};
use super::register::{EXPONENT_EXTENDED_MIN, EXPONENT_SPECIAL, Fr, INTEGER_BIT};

/// A finite operand with its integer bit in place, or zero.
#[derive(Clone, Copy)]
pub(super) struct Number {
    pub(super) negative: bool,
    /// Biased like a register's exponent, but not bounded.
    pub(super) exponent: i32,
    /// Zero, or at least 2^63.
    pub(super) significand: u64,
}

impl Number {
    /// The value of a finite operand, whatever its encoding; not NaTVal.
    #[inline]
    pub(super) fn of(operand: Fr) -> Number {
        let exponent = match operand.exponent() {
            0 => EXPONENT_EXTENDED_MIN as i32,
            e => e as i32,
        };
        let shift = operand.significand.leading_zeros();
        Number {
            negative: operand.sign(),
            exponent: exponent - shift as i32,
            significand: operand.significand.checked_shl(shift).unwrap_or(0),
        }
    }
}

/// The exact non-zero result of an operation before rounding.
#[derive(Clone, Copy)]
pub(super) struct Exact {
    pub(super) negative: bool,
    /// Biased like a register's exponent, but not bounded.
    pub(super) exponent: i32,
    /// Integer bit at 127; bit 0 also stands for anything non-zero below it.
    pub(super) significand: u128,
}

/// A significand cut to its precision.
struct Cut {
    /// Zero if the increment carried out of the integer bit.
    significand: u64,
    carry: bool,
    inexact: bool,
    incremented: bool,
}

#[inline]
fn cut(significand: u128, negative: bool, control: &Control) -> Cut {
    const HALF: u128 = 1 << 127;
    let unit = 1u64 << (64 - control.precision());
    let kept = (significand >> 64) as u64 & unit.wrapping_neg();
    let rest = significand << control.precision();
    let inexact = rest != 0;
    let incremented = match control.rounding() {
        Rounding::Nearest => rest > HALF || rest == HALF && kept & unit != 0,
        Rounding::Down => inexact && negative,
        Rounding::Up => inexact && !negative,
        Rounding::Zero => false,
    };
    let (significand, carry) = kept.overflowing_add(if incremented { unit } else { 0 });
    Cut { significand, carry, inexact, incremented }
}

/// Shifts right and keeps whether anything was lost in bit 0.
#[inline]
pub(super) fn shift_right_sticky(value: u128, count: u32) -> u128 {
    match count {
        0 => value,
        1..=127 => value >> count | u128::from(value << (128 - count) != 0),
        _ => u128::from(value != 0),
    }
}

/// Rounds to the precision, range and mode of `control`; `flags` are those found before.
#[inline]
pub(super) fn round(exact: Exact, flags: Flags, control: &Control) -> Outcome {
    let Exact { negative, exponent, significand } = exact;
    let cut = cut(significand, negative, control);
    let exponent = exponent + i32::from(cut.carry);
    let significand = if cut.carry { INTEGER_BIT } else { cut.significand };
    if exponent < control.exponent_min() as i32 {
        return tiny(exact, exponent, significand, &cut, flags, control);
    }
    if exponent > control.exponent_max() as i32 {
        return huge(negative, exponent, significand, &cut, flags, control);
    }
    let value = Fr::new(negative, exponent as u32, significand);
    inexact(value, cut.inexact, cut.incremented, flags, Trap::empty(), control)
}

/// Adds the inexact exception, and `fpa` if any trap is taken. An overflow or underflow trap reports that the result is
/// inexact whether or not that would trap by itself (SDM 2:592).
#[inline]
fn inexact(value: Fr, inexact: bool, greater: bool, mut flags: Flags, mut trap: Trap, control: &Control) -> Outcome {
    if inexact {
        flags |= Flags::I;
        if !trap.is_empty() || control.enabled().contains(Flags::I) {
            trap |= Trap::I;
        }
    }
    if greater && !trap.is_empty() {
        trap |= Trap::FPA;
    }
    Outcome { trap, ..Outcome::checked(value, flags, control) }
}

/// The exponent of an enabled overflow or underflow keeps its low 17 bits.
fn wrapped(negative: bool, exponent: i32, significand: u64) -> Fr {
    Fr::new(negative, exponent as u32 & EXPONENT_SPECIAL, significand)
}

#[cold]
fn huge(negative: bool, exponent: i32, significand: u64, cut: &Cut, flags: Flags, control: &Control) -> Outcome {
    let flags = flags | Flags::O;
    if control.enabled().contains(Flags::O) {
        let value = wrapped(negative, exponent, significand);
        return inexact(value, cut.inexact, cut.incremented, flags, Trap::O, control);
    }
    let to_infinity = match control.rounding() {
        Rounding::Nearest => true,
        Rounding::Down => negative,
        Rounding::Up => !negative,
        Rounding::Zero => false,
    };
    let value = if to_infinity {
        Fr::infinity(negative)
    } else {
        Fr::new(negative, control.exponent_max(), u64::MAX << (64 - control.precision()))
    };
    inexact(value, true, to_infinity, flags, Trap::empty(), control)
}

/// Tininess is detected after rounding (SDM 1:106).
#[cold]
fn tiny(exact: Exact, exponent: i32, significand: u64, unbounded: &Cut, flags: Flags, control: &Control) -> Outcome {
    let negative = exact.negative;
    if control.enabled().contains(Flags::U) {
        let value = wrapped(negative, exponent, significand);
        let flags = flags | Flags::U;
        return inexact(value, unbounded.inexact, unbounded.incremented, flags, Trap::U, control);
    }
    if control.ftz() {
        return inexact(Fr::zero(negative), true, false, flags | Flags::U, Trap::empty(), control);
    }
    let denormal = shift_right_sticky(exact.significand, (control.exponent_min() as i32).abs_diff(exact.exponent));
    let cut = cut(denormal, negative, control);
    let exponent =
        if cut.significand == 0 || cut.significand < INTEGER_BIT && control.exponent_min() == EXPONENT_EXTENDED_MIN {
            0
        } else {
            control.exponent_min()
        };
    let value = Fr::new(negative, exponent, cut.significand);
    let flags = if cut.inexact { flags | Flags::U } else { flags };
    inexact(value, cut.inexact, cut.incremented, flags, Trap::empty(), control)
}
