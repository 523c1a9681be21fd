//! Approximations of the reciprocal and the reciprocal square root (SDM 3, "frcpa" and "frsqrta").

use super::control::{Control, Fault, Flags, Outcome};
use super::operand::{denormal_flag, nan_result};
use super::register::{BIAS, Fr, INTEGER_BIT};
use super::round::Number;

/// The exponents between which the Newton-Raphson iterations of a format give the IEEE result.
pub(super) struct Limits {
    min: i32,
    max: i32,
    precision: i32,
}

/// The limits of the register format; software must assist beyond them.
const REGISTER: Limits = Limits { min: -65534, max: 65535, precision: 64 };
/// The limits of a single in a pair.
pub(super) const SINGLE: Limits = Limits { min: -126, max: 127, precision: 24 };

/// A quotient or square root that needs no iterations, or the approximation to begin them with.
pub(super) enum Approximation {
    /// The IEEE result.
    Result(Fr),
    /// The approximation, and whether the operands are within the limits.
    Start(Fr, bool),
}

/// Index: the 8 highest fraction bits. Entry: the 10 highest fraction bits of the reciprocal of
/// the middle of the interval.
static RECIPROCAL: [u16; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        // 2^11 / (1 + (2i + 1) / 2^9), rounded to nearest.
        let divisor = 513 + 2 * i as u32;
        table[i] = (((1 << 21) + divisor) / (2 * divisor)) as u16 & 0x3ff;
        i += 1;
    }
    table
};

/// Index: the lowest exponent bit and the 7 highest fraction bits. Entry: the 10 highest fraction
/// bits of the reciprocal square root of the middle of the interval.
static RECIPROCAL_ROOT: [u16; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        // The register exponent's bias is odd: an odd exponent stands for an even power of two.
        let fraction = 257 + 2 * (i as u64 & 127);
        let square = if i < 128 { 1 << 31 } else { 1 << 32 };
        // Nearest integer to the root of square / fraction, with the radicand scaled by 2^-1.
        let mut root = 1 << 10;
        while (2 * root + 1) * (2 * root + 1) * fraction < square {
            root += 1;
        }
        table[i] = root as u16 & 0x3ff;
        i += 1;
    }
    table
};

/// The reciprocal approximation of `f3`, or the quotient of `f2` and `f3` with false if that is
/// known; the flag is the target predicate. Beyond the limits software must assist.
#[inline]
#[must_use]
pub fn frcpa(f2: Fr, f3: Fr, control: &Control) -> Outcome<(Fr, bool)> {
    if f2.is_natval() || f3.is_natval() {
        return Outcome::exact((Fr::NATVAL, false));
    }
    assisted(reciprocal(f2, f3, &REGISTER, control))
}

/// The reciprocal square root approximation of `f3`, or its square root with false if that is
/// known; the flag is the target predicate. Beyond the limits software must assist.
#[inline]
#[must_use]
pub fn frsqrta(f3: Fr, control: &Control) -> Outcome<(Fr, bool)> {
    if f3.is_natval() {
        return Outcome::exact((Fr::NATVAL, false));
    }
    assisted(reciprocal_root(f3, &REGISTER, control))
}

fn assisted(outcome: Outcome<Approximation>) -> Outcome<(Fr, bool)> {
    match outcome.value {
        Approximation::Result(value) => outcome.map(|_| (value, false)),
        Approximation::Start(value, true) => outcome.map(|_| (value, true)),
        // Software assistance precedes the denormal fault, the only other one (SDM 1:103).
        Approximation::Start(value, false) => Outcome { fault: Fault::SWA, ..outcome.map(|_| (value, true)) },
    }
}

/// Neither operand is NaTVal.
pub(super) fn reciprocal(f2: Fr, f3: Fr, limits: &Limits, control: &Control) -> Outcome<Approximation> {
    use Approximation::{Result, Start};
    if let Some((value, flags)) = nan_result(&[f2, f3]) {
        return Outcome::checked(Result(value), flags, control);
    }
    let negative = f2.sign() != f3.sign();
    let (a, b) = (Number::of(f2), Number::of(f3));
    let flags = denormal_flag(&[f2, f3]);
    let (value, flags) = match (f2.is_infinity(), f3.is_infinity()) {
        (true, true) => (Result(Fr::INDEFINITE), Flags::V),
        (true, false) => (Result(Fr::infinity(negative)), flags),
        (false, true) => (Result(Fr::zero(negative)), flags),
        (false, false) => match (a.significand, b.significand) {
            (0, 0) => (Result(Fr::INDEFINITE), Flags::V),
            (_, 0) => (Result(Fr::infinity(negative)), Flags::Z),
            (0, _) => (Result(Fr::zero(negative)), flags),
            (_, significand) => {
                let index = (significand >> 55 & 0xff) as usize;
                let exponent = 2 * BIAS as i32 - 1 - b.exponent;
                (Start(approximation(b.negative, exponent, RECIPROCAL[index]), limits.divide(a, b)), flags)
            }
        },
    };
    Outcome::checked(value, flags, control)
}

/// `f3` is not NaTVal.
pub(super) fn reciprocal_root(f3: Fr, limits: &Limits, control: &Control) -> Outcome<Approximation> {
    use Approximation::{Result, Start};
    if let Some((value, flags)) = nan_result(&[f3]) {
        return Outcome::checked(Result(value), flags, control);
    }
    let a = Number::of(f3);
    let flags = denormal_flag(&[f3]);
    let (value, flags) = if a.significand == 0 {
        (Result(Fr::zero(a.negative)), flags)
    } else if a.negative {
        (Result(Fr::INDEFINITE), Flags::V)
    } else if f3.is_infinity() {
        (Result(f3), flags)
    } else {
        let index = ((a.exponent & 1) << 7) as usize | (a.significand >> 56 & 0x7f) as usize;
        let exponent = BIAS as i32 - 1 - ((a.exponent - BIAS as i32) >> 1);
        (Start(approximation(false, exponent, RECIPROCAL_ROOT[index]), limits.root(a)), flags)
    };
    Outcome::checked(value, flags, control)
}

fn approximation(negative: bool, exponent: i32, fraction: u16) -> Fr {
    Fr::new(negative, exponent as u32 & 0x1ffff, INTEGER_BIT | u64::from(fraction) << 53)
}

impl Limits {
    /// Whether the quotient of these operands can be iterated to.
    fn divide(&self, a: Number, b: Number) -> bool {
        let (a, b) = (a.exponent - BIAS as i32, b.exponent - BIAS as i32);
        b > self.min - 2
            && b < self.max - 2
            && a - b < self.max
            && a - b > self.min + 1
            && a > self.min + self.precision - 1
    }

    /// Whether the square root of this operand can be iterated to.
    fn root(&self, a: Number) -> bool {
        a.exponent - BIAS as i32 > self.min + self.precision - 1
    }
}
