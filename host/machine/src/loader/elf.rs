//! ELF images: kernels and bare-metal programs, loaded at the physical addresses of their program headers.

use std::ops::Range;

use object::LittleEndian;
use object::elf::{ELFCLASS64, ELFDATA2LSB, EM_IA_64, ET_EXEC, FileHeader64, ProgramHeader64};
use object::elf::{PF_X, PT_DYNAMIC, PT_INTERP, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};

use patchbay_cpu::bus::PhysicalAddress;

use crate::layout::FIRMWARE;
use crate::memory::Memory;

type Header = FileHeader64<LittleEndian>;
type Segment = ProgramHeader64<LittleEndian>;

/// Why an image cannot be started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ElfError {
    /// It has no ELF magic number.
    #[error("this is not an ELF image (its first four bytes are not 7f 45 4c 46)")]
    NotElf,
    /// It ends before its headers do.
    #[error("the ELF image is damaged: {0}")]
    Damaged(String),
    /// It is not for this machine.
    #[error("the ELF image is for another machine (class {class}, data {data}, machine {machine}; IA-64 is 2, 1, 50)")]
    OtherMachine {
        /// 2 is 64-bit.
        class: u8,
        /// 1 is little-endian.
        data: u8,
        /// 50 is IA-64.
        machine: u16,
    },
    /// It is not a complete program.
    #[error("the ELF image is not an executable kernel or bare-metal program (type {0}, dynamically linked: {1})")]
    NotExecutable(u16, bool),
    /// There is nothing to load.
    #[error("the ELF image has nothing to load")]
    Empty,
    /// A segment's bytes are not all in the file.
    #[error("program header {0}: its {2:#x} bytes at file offset {1:#x} reach beyond the end of the file")]
    Truncated(usize, u64, u64),
    /// A segment is smaller in memory than in the file.
    #[error("program header {0}: {1:#x} bytes in memory are fewer than {2:#x} in the file")]
    Shrinks(usize, u64, u64),
    /// A segment lies where there is no memory.
    #[error("program header {0}: {2:#x} bytes at {1:#x} are not in the machine's memory")]
    OutsideMemory(usize, u64, u64),
    /// A segment lies where the firmware is.
    #[error("program header {0}: {2:#x} bytes at {1:#x} overlap the firmware (0 to 0x100000)")]
    OverlapsFirmware(usize, u64, u64),
    /// Two segments claim the same memory.
    #[error("program headers {0} and {1} overlap in memory")]
    Overlap(usize, usize),
    /// The entry point is in no segment.
    #[error("the entry point {0:#x} is in no segment")]
    Entry(u64),
}

/// Loads an image; returns its physical entry point and the memory it occupies. Nothing is written if it is bad.
///
/// # Errors
/// If it cannot be started on this machine.
pub fn load(memory: &Memory, image: &[u8]) -> Result<(u64, Vec<Range<u64>>), ElfError> {
    let header = header(image)?;
    let damaged = |error: object::Error| ElfError::Damaged(error.to_string());
    let segments = header.program_headers(LittleEndian, image).map_err(damaged)?;
    let has = |kind| segments.iter().any(|segment| segment.p_type(LittleEndian) == kind);
    let dynamic = has(PT_INTERP) || has(PT_DYNAMIC);
    let kind = header.e_type(LittleEndian);
    if kind != ET_EXEC || dynamic {
        return Err(ElfError::NotExecutable(kind.0, dynamic));
    }
    let loadable = |(_, segment): &(usize, &Segment)| {
        segment.p_type(LittleEndian) == PT_LOAD && segment.p_memsz(LittleEndian) != 0
    };
    let segments: Vec<(usize, &Segment)> = segments.iter().enumerate().filter(loadable).collect();
    let mut parts = Vec::new();
    for (index, segment) in &segments {
        parts.push(part(memory, image, *index, segment)?);
    }
    for (index, (first, _)) in parts.iter().enumerate() {
        if let Some(other) =
            parts[..index].iter().position(|(other, _)| first.start < other.end && other.start < first.end)
        {
            return Err(ElfError::Overlap(segments[other].0, segments[index].0));
        }
    }
    if parts.is_empty() {
        return Err(ElfError::Empty);
    }
    let entry = physical_entry(header.e_entry(LittleEndian), &segments)?;
    for (range, bytes) in &parts {
        let outside = |_| ElfError::OutsideMemory(0, range.start, range.end - range.start);
        memory.write(PhysicalAddress(range.start), bytes).map_err(outside)?;
    }
    Ok((entry, parts.into_iter().map(|(range, _)| range).collect()))
}

