//! Data accesses as instructions make them: translation, alignment, byte order, atomicity, deferral.
//!
//! Every function takes the address from the register and raises all faults of an access in their priority, from
//! Unimplemented Data Address to Unsupported Data Reference. Register NaT Consumption is the caller's: it comes
//! first. `Ordering` is that of the instruction: `Relaxed`, `Acquire` (`.acq`) or `Release` (`.rel`).
//!
//! With PSR.ac = 0 an unaligned access is done byte by byte if it stays within 4 KiB of cacheable memory; otherwise it
//! is a fault. Where neither memory nor a device answers, loads give all ones and stores do nothing.

mod datum;
mod non_access;
mod physical;
mod rse;
mod semaphore;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU8, Ordering};

pub use datum::{Datum, Extended, Integer, Sixteen, Spill};

use crate::alat::Place;
use crate::bus::PAGE_SIZE;
use crate::mmu::soft::Entry;
use crate::mmu::{Location, Reference};
use crate::outcome::Leave;
use crate::processor::Processor;

impl Processor {
    /// What [`Processor::load`] gives, if the software TLB says at once where the bytes are.
    #[inline(always)]
    pub(crate) fn load_at_once<T: Datum>(&self, va: u64, order: Ordering) -> Option<T> {
        let entry = self.mmu.soft.read(self.mmu.plain[(va >> 61) as usize], va, T::ALIGN)?;
        // SAFETY: an entry that is found says that the bytes are aligned guest memory.
        Some(unsafe { T::load(entry.host(va), order) })
    }

    /// A load that is not speculative (`ld`, `ld.acq`, `ld.bias`, `ld.c` that misses the ALAT, `ldf`, fills).
    ///
    /// # Errors
    /// Every fault of a load.
    #[inline(always)]
    pub fn load<T: Datum>(&mut self, va: u64, order: Ordering) -> Result<T, Leave> {
        match self.load_at_once(va, order) {
            Some(value) => Ok(value),
            None => self.load_slowly(va, order),
        }
    }

    /// An advanced load (`ld.a`). From a page that is not speculative it gives 0 and [`Place::NONE`].
    ///
    /// # Errors
    /// Every fault of a load.
    #[inline]
    pub fn load_advanced<T: Datum>(&mut self, va: u64) -> Result<(T, Place), Leave> {
        if let Some(entry) = self.mmu.soft.read(self.mmu.plain[(va >> 61) as usize], va, T::ALIGN)
            && entry.has(Entry::SPECULATIVE)
        {
            let host = entry.host(va);
            // SAFETY: an entry that is found says that the bytes are aligned guest memory.
            return Ok((unsafe { T::load(host, Ordering::Relaxed) }, Place::of(host)));
        }
        let reference = self.reference::<T>(true, false);
        let location = self.locate_data(&reference, va)?;
        if !location.speculative {
            return Ok((T::default(), Place::NONE));
        }
        let place = location.host().map_or(Place::NONE, Place::of);
        Ok((self.load_located(va, &location, Ordering::Relaxed), place))
    }

    /// A speculative load (`ld.s`, `ld.sa`); `None` if it is deferred: the target becomes NaT. One whose address is
    /// NaT is always deferred, by the caller.
    ///
    /// # Errors
    /// The faults that are not deferred.
    #[inline]
    pub fn load_speculative<T: Datum>(&mut self, va: u64) -> Result<Option<(T, Place)>, Leave> {
        if self.registers.psr.ed() {
            return Ok(None);
        }
        if let Some(entry) = self.mmu.soft.read(self.mmu.plain[(va >> 61) as usize], va, T::ALIGN)
            && entry.has(Entry::SPECULATIVE)
        {
            let host = entry.host(va);
            // SAFETY: an entry that is found says that the bytes are aligned guest memory.
            return Ok(Some((unsafe { T::load(host, Ordering::Relaxed) }, Place::of(host))));
        }
        let mut reference = self.reference::<T>(true, false);
        reference.isr.set_sp(true);
        let context = self.mmu.data[(va >> 61) as usize];
        Ok(self.locate(context, &reference, va)?.map(|location| {
            let place = location.host().map_or(Place::NONE, Place::of);
            (self.load_located(va, &location, Ordering::Relaxed), place)
        }))
    }

    /// What [`Processor::store`] does, if the software TLB says at once where the bytes are.
    #[inline(always)]
    pub(crate) fn store_at_once<T: Datum>(&self, va: u64, value: T, order: Ordering) -> Option<Place> {
        let entry = self.mmu.soft.write(self.mmu.plain[(va >> 61) as usize], va, T::ALIGN)?;
        let host = entry.host(va);
        // SAFETY: an entry that is found says that the bytes are aligned guest memory that may be written.
        unsafe { value.store(host, order) };
        Some(Place::of(host))
    }

