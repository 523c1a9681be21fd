//! Multiply and add on the host's own doubles and singles, where that gives the same bits: operands that are such
//! numbers, rounding to nearest, and a result away from both ends of the range.

#[cfg(target_arch = "x86_64")]
use std::arch::asm;

use super::register::{BIAS, Fr, INTEGER_BIT};

/// `x * y + z`, unless this must be computed exactly. Exceptions are not looked for: a result given here can at most
/// be inexact, and only if it `may_be_inexact`.
#[inline(always)]
pub(super) fn multiply_add(x: Fr, y: Fr, z: Option<Fr>, precision: u8, may_be_inexact: bool) -> Option<Fr> {
    if precision == 53 {
        let (x, y) = (f64::from_bits(double(x)?), f64::from_bits(double(y)?));
        let z = match z {
            Some(z) => Some(f64::from_bits(double(z)?)),
            None => None,
        };
        let result = match z {
            Some(z) => fused_double(x, y, z)?,
            None => x * y,
        };
        if !may_be_inexact && !is_exact_double(x, y, z, result)? {
            return None;
        }
        let bits = result.to_bits();
        let exponent = (bits >> 52) as u32 & 0x7ff;
        // Not zero, denormal or infinite, nor the smallest normal exponent, which may be tiny.
        let plain = (2..0x7ff).contains(&exponent);
        plain.then(|| Fr::new(bits >> 63 != 0, exponent + (BIAS - 1023), bits << 11 | INTEGER_BIT))
    } else {
        let (x, y) = (f32::from_bits(single(x)?), f32::from_bits(single(y)?));
        let z = match z {
            Some(z) => Some(f32::from_bits(single(z)?)),
            None => None,
        };
        let result = match z {
            Some(z) => fused_single(x, y, z)?,
            None => x * y,
        };
        if !may_be_inexact {
            // The product of two singles is a double.
            let (product, z) = (f64::from(x) * f64::from(y), z.map_or(0.0, f64::from));
            let sum = product + z;
            if sum != f64::from(result) || !is_exact_sum(product, z, sum) {
                return None;
            }
        }
        let bits = result.to_bits();
        let exponent = bits >> 23 & 0xff;
        let plain = (2..0xff).contains(&exponent);
        plain.then(|| Fr::new(bits >> 31 != 0, exponent + (BIAS - 127), u64::from(bits) << 40 | INTEGER_BIT))
    }
}

/// Whether `x * y + z` is certainly `result`, without rounding.
#[inline(always)]
fn is_exact_double(x: f64, y: f64, z: Option<f64>, result: f64) -> Option<bool> {
    let product = x * y;
    let exponent = (product.to_bits() >> 52) as u32 & 0x7ff;
    // What is cut off of a product that is not tiny is a double.
    let exact = (128..0x7ff).contains(&exponent) && fused_double(x, y, -product)? == 0.0;
    Some(exact && z.is_none_or(|z| is_exact_sum(product, z, result)))
}

/// Whether `a + b`, which rounding made `result`, is just that: by what rounding would cut off (Knuth's TwoSum).
#[inline(always)]
fn is_exact_sum(a: f64, b: f64, result: f64) -> bool {
    let b_in_it = result - a;
    (a - (result - b_in_it)) + (b - b_in_it) == 0.0
}

/// The bits of a normal double.
#[inline]
fn double(f: Fr) -> Option<u64> {
    let exponent = f.exponent().wrapping_sub(BIAS - 1023);
    let is_double = (1..0x7ff).contains(&exponent) && f.significand >= INTEGER_BIT && f.significand & 0x7ff == 0;
    is_double.then_some(u64::from(f.sign()) << 63 | u64::from(exponent) << 52 | f.significand << 1 >> 12)
}

/// The bits of a normal single.
#[inline]
fn single(f: Fr) -> Option<u32> {
    let exponent = f.exponent().wrapping_sub(BIAS - 127);
    let is_single = (1..0xff).contains(&exponent) && f.significand >= INTEGER_BIT && f.significand << 24 == 0;
    is_single.then_some(u32::from(f.sign()) << 31 | exponent << 23 | (f.significand << 1 >> 41) as u32)
}

/// Multiplies and adds with one rounding, if the host can. Intrinsics would be calls here, because the feature is not
/// that of all hosts.
#[inline(always)]
#[cfg(target_arch = "x86_64")]
fn fused_double(x: f64, y: f64, z: f64) -> Option<f64> {
    if !std::arch::is_x86_feature_detected!("fma") {
        return None;
    }
    let mut result = x;
    // SAFETY: the feature has been detected.
    unsafe {
        asm!("vfmadd213sd {}, {}, {}", inout(xmm_reg) result, in(xmm_reg) y, in(xmm_reg) z, options(pure, nomem, nostack));
    }
    Some(result)
}

/// Multiplies and adds with one rounding, if the host can.
#[inline(always)]
#[cfg(target_arch = "x86_64")]
fn fused_single(x: f32, y: f32, z: f32) -> Option<f32> {
    if !std::arch::is_x86_feature_detected!("fma") {
        return None;
    }
    let mut result = x;
    // SAFETY: the feature has been detected.
    unsafe {
        asm!("vfmadd213ss {}, {}, {}", inout(xmm_reg) result, in(xmm_reg) y, in(xmm_reg) z, options(pure, nomem, nostack));
    }
    Some(result)
}

/// Multiplies and adds with one rounding.
#[inline]
#[cfg(not(target_arch = "x86_64"))]
fn fused_double(x: f64, y: f64, z: f64) -> Option<f64> {
    Some(x.mul_add(y, z))
}

/// Multiplies and adds with one rounding.
#[inline]
#[cfg(not(target_arch = "x86_64"))]
fn fused_single(x: f32, y: f32, z: f32) -> Option<f32> {
    Some(x.mul_add(y, z))
}
