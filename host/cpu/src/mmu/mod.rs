//! Address translation (SDM 2, chapter 4).
//!
//! The architected state is in [`translation`] (what a translation says), `tlb` (translation registers and caches)
//! and the region, protection key and page table address registers. `vhpt` walks the page table, `reference` decides
//! what a data reference may do and which fault it raises, `instruction` does so for instruction fetches, `system` is
//! what system instructions do. In front of all that, `soft` remembers where pages are in the host's memory; it holds
//! only what follows from a translation that the data TLB has. `context` numbers what entries of it depend on.

mod context;
mod instruction;
mod reference;
pub(crate) mod soft;
mod system;
mod tlb;
pub mod translation;
mod vhpt;

#[cfg(test)]
mod tests;

use context::{Contexts, Mode, context, physical_context};
pub(crate) use reference::{Fault, Location, Reference};
use soft::{Context, SoftTlb};
use tlb::Tlb;
use translation::{RegionRegister, Translation};

use crate::psr::Psr;
use crate::registers::{Registers, ar};

/// Which of the two TLBs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The instruction TLB.
    Instruction,
    /// The data TLB.
    Data,
}

/// The translations of a processor and what was derived from them.
pub(crate) struct Mmu {
    /// By region, the context in which loads and stores that need nothing special find their page.
    pub(crate) plain: [Context; 8],
    /// The same for all data accesses, in either byte order.
    pub(crate) data: [Context; 8],
    /// The same for those of the register stack engine.
    rse: [Context; 8],
    /// By region, the state of instruction translation.
    pub(crate) code: [u64; 8],
    pub(crate) soft: SoftTlb,
    contexts: Contexts,
    /// By region, the slot of its identifier in `contexts`.
    slots: [u16; 8],
    /// What the contexts above were chosen for.
    psr: Psr,
    rsc: u64,
    /// Whether a debugger compares every access with its watchpoints.
    watched: bool,
    instruction_tlb: Tlb,
    data_tlb: Tlb,
}

/// The bits of PSR that slots depend on: pk, vm.
const MODE: u64 = 1 << 15 | 1 << 46;
/// The bits of PSR that the choice of contexts depends on: be, dt, db, rt, cpl, it.
const CHOICE: u64 = 1 << 1 | 1 << 17 | 1 << 24 | 1 << 27 | 3 << 32 | 1 << 36;
/// RSC.pl.
const RSC_PL: u64 = 3 << 2;

impl Mmu {
    /// Without translations, for a processor after reset.
    pub(crate) fn new(registers: &Registers) -> Mmu {
        let mut mmu = Mmu {
            plain: [Context::NEVER; 8],
            data: [Context::NEVER; 8],
            rse: [Context::NEVER; 8],
            code: [0; 8],
            soft: SoftTlb::new(),
            contexts: Contexts::new(),
            slots: [0; 8],
            psr: Psr::new(),
            rsc: 0,
            watched: false,
            instruction_tlb: Tlb::new(),
            data_tlb: Tlb::new(),
        };
        mmu.activate(registers);
        mmu
    }

    /// Follows a change of PSR.
    #[inline]
    pub(crate) fn psr_changed(&mut self, registers: &Registers) {
        let changed = u64::from(self.psr) ^ u64::from(registers.psr);
        if changed & MODE != 0 {
            self.activate(registers);
        } else if changed & CHOICE != 0 {
            self.choose(registers);
        }
    }

    /// Finds the contexts of all regions, after any change.
    pub(crate) fn activate(&mut self, registers: &Registers) {
        let mode = Mode::new(registers.psr.pk(), registers.psr.vm());
        for region in 0..8 {
            let rid = RegionRegister::from(registers.rr[region]).rid();
            let Some(slot) = self.contexts.slot(rid, mode) else {
                self.soft.clear();
                self.contexts.forget();
                return self.activate(registers);
            };
            self.slots[region] = slot;
        }
        self.choose(registers);
    }

    /// Follows a change of a region register.
    fn region_changed(&mut self, registers: &Registers, region: usize) {
        let mode = Mode::new(registers.psr.pk(), registers.psr.vm());
        match self.contexts.slot(RegionRegister::from(registers.rr[region]).rid(), mode) {
            Some(slot) => {
                self.slots[region] = slot;
                self.choose_region(region);
            }
            None => self.activate(registers),
        }
    }

    fn choose(&mut self, registers: &Registers) {
        self.psr = registers.psr;
        self.rsc = registers.ar[ar::RSC] & RSC_PL;
        for region in 0..8 {
            self.choose_region(region);
        }
    }

    #[inline]
    fn choose_region(&mut self, region: usize) {
        let (psr, slot, watched) = (self.psr, self.slots[region], self.watched);
        self.soft.epoch += 1;
        let of = |translated, cpl| {
            let chosen = if translated { context(slot, cpl) } else { physical_context(region) };
            // Every access is compared with the data breakpoints.
            if psr.db() || watched { Context::NEVER } else { chosen }
        };
        self.data[region] = of(psr.dt(), psr.cpl());
        self.plain[region] = if psr.be() { self.data[region].hidden() } else { self.data[region] };
        self.rse[region] = of(psr.rt(), (self.rsc >> 2) as u8);
        // Physical code has a number below those of mapped code; at PSR.vm = 1 it is seen through the code view.
        self.code[region] = if psr.it() { self.contexts.code(slot, psr.cpl()) } else { psr.vm().into() };
    }

    /// From now on a debugger compares every access with its watchpoints, or does not.
    pub(crate) fn watch(&mut self, watched: bool) {
        self.watched = watched;
        (0..8).for_each(|region| self.choose_region(region));
    }

    /// The context of a register stack access.
    #[inline]
    pub(crate) fn rse_context(&mut self, registers: &Registers, va: u64) -> Context {
        if registers.ar[ar::RSC] & RSC_PL != self.rsc {
            self.choose(registers);
        }
        self.rse[(va >> 61) as usize]
    }

    /// Forgets everything derived from translations.
    fn forget(&mut self, registers: &Registers) {
        self.soft.clear();
        self.contexts.forget();
        self.activate(registers);
    }

    /// Changes a TLB; `change` passes on the translations that leave it.
    fn change(&mut self, side: Side, change: impl FnOnce(&mut Tlb, &mut dyn FnMut(&Translation))) {
        let Mmu { soft, contexts, instruction_tlb, data_tlb, .. } = self;
        match side {
            Side::Data => {
                change(data_tlb, &mut |old| soft.purge(contexts.of(old.rid), old.start(), old.ps()));
            }
            Side::Instruction => {
                let mut changed = false;
                change(instruction_tlb, &mut |old| {
                    contexts.change_code(old.rid);
                    changed = true;
                });
                if changed {
                    (0..8).for_each(|region| self.choose_region(region));
                }
            }
        }
    }

    /// Enters a translation into a translation cache.
    fn insert(&mut self, side: Side, translation: Translation) {
        self.change(side, |tlb, removed| tlb.insert(translation, removed));
    }

    /// The TLB of a side.
    fn tlb(&self, side: Side) -> &Tlb {
        match side {
            Side::Instruction => &self.instruction_tlb,
            Side::Data => &self.data_tlb,
        }
    }
}
