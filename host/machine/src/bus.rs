//! The bus: memory, portals and devices by physical address.

use std::ops::Range;
use std::sync::Arc;

use patchbay_cpu::bus::{Bus, BusError, PhysicalAddress, RamPage};

use crate::devices::Device;
use crate::firmware::portal::Portal;
use crate::memory::Memory;

/// A machine's bus.
pub struct MachineBus {
    memory: Arc<Memory>,
    devices: Vec<(Range<u64>, Arc<dyn Device>)>,
}

impl MachineBus {
    /// A bus with memory, and no devices yet.
    #[must_use]
    pub fn new(memory: Arc<Memory>) -> MachineBus {
        MachineBus { memory, devices: Vec::new() }
    }

    /// The bus with one more device.
    #[must_use]
    pub fn with(mut self, addresses: Range<u64>, device: Arc<dyn Device>) -> MachineBus {
        self.devices.push((addresses, device));
        self
    }

    fn device(&self, address: PhysicalAddress) -> Result<(u64, &dyn Device), BusError> {
        let found = self.devices.iter().find(|(addresses, _)| addresses.contains(&address.0));
        found.map(|(addresses, device)| (address.0 - addresses.start, device.as_ref())).ok_or(BusError)
    }
}

impl Bus for MachineBus {
    fn ram(&self, address: PhysicalAddress) -> Option<RamPage<'_>> {
        self.memory.page(address)
    }

    fn read(&self, address: PhysicalAddress, size: u8) -> Result<u64, BusError> {
        let (offset, device) = self.device(address)?;
        Ok(device.read(offset, size) & u64::MAX >> (64 - 8 * u32::from(size.clamp(1, 8))))
    }

    fn write(&self, address: PhysicalAddress, size: u8, value: u64) -> Result<(), BusError> {
        // The firmware's read-only memory ignores stores.
        if self.memory.page(address).is_some() {
            return Ok(());
        }
        let (offset, device) = self.device(address)?;
        device.write(offset, size, value);
        Ok(())
    }

    fn portal(&self, bundle: PhysicalAddress) -> bool {
        Portal::at(bundle).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Ones;

    impl Device for Ones {
        fn read(&self, _offset: u64, _size: u8) -> u64 {
            u64::MAX
        }

        fn write(&self, _offset: u64, _size: u8, _value: u64) {}
    }

    #[test]
    fn addresses_without_memory_or_device_do_not_answer() {
        let memory = Arc::new(Memory::new(64 << 20).unwrap());
        let bus = MachineBus::new(memory).with(0xff5e_0000..0xff5e_1000, Arc::new(Ones));
        assert_eq!(bus.read(PhysicalAddress(0xff5e_0000), 1), Ok(0xff));
        assert_eq!(bus.read(PhysicalAddress(0xff5e_0000), 8), Ok(u64::MAX));
        assert_eq!(bus.read(PhysicalAddress(0xff5e_1000), 1), Err(BusError));
        assert_eq!(bus.write(PhysicalAddress(0x8000_0000), 1, 0), Err(BusError));
    }

    #[test]
    fn portals_are_memory_that_cannot_be_written() {
        let bus = MachineBus::new(Arc::new(Memory::new(64 << 20).unwrap()));
        let portal = PhysicalAddress(Portal::Pal.address());
        assert!(bus.portal(portal) && !bus.portal(PhysicalAddress(portal.0 + 16)));
        assert!(!bus.ram(portal).unwrap().is_writable());
        assert_eq!(bus.write(portal, 8, 1), Ok(()));
    }
}
