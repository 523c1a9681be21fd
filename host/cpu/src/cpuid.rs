//! Processor identification registers of a Montecito (SDM 1:31).

/// CPUID[0] and [1] are the vendor's name, [2] is 0, [3] the version and [4] the features.
pub const REGISTERS: [u64; 5] =
    [u64::from_le_bytes(*b"GenuineI"), u64::from_le_bytes(*b"ntel\0\0\0\0"), 0, VERSION, FEATURES];

/// Family 0x20, model 0, revision 7; the largest register number is 4.
const VERSION: u64 = 0x20_00_07_04;

/// lb: `brl` is implemented; ao: so are `ld16`, `st16` and `cmp8xchg16`. Bits 32 (clz) and 33 (mpy4) are 0.
const FEATURES: u64 = 1 << 0 | 1 << 2;
