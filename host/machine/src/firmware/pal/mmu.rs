//! What PAL tells of virtual memory.

use super::{INVALID_ARGUMENT, OK};

/// The page sizes that can be inserted and purged: 4 K, 8 K, 16 K, 64 K, 256 K, 1 M, 4 M, 16 M, 64 M, 256 M, 1 G, 4 G.
pub(super) const PAGE_SIZES: u64 = 0x1_1555_7000;

/// WB, UC, UCE, WC, NaTPage.
pub(super) const ATTRIBUTES: u64 = 1 << 0 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7;

/// `PAL_PTCE_INFO`: one `ptc.e` of address 0 purges everything.
pub(super) const PTCE: [u64; 4] = [OK, 0, 1 << 32 | 1, 0];

const PHYSICAL_ADDRESS_BITS: u64 = 50;
const KEY_BITS: u64 = 24;
const LAST_PKR: u64 = 15;
const HASH: u64 = 2;
const LAST_DTR: u64 = 63;
const LAST_ITR: u64 = 63;
const UNIQUE_TCS: u64 = 4;
const TC_LEVELS: u64 = 2;
const VIRTUAL_ADDRESS_MSB: u64 = 60;
const REGION_ID_BITS: u64 = 24;
/// Global purges that may be outstanding at once.
const PURGES: u64 = 1;

/// `PAL_VM_SUMMARY`. At PSR.vm = 1, one bit fewer of virtual addresses is implemented.
pub(super) const fn summary(is_virtual: bool) -> [u64; 4] {
    let virtual_address_msb = VIRTUAL_ADDRESS_MSB - is_virtual as u64;
    [
        OK,
        1 | PHYSICAL_ADDRESS_BITS << 1
            | KEY_BITS << 8
            | LAST_PKR << 16
            | HASH << 24
            | LAST_DTR << 32
            | LAST_ITR << 40
            | UNIQUE_TCS << 48
            | TC_LEVELS << 56,
        virtual_address_msb | REGION_ID_BITS << 8 | PURGES << 16,
        0,
    ]
}

/// `PAL_VM_INFO(level, type)`: sets, ways, entries; the page sizes it holds.
pub(super) fn info(level: u64, kind: u64) -> [u64; 4] {
    let (1 | 2, Some(entries)) = (kind, [32, 128].get(level as usize)) else { return [INVALID_ARGUMENT, 0, 0, 0] };
    [OK, 1 | entries << 8 | entries << 16, PAGE_SIZES, 0]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fields as Linux 6.1 reads them (pal_vm_info_1_s, pal_vm_info_2_s).
    #[test]
    fn the_summary_is_an_itanium_2s() {
        let [_, first, second, _] = summary(false);
        assert_eq!((first & 1, first >> 1 & 0x7f, first >> 8 & 0xff, first >> 16 & 0xff), (1, 50, 24, 15));
        assert_eq!((first >> 32 & 0xff, first >> 40 & 0xff), (63, 63));
        assert_eq!((second & 0xff, second >> 8 & 0xff, second >> 16), (60, 24, 1));
        assert_eq!(summary(true)[2] & 0xff, 59);
    }

    #[test]
    fn each_level_has_both_translation_caches() {
        for (level, kind, status) in [(0, 1, 0), (0, 2, 0), (1, 1, 0), (1, 2, 0), (2, 1, -2), (0, 3, -2)] {
            assert_eq!(info(level, kind)[0] as i64, status);
        }
    }
}
