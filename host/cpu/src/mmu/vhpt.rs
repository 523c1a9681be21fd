//! The virtual hash page table and its walker (SDM 2:61).

use bitfield_struct::bitfield;

use super::translation::{OFFSET, Pte, RegionRegister, Translation, attribute};
use super::{Reference, Side};
use crate::bus::PhysicalAddress;
use crate::interruption::Isr;
use crate::model::is_page_size;
use crate::processor::Processor;
use crate::registers::cr;

/// The page table address register.
#[bitfield(u64)]
pub(crate) struct Pta {
    /// The walker is enabled.
    pub(crate) ve: bool,
    __: bool,
    /// The size of the table in bytes, as a power of two.
    #[bits(6)]
    pub(crate) size: u8,
    /// The long format.
    pub(crate) vf: bool,
    #[bits(6)]
    __: u8,
    /// The address of the table, in units of 32 KiB.
    #[bits(49)]
    pub(crate) base: u64,
}

/// What a walk came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Walk {
    /// The walker is disabled.
    Disabled,
    /// The address of the table's entry is not in the data TLB.
    NotMapped {
        /// That address.
        iha: u64,
    },
    /// The entry is of no use.
    Failed {
        /// Its address.
        iha: u64,
    },
    /// The entry's translation.
    Found(Translation),
}

/// The address of the entry for an address (SDM 2:66).
pub(crate) fn thash(pta: Pta, rr: RegionRegister, va: u64) -> u64 {
    let page = (va & OFFSET) >> rr.ps();
    let (region, offset) =
        if pta.vf() { (u64::from(pta) >> 61, hash(page, rr.rid()) << 5) } else { (va >> 61, page << 3) };
    let mask = !(u64::MAX << pta.size());
    let base = u64::from(pta) & OFFSET & !0x7fff;
    region << 61 | (base & !mask | offset & mask & !0x7fff) & OFFSET | offset & 0x7fff
}

/// The tag of the long-format entry for an address. With the lowest 10 bits of the hash, which any size of the table
/// keeps, it tells all pages of all regions apart, as SDM 2:67 demands: it holds the region identifier and all other
/// bits of the page number.
pub(crate) fn ttag(rr: RegionRegister, va: u64) -> u64 {
    let page = (va & OFFSET) >> rr.ps();
    page >> 10 << 24 | u64::from(rr.rid())
}

/// The long-format hash, which each model chooses.
fn hash(page: u64, rid: u32) -> u64 {
    let rid = u64::from(rid);
    (page ^ page >> 20 << 10 ^ rid << 4 ^ rid >> 6) & OFFSET >> 12
}

impl Processor {
    /// Whether the walker serves references to a region: data references, those of the RSE, or instruction fetches
    /// (SDM 2:67).
    fn walker_enabled(&self, rr: RegionRegister, side: Side, rse: bool) -> bool {
        let psr = self.registers.psr;
        let translating = psr.dt()
            && match side {
                Side::Data => !rse || psr.rt(),
                Side::Instruction => psr.it() && self.interruption_collection(),
            };
        translating && rr.ve() && Pta::from(self.registers.cr[cr::PTA]).ve()
    }

    /// Looks for a translation in the table. Nothing is inserted.
    pub(super) fn walk(&self, side: Side, rse: bool, va: u64) -> Walk {
        let rr = RegionRegister::from(self.registers.rr[(va >> 61) as usize]);
        if !self.walker_enabled(rr, side, rse) {
            return Walk::Disabled;
        }
        let pta = Pta::from(self.registers.cr[cr::PTA]);
        let iha = thash(pta, rr, va);
        let Some(table) = self.mmu.data_tlb.find(self.rid(iha), iha) else {
            return Walk::NotMapped { iha };
        };
        let found = if self.walker_may_read(table) {
            let entry = PhysicalAddress(table.physical(iha));
            if pta.vf() { self.long_entry(entry, rr, va) } else { self.short_entry(entry, rr, va) }
        } else {
            None
        };
        found.map_or(Walk::Failed { iha }, Walk::Found)
    }

    /// What a reference finds in the table. A data breakpoint on the entry ends the walk, as whatever a load would raise
    /// there does.
    pub(super) fn walk_for_reference(&self, side: Side, rse: bool, va: u64) -> Walk {
        let found = self.walk(side, rse, va);
        let psr = self.registers.psr;
        if !psr.db() || psr.dd() || !matches!(found, Walk::Found(_)) {
            return found;
        }
        let pta = Pta::from(self.registers.cr[cr::PTA]);
        let iha = thash(pta, RegionRegister::from(self.registers.rr[(va >> 61) as usize]), va);
        let size = if pta.vf() { 32 } else { 8 };
        let reference = Reference { isr: Isr::new().with_r(true), size, ..Reference::none() };
        if self.data_breakpoint(&reference, iha) { Walk::Failed { iha } } else { found }
    }

    /// Whether a page lets the walker read the table: it does so at privilege level 0. Whatever a load would raise
    /// there ends the walk.
    fn walker_may_read(&self, table: &Translation) -> bool {
        let pte = table.pte;
        let key = !self.registers.psr.pk() || self.key(table.key).is_some_and(|key| !key.rd());
        pte.p() && pte.ma() == attribute::WB && key && pte.rights(0).r && pte.a()
    }

    fn short_entry(&self, entry: PhysicalAddress, rr: RegionRegister, va: u64) -> Option<Translation> {
        let [pte] = self.table_words(entry)?;
        let pte = Pte::from(pte);
        let good = !pte.is_reserved() && is_page_size(rr.ps());
        good.then(|| Translation::new(rr.rid(), va, rr.ps(), rr.rid(), pte))
    }

    fn long_entry(&self, entry: PhysicalAddress, rr: RegionRegister, va: u64) -> Option<Translation> {
        let [pte, itir, tag] = self.table_words(entry)?;
        // Software that changes an entry invalidates its tag meanwhile.
        let [_, _, still] = self.table_words(entry)?;
        let pte = Pte::from(pte);
        let ps = (itir >> 2 & 63) as u8;
        let good = tag == ttag(rr, va)
            && still == tag
            && !pte.is_reserved()
            && is_page_size(ps)
            && (!pte.p() || itir & !0xffff_fffc == 0);
        good.then(|| Translation::new(rr.rid(), va, ps, (itir >> 8) as u32 & 0xff_ffff, pte))
    }

    /// Words of the table, in the byte order DCR.be; `None` if they are not in RAM.
    fn table_words<const N: usize>(&self, entry: PhysicalAddress) -> Option<[u64; N]> {
        let page = self.configuration.bus.ram(entry)?;
        let big = self.registers.cr[cr::DCR] >> 1 & 1 != 0;
        // Entries are aligned to their size.
        let words = page.words(PhysicalAddress(entry.0 & !(N.next_power_of_two() as u64 * 8 - 1)));
        Some(if big { words.map(u64::swap_bytes) } else { words })
    }
}