/// Code of an image: what an executable segment has in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code<'a> {
    /// The physical address of its first byte.
    pub physical: u64,
    /// The address at which the image executes that byte.
    pub address: u64,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// The code of an image, segment by segment, whether or not the image can be started.
///
/// # Errors
/// If it is not an IA-64 ELF image, or damaged.
pub fn code(image: &[u8]) -> Result<Vec<Code<'_>>, ElfError> {
    let damaged = |error: object::Error| ElfError::Damaged(error.to_string());
    let segments = header(image)?.program_headers(LittleEndian, image).map_err(damaged)?;
    let executable = |(_, segment): &(usize, &Segment)| {
        segment.p_type(LittleEndian) == PT_LOAD && segment.p_flags(LittleEndian).0 & PF_X.0 != 0
    };
    let code = |(index, segment): (usize, &'_ Segment)| {
        let (offset, size) = segment.file_range(LittleEndian);
        let bytes = segment.data(LittleEndian, image).map_err(|()| ElfError::Truncated(index, offset, size))?;
        Ok(Code { physical: segment.p_paddr(LittleEndian), address: segment.p_vaddr(LittleEndian), bytes })
    };
    segments.iter().enumerate().filter(executable).map(code).collect()
}

fn header(image: &[u8]) -> Result<&Header, ElfError> {
    if !image.starts_with(b"\x7fELF") {
        return Err(ElfError::NotElf);
    }
    let Some((ident, machine)) = image.get(..16).zip(image.get(18..20)) else {
        return Err(ElfError::Damaged("it ends in its header".into()));
    };
    let (class, data) = (ident[4], ident[5]);
    let machine = if data == 2 {
        u16::from_be_bytes([machine[0], machine[1]])
    } else {
        u16::from_le_bytes([machine[0], machine[1]])
    };
    if class != ELFCLASS64.0 || data != ELFDATA2LSB.0 || machine != EM_IA_64.0 {
        return Err(ElfError::OtherMachine { class, data, machine });
    }
    Header::parse(image).map_err(|error| ElfError::Damaged(error.to_string()))
}

fn part<'a>(
    memory: &Memory,
    image: &'a [u8],
    index: usize,
    segment: &Segment,
) -> Result<(Range<u64>, &'a [u8]), ElfError> {
    let (offset, size) = segment.file_range(LittleEndian);
    let bytes = segment.data(LittleEndian, image).map_err(|()| ElfError::Truncated(index, offset, size))?;
    let (start, length) = (segment.p_paddr(LittleEndian), segment.p_memsz(LittleEndian));
    if length < size {
        return Err(ElfError::Shrinks(index, length, size));
    }
    let end = start.checked_add(length).ok_or(ElfError::OutsideMemory(index, start, length))?;
    if start < FIRMWARE.end {
        return Err(ElfError::OverlapsFirmware(index, start, length));
    }
    if !memory.is_free(&(start..end)) {
        return Err(ElfError::OutsideMemory(index, start, length));
    }
    Ok((start..end, bytes))
}

