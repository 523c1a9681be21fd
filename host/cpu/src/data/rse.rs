//! The register stack engine's accesses: at privilege level RSC.pl, in byte order RSC.be, translated if PSR.rt is 1.
//! ISR.rs is set in what they raise; ISR.ir is the caller's.

use std::sync::atomic::Ordering;

use super::Datum;
use crate::mmu::{Location, Reference};
use crate::outcome::{Leave, Outcome};
use crate::processor::Processor;
use crate::registers::ar;

impl Processor {
    /// A fill. The address is 8-byte aligned.
    ///
    /// # Errors
    /// Every fault of a load.
    #[inline]
    pub fn rse_load(&mut self, va: u64) -> Result<u64, Leave> {
        let context = self.mmu.rse_context(&self.registers, va);
        let value = match self.mmu.soft.read(context, va, 8) {
            // SAFETY: an entry that is found says that the bytes are aligned guest memory.
            Some(entry) => unsafe { <u64 as Datum>::load(entry.host(va), Ordering::Relaxed) },
            None => {
                let location = self.locate_rse(va, false)?;
                match location.host() {
                    // SAFETY: the bytes are guest memory.
                    Some(host) => unsafe { <u64 as Datum>::load(host, Ordering::Relaxed) },
                    None => self.load_bus(&location),
                }
            }
        };
        Ok(self.in_rse_order(value))
    }

    /// A spill. The address is 8-byte aligned.
    ///
    /// # Errors
    /// Every fault of a store.
    #[inline]
    pub fn rse_store(&mut self, va: u64, value: u64) -> Outcome {
        let value = self.in_rse_order(value);
        let context = self.mmu.rse_context(&self.registers, va);
        let host = match self.mmu.soft.write(context, va, 8) {
            Some(entry) => entry.host(va),
            None => {
                let location = self.locate_rse(va, true)?;
                match location.host() {
                    Some(host) if location.is_writable() => host,
                    Some(_) => return Ok(()),
                    None => {
                        self.store_bus(&location, value);
                        return Ok(());
                    }
                }
            }
        };
        // SAFETY: the bytes are aligned guest memory that may be written.
        unsafe { value.store(host, Ordering::Relaxed) };
        Ok(())
    }

    #[inline(never)]
    fn locate_rse(&mut self, va: u64, write: bool) -> Result<Location, Leave> {
        let reference = Reference::rse(self, write);
        let context = self.mmu.rse_context(&self.registers, va);
        match self.locate(context, &reference, va)? {
            Some(location) => Ok(location),
            // Only speculative loads are deferred.
            None => Err(Leave::Fault),
        }
    }

    /// A word in the byte order RSC.be.
    fn in_rse_order(&self, value: u64) -> u64 {
        if self.registers.ar[ar::RSC] >> 4 & 1 != 0 { value.swap_bytes() } else { value }
    }
}
