//! A site.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use patchbay_cpu::bus::PhysicalAddress;
use patchbay_isa::{Bundle, Slot, Unit};
use patchbay_plugin_api::instruction::{Instruction, Unit as UnitNumber};
use patchbay_plugin_api::site::Site;

use crate::routines::class_ids::ClassId;

/// Marks the trigger of a site as one that stands there.
const PATCHED: u64 = 1 << 63;

/// A site: a slot of a bundle in guest memory, and the instruction that stood there when it faulted.
#[derive(Debug)]
pub struct PatchSite {
    /// Where it is, as it was met first.
    pub place: Site,
    /// The instruction. Its bits are the original slot's.
    pub instruction: Instruction,
    faults: AtomicU64,
    triggers: AtomicU64,
    /// Faults and triggers at the last review.
    reviewed: [AtomicU64; 2],
    /// The slot's bits of the trigger, with a mark while it stands there.
    trigger: AtomicU64,
    class: AtomicU32,
    /// Whether the guest has copied the trigger there.
    is_copy: bool,
    /// Whether it is known no longer.
    retired: AtomicBool,
}

impl PatchSite {
    /// A site that is not patched.
    #[must_use]
    pub fn new(place: Site, instruction: Instruction) -> PatchSite {
        PatchSite {
            place,
            instruction,
            faults: AtomicU64::new(0),
            triggers: AtomicU64::new(0),
            reviewed: [AtomicU64::new(0), AtomicU64::new(0)],
            trigger: AtomicU64::new(0),
            class: AtomicU32::new(0),
            is_copy: false,
            retired: AtomicBool::new(false),
        }
    }

    /// A site whose trigger the guest has copied from another one.
    pub(super) fn copy(place: Site, instruction: Instruction, class: ClassId, trigger: u64) -> PatchSite {
        let site = PatchSite { is_copy: true, ..PatchSite::new(place, instruction) };
        site.set_trigger(class, trigger);
        site
    }

    /// Counts a virtualization fault. Returns how many there were, this one included.
    pub fn fault(&self) -> u64 {
        self.faults.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Virtualization faults so far.
    #[must_use]
    pub fn faults(&self) -> u64 {
        self.faults.load(Ordering::Relaxed)
    }

    /// Adds executions of its trigger.
    pub fn add_triggers(&self, count: u64) {
        self.triggers.fetch_add(count, Ordering::Relaxed);
    }

    /// Executions of its trigger so far, but for those that virtual processors have yet to add.
    #[must_use]
    pub fn triggers(&self) -> u64 {
        self.triggers.load(Ordering::Relaxed)
    }

    /// Faults and triggers.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.faults() + self.triggers()
    }

    /// Faults and triggers since this was asked last.
    pub fn since_review(&self) -> (u64, u64) {
        let since = |index: usize, now: u64| now - self.reviewed[index].swap(now, Ordering::Relaxed).min(now);
        (since(0, self.faults()), since(1, self.triggers()))
    }

    /// Its slot.
    #[must_use]
    pub fn slot(&self) -> Slot {
        Slot::new(self.instruction.slot).unwrap_or(Slot::Zero)
    }

    /// The address of its bundle.
    #[must_use]
    pub fn address(&self) -> PhysicalAddress {
        PhysicalAddress(self.place.bundle)
    }

    /// Whether a trigger stands there.
    #[inline]
    #[must_use]
    pub fn is_patched(&self) -> bool {
        self.trigger.load(Ordering::Acquire) & PATCHED != 0
    }

    /// The bits of the trigger that stands there.
    #[must_use]
    pub fn trigger(&self) -> Option<u64> {
        let trigger = self.trigger.load(Ordering::Acquire);
        (trigger & PATCHED != 0).then_some(trigger & !PATCHED)
    }

    /// Whether the trigger stands in this bundle, which is that at its address.
    #[must_use]
    pub fn stands_in(&self, bundle: Bundle) -> bool {
        let slot = self.slot();
        let in_b = self.instruction.unit == UnitNumber::B as u8;
        let unit = if in_b { Unit::B } else { Unit::M };
        self.trigger() == Some(bundle.slot(slot))
            && bundle.template().units().is_some_and(|units| units[slot as usize] == unit)
    }

    /// Whether this trigger stands there, or was the last that did.
    pub(super) fn had(&self, trigger: u64) -> bool {
        self.trigger.load(Ordering::Acquire) & !PATCHED == trigger
    }

    /// The bits of the trigger that stands there, or may stand there again: a copy is known anew at its next execution.
    pub(super) fn shown(&self) -> Option<u64> {
        let trigger = self.trigger.load(Ordering::Acquire);
        (trigger & PATCHED != 0 || self.is_copy).then_some(trigger & !PATCHED)
    }

    /// Whether the guest has copied its trigger there.
    #[must_use]
    pub fn is_copy(&self) -> bool {
        self.is_copy
    }

    /// Whoever executes a trigger must find its site patched: this comes before the trigger is written.
    pub(super) fn set_trigger(&self, class: ClassId, trigger: u64) {
        self.class.store(class.0, Ordering::Release);
        self.trigger.store(trigger | PATCHED, Ordering::Release);
    }

    /// Its trigger stands there no longer.
    pub(super) fn forget(&self) {
        self.trigger.fetch_and(!PATCHED, Ordering::AcqRel);
    }

    /// It is known no longer, because another instruction has come in its place or too many were known: it is never
    /// patched again.
    pub(super) fn retire(&self) {
        self.forget();
        self.retired.store(true, Ordering::Release);
    }

    /// Whether it is known no longer.
    #[must_use]
    pub fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Acquire)
    }

    /// Its class; means something while it is patched.
    #[inline]
    #[must_use]
    pub fn class(&self) -> ClassId {
        ClassId(self.class.load(Ordering::Acquire))
    }
}
