//! Whether a file can be a plugin library. The dynamic linker crashes on some files that are none, so this is checked
//! before it sees them.

use object::Endianness;
use object::elf::{EM_AARCH64, EM_X86_64, ET_DYN, FileHeader64, PT_LOAD, SHN_UNDEF, SHT_DYNSYM};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader, Sym};
use patchbay_plugin_api::loading::ROOT_MODULE;

/// The machine that this host runs on.
const MACHINE: u16 = if cfg!(target_arch = "aarch64") { EM_AARCH64.0 } else { EM_X86_64.0 };

/// Why a file is not a plugin library.
#[derive(Debug, thiserror::Error)]
pub enum NotAPlugin {
    /// No ELF header, or one of 32 bits.
    #[error("is not an ELF file of 64 bits")]
    NotElf,
    /// Code for another processor.
    #[error("is for machine {0} and not for this host's ({MACHINE})")]
    Machine(u16),
    /// A program, an object file or a core dump.
    #[error("is an ELF file, but no shared library")]
    NotShared,
    /// Headers name more bytes than there are.
    #[error("is truncated: its headers promise {promised} bytes, it has {length}")]
    Truncated {
        /// The bytes there should be.
        promised: u64,
        /// The bytes there are.
        length: u64,
    },
    /// Headers that contradict themselves.
    #[error("is a damaged ELF file: {0}")]
    Damaged(#[from] object::read::Error),
    /// No entry point.
    #[error("is a shared library, but exports no Patchbay plugin")]
    NoEntry,
}

/// Checks that the dynamic linker can load a file, and that it exports plugins. Returns how many of its bytes the linker
/// needs: what it does not load, such as symbols for debuggers, stands after it.
pub(super) fn check(data: &[u8]) -> Result<usize, NotAPlugin> {
    let header = FileHeader64::<Endianness>::parse(data).map_err(|_| NotAPlugin::NotElf)?;
    let endian = header.endian().map_err(|_| NotAPlugin::NotElf)?;
    let machine = header.e_machine(endian).0;
    if machine != MACHINE || cfg!(target_endian = "little") != (endian == Endianness::Little) {
        return Err(NotAPlugin::Machine(machine));
    }
    if header.e_type(endian) != ET_DYN {
        return Err(NotAPlugin::NotShared);
    }
    let length = data.len() as u64;
    let enough = |offset: u64, size: u64| {
        let promised = offset.saturating_add(size);
        if promised > length { Err(NotAPlugin::Truncated { promised, length }) } else { Ok(promised as usize) }
    };
    let table = |count: u16, size: u16| u64::from(count) * u64::from(size);
    let mut needed = enough(header.e_phoff(endian), table(header.e_phnum(endian), header.e_phentsize(endian)))?;
    enough(header.e_shoff(endian), table(header.e_shnum(endian), header.e_shentsize(endian)))?;
    for segment in header.program_headers(endian, data)? {
        if segment.p_type(endian) == PT_LOAD {
            needed = needed.max(enough(segment.p_offset(endian), segment.p_filesz(endian))?);
        }
    }
    let sections = header.sections(endian, data)?;
    for section in sections.iter() {
        if let Some((offset, size)) = section.file_range(endian) {
            enough(offset, size)?;
        }
    }
    let symbols = sections.symbols(endian, data, SHT_DYNSYM)?;
    for symbol in symbols.iter() {
        if symbol.st_shndx(endian) != SHN_UNDEF && symbols.symbol_name(endian, symbol)? == ROOT_MODULE.to_bytes() {
            return Ok(needed);
        }
    }
    Err(NotAPlugin::NoEntry)
}
