//! Semaphore instructions.

use std::sync::atomic::Ordering;

use super::{Integer, Sixteen};
use crate::alat::Place;
use crate::mmu::Reference;
use crate::mmu::soft::Entry;
use crate::outcome::Leave;
use crate::processor::Processor;

/// What a semaphore instruction works on.
enum Target {
    /// Memory that may be written.
    Memory(*mut u8),
    /// Memory that ignores writes.
    Rom(*mut u8),
}

impl Processor {
    /// `xchg`.
    ///
    /// # Errors
    /// Every fault of a semaphore instruction.
    pub fn exchange<T: Integer>(&mut self, va: u64, value: T) -> Result<(T, Place), Leave> {
        let value = self.in_memory_order(value);
        self.semaphore(va, T::SIZE.into(), |host| {
            // SAFETY: `semaphore` found the bytes.
            unsafe { T::exchange(host, value, Ordering::Acquire) }
        })
    }

    /// `cmpxchg`: the old value; `value` was stored if that equals `expected` (ar.ccv, all 64 bits of it).
    ///
    /// # Errors
    /// Every fault of a semaphore instruction.
    pub fn compare_exchange<T: Integer>(
        &mut self,
        va: u64,
        expected: u64,
        value: T,
        order: Ordering,
    ) -> Result<(T, Place), Leave> {
        let narrow = T::low_bits(expected);
        let possible = narrow.into() == expected;
        let (narrow, value) = (self.in_memory_order(narrow), self.in_memory_order(value));
        self.semaphore(va, T::SIZE.into(), |host| {
            // SAFETY: `semaphore` found the bytes.
            unsafe {
                if possible {
                    T::compare_exchange(host, narrow, value, order)
                } else {
                    T::load(host, Ordering::Acquire)
                }
            }
        })
    }

    /// `fetchadd`: the old value.
    ///
    /// # Errors
    /// Every fault of a semaphore instruction.
    pub fn fetch_add<T: Integer>(&mut self, va: u64, increment: T, order: Ordering) -> Result<(T, Place), Leave> {
        if !self.registers.psr.be() {
            return self.semaphore(va, T::SIZE.into(), |host| {
                // SAFETY: `semaphore` found the bytes.
                unsafe { T::fetch_add(host, increment, order) }
            });
        }
        self.semaphore(va, T::SIZE.into(), |host| {
            // SAFETY: `semaphore` found the bytes.
            unsafe {
                let mut old = T::load(host, Ordering::Relaxed);
                loop {
                    let sum = T::low_bits(old.swapped().into().wrapping_add(increment.into())).swapped();
                    let seen = T::compare_exchange(host, old, sum, order);
                    if seen == old {
                        return old;
                    }
                    old = seen;
                }
            }
        })
    }

    /// `cmp8xchg16`: the old value at `va`, 8-byte aligned; the 16 bytes around it become `value`, the 8 bytes at the
    /// lower address first, if it equals `expected` (ar.ccv).
    ///
    /// # Errors
    /// Every fault of a semaphore instruction.
    pub fn compare_exchange_16(
        &mut self,
        va: u64,
        expected: u64,
        value: [u64; 2],
        order: Ordering,
    ) -> Result<(u64, Place), Leave> {
        let (expected, value) = (self.in_memory_order(expected), self.in_memory_order(value));
        let (old, place) = self.semaphore(va, 8, |host| {
            let at = host.addr() / 8 % 2;
            // SAFETY: `semaphore` found the bytes; 16 aligned bytes do not leave the page.
            unsafe { Sixteen::compare_exchange(host.sub(at * 8), at, expected, value, order) }
        })?;
        Ok((old, Place(place.0 & !0xf)))
    }

    /// Finds the memory for a semaphore and does `operation` on it.
    #[inline]
    fn semaphore<T: Integer>(
        &mut self,
        va: u64,
        size: u64,
        operation: impl FnOnce(*mut u8) -> T,
    ) -> Result<(T, Place), Leave> {
        let entry = self.mmu.soft.read_and_write(self.mmu.data[(va >> 61) as usize], va, size);
        let target = match entry {
            Some(entry) if entry.has(Entry::WRITE_BACK) => Target::Memory(entry.host(va)),
            _ => self.locate_semaphore(va, size)?,
        };
        let (old, place) = match target {
            Target::Memory(host) => (operation(host), Place(host.addr())),
            // SAFETY: the bytes are memory.
            Target::Rom(host) => (unsafe { T::load(host, Ordering::Acquire) }, Place::NONE),
        };
        Ok((self.in_memory_order(old), place))
    }

    #[inline(never)]
    fn locate_semaphore(&mut self, va: u64, size: u64) -> Result<Target, Leave> {
        let reference = Reference { strict: true, write_back: true, ..Reference::data(self, size, true, true) };
        let location = self.locate_data(&reference, va)?;
        match location.host() {
            Some(host) if location.is_writable() => Ok(Target::Memory(host)),
            Some(host) => Ok(Target::Rom(host)),
            // A device behind a write-back address: nothing can be atomic there.
            None => {
                self.fault(&reference, va, crate::mmu::Fault::UnsupportedDataReference)?;
                Err(Leave::Fault)
            }
        }
    }
}
