//! The processor modelled: a Montecito (Itanium 2 9000).

/// CPUID registers 0 to 4 (SDM 1:33): vendor, reserved, version (family 0x20, model 0, revision 5), features.
pub const CPUID: [u64; 5] = [
    u64::from_le_bytes(*b"GenuineI"),
    u64::from_le_bytes(*b"ntel\0\0\0\0"),
    0,
    4 | 5 << 8 | FAMILY << 24,
    LONG_BRANCH | SIXTEEN_BYTE_ATOMICS,
];

const FAMILY: u64 = 0x20;
const LONG_BRANCH: u64 = 1;
const SIXTEEN_BYTE_ATOMICS: u64 = 1 << 2;

/// Instruction breakpoint registers, and data breakpoint registers: four pairs of each, as PAL_DEBUG_INFO says. Others
/// are reserved (SDM 2:152, 3:180).
pub const BREAKPOINT_REGISTERS: usize = 8;

/// Whether a page of 2^`size` bytes can be inserted.
#[must_use]
pub const fn is_page_size(size: u8) -> bool {
    matches!(size, 12 | 13 | 14 | 16 | 18 | 20 | 22 | 24 | 26 | 28 | 30 | 32)
}
