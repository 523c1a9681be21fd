//! Data accesses as instructions make them: translation, alignment, byte order, atomicity, deferral.
//!
//! Every function takes the address from the register and raises all faults of an access in their priority, from
//! Unimplemented Data Address to Unsupported Data Reference. Register NaT Consumption is the caller's: it comes
//! first. `Ordering` is that of the instruction: `Relaxed`, `Acquire` (`.acq`) or `Release` (`.rel`).

use std::sync::atomic::Ordering;

use crate::bus::{BusError, PhysicalAddress};
use crate::op::{Outcome, Stop};
use crate::processor::Processor;

/// Something that one access loads or stores: `u8` to `u64`, pairs of `u32` and `u64` (`ldfp`; the element at the
/// lower address first), [`Spill`], [`Extended`], [`Sixteen`].
pub trait Datum: Copy + Default {
    /// Bytes accessed.
    const SIZE: u8;
}

/// 16 bytes as one number: `ldf.fill`, `stf.spill`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spill(pub u128);

/// 10 bytes as one number: `ldfe`, `stfe`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extended(pub u128);

/// 16 bytes accessed at once, the 8 bytes at the lower address first: `ld16`, `st16`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sixteen(pub [u64; 2]);

impl Datum for u8 {
    const SIZE: u8 = 1;
}
impl Datum for u16 {
    const SIZE: u8 = 2;
}
impl Datum for u32 {
    const SIZE: u8 = 4;
}
impl Datum for u64 {
    const SIZE: u8 = 8;
}
impl Datum for [u32; 2] {
    const SIZE: u8 = 8;
}
impl Datum for [u64; 2] {
    const SIZE: u8 = 16;
}
impl Datum for Spill {
    const SIZE: u8 = 16;
}
impl Datum for Extended {
    const SIZE: u8 = 10;
}
impl Datum for Sixteen {
    const SIZE: u8 = 16;
}

/// An integer that a semaphore instruction can work on: `u8` to `u64`.
pub trait Integer: Datum {}
impl Integer for u8 {}
impl Integer for u16 {}
impl Integer for u32 {}
impl Integer for u64 {}

/// Which bytes of physical memory an access touched, whatever their virtual address: the host address of the first.
/// Two accesses overlap if their places and sizes do. What the ALAT compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(pub usize);

impl Place {
    /// Not memory, or memory that must not be accessed speculatively: no ALAT entry may be made.
    pub const NONE: Place = Place(0);
}

/// Loads and stores.
impl Processor {
    /// A load that is not speculative (`ld`, `ld.acq`, `ld.bias`, `ld.c` that misses the ALAT, `ldf`, fills).
    ///
    /// # Errors
    /// Every fault of a load.
    #[inline]
    pub fn load<T: Datum>(&mut self, va: u64, order: Ordering) -> Result<T, Stop> {
        todo!()
    }

    /// An advanced load (`ld.a`) or a check load that makes an ALAT entry (`ld.c.nc`). From a page that is not
    /// speculative `ld.a` gives 0 and [`Place::NONE`].
    ///
    /// # Errors
    /// Every fault of a load.
    #[inline]
    pub fn load_advanced<T: Datum>(&mut self, va: u64) -> Result<(T, Place), Stop> {
        todo!()
    }

    /// A speculative load (`ld.s`, `ld.sa`); `None` if it is deferred: the target becomes NaT.
    ///
    /// # Errors
    /// The faults that are not deferred.
    #[inline]
    pub fn load_speculative<T: Datum>(&mut self, va: u64) -> Result<Option<(T, Place)>, Stop> {
        todo!()
    }

    /// Whether a speculative load whose address register is NaT is deferred; otherwise it raises Register NaT
    /// Consumption, which this raises.
    ///
    /// # Errors
    /// Register NaT Consumption.
    pub fn defer_nat_address(&mut self) -> Outcome {
        todo!()
    }

    /// A store.
    ///
    /// # Errors
    /// Every fault of a store.
    #[inline]
    pub fn store<T: Datum>(&mut self, va: u64, value: T, order: Ordering) -> Result<Place, Stop> {
        todo!()
    }

    /// `xchg`.
    ///
    /// # Errors
    /// Every fault of a semaphore instruction.
    pub fn exchange<T: Integer>(&mut self, va: u64, value: T) -> Result<(T, Place), Stop> {
        todo!()
    }

