//! Multiply and add with one rounding: fma, fms, fnma and their pseudo-operations (SDM 3, "fma").

use super::control::{Control, Flags, Outcome, Rounding};
use super::host;
use super::operand::{denormal_flag, nan_result};
use super::register::Fr;
use super::round::{Exact, Number, round, shift_right_sticky};

/// `f3 * f4 + f2`. `f2` is `None` when the instruction names FR 0: the product is then rounded
/// without an addition, so that a zero keeps the product's sign.
#[inline]
#[must_use]
pub fn fma(f3: Fr, f4: Fr, f2: Option<Fr>, control: &Control) -> Outcome {
    multiply_add(f3, f4, f2, false, false, control)
}

/// `f3 * f4 - f2`; see [`fma`] for `f2`.
#[inline]
#[must_use]
pub fn fms(f3: Fr, f4: Fr, f2: Option<Fr>, control: &Control) -> Outcome {
    multiply_add(f3, f4, f2, false, true, control)
}

/// `-(f3 * f4) + f2`; see [`fma`] for `f2`.
#[inline]
#[must_use]
pub fn fnma(f3: Fr, f4: Fr, f2: Option<Fr>, control: &Control) -> Outcome {
    multiply_add(f3, f4, f2, true, false, control)
}

/// `±(f3 * f4) ± f2`; see [`fma`] for `f2`. Inlined, so that where the completer is known only the exact computation is
/// behind a call.
#[inline(always)]
#[must_use]
pub fn multiply_add(
    f3: Fr,
    f4: Fr,
    f2: Option<Fr>,
    negate_product: bool,
    negate_addend: bool,
    control: &Control,
) -> Outcome {
    if control.host() {
        let y = f4;
        let x = if negate_product { f3.negate() } else { f3 };
        let z = if negate_addend { f2.map(Fr::negate) } else { f2 };
        if let Some(value) = host::multiply_add(x, y, z, control.precision(), control.is_inexact()) {
            return Outcome::exact(value);
        }
    }
    exactly(f3, f4, f2, negate_product, negate_addend, control)
}

#[inline(never)]
pub(super) fn exactly(
    f3: Fr,
    f4: Fr,
    f2: Option<Fr>,
    negate_product: bool,
    negate_addend: bool,
    control: &Control,
) -> Outcome {
    let addend = f2.unwrap_or(Fr::ZERO);
    let mut flags = Flags::empty();
    if !(f3.is_normal() && f4.is_normal() && addend.is_normal()) {
        match special(f3, f4, f2, negate_product, negate_addend, control) {
            Ok(found) => flags = found,
            Err(outcome) => return outcome,
        }
    }
    let (x, y, mut z) = (Number::of(f3), Number::of(f4), Number::of(addend));
    z.negative ^= negate_addend;
    let product = Product {
        negative: x.negative ^ y.negative ^ negate_product,
        exponent: x.exponent + y.exponent - PRODUCT_BIAS,
        significand: u128::from(x.significand) * u128::from(y.significand),
    };
    if let Some(exact) = add(product, z) {
        return round(exact, flags, control);
    }
    let negative = if f2.is_none() || product.significand == 0 && product.negative == z.negative {
        product.negative
    } else {
        control.rounding() == Rounding::Down
    };
    Outcome::checked(Fr::zero(negative), flags, control)
}

/// The flags of operands that have a finite result, or the outcome of those that do not.
#[inline(never)]
fn special(
    f3: Fr,
    f4: Fr,
    f2: Option<Fr>,
    negate_product: bool,
    negate_addend: bool,
    control: &Control,
) -> Result<Flags, Outcome> {
    let addend = f2.unwrap_or(Fr::ZERO);
    let operands = [f4, addend, f3];
    if operands.iter().any(|f| f.is_natval()) {
        return Err(Outcome::exact(Fr::NATVAL));
    }
    if let Some((value, flags)) = nan_result(&operands) {
        return Err(Outcome::checked(value, flags, control));
    }
    let flags = denormal_flag(&operands);
    let product_negative = f3.sign() ^ f4.sign() ^ negate_product;
    let addend_negative = addend.sign() ^ negate_addend;
    let infinite_product = f3.is_infinity() || f4.is_infinity();
    if !infinite_product && !addend.is_infinity() {
        return Ok(flags);
    }
    // A pseudo-zero times infinity is infinity (SDM 1:88).
    let invalid = infinite_product
        && (f3.is_zero() || f4.is_zero() || addend.is_infinity() && product_negative != addend_negative);
    Err(if invalid {
        Outcome::checked(Fr::INDEFINITE, Flags::V, control)
    } else {
        let negative = if infinite_product { product_negative } else { addend_negative };
        Outcome::checked(Fr::infinity(negative), flags, control)
    })
}

/// The sum of two exponents less this is the exponent of the product's bit 127.
const PRODUCT_BIAS: i32 = super::register::BIAS as i32 - 1;

/// An exact product: zero, or with its leading bit at 127 or 126.
#[derive(Clone, Copy)]
struct Product {
    negative: bool,
    exponent: i32,
    significand: u128,
}

/// The exact sum, or `None` if it is zero.
#[inline]
fn add(product: Product, addend: Number) -> Option<Exact> {
    let shift = product.significand.leading_zeros();
    if shift > 1 {
        let significand = u128::from(addend.significand) << 64;
        let Number { negative, exponent, .. } = addend;
        return (significand != 0).then_some(Exact { negative, exponent, significand });
    }
    let p = Exact {
        negative: product.negative,
        exponent: product.exponent - shift as i32,
        significand: product.significand << shift,
    };
    if addend.significand == 0 {
        return Some(p);
    }
    let a = Exact {
        negative: addend.negative,
        exponent: addend.exponent,
        significand: u128::from(addend.significand) << 64,
    };
    let a_is_larger = (a.exponent, a.significand) > (p.exponent, p.significand);
    let (large, small) = if a_is_larger { (a, p) } else { (p, a) };
    let distance = large.exponent.abs_diff(small.exponent);
    let (shifted, lost) = shift_right(small.significand, distance);
    let Exact { negative, mut exponent, .. } = large;
    if a.negative == p.negative {
        let (sum, carry) = large.significand.overflowing_add(shifted);
        let mut significand = sum | u128::from(lost);
        if carry {
            significand = shift_right_sticky(significand, 1) | 1 << 127;
            exponent += 1;
        }
        return Some(Exact { negative, exponent, significand });
    }
    // Anything lost makes the difference lie strictly between two values of bit 0.
    let mut difference = large.significand - shifted - u128::from(lost);
    if distance == 1 && lost && difference >> 127 == 0 {
        // The lost bit would be shifted in again, and the exact difference fits one place lower.
        difference = (large.significand << 1).wrapping_sub(small.significand);
        exponent -= 1;
    } else {
        difference |= u128::from(lost);
    }
    if difference == 0 {
        return None;
    }
    let shift = difference.leading_zeros();
    Some(Exact { negative, exponent: exponent - shift as i32, significand: difference << shift })
}

/// The shifted value and whether non-zero bits were lost.
#[inline]
fn shift_right(value: u128, count: u32) -> (u128, bool) {
    match count {
        0 => (value, false),
        1..=127 => (value >> count, value << (128 - count) != 0),
        _ => (0, true),
    }
}
