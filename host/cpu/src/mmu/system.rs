//! What system instructions do with translations. Privilege, NaT and PSR.ic checks are theirs.

use super::tlb::REGISTERS;
use super::translation::{Pte, RegionRegister, Translation};
use super::{Fault, Reference, Side, vhpt};
use crate::coherence_domain::Purge;
use crate::interruption::Interruption;
use crate::model::{BREAKPOINT_REGISTERS, is_page_size};
use crate::outcome::Outcome;
use crate::processor::Processor;
use crate::registers::cr;

/// The bits of cr.itir that an insertion wants to be 0, of a present translation and of one that is not: a move to the
/// register accepts them (SDM 2, 3.3.5.5; 2:55).
const ITIR_RESERVED: u64 = !0xffff_fffc;
const ITIR_RESERVED_NOT_PRESENT: u64 = 0b11;

impl Processor {
    /// `mov rr[region]=`.
    pub fn write_rr(&mut self, region: usize, value: u64) {
        self.registers.rr[region & 7] = value;
        self.mmu.region_changed(&self.registers, region & 7);
    }

    /// `mov pkr[index]=`. A valid key leaves every other register that holds it (SDM 2:60).
    pub fn write_pkr(&mut self, index: usize, value: u64) {
        if value & 1 != 0 {
            for other in &mut self.registers.pkr {
                if (*other ^ value) >> 8 == 0 {
                    *other &= !1;
                }
            }
        }
        self.registers.pkr[index & 15] = value;
        self.mmu.forget(&self.registers);
    }

    /// `mov dbr[index]=`.
    pub fn write_dbr(&mut self, index: usize, value: u64) {
        self.registers.dbr[index % BREAKPOINT_REGISTERS] = value;
    }

    /// Follows whatever was changed in [`Processor::registers`] directly: PSR, region and protection key registers.
    pub fn registers_changed(&mut self) {
        self.mmu.forget(&self.registers);
    }

    /// Those checks of an insertion that depend on its operands only: the number of the translation register, if it
    /// has one, and the page table entry.
    ///
    /// # Errors
    /// Reserved Register/Field.
    pub fn check_translation(&mut self, register: Option<u64>, pte: u64) -> Outcome {
        if register.is_some_and(|register| register & 0xff >= REGISTERS as u64) || Pte::from(pte).is_reserved() {
            return Err(self.raise(Interruption::RESERVED_REGISTER_FIELD));
        }
        Ok(())
    }

    /// Checks an address that is not accessed.
    ///
    /// # Errors
    /// Unimplemented Data Address.
    pub fn check_implemented(&mut self, va: u64) -> Outcome {
        if !self.implements(va) {
            self.fault(&Reference::none(), va, Fault::UnimplementedDataAddress)?;
        }
        Ok(())
    }

    /// The checks of [`Processor::insert_tc`] and, with a translation register, [`Processor::insert_tr`], without
    /// the insertion.
    ///
    /// # Errors
    /// Reserved Register/Field, Unimplemented Data Address.
    pub fn check_insertion(&mut self, register: Option<u64>, pte: u64) -> Outcome {
        self.check_translation(register, pte)?;
        let itir = self.registers.cr[cr::ITIR];
        let reserved = if Pte::from(pte).p() { ITIR_RESERVED } else { ITIR_RESERVED_NOT_PRESENT };
        if itir & reserved != 0 || !is_page_size((itir >> 2 & 63) as u8) {
            return Err(self.raise(Interruption::RESERVED_REGISTER_FIELD));
        }
        self.check_implemented(self.registers.cr[cr::IFA])
    }

    /// `itc.i`, `itc.d`: a translation from a page table entry, cr.ifa and cr.itir.
    ///
    /// # Errors
    /// Reserved Register/Field, Unimplemented Data Address.
    pub fn insert_tc(&mut self, side: Side, pte: u64) -> Outcome {
        self.check_insertion(None, pte)?;
        let translation = self.insertion(pte);
        self.mmu.insert(side, translation);
        Ok(())
    }

    /// `itr.i`, `itr.d`. A translation register that overlaps another one, a machine check on a real processor,
    /// replaces it.
    ///
    /// # Errors
    /// Reserved Register/Field, Unimplemented Data Address.
    pub fn insert_tr(&mut self, side: Side, register: u64, pte: u64) -> Outcome {
        self.check_insertion(Some(register), pte)?;
        let translation = self.insertion(pte);
        let register = (register & 0xff) as usize;
        self.mmu.change(side, |tlb, removed| tlb.insert_register(register, translation, removed));
        Ok(())
    }

    fn insertion(&self, pte: u64) -> Translation {
        let (va, itir) = (self.registers.cr[cr::IFA], self.registers.cr[cr::ITIR]);
        Translation::new(self.rid(va), va, (itir >> 2 & 63) as u8, (itir >> 8 & 0xff_ffff) as u32, Pte::from(pte))
    }

    /// The region identifier of an address.
    #[must_use]
    pub fn rid(&self, va: u64) -> u32 {
        RegionRegister::from(self.registers.rr[(va >> 61) as usize]).rid()
    }

    /// `ptc.l`: the translation cache entries of both sides in a range of 2^`page_size` bytes.
    pub fn purge_tc(&mut self, va: u64, page_size: u8) {
        self.apply_purge(Purge { rid: self.rid(va), address: va, page_size });
    }

    /// `ptr.i`, `ptr.d`: translation registers and translation cache entries of one side.
    pub fn purge_tr(&mut self, side: Side, va: u64, page_size: u8) {
        let rid = self.rid(va);
        self.mmu.change(side, |tlb, removed| tlb.purge(rid, va, page_size, removed));
    }

    /// `ptc.e`: all translation cache entries of both sides.
    pub fn purge_all(&mut self) {
        self.mmu.instruction_tlb.purge_all();
        self.mmu.data_tlb.purge_all();
        self.mmu.forget(&self.registers);
    }

    /// A purge of a given region identifier, as `ptc.g` and `ptc.ga` broadcast it.
    pub fn apply_purge(&mut self, purge: Purge) {
        for side in [Side::Data, Side::Instruction] {
            let Purge { rid, address, page_size } = purge;
            self.mmu.change(side, |tlb, removed| tlb.purge_cache(rid, address, page_size, removed));
        }
    }

    /// The value of `thash`.
    #[must_use]
    pub fn thash(&self, va: u64) -> u64 {
        vhpt::thash(self.registers.cr[cr::PTA].into(), self.registers.rr[(va >> 61) as usize].into(), va)
    }

    /// The value of `ttag`.
    #[must_use]
    pub fn ttag(&self, va: u64) -> u64 {
        vhpt::ttag(self.registers.rr[(va >> 61) as usize].into(), va)
    }
}
