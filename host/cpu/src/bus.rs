//! What a processor sees of the rest of the machine: memory, devices, time.

use std::ptr::NonNull;
use std::sync::atomic::AtomicU32;

/// A physical address. Bit 63 is the uncacheable attribute and not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhysicalAddress(pub u64);

/// The granule in which RAM is handed out and code changes are noticed, in bytes.
pub const PAGE_SIZE: u64 = 4096;

/// One page of RAM: [`PAGE_SIZE`] bytes.
#[derive(Clone, Copy, Debug)]
pub struct RamPage {
    /// Its first byte. The page stays mapped as long as the bus lives; all accesses are atomic.
    pub bytes: NonNull<u8>,
    /// Bumped (release) by whatever makes decoded copies of the page's code stale.
    pub generation: NonNull<AtomicU32>,
    /// Whether processors may write it.
    pub writable: bool,
}

/// No memory and no device answers at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BusError;

/// Physical memory and devices, shared by all processors of a machine. Without more than its RAM, nothing else answers.
pub trait Bus: Send + Sync {
    /// The page of RAM (or ROM) that holds `address`, if it is RAM.
    fn ram(&self, address: PhysicalAddress) -> Option<RamPage>;

    /// Reads `size` bytes (1, 2, 4 or 8, aligned) that are not RAM, as a little-endian number.
    ///
    /// # Errors
    /// If nothing answers.
    fn read(&self, _address: PhysicalAddress, _size: u8) -> Result<u64, BusError> {
        Err(BusError)
    }

    /// Writes `size` bytes (1, 2, 4 or 8, aligned) that are not RAM.
    ///
    /// # Errors
    /// If nothing answers.
    fn write(&self, _address: PhysicalAddress, _size: u8, _value: u64) -> Result<(), BusError> {
        Err(BusError)
    }

    /// Whether the bundle at this address is a portal: executed at privilege level 0 it leaves the processor with
    /// [`Exit::Portal`](crate::exit::Exit::Portal). Asked once when the bundle is decoded.
    fn portal(&self, _bundle: PhysicalAddress) -> bool {
        false
    }
}

/// The machine's time.
pub trait Clock: Send + Sync {
    /// Interval time counter ticks since the machine started.
    fn ticks(&self) -> u64;
}
