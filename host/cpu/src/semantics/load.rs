//! Integer loads (SDM 3:151).

use std::sync::atomic::Ordering::{self, Acquire, Relaxed};

use super::memory::{READ, Update, address, update};
use crate::alat::Place;
use crate::data::{Integer, Sixteen};
use crate::engine::interpreter::Op;
use crate::outcome::Outcome;
use crate::processor::Processor;
use crate::registers::ar;

/// Writes the target and updates the address register, whose value was `base`. An increment that is in the target as
/// well is read before.
#[inline(always)]
fn complete<U: Update>(p: &mut Processor, op: &Op, base: (u64, bool), target: (u64, bool)) -> Outcome {
    let increment = U::increment(p, op);
    p.set_gr(op.r1, target.0, target.1);
    if let Some((increment, nat)) = increment {
        p.set_gr(op.r3, base.0.wrapping_add(increment), base.1 | nat);
    }
    Ok(())
}

/// What most loads are needs neither calls nor NaT bits.
#[inline(always)]
fn ordinary<T: Integer, U: Update>(p: &mut Processor, op: &Op, order: Ordering) -> Outcome {
    let base = p.gr(op.r3);
    if !p.any_nat()
        && let Some(value) = p.load_at_once::<T>(base, order)
    {
        return complete::<U>(p, op, (base, false), (value.into(), false));
    }
    ordinary_slowly::<T, U>(p, op, order)
}

#[inline(never)]
fn ordinary_slowly<T: Integer, U: Update>(p: &mut Processor, op: &Op, order: Ordering) -> Outcome {
    let base = address(p, op.r3, READ)?;
    let value = p.load::<T>(base, order)?;
    complete::<U>(p, op, (base, false), (value.into(), false))
}

/// `ld`, `ld.bias`.
pub(super) fn plain<T: Integer, U: Update>(p: &mut Processor, op: &Op) -> Outcome {
    ordinary::<T, U>(p, op, Relaxed)
}

/// `ld.acq`.
pub(super) fn acquire<T: Integer, U: Update>(p: &mut Processor, op: &Op) -> Outcome {
    ordinary::<T, U>(p, op, Acquire)
}

/// `ld.s`: NaT if it is deferred.
pub(super) fn speculative<T: Integer, U: Update>(p: &mut Processor, op: &Op) -> Outcome {
    let (base, nat) = (p.gr(op.r3), p.nat(op.r3));
    let loaded = if nat { None } else { p.load_speculative::<T>(base)? };
    let target = loaded.map_or((0, true), |(value, _)| (value.into(), false));
    complete::<U>(p, op, (base, nat), target)
}

/// `ld.a`.
pub(super) fn advanced<T: Integer, U: Update>(p: &mut Processor, op: &Op) -> Outcome {
    let base = address(p, op.r3, READ)?;
    let (value, place) = p.load_advanced::<T>(base)?;
    p.alat.insert(p.gr_tag(op.r1), place, T::SIZE);
    complete::<U>(p, op, (base, false), (value.into(), false))
}

/// `ld.sa`.
pub(super) fn speculative_advanced<T: Integer, U: Update>(p: &mut Processor, op: &Op) -> Outcome {
    let (base, nat) = (p.gr(op.r3), p.nat(op.r3));
    let loaded = if nat { None } else { p.load_speculative::<T>(base)? };
    let place = loaded.map_or(Place::NONE, |(_, place)| place);
    p.alat.insert(p.gr_tag(op.r1), place, T::SIZE);
    let target = loaded.map_or((0, true), |(value, _)| (value.into(), false));
    complete::<U>(p, op, (base, nat), target)
}

/// A check load, which loads only if the register has no entry in the ALAT. A `ld.c.nc` that loads makes none: the next
/// check loads again.
#[inline(always)]
fn check<T: Integer, U: Update>(p: &mut Processor, op: &Op, order: Ordering, clear: bool) -> Outcome {
    let base = address(p, op.r3, READ)?;
    let tag = p.gr_tag(op.r1);
    if p.alat.contains(tag) {
        if clear {
            p.alat.remove(tag);
        }
        update::<U>(p, op, base, false);
        return Ok(());
    }
    let value = p.load::<T>(base, order)?;
    complete::<U>(p, op, (base, false), (value.into(), false))
}

/// `ld.c.clr`.
pub(super) fn check_clear<T: Integer, U: Update>(p: &mut Processor, op: &Op) -> Outcome {
    check::<T, U>(p, op, Relaxed, true)
}

/// `ld.c.clr.acq`.
pub(super) fn check_clear_acquire<T: Integer, U: Update>(p: &mut Processor, op: &Op) -> Outcome {
    check::<T, U>(p, op, Acquire, true)
}

/// `ld.c.nc`.
pub(super) fn check_no_clear<T: Integer, U: Update>(p: &mut Processor, op: &Op) -> Outcome {
    check::<T, U>(p, op, Relaxed, false)
}

/// `ld8.fill`: the NaT bit comes from ar.unat, at bits 8:3 of the address.
pub(super) fn fill<U: Update>(p: &mut Processor, op: &Op) -> Outcome {
    let base = address(p, op.r3, READ)?;
    let value = p.load::<u64>(base, Relaxed)?;
    let nat = p.registers.ar[ar::UNAT] >> (base >> 3 & 63) & 1 != 0;
    complete::<U>(p, op, (base, false), (value, nat))
}

#[inline(always)]
fn sixteen(p: &mut Processor, op: &Op, order: Ordering) -> Outcome {
    let base = address(p, op.r3, READ)?;
    let Sixteen([low, high]) = p.load::<Sixteen>(base, order)?;
    p.set_gr(op.r1, low, false);
    p.registers.ar[ar::CSD] = high;
    Ok(())
}

/// `ld16`.
pub(super) fn sixteen_plain(p: &mut Processor, op: &Op) -> Outcome {
    sixteen(p, op, Relaxed)
}

/// `ld16.acq`.
pub(super) fn sixteen_acquire(p: &mut Processor, op: &Op) -> Outcome {
    sixteen(p, op, Acquire)
}
