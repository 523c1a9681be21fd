//! `patchbay disasm`: lists code as `objdump -d -z` does, without symbols.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use object::elf::{ELFOSABI_HPUX, EM_IA_64, FileHeader64, SHF_EXECINSTR};
use object::read::elf::{ElfFile64, ElfSection64, FileHeader};
use object::{Endianness, Object, ObjectSection, SectionFlags};
use patchbay::number::number;
use patchbay_isa::disassemble::{Listing, listing};
use patchbay_machine::loader::{LoadError, gzip};
use patchbay_machine::text;

/// What a compressed file may hold, in bytes.
const EXPANDED_MAX: u64 = 4 << 30;

/// Lists the code of an IA-64 ELF file, or with --base of a file of raw bundles; either may be compressed with gzip
#[derive(Args)]
pub(crate) struct Disasm {
    /// List this section and not every executable one
    #[arg(long, value_name = "NAME", conflicts_with = "base")]
    section: Option<String>,
    /// The file holds raw bundles that stand at this address
    #[arg(long, value_name = "ADDRESS", value_parser = number::<u64>)]
    base: Option<u64>,
    file: PathBuf,
}

/// Why there is no listing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot read {}: {source}", file.display())]
    Read { file: PathBuf, source: io::Error },
    #[error("{} is not an ELF file of 64 bits (--base lists raw bundles)", file.display())]
    NotElf { file: PathBuf },
    #[error("{} is a damaged ELF file: {source}", file.display())]
    Damaged { file: PathBuf, source: object::Error },
    #[error("{} is for machine {machine} and not for IA-64 (50)", file.display())]
    Machine { file: PathBuf, machine: u16 },
    #[error("{} has no section {name}", file.display())]
    NoSection { file: PathBuf, name: String },
    #[error(transparent)]
    Expand(#[from] LoadError),
    #[error("cannot write to standard output: {0}")]
    Write(io::Error),
}

impl Disasm {
    /// Writes the listing to standard output. A reader that closes it early ends the listing.
    pub(crate) fn run(&self) -> Result<(), Error> {
        let data = std::fs::read(&self.file).map_err(|source| Error::Read { file: self.file.clone(), source })?;
        let data = gzip::expand(&self.file, data, EXPANDED_MAX)?;
        let mut output = BufWriter::with_capacity(1 << 16, io::stdout().lock());
        let written = match self.base {
            Some(base) => write_header(&mut output, &self.file, "binary")
                .and_then(|()| write_section(&mut output, ".data", base, listing(base, &data))),
            None => self.write_elf(&mut output, &data)?,
        };
        match written.and_then(|()| output.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::Write(error)),
            _ => Ok(()),
        }
    }

    fn write_elf(&self, output: &mut impl Write, data: &[u8]) -> Result<io::Result<()>, Error> {
        let damaged = |source| Error::Damaged { file: self.file.clone(), source };
        let header = FileHeader64::<Endianness>::parse(data);
        let header = header.map_err(|_| Error::NotElf { file: self.file.clone() })?;
        let endian = header.endian().map_err(damaged)?;
        let machine = header.e_machine(endian);
        if machine != EM_IA_64 {
            return Err(Error::Machine { file: self.file.clone(), machine: machine.0 });
        }
        let elf = ElfFile64::<Endianness>::parse(data).map_err(damaged)?;
        let mut sections = Vec::new();
        for section in elf.sections().filter(|section| self.wants(section)) {
            sections.push((section.name().map_err(damaged)?, section.address(), section.data().map_err(damaged)?));
        }
        if let Some(name) = self.section.as_ref().filter(|_| sections.is_empty()) {
            return Err(Error::NoSection { file: self.file.clone(), name: name.clone() });
        }
        let format = match (endian, header.e_ident.os_abi) {
            (Endianness::Little, _) => "elf64-ia64-little",
            (Endianness::Big, ELFOSABI_HPUX) => "elf64-ia64-hpux-big",
            (Endianness::Big, _) => "elf64-ia64-big",
        };
        let has_symbols = elf.symbols().next().is_some();
        Ok(write_header(output, &self.file, format).and_then(|()| {
            let mut sections = sections.iter().filter(|(.., code)| !code.is_empty());
            sections.try_for_each(|(name, address, code)| {
                write_section(output, name, *address, listing(*address, code).with_bare_targets(has_symbols))
            })
        }))
    }

    fn wants(&self, section: &ElfSection64<'_, '_, Endianness>) -> bool {
        match (&self.section, section.flags()) {
            (Some(name), _) => section.name() == Ok(name),
            (None, SectionFlags::Elf { sh_flags, .. }) => sh_flags.0 & SHF_EXECINSTR.0 != 0,
            _ => false,
        }
    }
}

fn write_header(output: &mut impl Write, file: &Path, format: &str) -> io::Result<()> {
    write!(output, "\n{}:     file format {format}\n\n", file.display())
}

fn write_section(output: &mut impl Write, name: &str, address: u64, listing: Listing<'_>) -> io::Result<()> {
    let name = text::line(name, text::NAME);
    write!(output, "\nDisassembly of section {name}:\n\n{address:016x} <{name}>:\n{listing}")
}
