//! The code view: what a processor at PSR.vm = 1 executes in place of what memory holds.
//!
//! Memory is the guest's and holds what the guest has put there. Where the decoder reads a bundle for a processor at
//! PSR.vm = 1, the monitor may show it other instructions: triggers. A trigger is decoded together with the site it stands
//! at, so that nothing has to be found when it executes. On hardware, separate entries of the instruction and the data TLB
//! for one page do the same.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use patchbay_isa::{Bundle, Slot, Template, Unit};

use crate::bus::{PhysicalAddress, RamPage};

/// Who shows a processor at PSR.vm = 1 other instructions than memory holds. Asked on the thread of the processor when code
/// is decoded, never when it executes. Whoever changes the answer for a bundle invalidates its page afterwards.
pub trait CodeView: Send + Sync {
    /// Whether some bundle in the page of RAM around an address may not execute as memory holds it. Asked once a block.
    fn covers(&self, address: PhysicalAddress) -> bool;

    /// How the bundle at an address executes; `None` if as memory holds it.
    fn bundle(&self, page: &RamPage<'_>, address: PhysicalAddress, in_memory: Bundle) -> Option<Arc<ViewedBundle>>;
}

/// A bundle as it executes. Whatever it does, it does at the guest's address and slots: no state of the processor says
/// through which bundles of the monitor the way went.
#[derive(Clone, Debug)]
pub struct ViewedBundle {
    /// The template that memory holds: it decides the stops between the guest's slots.
    pub template: Template,
    /// What executes, in order. Entered at a slot, those of earlier slots are left out.
    pub steps: Box<[Step]>,
}

/// A step of a bundle.
#[derive(Clone, Debug)]
pub struct Step {
    /// The slot of the guest's bundle.
    pub slot: Slot,
    /// What it does.
    pub what: What,
}

/// What a step does.
#[derive(Clone, Debug)]
pub enum What {
    /// The guest's own instruction.
    Guest {
        /// The unit that executes it; [`Unit::X`] for a long one.
        unit: Unit,
        /// Its slot.
        bits: u64,
        /// The L slot of a long one.
        long: u64,
        /// How far from the guest's bundle its own stands, which IP-relative targets are encoded against, in bytes.
        distance: i64,
    },
    /// An instruction that stands for the one at a site.
    Trigger {
        /// The predicate that decides whether it executes.
        qp: u8,
        /// What the monitor is told.
        trigger: Arc<Trigger>,
    },
    /// A branch from the guest's code into the window, or back. It is no instruction of the guest's: it is not counted,
    /// does not trap, and is not stepped.
    Detour {
        /// The predicate that decides whether it is taken.
        qp: u8,
    },
}

/// A trigger, with the site it stands at.
pub struct Trigger {
    /// Its kind, a number of the monitor's.
    pub kind: u8,
    /// What it says about its routine: cr.iim of a `break` that has one.
    pub number: u32,
    /// The instruction that stands at the site in memory.
    pub instruction: patchbay_isa::Instruction,
    /// The site.
    pub site: Arc<dyn Any + Send + Sync>,
}

impl fmt::Debug for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Trigger").field("kind", &self.kind).field("number", &self.number).finish_non_exhaustive()
    }
}