/// The entry point may be given as a physical or as a virtual address.
fn physical_entry(entry: u64, segments: &[(usize, &Segment)]) -> Result<u64, ElfError> {
    let find = |base: fn(&Segment) -> u64| {
        segments.iter().find_map(|(_, segment)| {
            let offset = entry.checked_sub(base(segment))?;
            (offset < segment.p_memsz(LittleEndian)).then(|| segment.p_paddr(LittleEndian) + offset)
        })
    };
    find(|segment| segment.p_paddr(LittleEndian))
        .or_else(|| find(|segment| segment.p_vaddr(LittleEndian)))
        .filter(|entry| entry.is_multiple_of(16))
        .ok_or(ElfError::Entry(entry))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An ELF image for `machine` of one segment: virtual and physical address, bytes, size in memory.
    pub(crate) fn image(machine: u16, entry: u64, segments: &[(u64, u64, &[u8], u64)]) -> Vec<u8> {
        let mut image = b"\x7fELF\x02\x01\x01".to_vec();
        image.resize(16, 0);
        image.extend([2, 0]);
        image.extend(machine.to_le_bytes());
        image.extend(1_u32.to_le_bytes());
        for word in [entry, 64, 0] {
            image.extend(word.to_le_bytes());
        }
        image.extend(0_u32.to_le_bytes());
        for half in [64, 56, segments.len() as u16, 64, 0, 0] {
            image.extend(half.to_le_bytes());
        }
        let mut offset = 64 + 56 * segments.len() as u64;
        for (virtual_address, physical, bytes, size) in segments {
            image.extend([1_u32, 7].map(u32::to_le_bytes).as_flattened());
            let words = [offset, *virtual_address, *physical, bytes.len() as u64, *size, 16];
            image.extend(words.map(u64::to_le_bytes).as_flattened());
            offset += bytes.len() as u64;
        }
        for (_, _, bytes, _) in segments {
            image.extend(*bytes);
        }
        image
    }

    fn load(image: &[u8]) -> Result<(u64, Vec<Range<u64>>), ElfError> {
        super::load(&Memory::new(64 << 20).unwrap(), image)
    }

    const BYTES: &[u8] = &[0x55; 48];

    #[test]
    fn segments_go_to_their_physical_addresses() {
        let memory = Memory::new(64 << 20).unwrap();
        let image = image(50, 0xa000_0000_0020_0010, &[(0xa000_0000_0020_0000, 0x20_0000, BYTES, 0x100)]);
        let (entry, ranges) = super::load(&memory, &image).unwrap();
        let range = 0x20_0000..0x20_0100;
        assert_eq!((entry, ranges.as_slice()), (0x20_0010, [range].as_slice()));
        let mut bytes = [0; 49];
        memory.read(PhysicalAddress(0x20_0000), &mut bytes).unwrap();
        assert_eq!((&bytes[..48], bytes[48]), (BYTES, 0));
    }

    #[test]
    fn code_is_what_executable_segments_have_in_the_file() {
        let mut image = image(
            50,
            0x20_0000,
            &[(0xa000_0000_0020_0000, 0x20_0000, BYTES, 0x100), (0x30_0000, 0x30_0000, BYTES, 48)],
        );
        // The flags of the second program header: readable and writable.
        image[64 + 56 + 4] = 6;
        let expected = Code { physical: 0x20_0000, address: 0xa000_0000_0020_0000, bytes: BYTES };
        assert_eq!(code(&image), Ok(vec![expected]));
        assert_eq!(code(b"MZ"), Err(ElfError::NotElf));
    }

    #[test]
    fn a_physical_entry_point_is_taken_as_it_is() {
        let image = image(50, 0x20_0020, &[(0xa000_0000_0020_0000, 0x20_0000, BYTES, 0x100)]);
        assert_eq!(load(&image).unwrap().0, 0x20_0020);
    }

    #[test]
    fn other_machines_are_refused() {
        let amd64 = image(62, 0x20_0000, &[(0x20_0000, 0x20_0000, BYTES, 48)]);
        assert_eq!(load(&amd64), Err(ElfError::OtherMachine { class: 2, data: 1, machine: 62 }));
        assert_eq!(load(b"MZ\x90\0"), Err(ElfError::NotElf));
        assert_eq!(load(b""), Err(ElfError::NotElf));
    }

    #[test]
    fn every_truncation_is_an_error() {
        let image = image(50, 0x20_0000, &[(0x20_0000, 0x20_0000, BYTES, 48)]);
        for length in 0..image.len() {
            assert!(load(&image[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn segments_must_lie_in_free_memory_and_apart() {
        let bad = |segments| load(&image(50, 0x20_0000, segments)).unwrap_err();
        assert!(matches!(bad(&[(0, 0x8_0000, BYTES, 48)]), ElfError::OverlapsFirmware(0, ..)));
        assert!(matches!(bad(&[(0, 0x3ff_fff0, BYTES, 48)]), ElfError::OutsideMemory(0, ..)));
        assert!(matches!(bad(&[(0, u64::MAX - 15, BYTES, 48)]), ElfError::OutsideMemory(0, ..)));
        assert!(matches!(bad(&[(0, 0x20_0000, BYTES, 16)]), ElfError::Shrinks(0, 16, 48)));
        let twice = [(0, 0x20_0000, BYTES, 48), (0, 0x20_0020, BYTES, 48)];
        assert_eq!(bad(&twice), ElfError::Overlap(0, 1));
        assert_eq!(bad(&[]), ElfError::Empty);
    }

    #[test]
    fn the_entry_point_must_be_a_bundle_of_the_image() {
        let entry = |entry| load(&image(50, entry, &[(0x20_0000, 0x20_0000, BYTES, 48)]));
        assert_eq!(entry(0x30_0000), Err(ElfError::Entry(0x30_0000)));
        assert_eq!(entry(0x20_0008), Err(ElfError::Entry(0x20_0008)));
    }
}
