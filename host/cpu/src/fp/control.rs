//! What FPSR and the instruction's completers decide about one operation, and what the operation
//! gives back (SDM 1, 5.2 and 5.4).

use bitflags::bitflags;

use super::register::{BIAS, EXPONENT_EXTENDED_MIN, EXPONENT_NATVAL, Fr};

bitflags! {
    /// The IEEE exceptions, in the order of the FPSR trap disables and of a status field's flags.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
    pub struct Flags: u8 {
        /// Invalid operation.
        const V = 1;
        /// Denormal or unnormal operand.
        const D = 1 << 1;
        /// Zero divide.
        const Z = 1 << 2;
        /// Overflow.
        const O = 1 << 3;
        /// Underflow.
        const U = 1 << 4;
        /// Inexact.
        const I = 1 << 5;
    }

    /// Faults of one operation, as bits of ISR.code. A fault leaves registers and FPSR unchanged.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
    pub struct Fault: u8 {
        /// Invalid operation, or that of the high half of a pair.
        const V = 1;
        /// Denormal or unnormal operand, or that of the high half.
        const D = 1 << 1;
        /// Zero divide, or that of the high half.
        const Z = 1 << 2;
        /// Software assist, or that of the high half.
        const SWA = 1 << 3;
        /// Invalid operation in the low half of a pair.
        const LOW_V = 1 << 4;
        /// Denormal or unnormal operand in the low half.
        const LOW_D = 1 << 5;
        /// Zero divide in the low half.
        const LOW_Z = 1 << 6;
        /// Software assist for the low half.
        const LOW_SWA = 1 << 7;
    }

    /// Traps of one operation, as bits of ISR.code. The result has been written.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
    pub struct Trap: u16 {
        /// Overflow in the low half of a pair.
        const LOW_O = 1 << 7;
        /// Underflow in the low half.
        const LOW_U = 1 << 8;
        /// Inexact in the low half.
        const LOW_I = 1 << 9;
        /// The low half's magnitude is greater than the exact one.
        const LOW_FPA = 1 << 10;
        /// Overflow, or that of the high half.
        const O = 1 << 11;
        /// Underflow, or that of the high half.
        const U = 1 << 12;
        /// Inexact, or that of the high half.
        const I = 1 << 13;
        /// The magnitude of the result is greater than the exact one, or that of the high half.
        const FPA = 1 << 14;
    }
}

/// A rounding mode, by its encoding in `rc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Rounding {
    /// To nearest, ties to even.
    Nearest = 0,
    /// Toward minus infinity.
    Down = 1,
    /// Toward plus infinity.
    Up = 2,
    /// Toward zero.
    Zero = 3,
}

/// One of the four status fields of FPSR, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum StatusField {
    /// The main status field.
    Sf0 = 0,
    /// The first alternate.
    Sf1 = 1,
    /// The second alternate.
    Sf2 = 2,
    /// The third alternate.
    Sf3 = 3,
}

impl StatusField {
    /// The field of a two-bit encoding; the bits above are ignored.
    #[inline]
    #[must_use]
    pub const fn from_bits(bits: u64) -> StatusField {
        match bits & 3 {
            0 => StatusField::Sf0,
            1 => StatusField::Sf1,
            2 => StatusField::Sf2,
            _ => StatusField::Sf3,
        }
    }

    /// Where the field's 7 control bits begin in FPSR; its 6 flags follow them.
    #[inline]
    #[must_use]
    pub const fn shift(self) -> u32 {
        6 + 13 * self as u32
    }

    /// FPSR with these flags set in the field.
    #[inline]
    #[must_use]
    pub const fn set_flags(self, fpsr: u64, flags: Flags) -> u64 {
        fpsr | (flags.bits() as u64) << (self.shift() + 7)
    }
}

/// The precision an instruction names, or leaves to `pc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completer {
    /// None: precision and range come from the status field.
    Dynamic,
    /// `.s`
    Single,
    /// `.d`
    Double,
    /// A parallel instruction: each half a single, whatever `pc` and `wre` say.
    Parallel,
}

/// Everything FPSR and the completers decide about one operation. It is decoded as far as the operation asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Control {
    fpsr: u64,
    sf: StatusField,
    completer: Completer,
}

