//! Non-access instructions (SDM 2:104).

use crate::bus::PhysicalAddress;
use crate::interruption::non_access;
use crate::mmu::soft::Context;
use crate::mmu::translation::Translation;
use crate::mmu::{Fault, Reference};
use crate::outcome::{Leave, Outcome};
use crate::processor::Processor;

impl Processor {
    /// `probe.r`, `probe.w`: whether the access is allowed at `privilege` (already limited to PSR.cpl). At PSR.dt = 0
    /// the address is virtual as well, but only the data TLB is searched: what is found there answers as at PSR.dt = 1,
    /// by its key, too (SDM 3:217).
    ///
    /// # Errors
    /// TLB misses, Page Not Present, NaT Page Consumption, Key Miss.
    pub fn probe(&mut self, va: u64, write: bool, privilege: u8) -> Result<bool, Leave> {
        if !self.implements(va) {
            return Ok(false);
        }
        let reference = Reference::non_access(self, non_access::PROBE, !write, write);
        let translation = self.find_present(&reference, va)?;
        let rights = translation.pte.rights(privilege);
        let mut allowed = if write { rights.w } else { rights.r };
        if self.registers.psr.pk() {
            match self.key(translation.key) {
                None => self.fault(&reference, va, Fault::KeyMiss)?,
                Some(key) => allowed &= !if write { key.wd() } else { key.rd() },
            }
        }
        Ok(allowed)
    }

    /// `probe.r.fault`, `probe.w.fault`, `probe.rw.fault`. At PSR.dt = 0 the address is physical.
    ///
    /// # Errors
    /// Every fault that the access would raise but those of alignment.
    pub fn probe_fault(&mut self, va: u64, read: bool, write: bool, privilege: u8) -> Outcome {
        let reference = Reference::non_access(self, non_access::PROBE_FAULT, read, write);
        self.check(&Reference { cpl: privilege, ..reference }, va)
    }

    /// `tpa`. At PSR.dt = 0 the address is virtual as well, but only the data TLB is searched.
    ///
    /// # Errors
    /// Unimplemented Data Address, TLB misses, Page Not Present, NaT Page Consumption.
    pub fn tpa(&mut self, va: u64) -> Result<PhysicalAddress, Leave> {
        let reference = Reference::non_access(self, non_access::TPA, false, false);
        if !self.implements(va) {
            self.fault(&reference, va, Fault::UnimplementedDataAddress)?;
        }
        let translation = self.find_present(&reference, va)?;
        Ok(PhysicalAddress(translation.physical(va)))
    }

    /// `tak`: the protection key in bits 31:8, or 1 if there is no present translation.
    ///
    /// # Errors
    /// None.
    pub fn tak(&mut self, va: u64) -> Result<u64, Leave> {
        let found = if self.implements(va) { self.search_data(va) } else { None };
        Ok(found.filter(|translation| translation.pte.p()).map_or(1, |translation| u64::from(translation.key) << 8))
    }

    /// `fc`, `fc.i`: decoded copies of the line's page become stale.
    ///
    /// # Errors
    /// Unimplemented Data Address, TLB misses, Page Not Present and, but at privilege level 0, Access Rights.
    pub fn flush_cache(&mut self, va: u64) -> Outcome {
        let reference = Reference::non_access(self, non_access::FC, true, false);
        let physical = if reference.translated {
            if !self.implements(va) {
                self.fault(&reference, va, Fault::UnimplementedDataAddress)?;
            }
            let translation = self.found(&reference, va)?;
            if !translation.pte.p() {
                self.fault(&reference, va, Fault::PageNotPresent)?;
            }
            if reference.cpl != 0 && !translation.pte.rights(reference.cpl).r {
                self.fault(&reference, va, Fault::AccessRights)?;
            }
            translation.physical(va)
        } else {
            // Only speculative loads are deferred.
            self.physical_address(&reference, va)?.ok_or(Leave::Fault)?
        };
        if let Some(page) = self.configuration.bus.ram(PhysicalAddress(physical)) {
            page.invalidate();
        }
        Ok(())
    }

    /// `lfetch.fault`. Without `.fault`, `lfetch` needs nothing.
    ///
    /// # Errors
    /// Every fault of a read but those of alignment.
    pub fn lfetch_fault(&mut self, va: u64) -> Outcome {
        if self.registers.psr.ed() {
            return Ok(());
        }
        let reference = Reference::non_access(self, non_access::LFETCH, true, false);
        self.check(&reference, va)
    }

    /// Raises what an access would.
    fn check(&mut self, reference: &Reference, va: u64) -> Outcome {
        self.locate(Context::NEVER, reference, va)?;
        Ok(())
    }

    /// A translation that is present and not of a NaTPage.
    fn find_present(&mut self, reference: &Reference, va: u64) -> Result<Translation, Leave> {
        let translation = self.found(reference, va)?;
        self.check_present(reference, va, translation.pte)?;
        Ok(translation)
    }

    fn found(&mut self, reference: &Reference, va: u64) -> Result<Translation, Leave> {
        // Only speculative loads are deferred.
        self.find_data(reference, va)?.ok_or(Leave::Fault)
    }
}
