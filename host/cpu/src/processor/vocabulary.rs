//! The vocabulary in which the semantics of instructions are written: registers and their NaT bits, predicates, where
//! execution goes on, privilege.

use super::Processor;
use crate::fp::Fr;
use crate::interruption::{Interruption, Vector};
use crate::outcome::{Leave, Outcome};
use crate::psr::Psr;

impl Processor {
    /// The value of a general register.
    #[inline]
    #[must_use]
    pub fn gr(&self, r: u8) -> u64 {
        self.registers.gr[usize::from(r & 127)]
    }

    /// Whether any general register is NaT. One test in front of the others keeps NaT bits out of the way of code
    /// that has none: neither are they selected, nor does a result wait for its word of them to be rewritten.
    #[inline]
    #[must_use]
    pub fn any_nat(&self) -> bool {
        self.registers.nat[0] | self.registers.nat[1] != 0
    }

    /// Whether a general register is NaT.
    #[inline]
    #[must_use]
    pub fn nat(&self, r: u8) -> bool {
        self.any_nat() && self.registers.gr_nat(r)
    }

    /// Whether either of two general registers is NaT.
    #[inline]
    #[must_use]
    pub fn nat2(&self, r: u8, s: u8) -> bool {
        self.any_nat() && (self.registers.gr_nat(r) || self.registers.gr_nat(s))
    }

    /// Sets a general register and its NaT bit. The decoder has seen to it that it is a legal target.
    #[inline]
    pub fn set_gr(&mut self, r: u8, value: u64, nat: bool) {
        if nat || self.any_nat() {
            self.registers.set_gr_nat(r, nat);
        }
        self.registers.gr[usize::from(r & 127)] = value;
    }

    /// The value of a general register that must not be NaT.
    ///
    /// # Errors
    /// Register NaT Consumption.
    #[inline]
    pub fn source(&mut self, r: u8) -> Result<u64, Leave> {
        if self.nat(r) {
            return Err(self.raise(Interruption::REGISTER_NAT_CONSUMPTION));
        }
        Ok(self.gr(r))
    }

    /// The value of a floating-point register.
    #[inline]
    #[must_use]
    pub fn fr(&self, f: u8) -> Fr {
        self.registers.fr[self.registers.fr_index(f)]
    }

    /// Sets a floating-point register, and PSR.mfl or PSR.mfh. The decoder has seen to it that it is a legal target.
    #[inline]
    pub fn set_fr(&mut self, f: u8, value: Fr) {
        let index = self.registers.fr_index(f);
        self.registers.fr[index] = value;
        let modified = if f < 32 { Psr::new().with_mfl(true) } else { Psr::new().with_mfh(true) };
        self.registers.psr = Psr::from_bits(self.registers.psr.into_bits() | modified.into_bits());
    }

    /// A predicate.
    #[inline]
    #[must_use]
    pub fn pr(&self, p: u8) -> bool {
        self.registers.pr >> (p & 63) & 1 != 0
    }

    /// Sets a predicate; p0 stays 1.
    #[inline]
    pub fn set_pr(&mut self, p: u8, value: bool) {
        let pr = &mut self.registers.pr;
        *pr = *pr & !(1 << (p & 63)) | u64::from(value) << (p & 63) | 1;
    }

    /// Sets a predicate to a value and another to its complement, or both to 0 unless that is `valid`.
    #[inline]
    pub fn set_pr_pair(&mut self, p: u8, q: u8, value: bool, valid: bool) {
        let (p, q) = (1 << (p & 63), 1 << (q & 63));
        let set = if value { p } else { q };
        let pr = &mut self.registers.pr;
        *pr = *pr & !(p | q) | if valid { set } else { 0 } | 1;
    }

    /// Sets two different predicates; p0 stays 1.
    #[inline]
    pub fn set_pr2(&mut self, p: u8, value: bool, q: u8, other: bool) {
        let (p, q) = (1 << (p & 63), 1 << (q & 63));
        let pr = &mut self.registers.pr;
        *pr = *pr & !(p | q) | if value { p } else { 0 } | if other { q } else { 0 } | 1;
    }

    /// Continues after an instruction in a slot of a bundle; a long one fills two.
    #[inline]
    pub fn advance_past(&mut self, bundle: u64, slot: u8, long: bool) {
        let last = slot == 2 || long;
        self.registers.ip = if last { bundle.wrapping_add(16) } else { bundle };
        self.registers.psr.set_ri(if last { 0 } else { slot + 1 });
    }

    /// Continues at this bundle address, or traps there.
    #[inline]
    #[must_use]
    pub fn branch(&mut self, target: u64) -> Leave {
        self.registers.ip = target & !0xf;
        if self.registers.psr.tb() { self.trap_branch(false) } else { Leave::Branch }
    }

    /// Raises the trap of a taken branch, which may have lowered the privilege (SDM 2:206).
    #[cold]
    pub(crate) fn trap_branch(&mut self, lowers: bool) -> Leave {
        let vector = if lowers { Vector::LowerPrivilegeTransferTrap } else { Vector::TakenBranchTrap };
        let code = u16::from(lowers) << 1 | u16::from(self.registers.psr.tb()) << 2;
        self.raised = Interruption::fault(vector, code);
        Leave::BranchTrap
    }

    /// Requires privilege level 0.
    ///
    /// # Errors
    /// Privileged Operation.
    #[inline]
    pub fn check_privilege(&mut self) -> Outcome {
        if self.registers.psr.cpl() != 0 {
            return Err(self.raise(Interruption::PRIVILEGED_OPERATION));
        }
        Ok(())
    }

    /// At PSR.vm = 1, leaves to the VMM with the cause that the instruction's row gives.
    ///
    /// # Errors
    /// The exit.
    #[inline]
    pub fn leave_if_virtualized(&self) -> Outcome {
        if self.registers.psr.vm() { Err(Leave::Virtualized) } else { Ok(()) }
    }
}
