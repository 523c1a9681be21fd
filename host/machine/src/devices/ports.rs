//! The I/O port space (SDM 2:267): port p lies at page p / 4, and there at p mod 4096.

use std::ops::Range;
use std::sync::Arc;

use super::Device;

/// The I/O port space and the devices in it.
#[derive(Default)]
pub struct PortSpace {
    devices: Vec<(Range<u64>, Arc<dyn Device>)>,
}

impl PortSpace {
    /// A port space with a device at some ports.
    #[must_use]
    pub fn with(mut self, ports: Range<u16>, device: Arc<dyn Device>) -> PortSpace {
        self.devices.push((u64::from(ports.start)..u64::from(ports.end), device));
        self
    }

    fn find(&self, offset: u64) -> Option<(u64, &dyn Device)> {
        let port = offset >> 12 << 2 | offset & 3;
        let (ports, device) = self.devices.iter().find(|(ports, _)| ports.contains(&port))?;
        Some((port - ports.start, device.as_ref()))
    }
}

impl Device for PortSpace {
    fn read(&self, offset: u64, size: u8) -> u64 {
        self.find(offset).map_or(u64::MAX, |(port, device)| device.read(port, size))
    }

    fn write(&self, offset: u64, size: u8, value: u64) {
        if let Some((port, device)) = self.find(offset) {
            device.write(port, size, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Recorder(Mutex<Vec<(u64, u8, u64)>>);

    impl Device for Recorder {
        fn read(&self, offset: u64, _size: u8) -> u64 {
            offset
        }

        fn write(&self, offset: u64, size: u8, value: u64) {
            self.0.lock().unwrap().push((offset, size, value));
        }
    }

    #[test]
    fn four_ports_share_a_page() {
        let recorder = Arc::new(Recorder::default());
        let space = PortSpace::default().with(0x1000..0x1010, Arc::clone(&recorder) as Arc<dyn Device>);
        // Port 0x1006 by the rule of Linux's __ia64_mk_io_addr.
        let offset = (0x1006 >> 2) << 12 | 0x1006 & 0xfff;
        assert_eq!(space.read(offset, 2), 6);
        space.write(offset, 2, 0x3400);
        assert_eq!(*recorder.0.lock().unwrap(), [(6, 2, 0x3400)]);
    }

    #[test]
    fn ports_without_a_device_read_as_ones() {
        assert_eq!(PortSpace::default().read(0x60 >> 2 << 12, 1), u64::MAX);
    }
}
