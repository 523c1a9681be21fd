//! Plain RAM from address 0 on and a clock that stands still: a machine for tests, benches and single programs.

use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use crate::bus::{Bus, BusError, Clock, PAGE_SIZE, PhysicalAddress, RamPage};
use crate::coherence_domain::CoherenceDomain;
use crate::processor::{Configuration, Processor};

/// Bit 63 of a physical address is an attribute.
const ADDRESS: u64 = u64::MAX >> 1;

/// RAM from address 0 on.
pub struct FlatMemory {
    /// A page more than there is: the allocator gives zeroed memory cheaply only where it chooses the alignment.
    bytes: Box<[AtomicU8]>,
    /// The index in `bytes` of address 0.
    start: usize,
    generations: Box<[AtomicU32]>,
}

impl FlatMemory {
    /// RAM of this size in bytes, rounded up to whole pages; all zero.
    #[must_use]
    pub fn new(size: u64) -> FlatMemory {
        let pages = size.div_ceil(PAGE_SIZE) as usize;
        // SAFETY: atomic integers may be all zero.
        let bytes = unsafe { Box::<[AtomicU8]>::new_zeroed_slice((pages + 1) * PAGE_SIZE as usize).assume_init() };
        let start = bytes.as_ptr().align_offset(PAGE_SIZE as usize);
        FlatMemory { bytes, start, generations: (0..pages).map(|_| AtomicU32::new(0)).collect() }
    }

    /// A page's bytes and its generation.
    fn page(&self, address: u64) -> Option<(&[AtomicU8], &AtomicU32)> {
        let page = (address / PAGE_SIZE) as usize;
        let generation = self.generations.get(page)?;
        let start = self.start + page * PAGE_SIZE as usize;
        Some((&self.bytes[start..start + PAGE_SIZE as usize], generation))
    }

    fn byte(&self, address: u64) -> Result<(&AtomicU8, &AtomicU32), BusError> {
        let (bytes, generation) = self.page(address).ok_or(BusError)?;
        Ok((&bytes[(address % PAGE_SIZE) as usize], generation))
    }

    /// Reads bytes from an address on.
    ///
    /// # Errors
    /// If some of them do not exist.
    pub fn read_bytes(&self, address: u64, bytes: &mut [u8]) -> Result<(), BusError> {
        for (byte, address) in bytes.iter_mut().zip(address..) {
            *byte = self.byte(address)?.0.load(Ordering::Relaxed);
        }
        Ok(())
    }

    /// Writes bytes from an address on; decoded copies of them become stale.
    ///
    /// # Errors
    /// If some of them do not exist.
    pub fn write_bytes(&self, address: u64, bytes: &[u8]) -> Result<(), BusError> {
        for (byte, address) in bytes.iter().zip(address..) {
            let (place, generation) = self.byte(address)?;
            place.store(*byte, Ordering::Relaxed);
            generation.fetch_add(1, Ordering::Release);
        }
        Ok(())
    }
}

impl Bus for FlatMemory {
    fn ram(&self, address: PhysicalAddress) -> Option<RamPage<'_>> {
        let (bytes, generation) = self.page(address.0 & ADDRESS)?;
        // SAFETY: a page of atomic bytes that live as long as `self`.
        Some(unsafe { RamPage::new(NonNull::from(bytes).cast(), generation, true) })
    }
}

/// A clock that stands still.
#[derive(Debug)]
pub struct StoppedClock;

impl Clock for StoppedClock {
    fn ticks(&self) -> u64 {
        0
    }
}

/// The only processor of a machine with this bus and a [`StoppedClock`].
#[must_use]
pub fn processor<B: Bus + 'static>(bus: Arc<B>) -> Processor {
    let domain = Arc::new(CoherenceDomain::new(1, false));
    Processor::new(Configuration { domain, index: 0, bus, clock: Arc::new(StoppedClock) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_make_decoded_copies_stale() {
        let memory = FlatMemory::new(2 * PAGE_SIZE);
        let generation =
            |address| memory.ram(PhysicalAddress(address)).expect("RAM").generation().load(Ordering::Acquire);
        let before = (generation(0), generation(PAGE_SIZE));
        memory.write_bytes(PAGE_SIZE - 1, &[1, 2]).expect("RAM");
        assert_ne!(generation(0), before.0);
        assert_ne!(generation(PAGE_SIZE), before.1);
        let mut bytes = [0; 2];
        memory.read_bytes(PAGE_SIZE - 1, &mut bytes).expect("RAM");
        assert_eq!(bytes, [1, 2]);
        assert_eq!(memory.write_bytes(2 * PAGE_SIZE - 1, &[0; 2]), Err(BusError));
        assert!(memory.ram(PhysicalAddress(2 * PAGE_SIZE)).is_none());
    }
}
