//! Memory formats and the general-register forms of `getf` and `setf` (SDM 1, 5.3).

use super::register::{BIAS, EXPONENT_INTEGER, EXPONENT_SPECIAL, Fr, INTEGER_BIT, SIGN};

impl Fr {
    /// The register format of an IEEE single (`ldfs`, `setf.s`).
    #[inline]
    #[must_use]
    pub const fn from_single(bits: u32) -> Fr {
        Fr::from_ieee((bits as u64) << 32, 8)
    }

    /// The register format of an IEEE double (`ldfd`, `setf.d`).
    #[inline]
    #[must_use]
    pub const fn from_double(bits: u64) -> Fr {
        Fr::from_ieee(bits, 11)
    }

    /// Left-justified IEEE bits with the given exponent width.
    #[inline]
    const fn from_ieee(bits: u64, width: u32) -> Fr {
        let sign = bits >> 63 != 0;
        let ones = (1 << width) - 1;
        let exponent = (bits >> (63 - width)) as u32 & ones;
        let fraction = bits << (1 + width) >> 1;
        let bias = ones >> 1;
        if exponent == ones {
            Fr::new(sign, EXPONENT_SPECIAL, INTEGER_BIT | fraction)
        } else if exponent != 0 {
            Fr::new(sign, exponent + (BIAS - bias), INTEGER_BIT | fraction)
        } else if fraction != 0 {
            Fr::new(sign, 1 + (BIAS - bias), fraction)
        } else {
            Fr::zero(sign)
        }
    }

    /// The register format of a double-extended (`ldfe`): significand, then sign and exponent.
    #[inline]
    #[must_use]
    pub const fn from_extended(significand: u64, sign_exponent: u16) -> Fr {
        let exponent = match sign_exponent & 0x7fff {
            0 => 0,
            0x7fff => EXPONENT_SPECIAL,
            e => e as u32 + (BIAS - 0x3fff),
        };
        Fr::new(sign_exponent >> 15 != 0, exponent, significand)
    }

    /// The register format of a spilled register (`ldf.fill`): the first and second 8 bytes.
    #[inline]
    #[must_use]
    pub const fn from_spill(low: u64, high: u64) -> Fr {
        Fr { significand: low, sign_exponent: high as u32 & (SIGN | EXPONENT_SPECIAL) }
    }

    /// The bits an `stfs` or `getf.s` gives: no rounding, exponent and fraction cut.
    #[inline]
    #[must_use]
    pub const fn to_single(self) -> u32 {
        (self.to_ieee(8) >> 32) as u32
    }

    /// The bits an `stfd` or `getf.d` gives: no rounding, exponent and fraction cut.
    #[inline]
    #[must_use]
    pub const fn to_double(self) -> u64 {
        self.to_ieee(11)
    }

    /// Left-justified IEEE bits with the given exponent width; the fraction is cut there.
    #[inline]
    const fn to_ieee(self, width: u32) -> u64 {
        let sign = (self.sign() as u64) << 63;
        let exponent = if self.significand >= INTEGER_BIT { self.cut_exponent(width) } else { 0 };
        let precision = if width == 8 { 23 } else { 52 };
        let fraction = self.significand << 1 >> (64 - precision) << (63 - width - precision);
        sign | (exponent as u64) << (63 - width) | fraction
    }

    /// The highest bit of the exponent and `width` - 1 of the lowest.
    #[inline]
    const fn cut_exponent(self, width: u32) -> u32 {
        let exponent = self.exponent();
        exponent >> 16 << (width - 1) | exponent & ((1 << (width - 1)) - 1)
    }

    /// What `stfe` stores: significand, then sign and exponent.
    #[inline]
    #[must_use]
    pub const fn to_extended(self) -> (u64, u16) {
        (self.significand, (self.sign() as u16) << 15 | self.cut_exponent(15) as u16)
    }

    /// What `stf.spill` stores: the first and second 8 bytes.
    #[inline]
    #[must_use]
    pub const fn to_spill(self) -> (u64, u64) {
        (self.significand, self.sign_exponent as u64)
    }

    /// `setf.exp`: sign and exponent from a general register, under a significand of 1.0.
    #[inline]
    #[must_use]
    pub const fn from_exponent(gr: u64) -> Fr {
        Fr { significand: INTEGER_BIT, sign_exponent: gr as u32 & (SIGN | EXPONENT_SPECIAL) }
    }

    /// `getf.exp`: sign and exponent.
    #[inline]
    #[must_use]
    pub const fn to_exponent(self) -> u64 {
        self.sign_exponent as u64
    }

    /// The singles of a pair, high and low.
    #[inline]
    #[must_use]
    pub const fn halves(self) -> (u32, u32) {
        ((self.significand >> 32) as u32, self.significand as u32)
    }

    /// A pair of singles in canonical form.
    #[inline]
    #[must_use]
    pub const fn pair(high: u32, low: u32) -> Fr {
        Fr::new(false, EXPONENT_INTEGER, (high as u64) << 32 | low as u64)
    }
}
