//! A block: the instructions from one entry on, decoded, up to a branch that is always taken.

mod decode;

use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

pub(crate) use decode::{always_leaves, deciding_predicate};
use patchbay_isa::{Instruction, Slot};

use crate::bus::PhysicalAddress;
use crate::code_view::Trigger;
use crate::interruption::Isr;

/// The largest number of bundles in a block.
pub const MAX_BUNDLES: u64 = 32;
/// The largest number of instructions in a block.
pub const MAX_INSTRUCTIONS: u64 = 3 * MAX_BUNDLES;

/// What a block's decoding depends on besides the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// The first bundle.
    pub address: PhysicalAddress,
    /// The first slot.
    pub slot: Slot,
    /// PSR.dfl.
    pub dfl: bool,
    /// PSR.dfh.
    pub dfh: bool,
    /// PSR.vm: whether what memory holds is seen through the code view.
    pub vm: bool,
}

/// What executes in a slot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Action {
    /// An instruction.
    Executes(Instruction),
    /// A fault, whatever the instruction does otherwise.
    Raises(Raise),
    /// The exit of a portal at this address.
    Portal(PhysicalAddress),
    /// The trigger with this number among those of the block.
    Trigger(u16),
    /// A branch into the monitor's window or back, which the decoder has followed.
    Detour,
}

/// A fault that the decoder finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Raise {
    /// Illegal Operation.
    IllegalOperation,
    /// Disabled Floating-point Register, with what it reports: code 1 of f2-f31, 2 of f32-f127, 3 of both.
    DisabledFp(Isr),
}

/// A step of a block. Nops are none.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// What it does.
    pub action: Action,
    /// The predicate that decides whether it does so: 0 for what is done whatever the predicates are.
    pub qp: u8,
    /// The bundle, counted from the first of the block.
    pub bundle: u8,
    /// The slot.
    pub slot: Slot,
    /// The instructions of the block that precede it.
    pub preceding: u8,
}

/// Decoded instructions.
#[derive(Debug)]
pub struct Block {
    /// What it was decoded for.
    pub entry: Entry,
    /// What it does.
    pub steps: Box<[Step]>,
    /// The triggers that some of its steps execute.
    pub triggers: Box<[Arc<Trigger>]>,
    /// The instructions that complete when execution falls through its end.
    pub length: u8,
    /// Its bundles.
    pub bundles: u8,
    /// The slot of the last bundle at which execution goes on; slot 0 is that of the bundle after it.
    pub resume_slot: Slot,
    /// Its decoding holds for frames of `least` to `most` registers.
    least: u8,
    most: u8,
    generation: NonNull<AtomicU32>,
    stamp: u32,
}

// SAFETY: the generation word lives as long as the bus, which the processor that runs the block keeps alive,
// and is only accessed atomically.
unsafe impl Send for Block {}
// SAFETY: as above; nothing else in it changes.
unsafe impl Sync for Block {}

impl Block {
    /// Where the generation of its page is, and the one for which it was decoded.
    #[must_use]
    pub fn generation(&self) -> (usize, u32) {
        (self.generation.as_ptr().expose_provenance(), self.stamp)
    }

    /// The sizes of the frame, from and to, for which its decoding holds.
    #[must_use]
    pub fn frames(&self) -> (u8, u8) {
        (self.least, self.most)
    }

    /// Whether the code is unchanged and the decoding holds for a frame of this size.
    #[inline]
    #[must_use]
    pub fn is_current(&self, sof: u8) -> bool {
        self.is_unchanged() && self.least <= sof && sof <= self.most
    }

    /// Whether the code is unchanged.
    #[inline]
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        // SAFETY: see `Send`.
        unsafe { self.generation.as_ref() }.load(Ordering::Acquire) == self.stamp
    }
}
