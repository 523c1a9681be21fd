//! Semaphore instructions (SDM 3:46, 3:124, 3:274). All of them are host atomics.

use std::sync::atomic::Ordering::{self, Acquire, Release};

use super::memory::{SEMAPHORE, address, address_and_value};
use crate::data::{Datum, Integer, Sixteen};
use crate::engine::interpreter::Op;
use crate::outcome::Outcome;
use crate::processor::Processor;
use crate::registers::ar;

/// `xchg`, which always has acquire semantics.
pub(super) fn xchg<T: Integer>(p: &mut Processor, op: &Op) -> Outcome {
    let (address, value) = address_and_value(p, op, SEMAPHORE)?;
    let (old, place) = p.exchange(address, T::low_bits(value))?;
    p.alat.stored(place, T::SIZE);
    p.set_gr(op.r1, old.into(), false);
    Ok(())
}

#[inline(always)]
fn cmpxchg<T: Integer>(p: &mut Processor, op: &Op, order: Ordering) -> Outcome {
    let (address, value) = address_and_value(p, op, SEMAPHORE)?;
    let expected = p.registers.ar[ar::CCV];
    let (old, place) = p.compare_exchange(address, expected, T::low_bits(value), order)?;
    p.alat.stored(place, T::SIZE);
    p.set_gr(op.r1, old.into(), false);
    Ok(())
}

/// `cmpxchg.acq`.
pub(super) fn cmpxchg_acquire<T: Integer>(p: &mut Processor, op: &Op) -> Outcome {
    cmpxchg::<T>(p, op, Acquire)
}

/// `cmpxchg.rel`.
pub(super) fn cmpxchg_release<T: Integer>(p: &mut Processor, op: &Op) -> Outcome {
    cmpxchg::<T>(p, op, Release)
}

#[inline(always)]
fn cmp8xchg16(p: &mut Processor, op: &Op, order: Ordering) -> Outcome {
    let (address, low) = address_and_value(p, op, SEMAPHORE)?;
    let (expected, high) = (p.registers.ar[ar::CCV], p.registers.ar[ar::CSD]);
    let (old, place) = p.compare_exchange_16(address, expected, [low, high], order)?;
    p.alat.stored(place, Sixteen::SIZE);
    p.set_gr(op.r1, old, false);
    Ok(())
}

/// `cmp8xchg16.acq`.
pub(super) fn cmp8xchg16_acquire(p: &mut Processor, op: &Op) -> Outcome {
    cmp8xchg16(p, op, Acquire)
}

/// `cmp8xchg16.rel`.
pub(super) fn cmp8xchg16_release(p: &mut Processor, op: &Op) -> Outcome {
    cmp8xchg16(p, op, Release)
}

#[inline(always)]
fn fetchadd<T: Integer>(p: &mut Processor, op: &Op, order: Ordering) -> Outcome {
    let address = address(p, op.r3, SEMAPHORE)?;
    let (old, place) = p.fetch_add(address, T::low_bits(op.imm as u64), order)?;
    p.alat.stored(place, T::SIZE);
    p.set_gr(op.r1, old.into(), false);
    Ok(())
}

/// `fetchadd.acq`.
pub(super) fn fetchadd_acquire<T: Integer>(p: &mut Processor, op: &Op) -> Outcome {
    fetchadd::<T>(p, op, Acquire)
}

/// `fetchadd.rel`.
pub(super) fn fetchadd_release<T: Integer>(p: &mut Processor, op: &Op) -> Outcome {
    fetchadd::<T>(p, op, Release)
}
