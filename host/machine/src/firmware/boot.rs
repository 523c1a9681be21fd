//! What the boot loader hands to a kernel: `ia64_boot_param`, command line, memory map.

use std::ops::Range;

use super::efi::memory_map::{DESCRIPTOR_SIZE, DESCRIPTOR_VERSION, Descriptor};
use super::efi::tables::SYSTEM_TABLE;
use crate::layout::BOOT;

/// The address of the boot parameters, r28 at entry.
pub const PARAMETERS: u64 = BOOT.start;
const COMMAND_LINE: u64 = BOOT.start + 0x1000;
const MEMORY_MAP: u64 = BOOT.start + 0x4000;
/// The most bytes of a command line, its final zero not counted.
pub const COMMAND_LINE_MAX: usize = (MEMORY_MAP - COMMAND_LINE - 1) as usize;

/// The pieces with their addresses.
#[must_use]
pub fn pieces(command_line: &str, map: &[Descriptor], initrd: Option<&Range<u64>>) -> Vec<(u64, Vec<u8>)> {
    let text = [command_line.as_bytes(), &[0]].concat();
    let map: Vec<u8> = map.iter().flat_map(Descriptor::encode).collect();
    let mut parameters = Vec::new();
    for word in [COMMAND_LINE, SYSTEM_TABLE, MEMORY_MAP, map.len() as u64, DESCRIPTOR_SIZE] {
        parameters.extend(word.to_le_bytes());
    }
    parameters.extend(DESCRIPTOR_VERSION.to_le_bytes());
    // The console: 80 columns, 25 rows, the cursor at its origin.
    for half in [80_u16, 25, 0, 0] {
        parameters.extend(half.to_le_bytes());
    }
    parameters.extend([0; 4]);
    // No floating-point software assistance: the processor needs none.
    let (start, size) = initrd.map_or((0, 0), |range| (range.start, range.end - range.start));
    for word in [0, start, size] {
        parameters.extend(word.to_le_bytes());
    }
    vec![(PARAMETERS, parameters), (COMMAND_LINE, text), (MEMORY_MAP, map)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Offsets of `struct ia64_boot_param` in Linux 6.1 arch/ia64/include/uapi/asm/setup.h.
    #[test]
    fn the_parameters_lie_as_linux_reads_them() {
        let pieces = pieces("console=ttyS0", &[], Some(&(0x600_0000..0x600_1234)));
        let (address, parameters) = &pieces[0];
        let word = |offset: usize| u64::from_le_bytes(parameters[offset..offset + 8].try_into().unwrap());
        assert_eq!((*address, parameters.len()), (PARAMETERS, 80));
        assert_eq!(word(8), SYSTEM_TABLE);
        assert_eq!(word(32), 40);
        assert_eq!((word(64), word(72)), (0x600_0000, 0x1234));
        assert_eq!(pieces[1], (word(0), b"console=ttyS0\0".to_vec()));
    }
}
