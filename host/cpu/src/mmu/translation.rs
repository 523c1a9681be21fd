//! Translations: the fields of the insertion format and what they permit (SDM 2:53).

use bitfield_struct::bitfield;

/// The bits of a virtual address within its region.
pub(crate) const OFFSET: u64 = (1 << 61) - 1;

/// The bits of a physical address that are implemented: 50, as on Montecito.
pub(crate) const PHYSICAL: u64 = (1 << 50) - 1;

/// The bits of a region register.
#[bitfield(u64)]
pub struct RegionRegister {
    /// The VHPT walker is enabled.
    pub ve: bool,
    __: bool,
    /// The preferred page size, as a power of two.
    #[bits(6)]
    pub ps: u8,
    /// The region identifier.
    #[bits(24)]
    pub rid: u32,
    __: u32,
}

/// The first word of a translation: the operand of an insertion, a short-format VHPT entry.
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct Pte {
    /// The page is present.
    pub p: bool,
    __: bool,
    /// The memory attribute.
    #[bits(3)]
    pub ma: u8,
    /// The page was accessed.
    pub a: bool,
    /// The page is dirty.
    pub d: bool,
    /// The privilege level.
    #[bits(2)]
    pub pl: u8,
    /// The access rights.
    #[bits(3)]
    pub ar: u8,
    /// The physical page number, in units of 4 KiB.
    #[bits(38)]
    pub ppn: u64,
    #[bits(2)]
    __: u8,
    /// Exceptions of speculative loads on a code page are deferred.
    pub ed: bool,
    #[bits(11)]
    __: u16,
}

/// Memory attributes (SDM 2:75).
pub(crate) mod attribute {
    pub(crate) const WB: u8 = 0;
    pub(crate) const UC: u8 = 4;
    pub(crate) const WC: u8 = 6;
    pub(crate) const NATPAGE: u8 = 7;
}

impl Pte {
    const RESERVED: u64 = 1 << 1 | 3 << 50;

    /// Whether a reserved field of a present translation is not zero, or a field has a reserved encoding.
    #[must_use]
    pub const fn is_reserved(self) -> bool {
        self.p() && (self.0 & Pte::RESERVED != 0 || matches!(self.ma(), 1..=3))
    }

    /// What the access rights permit at a privilege level (SDM 2:57).
    #[must_use]
    pub const fn rights(self, cpl: u8) -> Rights {
        let (ar, pl) = (self.ar(), self.pl());
        let inside = cpl <= pl;
        let (r, w, x) = match ar {
            0 => (inside, false, false),
            1 => (inside, false, inside),
            2 => (inside, inside, false),
            3 => (inside, inside, inside),
            4 => (inside, inside && (cpl < pl || cpl == 0), false),
            5 => (inside, inside && cpl == 0, inside),
            6 => (inside, inside, cpl == pl && cpl != 0),
            _ => (cpl == 0, false, true),
        };
        Rights { r, w, x }
    }
}

/// The accesses that are permitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the SDM's names")]
pub struct Rights {
    pub r: bool,
    pub w: bool,
    pub x: bool,
}

/// A translation in a TLB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Translation {
    /// The region offset of the page, with the page size in the bits below 4 KiB.
    place: u64,
    /// The first word.
    pub pte: Pte,
    /// The region identifier.
    pub rid: u32,
    /// The protection key.
    pub key: u32,
}

impl Translation {
    /// What stands where there is no translation; it matches nothing.
    pub(crate) const NONE: Translation = Translation { place: u64::MAX, pte: Pte::new(), rid: u32::MAX, key: 0 };

    /// A translation of the page of 2^`ps` bytes around `va`.
    #[must_use]
    pub(crate) const fn new(rid: u32, va: u64, ps: u8, key: u32, pte: Pte) -> Translation {
        Translation { place: Translation::place(va, ps), pte, rid, key }
    }

    /// How a page is named.
    pub(crate) const fn place(va: u64, ps: u8) -> u64 {
        va & OFFSET & (u64::MAX << ps) | ps as u64
    }

    /// Whether this is the translation of a page.
    pub(crate) const fn is(&self, rid: u32, place: u64) -> bool {
        self.place == place && self.rid == rid
    }

    /// The page size, as a power of two.
    pub(crate) const fn ps(&self) -> u8 {
        (self.place & 63) as u8
    }

    /// The region offset of the page.
    pub(crate) const fn start(&self) -> u64 {
        self.place & !0xfff
    }

    /// Whether there is a translation.
    pub(crate) const fn is_some(&self) -> bool {
        self.place != u64::MAX
    }

    /// Whether an address is in the page.
    pub(crate) const fn covers(&self, rid: u32, va: u64) -> bool {
        self.overlaps(rid, va, 0)
    }

    /// Whether the page and the 2^`ps` bytes around `va` overlap.
    pub(crate) const fn overlaps(&self, rid: u32, va: u64, ps: u8) -> bool {
        let larger = if ps > self.ps() { ps } else { self.ps() };
        self.rid == rid && self.is_some() && (self.start() ^ va & OFFSET) >> larger == 0
    }

    /// The physical address that a virtual address of the page has.
    pub(crate) const fn physical(&self, va: u64) -> u64 {
        let inside = !(u64::MAX << self.ps());
        self.pte.ppn() << 12 & !inside | va & inside
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of page access rights (SDM 2:57), rows by ar and pl, columns cpl 3, 2, 1, 0.
    #[test]
    fn access_rights() {
        let table = [
            ["R R R R", "- R R R", "- - R R", "- - - R"],
            ["RX RX RX RX", "- RX RX RX", "- - RX RX", "- - - RX"],
            ["RW RW RW RW", "- RW RW RW", "- - RW RW", "- - - RW"],
            ["RWX RWX RWX RWX", "- RWX RWX RWX", "- - RWX RWX", "- - - RWX"],
            ["R RW RW RW", "- R RW RW", "- - R RW", "- - - RW"],
            ["RX RX RX RWX", "- RX RX RWX", "- - RX RWX", "- - - RWX"],
            ["RWX RW RW RW", "- RWX RW RW", "- - RWX RW", "- - - RW"],
            ["X X X RX", "X X X RX", "X X X RX", "X X X RX"],
        ];
        for (ar, row) in table.iter().enumerate() {
            for (index, columns) in row.iter().enumerate() {
                let pte = Pte::new().with_ar(ar as u8).with_pl(3 - index as u8);
                for (column, rights) in columns.split(' ').enumerate() {
                    let cpl = 3 - column as u8;
                    let expected = Rights { r: rights.contains('R'), w: rights.contains('W'), x: rights.contains('X') };
                    assert_eq!(pte.rights(cpl), expected, "ar {ar} pl {} cpl {cpl}", pte.pl());
                }
            }
        }
    }

    #[test]
    fn a_page_ends_at_its_size() {
        let page = Translation::new(7, 0x2000_0000_0123_4567, 16, 0, Pte::new().with_ppn(0xabcdf));
        assert_eq!((page.start(), page.ps()), (0x123_0000, 16));
        assert_eq!(page.physical(0x2000_0000_0123_4567), 0xabcd_4567);
        assert!(page.covers(7, 0xe000_0000_0123_ffff) && !page.covers(7, 0x124_0000) && !page.covers(8, 0x123_4567));
        assert!(page.overlaps(7, 0x100_0000, 24) && page.overlaps(7, 0x123_8000, 12));
        assert!(!page.overlaps(7, 0x122_f000, 12) && !Translation::NONE.overlaps(u32::MAX, u64::MAX, 63));
    }
}
