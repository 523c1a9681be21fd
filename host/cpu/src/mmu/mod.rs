//! Address translation: region registers, protection keys, translation registers and caches, the VHPT walker, and
//! the software TLB behind data accesses (SDM 2, chapter 4).

use crate::domain::Purge;
use crate::op::Outcome;
use crate::processor::Processor;

/// Which of the two TLBs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The instruction TLB.
    Instruction,
    /// The data TLB.
    Data,
}

/// What system instructions do with translations. Privilege, NaT and PSR.ic checks are theirs.
impl Processor {
    /// `mov rr[region]=`.
    pub fn write_rr(&mut self, region: usize, value: u64) {
        todo!()
    }

    /// `mov pkr[index]=`. A valid key leaves every other register that holds it (SDM 2:60).
    pub fn write_pkr(&mut self, index: usize, value: u64) {
        todo!()
    }

    /// `mov dbr[index]=`.
    pub fn write_dbr(&mut self, index: usize, value: u64) {
        todo!()
    }

    /// `itc.i`, `itc.d`: a translation from a page table entry, cr.ifa and cr.itir.
    ///
    /// # Errors
    /// Reserved Register/Field, Unimplemented Data Address.
    pub fn insert_tc(&mut self, side: Side, pte: u64) -> Outcome {
        todo!()
    }

    /// The checks of [`Processor::insert_tc`] and, with a translation register, [`Processor::insert_tr`], without
    /// the insertion: for what comes between them, the virtualization fault.
    ///
    /// # Errors
    /// Reserved Register/Field, Unimplemented Data Address.
    pub fn check_insertion(&mut self, register: Option<u64>, pte: u64) -> Outcome {
        todo!()
    }

    /// `itr.i`, `itr.d`.
    ///
    /// # Errors
    /// Reserved Register/Field, Unimplemented Data Address.
    pub fn insert_tr(&mut self, side: Side, register: u64, pte: u64) -> Outcome {
        todo!()
    }

    /// `ptc.l`: the translation cache entries of both sides in a range of 2^`page_size` bytes.
    pub fn purge_tc(&mut self, va: u64, page_size: u8) {
        todo!()
    }

    /// `ptr.i`, `ptr.d`: translation registers and translation cache entries of one side.
    pub fn purge_tr(&mut self, side: Side, va: u64, page_size: u8) {
        todo!()
    }

    /// `ptc.e`: all translation cache entries of both sides.
    pub fn purge_all(&mut self) {
        todo!()
    }

    /// A purge of a given region identifier, as `ptc.g` and `ptc.ga` broadcast it.
    pub fn apply_purge(&mut self, purge: Purge) {
        todo!()
    }

    /// The value of `thash`.
    #[must_use]
    pub fn thash(&self, va: u64) -> u64 {
        todo!()
    }

    /// The value of `ttag`.
    #[must_use]
    pub fn ttag(&self, va: u64) -> u64 {
        todo!()
    }
}
