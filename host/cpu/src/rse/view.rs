//! The register stack as memory: what the backing store will hold when everything has been stored. A debugger that finds
//! stacked registers on the backing store finds them there.

use super::{COLLECTION, registers_in, skip, slot, stacked_nat, unrotated};
use crate::processor::Processor;

/// A stacked register that is on the processor.
enum Stacked {
    /// An index in the window of dirty registers.
    Dirty(usize),
    /// An offset from the bottom of the current frame.
    Current(usize),
}

impl Processor {
    /// Where the current frame ends: what `ar.bsp` would be after a `cover`.
    #[must_use]
    pub fn end_of_frame(&self) -> u64 {
        skip(self.rse.bsp(), self.registers.cfm.sof().into())
    }

    /// What the backing store will hold at an address, 8-byte aligned, of a register that is still on the processor, or of
    /// their NaT bits; `None` of others, which memory holds. Bits of a collection that no register has are those of
    /// `ar.rnat`.
    #[must_use]
    pub fn stacked_word(&self, address: u64) -> Option<u64> {
        if slot(address) == COLLECTION {
            return self.stacked_collection(address);
        }
        Some(match self.stacked(address)? {
            Stacked::Dirty(index) => self.rse.window[index],
            Stacked::Current(offset) => self.registers.gr[unrotated(self.registers.cfm, offset)],
        })
    }

    /// Sets the register that the backing store will hold at an address, and clears its NaT bit. Returns false, and does
    /// nothing, if that is none on the processor.
    pub fn set_stacked_word(&mut self, address: u64, value: u64) -> bool {
        if slot(address) == COLLECTION {
            return false;
        }
        match self.stacked(address) {
            None => return false,
            Some(Stacked::Dirty(index)) => {
                self.rse.window[index] = value;
                self.rse.dirty_nat &= !(1 << (index + self.rse.dirty - self.rse.top));
            }
            Some(Stacked::Current(offset)) => {
                let index = unrotated(self.registers.cfm, offset);
                self.registers.gr[index] = value;
                self.registers.set_gr_nat(index as u8, false);
            }
        }
        true
    }

    /// The register that belongs at an address.
    fn stacked(&self, address: u64) -> Option<Stacked> {
        let bspstore = self.rse.bspstore;
        if address.wrapping_sub(bspstore) >= self.end_of_frame().wrapping_sub(bspstore) {
            return None;
        }
        let number = registers_in(bspstore, address.wrapping_sub(bspstore) >> 3) as usize;
        let dirty = self.rse.dirty;
        if number < dirty {
            return Some(Stacked::Dirty(self.rse.top - dirty + number));
        }
        Some(Stacked::Current(number - dirty + self.rse.missing))
    }

    fn stacked_collection(&self, address: u64) -> Option<u64> {
        let (bspstore, end) = (self.rse.bspstore, self.end_of_frame());
        // It has room for the NaT bits of the 63 words below it.
        let first = address.wrapping_sub(COLLECTION << 3);
        if address.wrapping_sub(bspstore) > (end | COLLECTION << 3).wrapping_sub(bspstore) {
            return None;
        }
        let mut bits = self.registers.ar[crate::registers::ar::RNAT];
        for slot in 0..COLLECTION {
            let Some(stacked) = self.stacked(first.wrapping_add(slot << 3)) else { continue };
            let nat = match stacked {
                Stacked::Dirty(index) => self.rse.dirty_nat >> (index + self.rse.dirty - self.rse.top) & 1 != 0,
                Stacked::Current(offset) => {
                    let index = unrotated(self.registers.cfm, offset);
                    stacked_nat(&self.registers) >> (index - 32) & 1 != 0
                }
            };
            bits = bits & !(1 << slot) | u64::from(nat) << slot;
        }
        Some(bits & super::NAT_BITS)
    }
}
