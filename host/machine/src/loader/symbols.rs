//! The names of a guest's addresses.

use std::path::Path;

use object::LittleEndian;
use object::read::elf::ElfFile64;
use object::{Object, ObjectSymbol, SymbolKind};

use super::{LoadError, gzip, read};
use crate::text;

/// The most bytes that symbols can take.
const SIZE_MAX: u64 = 1 << 30;

/// The most bytes that an image with symbols has.
const IMAGE_MAX: u64 = 8 << 30;

/// Further away from a symbol than this, in bytes, is not its function.
const FUNCTION_MAX: u64 = 1 << 20;

/// Symbols in ascending order of their addresses.
#[derive(Clone, Debug, Default)]
pub struct Symbols {
    symbols: Vec<(u64, String)>,
    /// Their places among these, in the order of their names.
    by_name: Vec<u32>,
}

impl Symbols {
    /// From a file: a `System.map`, or an ELF image with symbols; gzip allowed.
    ///
    /// # Errors
    /// If it is unreadable or damaged gzip.
    pub fn read(path: &Path) -> Result<Symbols, LoadError> {
        let bytes = gzip::expand(path, read(path, IMAGE_MAX)?, SIZE_MAX)?;
        if bytes.starts_with(b"\x7fELF") {
            return Ok(Symbols::of_image(&bytes));
        }
        Ok(Symbols::parse(&String::from_utf8_lossy(&bytes)))
    }

    /// The functions and labels of an ELF image; none if it is damaged or stripped.
    fn of_image(image: &[u8]) -> Symbols {
        let Ok(file) = ElfFile64::<LittleEndian>::parse(image) else { return Symbols::default() };
        let code = file.symbols().filter(|symbol| matches!(symbol.kind(), SymbolKind::Text | SymbolKind::Unknown));
        let named = code.filter_map(|symbol| Some((symbol.address(), clean(symbol.name().ok()?))));
        Symbols::new(named.filter(|(_, name)| !name.is_empty()).collect())
    }

    fn new(mut symbols: Vec<(u64, String)>) -> Symbols {
        symbols.sort();
        let mut by_name: Vec<u32> = (0..symbols.len() as u32).collect();
        by_name.sort_by_key(|&index| &symbols[index as usize].1);
        Symbols { symbols, by_name }
    }

    /// From lines of address, type and name. Lines of another form are passed over.
    #[must_use]
    pub fn parse(text: &str) -> Symbols {
        let line = |line: &str| {
            let mut words = line.split_whitespace();
            let (address, _kind, name) = (words.next()?, words.next()?, words.next()?);
            Some((u64::from_str_radix(address, 16).ok()?, clean(name)))
        };
        Symbols::new(text.lines().filter_map(line).collect())
    }

    /// What [`Symbols::parse`] reads.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for (address, name) in &self.symbols {
            text += &format!("{address:016x} t {name}\n");
        }
        text
    }

    /// The address of a name.
    #[must_use]
    pub fn address(&self, name: &str) -> Option<u64> {
        self.symbols.iter().find(|(_, symbol)| symbol == name).map(|(address, _)| *address)
    }

    /// The address of a place, `name` or `name+0x10`; `None` if there is no such symbol, or several at other addresses.
    #[must_use]
    pub fn place(&self, place: &str) -> Option<u64> {
        let (name, offset) = match place.split_once("+0x") {
            Some((name, offset)) => (name, u64::from_str_radix(offset, 16).ok()?),
            None => (place, 0),
        };
        let symbol = |index: &u32| &self.symbols[*index as usize];
        let first = self.by_name.partition_point(|index| symbol(index).1.as_str() < name);
        let mut named = self.by_name[first..].iter().map(symbol).take_while(|(_, other)| other == name);
        let (address, _) = named.next()?;
        named.all(|(other, _)| other == address).then(|| address.wrapping_add(offset))
    }

    /// The symbol at or before an address, and the distance to it in bytes.
    #[must_use]
    pub fn name(&self, address: u64) -> Option<(&str, u64)> {
        let behind = self.symbols.partition_point(|(symbol, _)| *symbol <= address);
        let (symbol, name) = &self.symbols[behind.checked_sub(1)?];
        let offset = address - symbol;
        (offset < FUNCTION_MAX).then_some((name.as_str(), offset))
    }
}

/// A symbol's name as it may be shown.
fn clean(name: &str) -> String {
    text::line(name, text::NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_fit_for_a_terminal() {
        let symbols = Symbols::parse(&format!("1000 T \u{1b}[2Jpanic\n2000 T {}\n", "x".repeat(1000)));
        assert_eq!(symbols.name(0x1000), Some(("\\u{1b}[2Jpanic", 0)));
        assert!(symbols.name(0x2000).is_some_and(|(name, _)| name.ends_with("… (800 more bytes)")));
    }

    #[test]
    fn addresses_have_the_name_before_them() {
        let symbols =
            Symbols::parse("a000000100000000 T _stext\na000000100000100 T panic\nodd\na000000100000200 T _end\n");
        assert_eq!(symbols.address("panic"), Some(0xa000_0001_0000_0100));
        assert_eq!(symbols.name(0xa000_0001_0000_0110), Some(("panic", 0x10)));
        assert_eq!(symbols.name(0xa000_0001_0000_0000), Some(("_stext", 0)));
        assert_eq!(symbols.name(0x100), None);
        assert_eq!(Symbols::parse(&symbols.to_text()).to_text(), symbols.to_text());
        assert_eq!(symbols.name(0xa000_0001_0100_0000), None);
    }
    #[test]
    fn places_are_found_where_their_name_is_unambiguous() {
        let symbols = Symbols::parse("100 T twice\n200 T once\n300 t twice\n400 t same\n400 T same\n");
        assert_eq!(symbols.place("once"), Some(0x200));
        assert_eq!(symbols.place("once+0x1f0"), Some(0x3f0));
        assert_eq!(symbols.place("same+0x0"), Some(0x400));
        for unknown in ["twice", "never", "once+0x", "once+16", "", "on"] {
            assert_eq!(symbols.place(unknown), None, "{unknown}");
        }
    }
}
