//! The machine's memory: anonymous pages of the host, allocated when they are touched.

use std::ops::Range;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

use memmap2::{MmapOptions, MmapRaw};
use patchbay_cpu::bus::{PAGE_SIZE, PhysicalAddress, RamPage};

use crate::layout::{FIRMWARE, HIGH_MEMORY, LOW_MEMORY_MAX, MEMORY_MAX, MEMORY_MIN, PAL, PORTALS};

/// Why there is no memory.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// The size is out of range.
    #[error("a machine has 64 MiB to 64 GiB of memory in whole pages of 4 KiB, not {0} bytes")]
    Size(u64),
    /// The host refuses.
    #[error("the host does not give {0} bytes of memory: {1}")]
    Host(u64, std::io::Error),
}

/// An access is not inside memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{length:#x} bytes at {address:#x} are not memory")]
pub struct OutsideMemory {
    /// The physical address of the first byte.
    pub address: u64,
    /// The number of bytes.
    pub length: u64,
}

/// Memory, and a generation word for each of its pages.
#[derive(Debug)]
pub struct Memory {
    bytes: MmapRaw,
    generations: MmapRaw,
    size: u64,
}

impl Memory {
    /// Memory of `size` bytes, all zero.
    ///
    /// # Errors
    /// If the size is out of range or the host gives no address space.
    pub fn new(size: u64) -> Result<Memory, MemoryError> {
        if !(MEMORY_MIN..=MEMORY_MAX).contains(&size) || !size.is_multiple_of(PAGE_SIZE) {
            return Err(MemoryError::Size(size));
        }
        let map = |bytes: u64| {
            let length = usize::try_from(bytes).map_err(|_| MemoryError::Size(size))?;
            let map = MmapOptions::new().len(length).no_reserve_swap().map_anon();
            map.map(MmapRaw::from).map_err(|error| MemoryError::Host(bytes, error))
        };
        Ok(Memory { bytes: map(size)?, generations: map(size / PAGE_SIZE * 4)?, size })
    }

    /// Its size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The physical addresses that are memory, in ascending order.
    #[must_use]
    pub fn ranges(&self) -> Vec<Range<u64>> {
        let mut ranges = vec![self.low()];
        if self.size > LOW_MEMORY_MAX {
            ranges.push(HIGH_MEMORY..HIGH_MEMORY + self.size - LOW_MEMORY_MAX);
        }
        ranges
    }

    /// The memory below 4 GiB.
    #[must_use]
    pub fn low(&self) -> Range<u64> {
        0..self.size.min(LOW_MEMORY_MAX)
    }

    fn offset(&self, address: u64) -> Option<u64> {
        if address < LOW_MEMORY_MAX {
            (address < self.size).then_some(address)
        } else {
            let offset = address.checked_sub(HIGH_MEMORY)?.checked_add(LOW_MEMORY_MAX)?;
            (offset < self.size).then_some(offset)
        }
    }

    /// The page that holds `address`. What is read-only for processors belongs to the firmware.
    #[must_use]
    pub fn page(&self, address: PhysicalAddress) -> Option<RamPage<'_>> {
        let page = self.offset(address.0)? / PAGE_SIZE;
        let index = usize::try_from(page).ok()?;
        let read_only = PAL.contains(&address.0) || PORTALS.contains(&address.0);
        // SAFETY: `offset` is below `size`, which both maps cover with their page's bytes and generation word; they live
        // as long as `self` and are accessed as pages only.
        unsafe {
            let bytes = self.bytes.as_mut_ptr().add(index * usize::try_from(PAGE_SIZE).ok()?);
            Some(RamPage::new(NonNull::new(bytes)?, self.generation(index), !read_only))
        }
    }

    /// The generation word of a page.
    ///
    /// # Safety
    /// The memory has a page of this index.
    unsafe fn generation(&self, page: usize) -> &AtomicU32 {
        // SAFETY: the map has a generation word for each page, and only atomic accesses are made to it.
        unsafe { &*self.generations.as_mut_ptr().cast::<AtomicU32>().add(page) }
    }

    /// Whether all of `range` is memory that is not the firmware's.
    #[must_use]
    pub fn is_free(&self, range: &Range<u64>) -> bool {
        range.start >= FIRMWARE.end
            && range.start <= range.end
            && self.ranges().iter().any(|ram| ram.start <= range.start && range.end <= ram.end)
    }

    /// Copies memory at `address` out.
    ///
    /// # Errors
    /// If not all of it is memory; nothing is promised about `bytes` then.
    pub fn read(&self, address: PhysicalAddress, bytes: &mut [u8]) -> Result<(), OutsideMemory> {
        let outside = OutsideMemory { address: address.0, length: bytes.len() as u64 };
        let mut at = address.0;
        let mut rest = &mut *bytes;
        while !rest.is_empty() {
            let page = self.page(PhysicalAddress(at)).ok_or(outside)?;
            let length = part(at, rest.len());
            let (now, later) = rest.split_at_mut(length);
            page.read(PhysicalAddress(at), now);
            at = at.wrapping_add(length as u64);
            rest = later;
        }
        Ok(())
    }

    /// Copies `bytes` into memory at `address`. Decoded copies of what it held are stale then.
    ///
    /// # Errors
    /// If not all of it is memory; a part may be written then.
    pub fn write(&self, address: PhysicalAddress, bytes: &[u8]) -> Result<(), OutsideMemory> {
        let outside = OutsideMemory { address: address.0, length: bytes.len() as u64 };
        let mut at = address.0;
        let mut rest = bytes;
        while !rest.is_empty() {
            let page = self.page(PhysicalAddress(at)).ok_or(outside)?;
            let length = part(at, rest.len());
            let (now, later) = rest.split_at(length);
            page.write(PhysicalAddress(at), now);
            at = at.wrapping_add(length as u64);
            rest = later;
        }
        Ok(())
    }

    /// Makes decoded copies of all code stale, on every processor.
    pub fn flush(&self) {
        for index in 0..(self.size / PAGE_SIZE) as usize {
            // SAFETY: `index` is below the number of pages.
            unsafe { self.generation(index) }.fetch_add(1, Ordering::Release);
        }
    }
}

