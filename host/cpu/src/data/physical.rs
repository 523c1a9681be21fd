//! Physical memory: devices behind data accesses, and access without side effects on the processor, for debuggers,
//! firmware and the VMM.

use super::Datum;
use crate::bus::{BusError, PAGE_SIZE, PhysicalAddress};
use crate::mmu::Location;
use crate::processor::Processor;

/// The largest naturally aligned piece at an address of which no more than `left` bytes are wanted.
fn piece(address: u64, left: usize) -> usize {
    [8, 4, 2].into_iter().find(|size| address.is_multiple_of(*size as u64) && *size <= left).unwrap_or(1)
}

impl Processor {
    /// Loads what is not RAM, in naturally aligned pieces.
    pub(super) fn load_bus<T: Datum>(&self, location: &Location) -> T {
        let mut bytes = [0; 16];
        let mut at = 0;
        while at < usize::from(T::SIZE) {
            let address = location.physical.0 + at as u64;
            let size = piece(address, usize::from(T::SIZE) - at);
            let value = self.configuration.bus.read(PhysicalAddress(address), size as u8).unwrap_or(u64::MAX);
            bytes[at..at + size].copy_from_slice(&value.to_le_bytes()[..size]);
            at += size;
        }
        T::from_bytes(bytes)
    }

    /// Stores to what is not RAM, in naturally aligned pieces.
    pub(super) fn store_bus<T: Datum>(&self, location: &Location, value: T) {
        let bytes = value.to_bytes();
        // A write that nothing answers is lost.
        let _ = self.write_device(location.physical.0, &bytes[..usize::from(T::SIZE)]);
    }

    fn write_device(&self, start: u64, bytes: &[u8]) -> Result<(), BusError> {
        let mut at = 0;
        while at < bytes.len() {
            let address = start + at as u64;
            let size = piece(address, bytes.len() - at);
            let mut value = [0; 8];
            value[..size].copy_from_slice(&bytes[at..at + size]);
            self.configuration.bus.write(PhysicalAddress(address), size as u8, u64::from_le_bytes(value))?;
            at += size;
        }
        Ok(())
    }

    /// The physical address of data, from the TLBs or the VHPT. Nothing is inserted and nothing is raised.
    #[must_use]
    pub fn debug_translate(&self, va: u64) -> Option<PhysicalAddress> {
        if !self.registers.psr.dt() {
            return Some(PhysicalAddress(va & !(1 << 63)));
        }
        let translation = self.search_data(va).filter(|translation| translation.pte.p())?;
        Some(PhysicalAddress(translation.physical(va)))
    }

    /// Reads RAM or, in naturally aligned pieces, devices.
    ///
    /// # Errors
    /// If nothing answers.
    pub fn read_physical(&self, address: PhysicalAddress, bytes: &mut [u8]) -> Result<(), BusError> {
        let mut at = 0;
        while at < bytes.len() {
            let address = address.0.wrapping_add(at as u64);
            let left = bytes.len() - at;
            let size = if let Some(page) = self.configuration.bus.ram(PhysicalAddress(address)) {
                let size = left.min((PAGE_SIZE - address % PAGE_SIZE) as usize);
                page.read(PhysicalAddress(address), &mut bytes[at..at + size]);
                size
            } else {
                let size = piece(address, left);
                let value = self.configuration.bus.read(PhysicalAddress(address), size as u8)?;
                bytes[at..at + size].copy_from_slice(&value.to_le_bytes()[..size]);
                size
            };
            at += size;
        }
        Ok(())
    }

    /// Writes RAM (ROM ignores it) or, in naturally aligned pieces, devices. Decoded copies of code become stale.
    ///
    /// # Errors
    /// If nothing answers.
    pub fn write_physical(&self, address: PhysicalAddress, bytes: &[u8]) -> Result<(), BusError> {
        let mut at = 0;
        while at < bytes.len() {
            let address = address.0.wrapping_add(at as u64);
            let left = bytes.len() - at;
            let size = if let Some(page) = self.configuration.bus.ram(PhysicalAddress(address)) {
                let size = left.min((PAGE_SIZE - address % PAGE_SIZE) as usize);
                if page.is_writable() {
                    page.write(PhysicalAddress(address), &bytes[at..at + size]);
                }
                size
            } else {
                let size = piece(address, left);
                self.write_device(address, &bytes[at..at + size])?;
                size
            };
            at += size;
        }
        Ok(())
    }
}
