//! The primary console and debug port table (DIG64 PCDP 2.0): where the console is.

use crate::devices::uart;
use crate::layout::UART;

/// The table: one UART, the primary console at 115200 8n1.
#[must_use]
pub fn table() -> Vec<u8> {
    const EDGE: u8 = 1;
    const PRIMARY_CONSOLE: u8 = 4;
    const NO_PARITY: u8 = 1;
    const SYSTEM_MEMORY: u8 = 0;
    const BYTE_ACCESS: u8 = 1;

    let mut table = b"HCDP".to_vec();
    table.extend(0_u32.to_le_bytes());
    table.extend([3, 0]);
    table.extend(b"PATCHBPATCHBAY");
    table.extend(1_u32.to_le_bytes());
    table.extend(b"PBAY");
    table.extend(1_u32.to_le_bytes());
    table.extend(1_u32.to_le_bytes());

    table.extend([0, 8, NO_PARITY, 1, 0, 0, 0, 0]);
    table.extend(115_200_u64.to_le_bytes());
    table.extend([SYSTEM_MEMORY, 8, 0, BYTE_ACCESS]);
    table.extend(UART.start.to_le_bytes());
    // No PCI device.
    table.extend([0xff; 4]);
    table.extend(u32::from(uart::LINE).to_le_bytes());
    table.extend(uart::CLOCK.to_le_bytes());
    table.extend([0, EDGE | PRIMARY_CONSOLE, 0, 0]);
    table.extend(0_u32.to_le_bytes());

    let length = table.len() as u32;
    table[4..8].copy_from_slice(&length.to_le_bytes());
    table[9] = table.iter().fold(0, |sum: u8, byte| sum.wrapping_sub(*byte));
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Offsets of Linux 6.1 drivers/firmware/pcdp.h: a header of 40 bytes, 48 bytes a UART.
    #[test]
    fn it_sums_to_zero_and_names_the_uart() {
        let table = table();
        assert_eq!(table.len(), 40 + 48);
        assert_eq!(table.iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte)), 0);
        assert_eq!(table[36..40], 1_u32.to_le_bytes());
        assert_eq!(table[60..68], UART.start.to_le_bytes());
        assert_eq!(table[72..76], 4_u32.to_le_bytes());
    }
}
