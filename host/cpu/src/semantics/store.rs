//! Integer stores (SDM 3:252).

use std::sync::atomic::Ordering::{self, Relaxed, Release};

use super::memory::{Update, WRITE, address, address_and_value, update};
use crate::data::{Datum, Integer, Sixteen};
use crate::engine::interpreter::Op;
use crate::outcome::Outcome;
use crate::processor::Processor;
use crate::registers::ar;

/// What most stores are needs neither calls nor NaT bits.
#[inline(always)]
fn ordinary<T: Integer, U: Update>(p: &mut Processor, op: &Op, order: Ordering) -> Outcome {
    let base = p.gr(op.r3);
    if !p.any_nat() && p.alat.is_empty() && p.store_at_once(base, T::low_bits(p.gr(op.r2)), order).is_some() {
        update::<U>(p, op, base, false);
        return Ok(());
    }
    ordinary_slowly::<T, U>(p, op, order)
}

#[inline(never)]
fn ordinary_slowly<T: Integer, U: Update>(p: &mut Processor, op: &Op, order: Ordering) -> Outcome {
    let (base, value) = address_and_value(p, op, WRITE)?;
    let place = p.store(base, T::low_bits(value), order)?;
    p.alat.stored(place, T::SIZE);
    update::<U>(p, op, base, false);
    Ok(())
}

/// `st`.
pub(super) fn plain<T: Integer, U: Update>(p: &mut Processor, op: &Op) -> Outcome {
    ordinary::<T, U>(p, op, Relaxed)
}

/// `st.rel`.
pub(super) fn release<T: Integer, U: Update>(p: &mut Processor, op: &Op) -> Outcome {
    ordinary::<T, U>(p, op, Release)
}

/// `st8.spill`: the NaT bit goes to ar.unat, at bits 8:3 of the address.
pub(super) fn spill<U: Update>(p: &mut Processor, op: &Op) -> Outcome {
    let base = address(p, op.r3, WRITE)?;
    let (value, nat) = (p.gr(op.r2), p.nat(op.r2));
    let place = p.store(base, value, Relaxed)?;
    p.alat.stored(place, u64::SIZE);
    let bit = base >> 3 & 63;
    let unat = &mut p.registers.ar[ar::UNAT];
    *unat = *unat & !(1 << bit) | u64::from(nat) << bit;
    update::<U>(p, op, base, false);
    Ok(())
}

#[inline(always)]
fn sixteen(p: &mut Processor, op: &Op, order: Ordering) -> Outcome {
    let (base, low) = address_and_value(p, op, WRITE)?;
    let value = Sixteen([low, p.registers.ar[ar::CSD]]);
    let place = p.store(base, value, order)?;
    p.alat.stored(place, Sixteen::SIZE);
    Ok(())
}

/// `st16`.
pub(super) fn sixteen_plain(p: &mut Processor, op: &Op) -> Outcome {
    sixteen(p, op, Relaxed)
}

/// `st16.rel`.
pub(super) fn sixteen_release(p: &mut Processor, op: &Op) -> Outcome {
    sixteen(p, op, Release)
}