impl Control {
    /// What this FPSR decides for an operation that uses status field `sf` (SDM 1, 5.2).
    #[inline]
    #[must_use]
    pub const fn new(fpsr: u64, sf: StatusField, completer: Completer) -> Control {
        Control { fpsr, sf, completer }
    }

    #[inline]
    const fn field(self) -> u64 {
        self.fpsr >> self.sf.shift()
    }

    /// Significand bits of the result: 24, 53 or 64.
    #[inline]
    #[must_use]
    pub const fn precision(self) -> u8 {
        match self.completer {
            Completer::Single | Completer::Parallel => 24,
            Completer::Double => 53,
            Completer::Dynamic => match self.field() >> 2 & 3 {
                0 | 1 => 24,
                2 => 53,
                _ => 64,
            },
        }
    }

    /// Where results go.
    #[inline]
    #[must_use]
    pub const fn rounding(self) -> Rounding {
        match self.field() >> 4 & 3 {
            0 => Rounding::Nearest,
            1 => Rounding::Down,
            2 => Rounding::Up,
            _ => Rounding::Zero,
        }
    }

    /// Tiny results become zeros.
    #[inline]
    #[must_use]
    pub const fn ftz(self) -> bool {
        self.field() & 1 != 0
    }

    /// Results have the range of the register format.
    #[inline]
    const fn wre(self) -> bool {
        self.field() & 2 != 0 && !matches!(self.completer, Completer::Parallel)
    }

    /// The exceptions that fault or trap. td of sf0 is reserved (SDM 1, 5.2).
    #[inline]
    #[must_use]
    pub const fn enabled(self) -> Flags {
        if self.field() & 1 << 6 != 0 && !matches!(self.sf, StatusField::Sf0) {
            Flags::empty()
        } else {
            Flags::from_bits_truncate(!self.fpsr as u8)
        }
    }

    /// The smallest 17-bit exponent (biased) of a normal result.
    #[inline]
    #[must_use]
    pub const fn exponent_min(self) -> u32 {
        match self.completer {
            _ if self.wre() => 1,
            Completer::Single | Completer::Parallel => BIAS - 126,
            Completer::Double => BIAS - 1022,
            Completer::Dynamic => EXPONENT_EXTENDED_MIN,
        }
    }

    /// The largest 17-bit exponent (biased) of a finite result.
    #[inline]
    #[must_use]
    pub const fn exponent_max(self) -> u32 {
        match self.completer {
            _ if self.wre() => EXPONENT_NATVAL,
            Completer::Single | Completer::Parallel => BIAS + 127,
            Completer::Double => BIAS + 1023,
            Completer::Dynamic => BIAS + 16383,
        }
    }

    /// Whether the host's own arithmetic may be used: to nearest, in single or double precision, with the trap of
    /// inexact results disabled.
    #[inline]
    #[must_use]
    pub const fn host(self) -> bool {
        let nearest = self.field() & 3 << 4 == 0;
        nearest && self.precision() != 64 && !self.enabled().contains(Flags::I)
    }

    /// Whether the I flag is set already, so that another inexact result does not matter.
    #[inline]
    #[must_use]
    pub const fn is_inexact(self) -> bool {
        self.field() & 1 << 12 != 0
    }
}

/// What one operation gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome<T = Fr> {
    /// The result; meaningless if `fault` is not empty.
    pub value: T,
    /// To be ORed into the status field unless `fault` is not empty.
    pub flags: Flags,
    /// The enabled faults, empty if the operation completes.
    pub fault: Fault,
    /// The enabled traps, taken after the result and the flags are written.
    pub trap: Trap,
}

impl<T> Outcome<T> {
    /// A result without any exception.
    #[inline]
    #[must_use]
    pub const fn exact(value: T) -> Outcome<T> {
        Outcome { value, flags: Flags::empty(), fault: Fault::empty(), trap: Trap::empty() }
    }

    /// A result with the exceptions V, D or Z, which fault if they are enabled.
    #[inline]
    pub(super) fn checked(value: T, flags: Flags, control: &Control) -> Outcome<T> {
        let fault = Fault::from_bits_truncate((flags & control.enabled()).bits() & 7);
        Outcome { value, flags, fault, trap: Trap::empty() }
    }

    /// The same exceptions with another result.
    #[inline]
    pub(super) fn map<U>(self, f: impl FnOnce(T) -> U) -> Outcome<U> {
        Outcome { value: f(self.value), flags: self.flags, fault: self.fault, trap: self.trap }
    }
}
