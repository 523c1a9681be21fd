//! The software TLB: for each 4 KiB page that data accesses use, where it is in the host's memory.
//!
//! An entry is valid for one *context*: a region identifier, a privilege level and the PSR bits that decide what may be
//! accessed. Its tag is the page's region offset and, where an address has its region number and its page offset, the
//! context. So one compare says that the page, the context and the alignment are right, and nothing is flushed
//! when a region register or the privilege level changes.

use super::tlb::bits;
use super::translation::OFFSET;

pub(crate) const ENTRIES: usize = 4096;
/// The bits of an address that name its page.
const PAGE_BITS: u64 = OFFSET & !0xfff;

/// A tag that no access has.
const EMPTY: u64 = u64::MAX;

/// What a context adds to a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Context(u64);

impl Context {
    /// A context in which nothing is ever found.
    pub(crate) const NEVER: Context = Context(0xf);

    /// The context with this number, below 2048.
    pub(crate) const fn new(number: u16) -> Context {
        Context((number as u64 & 0xff) << 4 | (number as u64 >> 8) << 61)
    }

    /// The same context, but nothing is found in it.
    pub(crate) const fn hidden(self) -> Context {
        Context(self.0 | Context::NEVER.0)
    }
}

/// An entry. The attributes of the page are in the low bits of `physical`.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(32))]
pub(crate) struct Entry {
    read: u64,
    write: u64,
    /// What is added to the offset of an address in its region to have the host's address.
    addend: u64,
    physical: u64,
}

impl Entry {
    const EMPTY: Entry = Entry { read: EMPTY, write: EMPTY, addend: 0, physical: 0 };

    /// The page may be accessed speculatively.
    pub(crate) const SPECULATIVE: u64 = 1;
    /// The page is cacheable with write-back policy, so that semaphores work on it.
    pub(crate) const WRITE_BACK: u64 = 2;

    /// Where an address of the page is in the host's memory.
    #[inline(always)]
    pub(crate) fn host(&self, va: u64) -> *mut u8 {
        std::ptr::with_exposed_provenance_mut(self.addend.wrapping_add(va & OFFSET) as usize)
    }

    /// Whether the page has an attribute.
    #[inline(always)]
    pub(crate) fn has(&self, attribute: u64) -> bool {
        self.physical & attribute != 0
    }
}

/// A page to enter.
pub(crate) struct Page {
    /// An address in it.
    pub(crate) va: u64,
    /// Its first byte in the host.
    pub(crate) host: *mut u8,
    /// [`Entry::SPECULATIVE`], [`Entry::WRITE_BACK`].
    pub(crate) attributes: u64,
    pub(crate) readable: bool,
    pub(crate) writable: bool,
}

/// The software TLB of a processor.
pub(crate) struct SoftTlb {
    entries: Box<[Entry; ENTRIES]>,
    /// The entries that may hold a page, a bit each: guests clear more often than they fill.
    used: [u64; ENTRIES / 64],
    /// Changes whenever what was found may no longer be so: pages were removed, or contexts chosen anew.
    pub(crate) epoch: u64,
}

impl SoftTlb {
    pub(crate) fn new() -> SoftTlb {
        SoftTlb { entries: Box::new([Entry::EMPTY; ENTRIES]), used: [0; ENTRIES / 64], epoch: 0 }
    }

    /// Where the entries are.
    pub(crate) fn address(&self) -> usize {
        self.entries.as_ptr().expose_provenance()
    }

    /// The entry that lets `size` aligned bytes be read.
    #[inline(always)]
    pub(crate) fn read(&self, context: Context, va: u64, size: u64) -> Option<&Entry> {
        let tag = tag(context, va, size);
        let entry = &self.entries[index(tag)];
        (entry.read == tag).then_some(entry)
    }

    /// The entry that lets aligned bytes be written.
    #[inline(always)]
    pub(crate) fn write(&self, context: Context, va: u64, size: u64) -> Option<&Entry> {
        let tag = tag(context, va, size);
        let entry = &self.entries[index(tag)];
        (entry.write == tag).then_some(entry)
    }

    /// The entry that lets aligned bytes be read and written.
    #[inline(always)]
    pub(crate) fn read_and_write(&self, context: Context, va: u64, size: u64) -> Option<&Entry> {
        let tag = tag(context, va, size);
        let entry = &self.entries[index(tag)];
        (entry.read == tag && entry.write == tag).then_some(entry)
    }

