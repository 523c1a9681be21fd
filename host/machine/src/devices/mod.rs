//! Memory-mapped devices.
//!
//! To add one: a file here with an `impl Device`, and a line in `Platform::new` that puts it on
//! the bus.

pub mod interrupt_block;
pub mod iosapic;
pub mod ports;
pub mod power;
pub mod uart;

/// A device. Accesses come from all processors at once.
pub trait Device: Send + Sync {
    /// Reads `size` bytes (1, 2, 4 or 8, aligned) at an offset into the device. What does not exist reads as ones.
    fn read(&self, offset: u64, size: u8) -> u64;

    /// Writes `size` bytes (1, 2, 4 or 8, aligned) at an offset into the device. What does not exist ignores it.
    fn write(&self, offset: u64, size: u8, value: u64);
}
