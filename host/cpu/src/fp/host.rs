//! Multiply and add on the host's own doubles and singles, where that gives the same bits: operands that are such
//! numbers, rounding to nearest, and a result away from both ends of the range.

#[cfg(target_arch = "x86_64")]
use std::arch::asm;

use super::register::{BIAS, Fr, INTEGER_BIT};

/// `x * y + z`, unless this must be computed exactly. Exceptions are not looked for: a result given here can at most
/// be inexact.
#[inline(always)]
pub(super) fn multiply_add(x: Fr, y: Fr, z: Option<Fr>, precision: u8) -> Option<Fr> {
    if precision == 53 {
        let (x, y) = (f64::from_bits(double(x)?), f64::from_bits(double(y)?));
        let result = match z {
            Some(z) => fused_double(x, y, f64::from_bits(double(z)?))?,
            None => x * y,
        };
        let bits = result.to_bits();
        let exponent = (bits >> 52) as u32 & 0x7ff;
        // Not zero, denormal or infinite, nor the smallest normal exponent, which may be tiny.
        let plain = (2..0x7ff).contains(&exponent);
        plain.then(|| Fr::new(bits >> 63 != 0, exponent + (BIAS - 1023), bits << 11 | INTEGER_BIT))
    } else {
        let (x, y) = (f32::from_bits(single(x)?), f32::from_bits(single(y)?));
        let result = match z {
            Some(z) => fused_single(x, y, f32::from_bits(single(z)?))?,
            None => x * y,
        };
        let bits = result.to_bits();
        let exponent = bits >> 23 & 0xff;
        let plain = (2..0xff).contains(&exponent);
        plain.then(|| Fr::new(bits >> 31 != 0, exponent + (BIAS - 127), u64::from(bits) << 40 | INTEGER_BIT))
    }
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
