//! The advanced load address table: which registers hold what an advanced load read and no store has changed since
//! (SDM 1:65).
//!
//! An entry is found by the register that the load wrote and removed by stores that overlap what it read. Stores of
//! other processors, of which this one learns nothing, would have to remove entries too. So the table stays empty
//! where there are other processors: `ld.c` then loads again and `chk.a` branches to its recovery code, which an
//! entry lost for whatever reason allows. Stores of the register stack engine do not remove entries (SDM 1:68).

use crate::processor::Processor;

const ENTRIES: usize = 32;

/// Which bytes of physical memory an access touched, whatever their virtual address: the host address of the first.
/// Two accesses overlap if their places and sizes do. What the ALAT compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(pub usize);

impl Place {
    /// Not memory, or memory that must not be accessed speculatively: no ALAT entry may be made.
    pub const NONE: Place = Place(0);

    #[inline(always)]
    pub(crate) fn of(host: *mut u8) -> Place {
        Place(host.addr())
    }
}

/// A register, whatever the frame and the rotation bases make its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag(u64);

#[derive(Clone, Copy, Debug)]
struct Entry {
    tag: Tag,
    place: Place,
    size: u8,
}

/// The table. All entries are alike: any register, any address.
#[derive(Debug)]
pub struct Alat {
    entries: [Entry; ENTRIES],
    /// The entries in use, a bit each.
    pub(crate) used: u32,
    /// The entry replaced next, where all are used.
    next: usize,
    enabled: bool,
}

impl Alat {
    /// An empty table; one that is not enabled stays so.
    #[must_use]
    pub fn new(enabled: bool) -> Alat {
        let nothing = Entry { tag: Tag(0), place: Place::NONE, size: 0 };
        Alat { entries: [nothing; ENTRIES], used: 0, next: 0, enabled }
    }

    /// The used entries of which `condition` is true, a bit each.
    fn select(&self, condition: impl Fn(&Entry) -> bool) -> u32 {
        let matching = |index: usize| self.used >> index & 1 != 0 && condition(&self.entries[index]);
        (0..ENTRIES).filter(|&index| matching(index)).fold(0, |bits, index| bits | 1 << index)
    }

    /// Whether a register still holds what its advanced load would read now.
    #[must_use]
    pub fn contains(&self, tag: Tag) -> bool {
        self.used != 0 && self.select(|entry| entry.tag == tag) != 0
    }

    /// Removes the entry of a register.
    pub fn remove(&mut self, tag: Tag) {
        if self.used != 0 {
            self.used &= !self.select(|entry| entry.tag == tag);
        }
    }

    /// Makes the entry of a register, in place of the one it had; at [`Place::NONE`] it has none any more.
    pub fn insert(&mut self, tag: Tag, place: Place, size: u8) {
        self.remove(tag);
        if !self.enabled || place == Place::NONE {
            return;
        }
        let free = self.used.trailing_ones() as usize;
        let index = if free < ENTRIES {
            free
        } else {
            self.next = (self.next + 1) % ENTRIES;
            self.next
        };
        self.entries[index] = Entry { tag, place, size };
        self.used |= 1 << index;
    }

    /// Whether registers can have entries at all.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// Whether no register has an entry.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// Removes the entries that a store of `size` bytes overlaps. One that went to a device may have made it write
    /// memory: then all are removed.
    #[inline]
    pub fn stored(&mut self, place: Place, size: u8) {
        if self.used != 0 {
            self.remove_overlapping(place, size);
        }
    }

    #[cold]
    fn remove_overlapping(&mut self, place: Place, size: u8) {
        if place == Place::NONE {
            self.clear();
            return;
        }
        let end = |place: Place, size: u8| place.0 + usize::from(size);
        self.used &= !self.select(|entry| entry.place.0 < end(place, size) && place.0 < end(entry.place, entry.size));
    }

    /// Removes all entries.
    #[inline]
    pub fn clear(&mut self) {
        self.used = 0;
    }
}

impl Processor {
    /// The tag of a general register: of stacked ones, their place on the backing store, so that it stays the same
    /// through calls and returns.
    #[must_use]
    pub(crate) fn gr_tag(&self, r: u8) -> Tag {
        const STACKED: u64 = 1 << 63;
        const BANK1: u64 = 1 << 7;
        let cfm = self.registers.cfm;
        match r & 127 {
            r @ 0..16 => Tag(r.into()),
            r @ 16..32 => Tag(u64::from(r) | if self.registers.psr.bn() { BANK1 } else { 0 }),
            r => {
                let (offset, rotating) = (usize::from(r) - 32, cfm.rotating());
                let offset = if offset < rotating { (offset + usize::from(cfm.rrb_gr())) % rotating } else { offset };
                // Every 64th word of the backing store is a NaT collection.
                let word = self.bsp() >> 3;
                Tag(STACKED | ((word >> 6) * 63 + (word & 63) + offset as u64))
            }
        }
    }

    /// The tag of a floating-point register.
    #[must_use]
    pub(crate) fn fr_tag(&self, f: u8) -> Tag {
        const FLOATING: u64 = 1 << 62;
        Tag(FLOATING | self.registers.fr_index(f) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_remove_the_entries_they_overlap() {
        let mut alat = Alat::new(true);
        alat.insert(Tag(1), Place(0x1000), 8);
        alat.insert(Tag(2), Place(0x1008), 4);
        alat.insert(Tag(3), Place(0x100c), 4);
        alat.stored(Place(0xff8), 8);
        alat.stored(Place(0x1010), 16);
        assert!(alat.contains(Tag(1)) && alat.contains(Tag(2)) && alat.contains(Tag(3)));
        alat.stored(Place(0x1007), 2);
        assert!(!alat.contains(Tag(1)) && !alat.contains(Tag(2)) && alat.contains(Tag(3)));
        alat.stored(Place::NONE, 4);
        assert!(!alat.contains(Tag(3)));
    }

    #[test]
    fn a_register_has_one_entry() {
        let mut alat = Alat::new(true);
        alat.insert(Tag(1), Place(0x1000), 8);
        alat.insert(Tag(1), Place(0x2000), 8);
        alat.stored(Place(0x1000), 8);
        assert!(alat.contains(Tag(1)));
        alat.insert(Tag(1), Place::NONE, 8);
        assert!(!alat.contains(Tag(1)));
    }

    #[test]
    fn a_full_table_loses_an_entry_for_each_new_one() {
        let mut alat = Alat::new(true);
        for tag in 0..ENTRIES as u64 + 8 {
            alat.insert(Tag(tag), Place(0x1000), 1);
            assert!(alat.contains(Tag(tag)));
        }
        let kept = (0..ENTRIES as u64 + 8).filter(|&tag| alat.contains(Tag(tag))).count();
        assert_eq!(kept, ENTRIES);
    }

    #[test]
    fn beside_other_processors_it_stays_empty() {
        let mut alat = Alat::new(false);
        alat.insert(Tag(1), Place(0x1000), 8);
        assert!(!alat.contains(Tag(1)));
    }
}
