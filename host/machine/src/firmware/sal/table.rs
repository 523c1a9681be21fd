//! The SAL system table.

use super::WAKE_UP_VECTOR;
use crate::firmware::portal::Portal;
use crate::layout::TABLES;

/// The table: an entry point descriptor, platform features (none), an application processor wake-up descriptor.
#[must_use]
pub fn table() -> Vec<u8> {
    const ENTRY_POINT: u64 = 0;
    const PLATFORM_FEATURES: u64 = 2;
    const WAKE_UP: u64 = 5;
    const HEADER: usize = 96;
    const ENTRIES: u16 = 3;

    let mut table = vec![0; HEADER];
    table[0..4].copy_from_slice(b"SST_");
    // SAL 3.20, in BCD.
    table[8..10].copy_from_slice(&[0x20, 3]);
    table[10..12].copy_from_slice(&ENTRIES.to_le_bytes());
    // The versions of SAL_A and SAL_B: 1.0.
    table[20..24].copy_from_slice(&[0, 1, 0, 1]);
    table[24..32].copy_from_slice(b"Patchbay");
    table[56..71].copy_from_slice(b"IA-64 processor");
    let global_pointer = TABLES.start;
    for word in [ENTRY_POINT, Portal::Pal.address(), Portal::Sal.address(), global_pointer, 0, 0] {
        table.extend(word.to_le_bytes());
    }
    for word in [PLATFORM_FEATURES, 0, WAKE_UP, u64::from(WAKE_UP_VECTOR)] {
        table.extend(word.to_le_bytes());
    }
    let length = table.len() as u32;
    table[4..8].copy_from_slice(&length.to_le_bytes());
    table[12] = table.iter().fold(0, |sum: u8, byte| sum.wrapping_sub(*byte));
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes of descriptors in Linux 6.1 arch/ia64/include/asm/sal.h, by type.
    const SIZES: [usize; 6] = [48, 32, 16, 32, 16, 16];

    #[test]
    fn it_sums_to_zero_and_its_entries_fill_it() {
        let table = table();
        assert_eq!(table.iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte)), 0);
        assert_eq!(u32::from_le_bytes(table[4..8].try_into().unwrap()) as usize, table.len());
        let mut at = 96;
        let mut kinds = Vec::new();
        for _ in 0..u16::from_le_bytes([table[10], table[11]]) {
            kinds.push(table[at]);
            at += SIZES[usize::from(table[at])];
        }
        assert_eq!((at, kinds), (table.len(), vec![0, 2, 5]));
        assert_eq!(table[96 + 8..96 + 16], Portal::Pal.address().to_le_bytes());
        assert_eq!(table[96 + 48 + 16 + 8], 0xff);
    }
}
