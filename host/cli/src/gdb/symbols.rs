//! The names of the guest's addresses as a file that gdb fetches by itself: an ELF image with symbols and without contents.

use patchbay_machine::loader::symbols::Symbols;

/// The name of the file.
pub(super) const PATH: &str = "/guest";

/// Addresses further apart than this, in bytes, are in different sections.
const GAP: u64 = 256 << 20;

const HEADER: u64 = 64;
const SECTION_HEADER: u64 = 64;
const SYMBOL: u64 = 24;

/// A section header's fields, in the order of the file.
#[derive(Default)]
struct Section {
    name: u32,
    kind: u32,
    flags: u64,
    address: u64,
    offset: u64,
    size: u64,
    link: u32,
    info: u32,
    entry_size: u64,
}

impl Section {
    fn write(&self, file: &mut Vec<u8>) {
        file.extend(self.name.to_le_bytes());
        file.extend(self.kind.to_le_bytes());
        for field in [self.flags, self.address, self.offset, self.size] {
            file.extend(field.to_le_bytes());
        }
        file.extend(self.link.to_le_bytes());
        file.extend(self.info.to_le_bytes());
        file.extend(1u64.to_le_bytes());
        file.extend(self.entry_size.to_le_bytes());
    }
}

const NAMES: &[u8] = b"\0.text\0.symtab\0.strtab\0.shstrtab\0";

/// The file; `None` if there are no names.
pub(super) fn image(symbols: &Symbols) -> Option<Vec<u8>> {
    let all: Vec<(u64, &str)> = symbols.all().collect();
    let ranges: Vec<&[(u64, &str)]> = all.chunk_by(|(one, _), (next, _)| next - one <= GAP).collect();
    let first = all.first()?.0;
    let mut table = vec![0; SYMBOL as usize];
    let mut names = vec![0];
    let mut sections = vec![Section::default()];
    for range in ranges {
        let (&(start, _), &(last, _)) = (range.first()?, range.last()?);
        // .text, SHT_NOBITS, SHF_ALLOC and SHF_EXECINSTR.
        let index = u16::try_from(sections.len()).ok()?;
        let size = last - start + GAP.min(u64::MAX - last);
        sections.push(Section { name: 1, kind: 8, flags: 6, address: start, size, ..Section::default() });
        for (address, name) in range {
            table.extend(u32::try_from(names.len()).ok()?.to_le_bytes());
            // STB_GLOBAL and STT_NOTYPE; STV_DEFAULT.
            table.extend([1 << 4, 0]);
            table.extend(index.to_le_bytes());
            table.extend(address.to_le_bytes());
            table.extend(0u64.to_le_bytes());
            names.extend(name.bytes());
            names.push(0);
        }
    }
    let strings = u32::try_from(sections.len() + 1).ok()?;
    let (table_size, names_size) = (table.len() as u64, names.len() as u64);
    // SHT_SYMTAB and SHT_STRTAB; symbol 0 is local.
    sections.push(Section {
        name: 7,
        kind: 2,
        offset: HEADER,
        size: table_size,
        link: strings,
        info: 1,
        entry_size: SYMBOL,
        ..Section::default()
    });
    sections.push(Section { name: 15, kind: 3, offset: HEADER + table_size, size: names_size, ..Section::default() });
    let (offset, size) = (HEADER + table_size + names_size, NAMES.len() as u64);
    sections.push(Section { name: 23, kind: 3, offset, size, ..Section::default() });
    let headers = (offset + size).next_multiple_of(8);
    let mut file = Vec::new();
    // 64 bits, little-endian, version 1; ET_EXEC, EM_IA_64.
    file.extend(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    file.extend([2, 0, 50, 0, 1, 0, 0, 0]);
    for field in [first, 0, headers] {
        file.extend(field.to_le_bytes());
    }
    // EF_IA_64_ABI64; the sizes of headers, and no program headers.
    file.extend(0x10u32.to_le_bytes());
    for field in [HEADER as u16, 0, 0, SECTION_HEADER as u16, strings as u16 + 2, strings as u16 + 1] {
        file.extend(field.to_le_bytes());
    }
    file.extend(table);
    file.extend(names);
    file.extend(NAMES);
    file.resize(headers as usize, 0);
    sections.iter().for_each(|section| section.write(&mut file));
    Some(file)
}

#[cfg(test)]
mod tests {
    use object::read::elf::ElfFile64;
    use object::{Architecture, LittleEndian, Object, ObjectSection, ObjectSymbol};

    use super::*;

    #[test]
    fn the_file_has_all_names_at_their_addresses() {
        let map = "100 t low\na000000100000000 T _stext\na000000100000100 T panic\nfffffffffffffff0 D last\n";
        let file = image(&Symbols::parse(map)).expect("names");
        let elf = ElfFile64::<LittleEndian>::parse(&*file).expect("ELF");
        assert_eq!(elf.architecture(), Architecture::Ia64);
        let seen: Vec<(u64, String)> =
            elf.symbols().map(|symbol| (symbol.address(), symbol.name().expect("a name").to_owned())).collect();
        let names = ["low", "_stext", "panic", "last"].map(str::to_owned);
        let addresses = [0x100, 0xa000_0001_0000_0000, 0xa000_0001_0000_0100, 0xffff_ffff_ffff_fff0];
        assert_eq!(seen, addresses.into_iter().zip(names).collect::<Vec<_>>());
        for symbol in elf.symbols() {
            let section = elf.section_by_index(symbol.section_index().expect("a section")).expect("a section");
            assert!(symbol.address() - section.address() < section.size());
        }
        assert!(image(&Symbols::default()).is_none());
    }
}
