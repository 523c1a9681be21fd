//! The memory map.

use std::ops::Range;

use crate::layout::{ACPI, BOOT, FIRMWARE, INTERRUPT_BLOCK, IOSAPIC, PAL, PORT_SPACE, PORTALS, STACKS, TABLES, UART};
use crate::memory::Memory;

/// The size of an EFI page, in bytes.
pub const PAGE: u64 = 4096;
/// The size of a descriptor, in bytes.
pub const DESCRIPTOR_SIZE: u64 = 40;
/// The version of a descriptor.
pub const DESCRIPTOR_VERSION: u32 = 1;

/// What memory is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the specification's names")]
pub enum MemoryType {
    Reserved = 0,
    LoaderData = 2,
    RuntimeServicesCode = 5,
    RuntimeServicesData = 6,
    Conventional = 7,
    AcpiReclaim = 9,
    MappedIo = 11,
    PortSpace = 12,
    PalCode = 13,
}

const UNCACHEABLE: u64 = 1;
const WRITE_BACK: u64 = 8;
const RUNTIME: u64 = 1 << 63;

/// A piece of the physical address space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// Where it is.
    pub range: Range<u64>,
    /// What it is.
    pub memory_type: MemoryType,
    /// What can be done with it.
    pub attributes: u64,
}

impl Descriptor {
    /// The descriptor as it lies in memory; the virtual address is 0.
    #[must_use]
    pub fn encode(&self) -> [u8; DESCRIPTOR_SIZE as usize] {
        let mut bytes = [0; DESCRIPTOR_SIZE as usize];
        bytes[0..4].copy_from_slice(&(self.memory_type as u32).to_le_bytes());
        bytes[8..16].copy_from_slice(&self.range.start.to_le_bytes());
        bytes[24..32].copy_from_slice(&((self.range.end - self.range.start) / PAGE).to_le_bytes());
        bytes[32..40].copy_from_slice(&self.attributes.to_le_bytes());
        bytes
    }
}

/// The map of a machine in whose memory the loader has put something at `loaded`, in ascending order.
#[must_use]
pub fn memory_map(memory: &Memory, loaded: &[Range<u64>]) -> Vec<Descriptor> {
    let firmware = [
        (TABLES, MemoryType::RuntimeServicesData),
        (ACPI, MemoryType::AcpiReclaim),
        (BOOT, MemoryType::LoaderData),
        (PAL, MemoryType::PalCode),
        (PORTALS, MemoryType::RuntimeServicesCode),
        (STACKS, MemoryType::RuntimeServicesData),
    ];
    let mut used: Vec<(Range<u64>, MemoryType)> = firmware.to_vec();
    used.push((0..TABLES.start, MemoryType::Reserved));
    used.extend(loaded.iter().map(|range| {
        let whole_pages = range.start / PAGE * PAGE..range.end.div_ceil(PAGE) * PAGE;
        (whole_pages, MemoryType::LoaderData)
    }));
    used.sort_by_key(|(range, _)| range.start);

    let mut map = Vec::new();
    for ram in memory.ranges() {
        let mut at = ram.start;
        for (range, memory_type) in used.iter().filter(|(range, _)| range.start < ram.end && range.end > ram.start) {
            let range = range.start.max(at)..range.end;
            push(&mut map, at..range.start, MemoryType::Conventional);
            at = at.max(range.end);
            push(&mut map, range, *memory_type);
        }
        push(&mut map, at..ram.end, MemoryType::Conventional);
    }
    let devices = [
        (IOSAPIC, MemoryType::MappedIo),
        (INTERRUPT_BLOCK, MemoryType::MappedIo),
        (UART, MemoryType::MappedIo),
        (PORT_SPACE, MemoryType::PortSpace),
    ];
    let devices = devices.map(|(range, memory_type)| Descriptor { range, memory_type, attributes: UNCACHEABLE });
    map.extend(devices);
    map.sort_by_key(|descriptor| descriptor.range.start);
    map
}

fn push(map: &mut Vec<Descriptor>, range: Range<u64>, memory_type: MemoryType) {
    if range.start < range.end {
        let runtime = range.end <= FIRMWARE.end
            && matches!(
                memory_type,
                MemoryType::RuntimeServicesCode | MemoryType::RuntimeServicesData | MemoryType::PalCode
            );
        map.push(Descriptor { range, memory_type, attributes: WRITE_BACK | if runtime { RUNTIME } else { 0 } });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(size: u64) -> (Memory, Vec<Descriptor>) {
        let memory = Memory::new(size).unwrap();
        let map = memory_map(&memory, &[0x400_0000..0x512_3456, 0x200_0000..0x210_0000]);
        (memory, map)
    }

    #[test]
    fn memory_is_described_completely_and_once() {
        for size in [128 << 20, 4 << 30] {
            let (memory, map) = map(size);
            for pair in map.windows(2) {
                assert!(pair[0].range.end <= pair[1].range.start, "{pair:x?}");
            }
            let write_back = map.iter().filter(|descriptor| descriptor.attributes & WRITE_BACK != 0);
            let bytes: u64 = write_back.map(|descriptor| descriptor.range.end - descriptor.range.start).sum();
            assert_eq!(bytes, memory.size());
        }
    }

    #[test]
    fn there_is_one_pal_code_and_one_port_space_descriptor() {
        let (_, map) = map(128 << 20);
        let count = |wanted| map.iter().filter(|descriptor| descriptor.memory_type == wanted).count();
        assert_eq!((count(MemoryType::PalCode), count(MemoryType::PortSpace)), (1, 1));
        let ports = map.iter().find(|descriptor| descriptor.memory_type == MemoryType::PortSpace).unwrap();
        assert_eq!((ports.attributes, ports.range.end - ports.range.start), (UNCACHEABLE, 64 << 20));
    }

    #[test]
    fn what_is_loaded_is_loader_data_in_whole_pages() {
        let (_, map) = map(128 << 20);
        assert!(map.contains(&Descriptor {
            range: 0x400_0000..0x512_4000,
            memory_type: MemoryType::LoaderData,
            attributes: WRITE_BACK
        }));
    }

    #[test]
    fn descriptors_lie_in_memory_as_efi_says() {
        let descriptor =
            Descriptor { range: 0x4_0000..0x5_0000, memory_type: MemoryType::PalCode, attributes: RUNTIME | 8 };
        let words: Vec<u64> =
            descriptor.encode().chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().unwrap())).collect();
        assert_eq!(words, [13, 0x4_0000, 0, 16, 1 << 63 | 8]);
    }
}
