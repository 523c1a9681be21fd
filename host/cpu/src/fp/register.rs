//! The 82-bit floating-point register format (SDM 1:86).

/// The bias of the 17-bit exponent.
pub const BIAS: u32 = 0xffff;
/// The exponent of infinities, NaNs and unsupported encodings.
pub const EXPONENT_SPECIAL: u32 = 0x1ffff;
/// The exponent of NaTVal.
pub const EXPONENT_NATVAL: u32 = 0x1fffe;
/// The exponent of an integer or a pair of singles in canonical form.
pub const EXPONENT_INTEGER: u32 = 0x1003e;
/// The true exponent of double-extended denormals, which stand in a register with exponent 0.
pub const EXPONENT_EXTENDED_MIN: u32 = 0xc001;
/// The sign in [`Fr::sign_exponent`].
pub const SIGN: u32 = 1 << 17;
/// The explicit integer bit of a significand.
pub const INTEGER_BIT: u64 = 1 << 63;
/// The bit that makes a NaN quiet.
pub const QUIET_BIT: u64 = 1 << 62;

/// The contents of a floating-point register.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct Fr {
    /// Explicit integer bit (63) and 63 fraction bits.
    pub significand: u64,
    /// Sign (bit 17) and exponent with bias 65535 (bits 0-16); the bits above are 0.
    pub sign_exponent: u32,
}

impl Fr {
    /// +0.0, the value of FR 0.
    pub const ZERO: Fr = Fr::new(false, 0, 0);
    /// +1.0, the value of FR 1.
    pub const ONE: Fr = Fr::new(false, BIAS, INTEGER_BIT);
    /// Not a Thing Value, the deferred exception token.
    pub const NATVAL: Fr = Fr::new(false, EXPONENT_NATVAL, 0);
    /// The default quiet NaN ("QNaN indefinite") of a masked invalid operation.
    pub const INDEFINITE: Fr = Fr::new(true, EXPONENT_SPECIAL, INTEGER_BIT | QUIET_BIT);

    /// Puts the three fields together.
    #[inline]
    #[must_use]
    pub const fn new(sign: bool, exponent: u32, significand: u64) -> Fr {
        Fr { significand, sign_exponent: (sign as u32) << 17 | exponent }
    }

    /// Infinity of the given sign.
    #[inline]
    #[must_use]
    pub const fn infinity(negative: bool) -> Fr {
        Fr::new(negative, EXPONENT_SPECIAL, INTEGER_BIT)
    }

    /// Zero of the given sign.
    #[inline]
    #[must_use]
    pub const fn zero(negative: bool) -> Fr {
        Fr::new(negative, 0, 0)
    }

    /// A 64-bit integer or a pair of singles in canonical form.
    #[inline]
    #[must_use]
    pub const fn integer(significand: u64) -> Fr {
        Fr::new(false, EXPONENT_INTEGER, significand)
    }

    /// The sign bit.
    #[inline]
    #[must_use]
    pub const fn sign(self) -> bool {
        self.sign_exponent & SIGN != 0
    }

    /// The biased 17-bit exponent as it stands in the register.
    #[inline]
    #[must_use]
    pub const fn exponent(self) -> u32 {
        self.sign_exponent & EXPONENT_SPECIAL
    }

    /// NaTVal.
    #[inline]
    #[must_use]
    pub const fn is_natval(self) -> bool {
        self.sign_exponent == EXPONENT_NATVAL && self.significand == 0
    }

    /// A signalling or quiet NaN; unsupported encodings are not NaNs.
    #[inline]
    #[must_use]
    pub const fn is_nan(self) -> bool {
        self.exponent() == EXPONENT_SPECIAL && self.significand > INTEGER_BIT
    }

    /// A signalling NaN.
    #[inline]
    #[must_use]
    pub const fn is_snan(self) -> bool {
        self.is_nan() && self.significand & QUIET_BIT == 0
    }

    /// A quiet NaN.
    #[inline]
    #[must_use]
    pub const fn is_qnan(self) -> bool {
        self.is_nan() && self.significand & QUIET_BIT != 0
    }

    /// Infinity of either sign.
    #[inline]
    #[must_use]
    pub const fn is_infinity(self) -> bool {
        self.exponent() == EXPONENT_SPECIAL && self.significand == INTEGER_BIT
    }

    /// A pseudo-NaN or pseudo-infinity.
    #[inline]
    #[must_use]
    pub const fn is_unsupported(self) -> bool {
        self.exponent() == EXPONENT_SPECIAL && self.significand < INTEGER_BIT
    }

    /// A true zero. Pseudo-zeros are unnormalized numbers (SDM 1:88).
    #[inline]
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.exponent() == 0 && self.significand == 0
    }

    /// A pseudo-zero: significand 0 under a non-zero exponent.
    #[inline]
    #[must_use]
    pub const fn is_pseudo_zero(self) -> bool {
        self.is_unnormal() && self.significand == 0
    }

    /// An unnormalized number: denormals, pseudo-denormals, pseudo-zeros and any other number
    /// without its integer bit.
    #[inline]
    #[must_use]
    pub const fn is_unnormal(self) -> bool {
        let exponent = self.exponent();
        if exponent == 0 {
            self.significand != 0
        } else {
            exponent != EXPONENT_SPECIAL && self.significand < INTEGER_BIT && !self.is_natval()
        }
    }

    /// A normalized, finite, non-zero number.
    #[inline]
    #[must_use]
    pub const fn is_normal(self) -> bool {
        let exponent = self.exponent();
        exponent != 0 && exponent != EXPONENT_SPECIAL && self.significand >= INTEGER_BIT
    }

    /// The same value with the sign changed.
    #[inline]
    #[must_use]
    pub const fn negate(self) -> Fr {
        Fr { significand: self.significand, sign_exponent: self.sign_exponent ^ SIGN }
    }

    /// A NaN with its quiet bit set.
    #[inline]
    #[must_use]
    pub const fn quieted(self) -> Fr {
        Fr { significand: self.significand | QUIET_BIT, sign_exponent: self.sign_exponent }
    }
}