    /// A store.
    ///
    /// # Errors
    /// Every fault of a store.
    #[inline(always)]
    pub fn store<T: Datum>(&mut self, va: u64, value: T, order: Ordering) -> Result<Place, Leave> {
        match self.store_at_once(va, value, order) {
            Some(place) => Ok(place),
            None => self.store_slowly(va, value, order),
        }
    }

    #[inline(never)]
    fn load_slowly<T: Datum>(&mut self, va: u64, order: Ordering) -> Result<T, Leave> {
        let context = self.mmu.data[(va >> 61) as usize];
        if self.may_split::<T>(va)
            && let Some(entry) = self.mmu.soft.read(context, va, 1)
            && entry.has(Entry::WRITE_BACK)
        {
            return Ok(self.load_host(va, entry.host(va), order));
        }
        let reference = self.reference::<T>(true, false);
        let location = self.locate_data(&reference, va)?;
        if location.host().is_none() {
            // Reading a device may make it write memory.
            self.alat.clear();
        }
        Ok(self.load_located(va, &location, order))
    }

    #[inline(never)]
    fn store_slowly<T: Datum>(&mut self, va: u64, value: T, order: Ordering) -> Result<Place, Leave> {
        let context = self.mmu.data[(va >> 61) as usize];
        if self.may_split::<T>(va)
            && let Some(entry) = self.mmu.soft.write(context, va, 1)
            && entry.has(Entry::WRITE_BACK)
        {
            let host = entry.host(va);
            self.store_host(va, value, host, order);
            return Ok(Place::of(host));
        }
        let reference = self.reference::<T>(false, true);
        let location = self.locate_data(&reference, va)?;
        if let Some(host) = location.host() {
            if location.is_writable() {
                self.store_host(va, value, host, order);
                return Ok(Place::of(host));
            }
        } else {
            self.store_bus(&location, self.in_memory_order(value));
        }
        Ok(Place::NONE)
    }

    /// Whether an access to a cacheable page may be done as it is: aligned, or in pieces.
    fn may_split<T: Datum>(&self, va: u64) -> bool {
        va & (T::ALIGN - 1) == 0
            || !T::STRICT && !self.registers.psr.ac() && va % PAGE_SIZE + u64::from(T::SIZE) <= PAGE_SIZE
    }

    fn reference<T: Datum>(&self, read: bool, write: bool) -> Reference {
        Reference {
            align: T::ALIGN,
            strict: T::STRICT,
            write_back: T::WRITE_BACK,
            ..Reference::data(self, T::SIZE.into(), read, write)
        }
    }

    /// Locates what is not accessed speculatively.
    fn locate_data(&mut self, reference: &Reference, va: u64) -> Result<Location, Leave> {
        let context = self.mmu.data[(va >> 61) as usize];
        match self.locate(context, reference, va)? {
            Some(location) => Ok(location),
            // Only speculative loads are deferred.
            None => Err(Leave::Fault),
        }
    }

    /// A value in the byte order of memory.
    fn in_memory_order<T: Datum>(&self, value: T) -> T {
        if self.registers.psr.be() { value.swapped() } else { value }
    }

    fn load_located<T: Datum>(&self, va: u64, location: &Location, order: Ordering) -> T {
        match location.host() {
            Some(host) => self.load_host(va, host, order),
            None => self.in_memory_order(self.load_bus(location)),
        }
    }

    fn load_host<T: Datum>(&self, va: u64, host: *mut u8, order: Ordering) -> T {
        if va & (T::ALIGN - 1) == 0 {
            // SAFETY: the caller found the bytes in guest memory.
            return self.in_memory_order(unsafe { T::load(host, order) });
        }
        let mut bytes = [0; 16];
        for (offset, byte) in bytes[..usize::from(T::SIZE)].iter_mut().enumerate() {
            // SAFETY: the bytes do not leave the page.
            *byte = unsafe { AtomicU8::from_ptr(host.add(offset)) }.load(order);
        }
        self.in_memory_order(T::from_bytes(bytes))
    }

    fn store_host<T: Datum>(&self, va: u64, value: T, host: *mut u8, order: Ordering) {
        let value = self.in_memory_order(value);
        if va & (T::ALIGN - 1) == 0 {
            // SAFETY: the caller found the bytes in guest memory that may be written.
            return unsafe { value.store(host, order) };
        }
        for (offset, byte) in value.to_bytes()[..usize::from(T::SIZE)].iter().enumerate() {
            // SAFETY: the bytes do not leave the page.
            unsafe { AtomicU8::from_ptr(host.add(offset)) }.store(*byte, order);
        }
    }
}
