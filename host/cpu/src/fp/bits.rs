//! Operations on the bits of registers: no status field, no exceptions.

use super::register::{Fr, SIGN};

/// NaTVal if any operand is, otherwise the result.
#[inline]
fn natval_or(operands: &[Fr], result: impl FnOnce() -> Fr) -> Fr {
    if operands.iter().any(|f| f.is_natval()) { Fr::NATVAL } else { result() }
}

/// `fmerge.s`: the sign of `f2` on `f3`.
#[inline]
#[must_use]
pub fn fmerge_s(f2: Fr, f3: Fr) -> Fr {
    natval_or(&[f2, f3], || Fr {
        significand: f3.significand,
        sign_exponent: f2.sign_exponent & SIGN | f3.sign_exponent & !SIGN,
    })
}

/// `fmerge.ns`: the opposite sign of `f2` on `f3`.
#[inline]
#[must_use]
pub fn fmerge_ns(f2: Fr, f3: Fr) -> Fr {
    natval_or(&[f2, f3], || Fr {
        significand: f3.significand,
        sign_exponent: !f2.sign_exponent & SIGN | f3.sign_exponent & !SIGN,
    })
}

/// `fmerge.se`: the sign and exponent of `f2` over the significand of `f3`.
#[inline]
#[must_use]
pub fn fmerge_se(f2: Fr, f3: Fr) -> Fr {
    natval_or(&[f2, f3], || Fr { significand: f3.significand, sign_exponent: f2.sign_exponent })
}

/// A pair made from the halves of two operands.
#[inline]
fn halves(f2: Fr, f3: Fr, result: impl FnOnce((u32, u32), (u32, u32)) -> (u32, u32)) -> Fr {
    natval_or(&[f2, f3], || {
        let (high, low) = result(f2.halves(), f3.halves());
        Fr::pair(high, low)
    })
}

const SINGLE_SIGN: u32 = 1 << 31;
const SINGLE_FRACTION: u32 = (1 << 23) - 1;

/// `mask` bits of `a`, the others of `b`.
#[inline]
const fn blend(mask: u32, a: u32, b: u32) -> u32 {
    a & mask | b & !mask
}

/// `fpmerge.s`: `fmerge.s` on both halves.
#[inline]
#[must_use]
pub fn fpmerge_s(f2: Fr, f3: Fr) -> Fr {
    halves(f2, f3, |a, b| (blend(SINGLE_SIGN, a.0, b.0), blend(SINGLE_SIGN, a.1, b.1)))
}

/// `fpmerge.ns`: `fmerge.ns` on both halves.
#[inline]
#[must_use]
pub fn fpmerge_ns(f2: Fr, f3: Fr) -> Fr {
    halves(f2, f3, |a, b| (blend(SINGLE_SIGN, !a.0, b.0), blend(SINGLE_SIGN, !a.1, b.1)))
}

/// `fpmerge.se`: `fmerge.se` on both halves.
#[inline]
#[must_use]
pub fn fpmerge_se(f2: Fr, f3: Fr) -> Fr {
    halves(f2, f3, |a, b| (blend(SINGLE_FRACTION, b.0, a.0), blend(SINGLE_FRACTION, b.1, a.1)))
}

/// `fmix.l`: both high halves.
#[inline]
#[must_use]
pub fn fmix_l(f2: Fr, f3: Fr) -> Fr {
    halves(f2, f3, |a, b| (a.0, b.0))
}

/// `fmix.r`: both low halves.
#[inline]
#[must_use]
pub fn fmix_r(f2: Fr, f3: Fr) -> Fr {
    halves(f2, f3, |a, b| (a.1, b.1))
}

/// `fmix.lr`: the high half of `f2` and the low half of `f3`.
#[inline]
#[must_use]
pub fn fmix_lr(f2: Fr, f3: Fr) -> Fr {
    halves(f2, f3, |a, b| (a.0, b.1))
}

/// `fswap`: the low half of `f3` and the high half of `f2`.
#[inline]
#[must_use]
pub fn fswap(f2: Fr, f3: Fr) -> Fr {
    halves(f2, f3, |a, b| (b.1, a.0))
}

