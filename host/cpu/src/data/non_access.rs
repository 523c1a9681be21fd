//! Non-access instructions (SDM 2:104).

use std::sync::atomic::Ordering;

use crate::bus::PhysicalAddress;
use crate::mmu::soft::Context;
use crate::mmu::translation::Translation;
use crate::mmu::{Fault, Reference};
use crate::op::{Outcome, Stop};
use crate::processor::Processor;

/// ISR.code bits 3:0.
mod code {
    pub(super) const TPA: u16 = 0;
    pub(super) const FC: u16 = 1;
    pub(super) const PROBE: u16 = 2;
    pub(super) const LFETCH: u16 = 4;
    pub(super) const PROBE_FAULT: u16 = 5;
}

impl Processor {
    /// `probe.r`, `probe.w`: whether the access is allowed at `privilege` (already limited to PSR.cpl). At PSR.dt = 0
    /// the address is virtual as well, but only the data TLB is searched: what is found there answers as at PSR.dt = 1,
    /// by its key, too (SDM 3:217).
    ///
    /// # Errors
    /// TLB misses, Page Not Present, NaT Page Consumption, Key Miss.
    pub fn probe(&mut self, va: u64, write: bool, privilege: u8) -> Result<bool, Stop> {
        if !self.implements(va) {
            return Ok(false);
        }
        let reference = Reference::non_access(self, code::PROBE, !write, write);
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
        let reference = Reference::non_access(self, code::PROBE_FAULT, read, write);
        self.check(&Reference { cpl: privilege, ..reference }, va)
    }

    /// `tpa`. At PSR.dt = 0 the address is virtual as well, but only the data TLB is searched.
    ///
    /// # Errors
    /// Unimplemented Data Address, TLB misses, Page Not Present, NaT Page Consumption.
    pub fn tpa(&mut self, va: u64) -> Result<PhysicalAddress, Stop> {
        let reference = Reference::non_access(self, code::TPA, false, false);
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
    pub fn tak(&mut self, va: u64) -> Result<u64, Stop> {
        let found = if self.implements(va) { self.search_data(va) } else { None };
        Ok(found.filter(|translation| translation.pte.p()).map_or(1, |translation| u64::from(translation.key) << 8))
    }

    /// `fc`, `fc.i`: decoded copies of the line's page become stale.
    ///
    /// # Errors
    /// Unimplemented Data Address, TLB misses, Page Not Present and, but at privilege level 0, Access Rights.
    pub fn flush_cache(&mut self, va: u64) -> Outcome {
        let reference = Reference::non_access(self, code::FC, true, false);
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
            self.physical_address(&reference, va)?.ok_or(Stop::Fault)?
        };
        if let Some(page) = self.configuration.bus.ram(PhysicalAddress(physical)) {
            self.tell_flush(PhysicalAddress(physical));
            // SAFETY: the page's generation lives as long as the bus.
            unsafe { page.generation.as_ref() }.fetch_add(1, Ordering::Release);
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
        let reference = Reference::non_access(self, code::LFETCH, true, false);
        self.check(&reference, va)
    }

    /// Raises what an access would.
    fn check(&mut self, reference: &Reference, va: u64) -> Outcome {
        self.locate(Context::NEVER, reference, va)?;
        Ok(())
    }

    /// A translation that is present and not of a NaTPage.
    fn find_present(&mut self, reference: &Reference, va: u64) -> Result<Translation, Stop> {
        let translation = self.found(reference, va)?;
        self.check_present(reference, va, translation.pte)?;
        Ok(translation)
    }

    fn found(&mut self, reference: &Reference, va: u64) -> Result<Translation, Stop> {
        // Only speculative loads are deferred.
        self.find_data(reference, va)?.ok_or(Stop::Fault)
    }
}
