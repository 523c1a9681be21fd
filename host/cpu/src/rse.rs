//! The register stack engine (SDM 2, chapter 6).
//!
//! The current frame always stands in `registers.gr[32..]` as its names say. The engine holds the dirty registers
//! of the frames below it. There are never clean registers: what is on the backing store is loaded again when a
//! return needs it. RSC.mode therefore decides only what is legal, not when memory is accessed.

#[cfg(test)]
mod endless;
mod frames;
#[cfg(test)]
mod tests;
mod view;

use crate::psr::Cfm;
use crate::registers::{Registers, ar};

/// The physical stacked registers: N_STACKED_PHYS.
pub const STACKED: usize = 96;

/// The length of the window that the dirty registers wander in, before they are moved back to its start.
const WINDOW: usize = 512;

/// Registers are copied in pieces of this many where that overwrites none that count.
const PIECE: usize = 8;

/// Slots of a collection: 63 registers and their NaT bits.
const COLLECTION: u64 = 63;

/// A NaT collection's bit 63 is not a NaT bit.
const NAT_BITS: u64 = u64::MAX >> 1;

/// The bits of NaT collections and addresses: the slot of a backing store address.
const fn slot(address: u64) -> u64 {
    address >> 3 & 0x3f
}

/// The address `registers` registers above `address`, NaT collections skipped (SDM 2:133). An address of a
/// collection counts as the one of the register behind it.
#[must_use]
pub const fn skip(address: u64, registers: i64) -> u64 {
    let mut delta = slot(address) as i64 + registers;
    if registers < 0 {
        delta -= 62;
    }
    address.wrapping_add(((registers + delta / 63) as u64) << 3)
}

/// The registers between two backing store addresses, `words` words apart, NaT collections left out.
#[must_use]
const fn registers_in(address: u64, words: u64) -> u64 {
    words - (slot(address) + words) / 64
}

/// The registers of the frames below the current one, and where they belong.
#[derive(Clone, Debug)]
pub struct Rse {
    /// The dirty registers are `window[top - dirty..top]`, the newest last.
    window: [u64; WINDOW + PIECE],
    top: usize,
    pub(crate) dirty: usize,
    /// Their NaT bits, the oldest in bit 0; no others are set.
    dirty_nat: u128,
    /// Where the next register or NaT collection is stored.
    bspstore: u64,
    /// Registers at the bottom of the current frame that have yet to be loaded: then the frame is incomplete, and
    /// nothing is dirty.
    pub(crate) missing: usize,
    /// RSE.CFLE: they are to be loaded before the next instruction.
    current_frame_load: bool,
}

impl Default for Rse {
    fn default() -> Rse {
        Rse {
            window: [0; WINDOW + PIECE],
            top: 0,
            dirty: 0,
            dirty_nat: 0,
            bspstore: 0,
            missing: 0,
            current_frame_load: false,
        }
    }
}

/// The `count` NaT bits from `r` on.
const fn mask(count: usize) -> u128 {
    (1 << count) - 1
}

/// The NaT bits of r32 and above.
fn stacked_nat(registers: &Registers) -> u128 {
    u128::from(registers.nat[0] >> 32) | u128::from(registers.nat[1]) << 32
}

fn set_stacked_nat(registers: &mut Registers, nat: u128) {
    registers.nat = [registers.nat[0] & 0xffff_ffff | (nat as u64) << 32, (nat >> 32) as u64];
}

/// Copies registers, the first of them as a whole piece.
#[inline]
fn copy(to: &mut [u64], from: &[u64], count: usize) {
    if let (Some((to, to_rest)), Some((from, from_rest))) =
        (to.split_first_chunk_mut(), from.split_first_chunk::<PIECE>())
    {
        *to = *from;
        if count > PIECE {
            to_rest[..count - PIECE].copy_from_slice(&from_rest[..count - PIECE]);
        }
    }
}

/// The index in `registers.gr` of the register of the current frame that is `offset` above its bottom.
fn unrotated(cfm: Cfm, offset: usize) -> usize {
    let rotating = cfm.rotating();
    if offset >= rotating {
        return 32 + offset;
    }
    32 + (offset + rotating - usize::from(cfm.rrb_gr())) % rotating
}

impl Rse {
    /// `ar.bspstore`.
    #[must_use]
    pub fn bspstore(&self) -> u64 {
        self.bspstore
    }

    /// `ar.bsp`: where r32 belongs.
    #[must_use]
    pub fn bsp(&self) -> u64 {
        skip(self.bspstore, self.dirty as i64 - self.missing as i64)
    }

    /// The dirty registers.
    #[must_use]
    pub fn dirty(&self) -> usize {
        self.dirty
    }

