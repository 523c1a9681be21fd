//! Floating-point loads, load pairs and stores (SDM 3:157, 3:161, 3:256).

use std::sync::atomic::Ordering::Relaxed;

use super::memory::{READ, Update, WRITE, address, nat_consumption, update};
use crate::alat::Place;
use crate::data::{self, Datum};
use crate::engine::interpreter::Op;
use crate::fp::Fr;
use crate::interruption::Interruption;
use crate::outcome::Outcome;
use crate::processor::Processor;

/// A format of memory, and its conversions.
pub(super) trait Format {
    /// What an access transfers.
    type Memory: Datum;
    fn from_memory(memory: Self::Memory) -> Fr;
    fn to_memory(fr: Fr) -> Self::Memory;
}

/// A format of which pairs are loaded; the first register takes the lower address.
pub(super) trait Pair {
    /// What an access transfers.
    type Memory: Datum;
    fn from_memory(memory: Self::Memory) -> [Fr; 2];
}

/// `ldfs`, `stfs`.
pub(super) struct Single;
/// `ldfd`, `stfd`.
pub(super) struct Double;
/// `ldf8`, `stf8`.
pub(super) struct Significand;
/// `ldfe`, `stfe`.
pub(super) struct Extended;
/// `ldf.fill`, `stf.spill`.
pub(super) struct Spill;

impl Format for Single {
    type Memory = u32;
    #[inline]
    fn from_memory(memory: u32) -> Fr {
        Fr::from_single(memory)
    }
    #[inline]
    fn to_memory(fr: Fr) -> u32 {
        fr.to_single()
    }
}

impl Format for Double {
    type Memory = u64;
    #[inline]
    fn from_memory(memory: u64) -> Fr {
        Fr::from_double(memory)
    }
    #[inline]
    fn to_memory(fr: Fr) -> u64 {
        fr.to_double()
    }
}

impl Format for Significand {
    type Memory = u64;
    #[inline]
    fn from_memory(memory: u64) -> Fr {
        Fr::integer(memory)
    }
    #[inline]
    fn to_memory(fr: Fr) -> u64 {
        fr.significand
    }
}

impl Format for Extended {
    type Memory = data::Extended;
    #[inline]
    fn from_memory(memory: data::Extended) -> Fr {
        Fr::from_extended(memory.0 as u64, (memory.0 >> 64) as u16)
    }
    #[inline]
    fn to_memory(fr: Fr) -> data::Extended {
        let (significand, sign_exponent) = fr.to_extended();
        data::Extended(u128::from(sign_exponent) << 64 | u128::from(significand))
    }
}

impl Format for Spill {
    type Memory = data::Spill;
    #[inline]
    fn from_memory(memory: data::Spill) -> Fr {
        Fr::from_spill(memory.0 as u64, (memory.0 >> 64) as u64)
    }
    #[inline]
    fn to_memory(fr: Fr) -> data::Spill {
        let (low, high) = fr.to_spill();
        data::Spill(u128::from(high) << 64 | u128::from(low))
    }
}

impl Pair for Single {
    type Memory = [u32; 2];
    fn from_memory(memory: [u32; 2]) -> [Fr; 2] {
        memory.map(Fr::from_single)
    }
}

impl Pair for Double {
    type Memory = [u64; 2];
    fn from_memory(memory: [u64; 2]) -> [Fr; 2] {
        memory.map(Fr::from_double)
    }
}

impl Pair for Significand {
    type Memory = [u64; 2];
    fn from_memory(memory: [u64; 2]) -> [Fr; 2] {
        memory.map(Fr::integer)
    }
}

/// One register, or two: what the load types below are written for.
pub(super) trait Target {
    type Memory: Datum;
    /// What must hold before anything else.
    fn check(p: &mut Processor, op: &Op) -> Outcome;
    fn write(p: &mut Processor, op: &Op, memory: Self::Memory);
    fn write_natval(p: &mut Processor, op: &Op);
    /// A check load found its entry: its targets stay, but count as written.
    fn touch(p: &mut Processor, op: &Op);
}

/// The target of `ldf`.
pub(super) struct One<F>(std::marker::PhantomData<F>);
/// The targets of `ldfp`.
pub(super) struct Two<F>(std::marker::PhantomData<F>);

impl<F: Format> Target for One<F> {
    type Memory = F::Memory;
    #[inline]
    fn check(_: &mut Processor, _: &Op) -> Outcome {
        Ok(())
    }
    #[inline]
    fn write(p: &mut Processor, op: &Op, memory: F::Memory) {
        p.set_fr(op.r1, F::from_memory(memory));
    }
    fn write_natval(p: &mut Processor, op: &Op) {
        p.set_fr(op.r1, Fr::NATVAL);
    }
    fn touch(p: &mut Processor, op: &Op) {
        p.set_fr(op.r1, p.fr(op.r1));
    }
}

impl<F: Pair> Target for Two<F> {
    type Memory = F::Memory;
    /// One of the two is an odd physical register, the other an even one (SDM 3:161).
    #[inline]
    fn check(p: &mut Processor, op: &Op) -> Outcome {
        if (p.registers.fr_index(op.r1) ^ p.registers.fr_index(op.r2)) & 1 == 0 {
            return Err(p.raise(Interruption::ILLEGAL_OPERATION));
        }
        Ok(())
    }
    #[inline]
    fn write(p: &mut Processor, op: &Op, memory: F::Memory) {
        let [first, second] = F::from_memory(memory);
        p.set_fr(op.r1, first);
        p.set_fr(op.r2, second);
    }
    fn write_natval(p: &mut Processor, op: &Op) {
        p.set_fr(op.r1, Fr::NATVAL);
        p.set_fr(op.r2, Fr::NATVAL);
    }
    fn touch(p: &mut Processor, op: &Op) {
        p.set_fr(op.r1, p.fr(op.r1));
        p.set_fr(op.r2, p.fr(op.r2));
    }
}

