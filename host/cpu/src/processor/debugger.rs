//! What a debugger outside of the machine asks of a processor. Guests see nothing of it: no register, no memory and no
//! instruction is changed.

use std::collections::BTreeSet;

use patchbay_isa::Slot;

use super::Processor;
use crate::mmu::Reference;

/// Where an instruction stands: its bundle, and its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The address of the bundle.
    pub bundle: u64,
    /// The slot; a long instruction stands in slot 1.
    pub slot: Slot,
}

/// Which accesses a watchpoint is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Accesses {
    /// Loads.
    Reads,
    /// Stores.
    Writes,
    /// Both, and semaphores.
    All,
}

/// Bytes whose accesses are watched, at the addresses that instructions give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Watchpoint {
    /// The first byte.
    pub address: u64,
    /// How many bytes.
    pub length: u64,
    /// The accesses.
    pub accesses: Accesses,
}

impl Watchpoint {
    fn covers(&self, address: u64, size: u64, read: bool, write: bool) -> bool {
        let relevant = match self.accesses {
            Accesses::Reads => read,
            Accesses::Writes => write,
            Accesses::All => read || write,
        };
        let overlaps = address.wrapping_sub(self.address) < self.length || self.address.wrapping_sub(address) < size;
        relevant && overlaps
    }
}

/// Why a processor stops for its debugger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DebuggerStop {
    /// The next instruction has a breakpoint.
    Breakpoint,
    /// The last instruction accessed these bytes.
    Watchpoint(Watchpoint),
}

/// What a debugger wants to know of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DebuggerWants {
    /// The instructions before which the processor stops.
    pub breakpoints: BTreeSet<Position>,
    /// The accesses after which it stops: after the instruction that makes them.
    pub watchpoints: Vec<Watchpoint>,
}

/// The debugger of a processor.
#[derive(Debug, Default)]
pub(crate) struct Debugger {
    wants: DebuggerWants,
    /// Changes with what it wants: blocks are decoded up to breakpoints.
    pub(crate) version: u32,
    /// What the current instruction has accessed.
    hit: Option<Watchpoint>,
}

impl Debugger {
    /// Whether there is a breakpoint in a bundle.
    #[inline]
    pub(crate) fn breaks_in(&self, bundle: u64) -> bool {
        !self.wants.breakpoints.is_empty() && self.next_bundle(bundle) == Some(bundle)
    }

    /// Whether there is a breakpoint at an instruction.
    pub(crate) fn breaks_at(&self, bundle: u64, slot: u8) -> bool {
        Slot::new(slot).is_some_and(|slot| self.wants.breakpoints.contains(&Position { bundle, slot }))
    }

    /// The first bundle with a breakpoint from an address on.
    pub(crate) fn next_bundle(&self, from: u64) -> Option<u64> {
        let from = Position { bundle: from, slot: Slot::Zero };
        self.wants.breakpoints.range(from..).next().map(|position| position.bundle)
    }

    /// Whether every access is compared with watchpoints.
    #[inline]
    pub(crate) fn watches(&self) -> bool {
        !self.wants.watchpoints.is_empty()
    }

    /// Whether it wants to know of anything.
    #[inline]
    pub(crate) fn is_active(&self) -> bool {
        !self.wants.breakpoints.is_empty() || self.watches()
    }

    /// The watchpoint that was hit since the last call.
    pub(crate) fn take_hit(&mut self) -> Option<Watchpoint> {
        self.hit.take()
    }
}

impl Processor {
    /// Sets what a debugger wants to know of. Engines then leave with [`Exit::Debugger`](crate::exit::Exit::Debugger).
    pub fn set_debugger(&mut self, wants: DebuggerWants) {
        self.debugger.wants = wants;
        self.debugger.version = self.debugger.version.wrapping_add(1);
        self.debugger.hit = None;
        self.mmu.watch(self.debugger.watches());
    }

    /// Compares an access that is about to be made with the watchpoints.
    pub(crate) fn watch_access(&mut self, reference: &Reference, va: u64) {
        let isr = reference.isr;
        if isr.na() {
            return;
        }
        let covers = |watched: &&Watchpoint| watched.covers(va, reference.size, isr.r(), isr.w());
        if let Some(hit) = self.debugger.wants.watchpoints.iter().find(covers) {
            self.debugger.hit.get_or_insert(*hit);
        }
    }
}