/// `fswap.nl`: `fswap` with the sign of the left half changed.
#[inline]
#[must_use]
pub fn fswap_nl(f2: Fr, f3: Fr) -> Fr {
    halves(f2, f3, |a, b| (b.1 ^ SINGLE_SIGN, a.0))
}

/// `fswap.nr`: `fswap` with the sign of the right half changed.
#[inline]
#[must_use]
pub fn fswap_nr(f2: Fr, f3: Fr) -> Fr {
    halves(f2, f3, |a, b| (b.1, a.0 ^ SINGLE_SIGN))
}

/// 32 copies of the highest bit.
#[inline]
const fn extension(half: u32) -> u32 {
    (half as i32 >> 31) as u32
}

/// `fsxt.l`: the sign of the high half of `f2` over the high half of `f3`.
#[inline]
#[must_use]
pub fn fsxt_l(f2: Fr, f3: Fr) -> Fr {
    halves(f2, f3, |a, b| (extension(a.0), b.0))
}

/// `fsxt.r`: the sign of the low half of `f2` over the low half of `f3`.
#[inline]
#[must_use]
pub fn fsxt_r(f2: Fr, f3: Fr) -> Fr {
    halves(f2, f3, |a, b| (extension(a.1), b.1))
}

/// `fpack`: both operands as `stfs` would store them.
#[inline]
#[must_use]
pub fn fpack(f2: Fr, f3: Fr) -> Fr {
    natval_or(&[f2, f3], || Fr::pair(f2.to_single(), f3.to_single()))
}

/// `fand`: AND of the significands.
#[inline]
#[must_use]
pub fn fand(f2: Fr, f3: Fr) -> Fr {
    natval_or(&[f2, f3], || Fr::integer(f2.significand & f3.significand))
}

/// `fandcm`: AND with the complement of `f3`.
#[inline]
#[must_use]
pub fn fandcm(f2: Fr, f3: Fr) -> Fr {
    natval_or(&[f2, f3], || Fr::integer(f2.significand & !f3.significand))
}

/// `for`: OR of the significands.
#[inline]
#[must_use]
pub fn for_(f2: Fr, f3: Fr) -> Fr {
    natval_or(&[f2, f3], || Fr::integer(f2.significand | f3.significand))
}

/// `fxor`: exclusive OR of the significands.
#[inline]
#[must_use]
pub fn fxor(f2: Fr, f3: Fr) -> Fr {
    natval_or(&[f2, f3], || Fr::integer(f2.significand ^ f3.significand))
}

/// `fselect`: bits of `f3` where `f2` has ones, of `f4` where it has zeros.
#[inline]
#[must_use]
pub fn fselect(f3: Fr, f4: Fr, f2: Fr) -> Fr {
    natval_or(&[f3, f4, f2], || {
        let mask = f2.significand;
        Fr::integer(f3.significand & mask | f4.significand & !mask)
    })
}

/// `xma.l`: the low 64 bits of `f3 * f4 + f2`, signed or unsigned.
#[inline]
#[must_use]
pub fn xma_l(f3: Fr, f4: Fr, f2: Fr) -> Fr {
    natval_or(&[f3, f4, f2], || {
        let product = f3.significand.wrapping_mul(f4.significand);
        Fr::integer(product.wrapping_add(f2.significand))
    })
}

/// `xma.h`: the high 64 bits of the signed `f3 * f4` plus the unsigned `f2`.
#[inline]
#[must_use]
pub fn xma_h(f3: Fr, f4: Fr, f2: Fr) -> Fr {
    natval_or(&[f3, f4, f2], || {
        let product = i128::from(f3.significand as i64) * i128::from(f4.significand as i64);
        Fr::integer((product.wrapping_add(i128::from(f2.significand)) >> 64) as u64)
    })
}

/// `xma.hu`: the high 64 bits of the unsigned `f3 * f4 + f2`.
#[inline]
#[must_use]
pub fn xma_hu(f3: Fr, f4: Fr, f2: Fr) -> Fr {
    natval_or(&[f3, f4, f2], || {
        let product = u128::from(f3.significand) * u128::from(f4.significand);
        Fr::integer((product.wrapping_add(u128::from(f2.significand)) >> 64) as u64)
    })
}