/// `ldf`, `ldfp`. What most of them are needs neither calls nor NaT bits.
pub(super) fn plain<T: Target, U: Update>(p: &mut Processor, op: &Op) -> Outcome {
    T::check(p, op)?;
    let base = p.gr(op.r3);
    if !p.any_nat()
        && let Some(memory) = p.load_at_once::<T::Memory>(base, Relaxed)
    {
        T::write(p, op, memory);
        update::<U>(p, op, base, false);
        return Ok(());
    }
    plain_slowly::<T, U>(p, op)
}

#[inline(never)]
fn plain_slowly<T: Target, U: Update>(p: &mut Processor, op: &Op) -> Outcome {
    let base = address(p, op.r3, READ)?;
    let memory = p.load::<T::Memory>(base, Relaxed)?;
    T::write(p, op, memory);
    update::<U>(p, op, base, false);
    Ok(())
}

/// `ldf.s`, `ldfp.s`.
pub(super) fn speculative<T: Target, U: Update>(p: &mut Processor, op: &Op) -> Outcome {
    T::check(p, op)?;
    let (base, nat) = (p.gr(op.r3), p.nat(op.r3));
    let loaded = if nat { None } else { p.load_speculative::<T::Memory>(base)? };
    match loaded {
        Some((memory, _)) => T::write(p, op, memory),
        None => T::write_natval(p, op),
    }
    update::<U>(p, op, base, nat);
    Ok(())
}

/// `ldf.a`, `ldfp.a`. The ALAT knows a pair by its first register (SDM 3:162).
pub(super) fn advanced<T: Target, U: Update>(p: &mut Processor, op: &Op) -> Outcome {
    T::check(p, op)?;
    let base = address(p, op.r3, READ)?;
    let (memory, place) = p.load_advanced::<T::Memory>(base)?;
    p.alat.insert(p.fr_tag(op.r1), place, T::Memory::SIZE);
    T::write(p, op, memory);
    update::<U>(p, op, base, false);
    Ok(())
}

/// `ldf.sa`, `ldfp.sa`.
pub(super) fn speculative_advanced<T: Target, U: Update>(p: &mut Processor, op: &Op) -> Outcome {
    T::check(p, op)?;
    let (base, nat) = (p.gr(op.r3), p.nat(op.r3));
    let loaded = if nat { None } else { p.load_speculative::<T::Memory>(base)? };
    let place = loaded.map_or(Place::NONE, |(_, place)| place);
    p.alat.insert(p.fr_tag(op.r1), place, T::Memory::SIZE);
    match loaded {
        Some((memory, _)) => T::write(p, op, memory),
        None => T::write_natval(p, op),
    }
    update::<U>(p, op, base, nat);
    Ok(())
}

#[inline]
fn check<T: Target, U: Update>(p: &mut Processor, op: &Op, clear: bool) -> Outcome {
    T::check(p, op)?;
    let base = address(p, op.r3, READ)?;
    let tag = p.fr_tag(op.r1);
    if p.alat.contains(tag) {
        if clear {
            p.alat.remove(tag);
        }
        T::touch(p, op);
    } else {
        let memory = p.load::<T::Memory>(base, Relaxed)?;
        T::write(p, op, memory);
    }
    update::<U>(p, op, base, false);
    Ok(())
}

/// `ldf.c.clr`, `ldfp.c.clr`.
pub(super) fn check_clear<T: Target, U: Update>(p: &mut Processor, op: &Op) -> Outcome {
    check::<T, U>(p, op, true)
}

/// `ldf.c.nc`, `ldfp.c.nc`.
pub(super) fn check_no_clear<T: Target, U: Update>(p: &mut Processor, op: &Op) -> Outcome {
    check::<T, U>(p, op, false)
}

#[inline(always)]
fn store<F: Format, U: Update>(p: &mut Processor, op: &Op, natval: bool) -> Outcome {
    let (base, fr) = (p.gr(op.r3), p.fr(op.r2));
    if !p.any_nat()
        && (natval || !fr.is_natval())
        && p.alat.is_empty()
        && p.store_at_once(base, F::to_memory(fr), Relaxed).is_some()
    {
        update::<U>(p, op, base, false);
        return Ok(());
    }
    store_slowly::<F, U>(p, op, natval)
}

#[inline(never)]
fn store_slowly<F: Format, U: Update>(p: &mut Processor, op: &Op, natval: bool) -> Outcome {
    let fr = p.fr(op.r2);
    if p.nat(op.r3) || !natval && fr.is_natval() {
        return Err(nat_consumption(p, WRITE));
    }
    let base = p.gr(op.r3);
    let place = p.store(base, F::to_memory(fr), Relaxed)?;
    p.alat.stored(place, F::Memory::SIZE);
    update::<U>(p, op, base, false);
    Ok(())
}

/// `stf`.
pub(super) fn store_plain<F: Format, U: Update>(p: &mut Processor, op: &Op) -> Outcome {
    store::<F, U>(p, op, false)
}

/// `stf.spill`, which stores NaTVal as well.
pub(super) fn store_spill<U: Update>(p: &mut Processor, op: &Op) -> Outcome {
    store::<Spill, U>(p, op, true)
}