    /// Whether a fault has left registers of the current frame on the backing store.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        self.missing > 0
    }

    /// An interruption is delivered: what is missing of the frame stays so until the handler returns (SDM 2:146).
    pub fn suspend(&mut self) {
        self.current_frame_load = false;
    }

    /// Moves the backing store. The dirty registers stay dirty (SDM 2:141).
    pub fn set_bspstore(&mut self, address: u64) {
        self.missing = 0;
        self.bspstore = address & !7;
    }

    /// Gives up what is missing of an incomplete frame. Instructions that the SDM leaves undefined there do so
    /// (SDM 2:146).
    fn abandon(&mut self) {
        self.bspstore = self.bsp();
        self.missing = 0;
    }

    /// Moves the dirty registers within the window so that there is room on both sides.
    #[cold]
    fn make_room(&mut self) {
        self.window.copy_within(self.top - self.dirty..self.top, STACKED);
        self.top = STACKED + self.dirty;
    }

    /// Makes the lower `count` of the `frame` registers of the current frame dirty and renames the rest of it down.
    /// Rotation bases are zero.
    #[inline]
    fn preserve(&mut self, registers: &mut Registers, count: usize, frame: usize) {
        if self.missing > 0 {
            self.preserve_incomplete(registers, count, frame);
            return;
        }
        if self.top + count > WINDOW {
            self.make_room();
        }
        copy(&mut self.window[self.top..], &registers.gr[32..], count);
        let outputs = frame - count;
        match registers.gr[32 + count..].first_chunk::<PIECE>() {
            Some(&piece) if outputs <= PIECE => registers.gr[32..32 + PIECE].copy_from_slice(&piece),
            _ => registers.gr.copy_within(32 + count..32 + frame, 32),
        }
        let nat = stacked_nat(registers);
        if nat != 0 {
            self.dirty_nat |= (nat & mask(count)) << self.dirty;
            set_stacked_nat(registers, (nat & mask(frame)) >> count);
        }
        self.top += count;
        self.dirty += count;
    }

    /// The registers that are missing have never left the backing store.
    #[cold]
    fn preserve_incomplete(&mut self, registers: &mut Registers, count: usize, frame: usize) {
        let absent = self.missing.min(count);
        self.missing -= absent;
        if self.missing > 0 {
            self.abandon();
        }
        registers.gr.copy_within(32 + absent..32 + frame, 32);
        set_stacked_nat(registers, (stacked_nat(registers) & mask(frame)) >> absent);
        self.preserve(registers, count - absent, frame - absent);
    }

    /// Renames so that the newest `count` preserved registers stand before the lower `kept` of the current frame:
    /// what is dirty of them now, the rest when it is loaded. Rotation bases are zero, and `count + kept` is at most
    /// 96.
    #[inline]
    fn restore(&mut self, registers: &mut Registers, count: usize, kept: usize) {
        let present = count.min(self.dirty);
        let absent = count - present;
        let preserved = &self.window[self.top - present..];
        if kept <= PIECE && absent == 0 && count + PIECE <= STACKED {
            let (_, frame) = registers.gr.split_at_mut(32);
            let mut piece = [0; PIECE];
            piece.copy_from_slice(&frame[..PIECE]);
            copy(frame, preserved, count);
            frame[count..count + PIECE].copy_from_slice(&piece);
        } else {
            registers.gr.copy_within(32..32 + kept, 32 + count);
            registers.gr[32 + absent..32 + count].copy_from_slice(&preserved[..present]);
        }
        self.top -= present;
        self.dirty -= present;
        let nat = stacked_nat(registers);
        if nat != 0 || self.dirty_nat != 0 {
            let preserved = self.dirty_nat >> self.dirty;
            self.dirty_nat &= mask(self.dirty);
            set_stacked_nat(registers, (nat & mask(kept)) << count | preserved << absent);
        }
        self.missing = absent;
    }

    /// What the next store stores, and where; there is something to store.
    fn next_store(&self, registers: &Registers) -> (u64, u64) {
        let collection = slot(self.bspstore) == COLLECTION;
        let value = if collection { registers.ar[ar::RNAT] } else { self.window[self.top - self.dirty] };
        (self.bspstore, value)
    }

    fn stored(&mut self, registers: &mut Registers) {
        let rnat = &mut registers.ar[ar::RNAT];
        let slot = slot(self.bspstore);
        if slot == COLLECTION {
            *rnat = 0;
        } else {
            *rnat = *rnat & !(1 << slot) | ((self.dirty_nat & 1) as u64) << slot;
            self.dirty_nat >>= 1;
            self.dirty -= 1;
        }
        self.bspstore = self.bspstore.wrapping_add(8);
    }

    /// Takes the word below `ar.bspstore`; of a register also its NaT bit.
    fn loaded(&mut self, registers: &mut Registers, value: u64) -> Option<(u64, bool)> {
        self.bspstore = self.bspstore.wrapping_sub(8);
        let slot = slot(self.bspstore);
        if slot == COLLECTION {
            registers.ar[ar::RNAT] = value & NAT_BITS;
            return None;
        }
        Some((value, registers.ar[ar::RNAT] >> slot & 1 != 0))
    }

    /// Takes the word below `ar.bspstore` for the current frame.
    fn loaded_for_frame(&mut self, registers: &mut Registers, value: u64) {
        if let Some((value, nat)) = self.loaded(registers, value) {
            self.missing -= 1;
            let index = unrotated(registers.cfm, self.missing);
            registers.gr[index] = value;
            registers.set_gr_nat(index as u8, nat);
        }
    }

    /// Takes the word below `ar.bspstore` into the dirty registers.
    fn loaded_for_parents(&mut self, registers: &mut Registers, value: u64) {
        if let Some((value, nat)) = self.loaded(registers, value) {
            if self.top == self.dirty {
                self.make_room();
            }
            self.dirty += 1;
            self.window[self.top - self.dirty] = value;
            self.dirty_nat = self.dirty_nat << 1 | u128::from(nat);
        }
    }

    /// Forgets dirty registers until `count` are left.
    fn truncate(&mut self, count: usize) {
        if count < self.dirty {
            self.dirty_nat >>= self.dirty - count;
            self.dirty = count;
        }
    }
}