    /// Enters a page, unless nothing is ever found in the context.
    pub(crate) fn insert(&mut self, context: Context, page: &Page) {
        if context.0 & Context::NEVER.0 != 0 {
            return;
        }
        let tag = tag(context, page.va & !0xfff, 1);
        self.used[index(tag) / 64] |= 1 << (index(tag) % 64);
        self.entries[index(tag)] = Entry {
            read: if page.readable { tag } else { EMPTY },
            write: if page.writable { tag } else { EMPTY },
            addend: (page.host.expose_provenance() as u64).wrapping_sub(page.va & PAGE_BITS),
            physical: page.attributes,
        };
    }

    /// Removes the pages in the 2^`ps` bytes around `va` of some contexts, and perhaps more.
    pub(crate) fn purge(&mut self, contexts: impl Iterator<Item = Context>, va: u64, ps: u8) {
        /// Up to so many pages of a context are looked for one by one.
        const FEW: u8 = 12 + 6;
        self.epoch += 1;
        let start = va & PAGE_BITS & (u64::MAX << ps);
        if ps > FEW {
            let last = start | !(u64::MAX << ps);
            let inside = |tag: u64| tag != EMPTY && (start..=last).contains(&(tag & PAGE_BITS));
            self.remove(|entry| inside(entry.read) || inside(entry.write));
            return;
        }
        for context in contexts {
            for page in 0..1u64 << ps.saturating_sub(12) {
                let tag = tag(context, start + (page << 12), 1);
                let entry = &mut self.entries[index(tag)];
                if entry.read == tag || entry.write == tag {
                    *entry = Entry::EMPTY;
                }
            }
        }
    }

    /// Removes everything.
    pub(crate) fn clear(&mut self) {
        self.remove(|_| true);
    }

    /// Removes the entries that `goes` names.
    #[inline]
    fn remove(&mut self, goes: impl Fn(&Entry) -> bool) {
        self.epoch += 1;
        for (used, entries) in self.used.iter_mut().zip(self.entries.chunks_exact_mut(64)) {
            for index in bits(*used) {
                if goes(&entries[usize::from(index)]) {
                    entries[usize::from(index)] = Entry::EMPTY;
                    *used &= !(1 << index);
                }
            }
        }
    }
}

/// The tag of an access. Bits of the address below the access size make it one that no entry has.
#[inline(always)]
fn tag(context: Context, va: u64, size: u64) -> u64 {
    va & OFFSET & (!0xfff | (size - 1)) | context.0
}

#[inline(always)]
fn index(tag: u64) -> usize {
    (tag >> 12 ^ tag >> 4) as usize % ENTRIES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(va: u64, writable: bool) -> Page {
        Page { va, host: 0x1000 as *mut u8, attributes: 0, readable: true, writable }
    }

    #[test]
    fn an_entry_is_for_its_context_page_and_alignment() {
        let mut soft = SoftTlb::new();
        let contexts: Vec<Context> = (0..2048).map(Context::new).collect();
        soft.insert(contexts[0x5a3], &page(0xe000_0000_1234_5678, false));
        let hit = |context, va, size| soft.read(context, va, size).is_some();
        assert_eq!(soft.read(contexts[0x5a3], 0x1234_5ff8, 8).unwrap().host(0xe000_0000_1234_5ff8) as usize, 0x1ff8);
        assert_eq!(soft.read(contexts[0x5a3], 0x1234_5ff8, 8).unwrap().host(0x1234_5ff8) as usize, 0x1ff8);
        assert!((1..8).all(|offset| !hit(contexts[0x5a3], 0x1234_5000 + offset, 8)));
        assert!(!hit(contexts[0x5a3], 0x1234_6000, 8) && !hit(contexts[0x5a3].hidden(), 0x1234_5000, 1));
        assert!((0..2048).all(|number| hit(contexts[number], 0x1234_5678, 8) == (number == 0x5a3)));
        assert!(soft.write(contexts[0x5a3], 0x1234_5000, 1).is_none());
    }

    #[test]
    fn purges_reach_what_they_name() {
        for ps in [12, 14, 16, 18, 20, 24] {
            let mut soft = SoftTlb::new();
            let (context, other) = (Context::new(9), Context::new(700));
            for number in 0..2048 {
                soft.insert(context, &page(0x4000_0000 + (number << 12), true));
            }
            soft.purge([context, other].into_iter(), 0x4010_0000, ps);
            for number in 0..2048u64 {
                let va = 0x4000_0000 + (number << 12);
                let inside = va >> ps == 0x4010_0000 >> ps;
                assert_eq!(soft.read_and_write(context, va, 8).is_none(), inside, "{ps} {va:#x}");
            }
        }
    }
}
