//! A site.

use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use patchbay_cpu::bus::PhysicalAddress;
use patchbay_isa::Slot;
use patchbay_plugin_api::instruction::Instruction;
use patchbay_plugin_api::patch_manager::Trigger;
use patchbay_plugin_api::site::Site;

use super::trigger::{Decline, KindIndex};
use crate::fast_path::lock;
use crate::policy::conditions::Rate;
use crate::routines::class_ids::ClassId;

/// Marks the state of a site at which a trigger stands. Below it are the trigger's kind and class.
const PATCHED: u64 = 1 << 63;

/// A site: a slot of a bundle in guest memory, and the instruction that stood there when it faulted.
#[derive(Debug)]
pub struct PatchSite {
    /// Where it is, as it was met first.
    pub place: Site,
    /// The instruction. Its bits are the slot's in memory.
    pub instruction: Instruction,
    faults: AtomicU64,
    /// Executions of its triggers, a counter for each virtual processor, which alone writes it.
    triggers: OnceLock<Box<[OwnLine]>>,
    /// Held for some additions by whoever asks how often it has faults and triggers.
    rate: Mutex<Rate>,
    /// Faults and triggers at the last review.
    reviewed: [AtomicU64; 2],
    /// 0, or the trigger that stands there.
    state: AtomicU64,
    /// The trigger that could last not be placed, and why: kind and reason plus 1 in a byte each; 0 if none.
    declined: AtomicU16,
    /// Whether it is known no longer.
    retired: AtomicBool,
}

/// A counter that shares its cache line with none that another thread writes.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(crate) struct OwnLine(pub(crate) AtomicU64);

/// The trigger that stands at a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its kind.
    pub kind: KindIndex,
    /// Its class.
    pub class: ClassId,
}

impl PatchSite {
    /// A site that is not patched.
    #[must_use]
    pub fn new(place: Site, instruction: Instruction) -> PatchSite {
        PatchSite {
            place,
            instruction,
            faults: AtomicU64::new(0),
            triggers: OnceLock::new(),
            rate: Mutex::default(),
            reviewed: [AtomicU64::new(0), AtomicU64::new(0)],
            state: AtomicU64::new(0),
            declined: AtomicU16::new(0),
            retired: AtomicBool::new(false),
        }
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

    /// Counts an execution of its trigger on a virtual processor.
    #[inline]
    pub fn trigger(&self, vp: usize) {
        if let Some(OwnLine(count)) = self.triggers.get().and_then(|counts| counts.get(vp)) {
            count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        }
    }

    /// Executions of its triggers so far.
    #[must_use]
    pub fn triggers(&self) -> u64 {
        self.triggers.get().map_or(0, |counts| counts.iter().map(|count| count.0.load(Ordering::Relaxed)).sum())
    }

    /// Faults and triggers.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.faults() + self.triggers()
    }

    /// Faults and triggers in a second, until `now` in nanoseconds of the guest's clock.
    pub(crate) fn rate(&self, now: u64) -> u64 {
        lock(&self.rate).at(now, self.events())
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

    /// The trigger that stands there.
    #[must_use]
    pub fn standing(&self) -> Option<Standing> {
        let state = self.state.load(Ordering::Acquire);
        let standing = || Some(Standing { kind: KindIndex::new((state >> 32) as u8)?, class: ClassId(state as u32) });
        if state & PATCHED == 0 { None } else { standing() }
    }

    /// Whether a trigger stands there.
    #[inline]
    #[must_use]
    pub fn is_patched(&self) -> bool {
        self.state.load(Ordering::Acquire) & PATCHED != 0
    }

    /// The trigger that stands there as plugins name it, [`Trigger::NONE`] for none.
    #[must_use]
    pub fn trigger_kind(&self) -> Trigger {
        self.standing().map_or(Trigger::NONE, |standing| standing.kind.kind().trigger)
    }

    /// The class of the trigger that stands there, or did last.
    #[inline]
    #[must_use]
    pub fn class(&self) -> ClassId {
        ClassId(self.state.load(Ordering::Acquire) as u32)
    }

    /// A trigger stands there from now on. Whoever executes it must find its site patched: this comes before the view shows
    /// it.
    pub(super) fn patched(&self, standing: Standing, processors: usize) {
        self.triggers.get_or_init(|| (0..processors).map(|_| OwnLine::default()).collect());
        let state = PATCHED | u64::from(standing.kind.number()) << 32 | u64::from(standing.class.0);
        self.state.store(state, Ordering::Release);
    }

    /// No trigger stands there any longer.
    pub(super) fn unpatched(&self) {
        self.state.fetch_and(!PATCHED, Ordering::AcqRel);
    }

    /// Notes that a trigger of a kind could not be placed, or that the last one that was asked for could.
    pub(super) fn note_declined(&self, declined: Option<(KindIndex, Decline)>) {
        let note = declined.map_or(0, |(kind, reason)| u16::from(kind.number()) << 8 | (reason as u16 + 1));
        self.declined.store(note, Ordering::Relaxed);
    }

    /// The kind of trigger that was asked for last, if it could not be placed, and why.
    #[must_use]
    pub fn declined(&self) -> Option<(KindIndex, Decline)> {
        let note = self.declined.load(Ordering::Relaxed);
        let reason = (note as u8).checked_sub(1).and_then(Decline::new)?;
        Some((KindIndex::new((note >> 8) as u8)?, reason))
    }

    /// It is known no longer, because another instruction has come in its place or too many were known: it is never patched
    /// again.
    pub(super) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
    }

    /// Whether it is known no longer.
    #[must_use]
    pub fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Acquire)
    }
}

/// A site, a class and the number of that class: what a trigger of a kind is placed for.
#[derive(Clone, Debug)]
pub struct Placement {
    /// The site.
    pub site: Arc<PatchSite>,
    /// The kind and the class.
    pub standing: Standing,
    /// The number of the class: BASE_ID and the class id.
    pub number: u32,
}