    /// `cmpxchg`: the old value; `value` was stored if that equals `expected` (ar.ccv, all 64 bits of it).
    ///
    /// # Errors
    /// Every fault of a semaphore instruction.
    pub fn compare_exchange<T: Integer>(
        &mut self,
        va: u64,
        expected: u64,
        value: T,
        order: Ordering,
    ) -> Result<(T, Place), Stop> {
        todo!()
    }

    /// `fetchadd`: the old value.
    ///
    /// # Errors
    /// Every fault of a semaphore instruction.
    pub fn fetch_add<T: Integer>(&mut self, va: u64, increment: T, order: Ordering) -> Result<(T, Place), Stop> {
        todo!()
    }

    /// `cmp8xchg16`: the old value at `va`, 8-byte aligned; the 16 bytes around it become `value` if it equals
    /// `expected` (ar.ccv).
    ///
    /// # Errors
    /// Every fault of a semaphore instruction.
    pub fn compare_exchange_16(
        &mut self,
        va: u64,
        expected: u64,
        value: [u64; 2],
        order: Ordering,
    ) -> Result<(u64, Place), Stop> {
        todo!()
    }
}

/// The register stack engine's accesses: at privilege level RSC.pl, in byte order RSC.be, translated if PSR.rt and
/// PSR.dt are 1. ISR.rs is set in what they raise; ISR.ir is the caller's.
impl Processor {
    /// A fill. The address is 8-byte aligned.
    ///
    /// # Errors
    /// Every fault of a load.
    #[inline]
    pub fn rse_load(&mut self, va: u64) -> Result<u64, Stop> {
        todo!()
    }

    /// A spill. The address is 8-byte aligned.
    ///
    /// # Errors
    /// Every fault of a store.
    #[inline]
    pub fn rse_store(&mut self, va: u64, value: u64) -> Outcome {
        todo!()
    }
}

/// Non-access instructions.
impl Processor {
    /// `probe.r`, `probe.w`: whether the access is allowed at `privilege` (already limited to PSR.cpl).
    ///
    /// # Errors
    /// Unimplemented Data Address, TLB misses, Page Not Present, NaT Page Consumption, Key Miss.
    pub fn probe(&mut self, va: u64, write: bool, privilege: u8) -> Result<bool, Stop> {
        todo!()
    }

    /// `probe.r.fault`, `probe.w.fault`, `probe.rw.fault`.
    ///
    /// # Errors
    /// Every fault that the access would raise but those of alignment.
    pub fn probe_fault(&mut self, va: u64, read: bool, write: bool, privilege: u8) -> Outcome {
        todo!()
    }

    /// `tpa`.
    ///
    /// # Errors
    /// Unimplemented Data Address, TLB misses, Page Not Present, NaT Page Consumption.
    pub fn tpa(&mut self, va: u64) -> Result<PhysicalAddress, Stop> {
        todo!()
    }

    /// `tak`: the protection key in bits 31:8, or 1 if there is no present translation.
    ///
    /// # Errors
    /// Unimplemented Data Address.
    pub fn tak(&mut self, va: u64) -> Result<u64, Stop> {
        todo!()
    }

    /// `fc`, `fc.i`: decoded copies of the line's page become stale.
    ///
    /// # Errors
    /// Every fault of a read but those of keys and rights that `fc` does not check.
    pub fn flush_cache(&mut self, va: u64) -> Outcome {
        todo!()
    }

    /// `lfetch.fault`. Without `.fault`, `lfetch` needs nothing.
    ///
    /// # Errors
    /// Every fault of a read but those of alignment.
    pub fn lfetch_fault(&mut self, va: u64) -> Outcome {
        todo!()
    }
}

/// Access without side effects on the processor, for debuggers, firmware and the VMM.
impl Processor {
    /// The physical address of data, from the TLBs or the VHPT. Nothing is inserted and nothing is raised.
    #[must_use]
    pub fn debug_translate(&self, va: u64) -> Option<PhysicalAddress> {
        todo!()
    }

    /// Reads RAM or, in naturally aligned pieces, devices.
    ///
    /// # Errors
    /// If nothing answers.
    pub fn read_physical(&self, address: PhysicalAddress, bytes: &mut [u8]) -> Result<(), BusError> {
        todo!()
    }

    /// Writes RAM (ROM is not writable) or, in naturally aligned pieces, devices. Decoded copies of code become
    /// stale.
    ///
    /// # Errors
    /// If nothing answers.
    pub fn write_physical(&self, address: PhysicalAddress, bytes: &[u8]) -> Result<(), BusError> {
        todo!()
    }
}