/// How many of `length` bytes from an address on are in its page.
fn part(address: u64, length: usize) -> usize {
    length.min((PAGE_SIZE - address % PAGE_SIZE) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_above_3_gib_continues_at_4_gib() {
        let memory = Memory::new(4 << 30).unwrap();
        assert_eq!(memory.ranges(), [0..3 << 30, 4 << 30..5 << 30]);
        assert!(memory.page(PhysicalAddress((3 << 30) - 1)).is_some());
        assert!(memory.page(PhysicalAddress(3 << 30)).is_none());
        assert!(memory.page(PhysicalAddress(0xfee0_0000)).is_none());
        assert!(memory.page(PhysicalAddress(4 << 30)).is_some());
        assert!(memory.page(PhysicalAddress(5 << 30)).is_none());
        assert!(memory.page(PhysicalAddress(u64::MAX)).is_none());
    }

    #[test]
    fn a_write_is_read_back_and_bumps_the_generations_of_its_pages() {
        let memory = Memory::new(64 << 20).unwrap();
        let bytes: Vec<u8> = (0..9000_u32).map(|i| (i * 7) as u8).collect();
        let address = PhysicalAddress(0x20_0003);
        memory.write(address, &bytes).unwrap();
        let mut back = vec![0; bytes.len()];
        memory.read(address, &mut back).unwrap();
        assert_eq!(back, bytes);
        let generation =
            |page: u64| memory.page(PhysicalAddress(page * PAGE_SIZE)).unwrap().generation().load(Ordering::Acquire);
        assert_eq!([0x1ff, 0x200, 0x201, 0x202, 0x203].map(generation), [0, 1, 1, 1, 0]);
        memory.flush();
        assert_eq!([0, 0x1ff, 0x200, 0x3fff].map(generation), [1, 1, 2, 1]);
    }

    #[test]
    fn accesses_outside_memory_fail() {
        let memory = Memory::new(64 << 20).unwrap();
        let end = PhysicalAddress((64 << 20) - 4);
        assert!(memory.write(end, &[0; 4]).is_ok());
        assert_eq!(memory.write(end, &[0; 5]), Err(OutsideMemory { address: end.0, length: 5 }));
        assert!(memory.read(PhysicalAddress(u64::MAX), &mut [0; 2]).is_err());
    }

    #[test]
    fn sizes_out_of_range_are_refused() {
        for size in [0, (64 << 20) - 4096, (64 << 20) + 1, (64 << 30) + 4096] {
            assert!(matches!(Memory::new(size), Err(MemoryError::Size(_))), "{size}");
        }
        assert_eq!(Memory::new(64 << 30).unwrap().size(), 64 << 30);
    }

    #[test]
    fn the_firmware_is_not_free() {
        let memory = Memory::new(64 << 20).unwrap();
        assert!(memory.is_free(&(0x10_0000..64 << 20)));
        assert!(!memory.is_free(&(0xf_ffff..0x20_0000)));
        assert!(!memory.is_free(&(0x10_0000..(64 << 20) + 1)));
    }
}
