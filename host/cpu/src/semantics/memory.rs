//! What instructions on memory have in common: the address register and its update, NaT consumption.

use crate::engine::interpreter::Op;
use crate::interruption::{Interruption, Isr, non_access};
use crate::outcome::Leave;
use crate::processor::Processor;

/// ISR of an instruction that reads.
pub(super) const READ: Isr = Isr::new().with_r(true);
/// ISR of an instruction that writes.
pub(super) const WRITE: Isr = Isr::new().with_w(true);
/// ISR of a semaphore instruction.
pub(super) const SEMAPHORE: Isr = Isr::new().with_r(true).with_w(true);
/// ISR of `fc`.
pub(super) const FLUSH_CACHE: Isr = Isr::new().with_r(true).with_na(true).with_code(non_access::FC);
/// ISR of `lfetch`.
pub(super) const LINE_PREFETCH: Isr = Isr::new().with_r(true).with_na(true).with_code(non_access::LFETCH);

/// Raises Register NaT Consumption.
#[cold]
pub(super) fn nat_consumption(p: &mut Processor, isr: Isr) -> Leave {
    let fault = Interruption::REGISTER_NAT_CONSUMPTION;
    p.raise(Interruption { isr: isr.with_code(isr.code() | fault.isr.code()), ..fault })
}

/// An address, which must not be NaT.
#[inline(always)]
pub(super) fn address(p: &mut Processor, r3: u8, isr: Isr) -> Result<u64, Leave> {
    if p.nat(r3) { Err(nat_consumption(p, isr)) } else { Ok(p.gr(r3)) }
}

/// An address and a value to store, both of which must not be NaT.
#[inline(always)]
pub(super) fn address_and_value(p: &mut Processor, op: &Op, isr: Isr) -> Result<(u64, u64), Leave> {
    if p.nat2(op.r2, op.r3) { Err(nat_consumption(p, isr)) } else { Ok((p.gr(op.r3), p.gr(op.r2))) }
}

/// How an instruction updates its address register.
pub(super) trait Update {
    /// What it adds, and whether that is NaT; `None` if it updates nothing.
    fn increment(p: &Processor, op: &Op) -> Option<(u64, bool)>;
}

/// The address register stays.
pub(super) struct Keep;
/// Adds GR r2.
pub(super) struct Register;
/// Adds an immediate.
pub(super) struct Immediate;
/// Adds the number of bytes loaded.
pub(super) struct Bytes<const SIZE: u64>;

impl Update for Keep {
    #[inline(always)]
    fn increment(_: &Processor, _: &Op) -> Option<(u64, bool)> {
        None
    }
}

impl Update for Register {
    #[inline(always)]
    fn increment(p: &Processor, op: &Op) -> Option<(u64, bool)> {
        Some((p.gr(op.r2), p.nat(op.r2)))
    }
}

impl Update for Immediate {
    #[inline(always)]
    fn increment(_: &Processor, op: &Op) -> Option<(u64, bool)> {
        Some((op.imm as u64, false))
    }
}

impl<const SIZE: u64> Update for Bytes<SIZE> {
    #[inline(always)]
    fn increment(_: &Processor, _: &Op) -> Option<(u64, bool)> {
        Some((SIZE, false))
    }
}

/// Updates the address register, whose value was `base`; `nat` says whether it was NaT.
#[inline(always)]
pub(super) fn update<U: Update>(p: &mut Processor, op: &Op, base: u64, nat: bool) {
    if let Some((increment, increment_nat)) = U::increment(p, op) {
        p.set_gr(op.r3, base.wrapping_add(increment), nat | increment_nat);
    }
}
