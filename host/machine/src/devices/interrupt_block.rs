//! The processor interrupt block (SDM 2:128): stores that become interrupts.

use std::sync::Arc;

use super::Device;
use crate::interrupts::{Delivery, Interrupts};

/// The upper half of the block holds INTA and XTP.
const UPPER_HALF: u64 = 0x10_0000;
/// The interrupt acknowledge byte of an 8259; there is none here.
const INTA: u64 = 0x1e_0000;

/// The processor interrupt block.
#[derive(Debug)]
pub struct InterruptBlock {
    interrupts: Arc<Interrupts>,
}

impl InterruptBlock {
    /// A block whose messages go to `interrupts`.
    #[must_use]
    pub fn new(interrupts: Arc<Interrupts>) -> InterruptBlock {
        InterruptBlock { interrupts }
    }
}

impl Device for InterruptBlock {
    fn read(&self, offset: u64, _size: u8) -> u64 {
        // Without an 8259 an INTA cycle ends in its spurious vector.
        if offset == INTA { 15 } else { 0 }
    }

    fn write(&self, offset: u64, size: u8, value: u64) {
        // XTP hints are dropped: no message is redirected.
        if offset >= UPPER_HALF || size != 8 {
            return;
        }
        if let Some(delivery) = Delivery::from_bits(value >> 8) {
            self.interrupts.deliver((offset >> 12) as u8, (offset >> 4) as u8, delivery, value as u8);
        }
    }
}

#[cfg(test)]
mod tests {
    use patchbay_cpu::coherence_domain::CoherenceDomain;

    use super::*;

    #[test]
    fn the_address_names_the_processor_and_the_data_the_vector() {
        let domain = Arc::new(CoherenceDomain::new(4, false));
        let block = InterruptBlock::new(Arc::new(Interrupts::new(Arc::clone(&domain))));
        block.write(3 << 12, 8, 0xfe);
        assert_eq!(domain.mailbox(3).irr(3), 1 << (0xfe - 192));
        block.write(1 << 12 | 1 << 3, 8, 0x400);
        assert_eq!(domain.mailbox(1).irr(0), 1 << 2);
    }

    #[test]
    fn narrow_stores_and_the_upper_half_send_nothing() {
        let domain = Arc::new(CoherenceDomain::new(1, false));
        let block = InterruptBlock::new(Arc::new(Interrupts::new(Arc::clone(&domain))));
        block.write(0, 4, 0xfe);
        block.write(0x1e_0008, 1, 0x80);
        block.write(UPPER_HALF, 8, 0xfe);
        assert_eq!((0..4).map(|index| domain.mailbox(0).irr(index)).sum::<u64>(), 0);
    }
}
