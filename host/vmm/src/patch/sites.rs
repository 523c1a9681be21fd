//! The sites of a virtual machine: the instructions that have faulted, by where they stand in its memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use patchbay_cpu::bus::{PAGE_SIZE, PhysicalAddress};
use patchbay_isa::Slot;
use patchbay_plugin_api::instruction::Instruction;
use patchbay_plugin_api::site::Site;

use super::site::PatchSite;
use crate::fast_path::lock;

/// The sites of a virtual machine.
#[derive(Debug, Default)]
pub struct Sites {
    /// Held by whoever meets a site for as long as that takes, and by listings.
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    pages: HashMap<u64, Vec<Arc<PatchSite>>>,
    /// How many there are.
    count: usize,
    /// Sites to refuse before room is made again.
    to_refuse: usize,
}

/// The most sites that are known. A guest can make any number: each takes some hundred bytes of the host.
pub const MOST_SITES: usize = 1 << 16;
/// What making room should give; if it does not, it waits until so many sites were refused.
const ROOM: usize = MOST_SITES / 8;

fn page(address: PhysicalAddress) -> u64 {
    address.0 / PAGE_SIZE
}

/// A site that an instruction was met at.
#[derive(Clone, Debug)]
pub struct Met {
    /// The site.
    pub site: Arc<PatchSite>,
    /// The site of another instruction that was known there, and is no longer. A trigger may stand at it.
    pub replaced: Option<Arc<PatchSite>>,
}

impl Known {
    fn find(&self, address: PhysicalAddress, slot: Slot) -> Option<&Arc<PatchSite>> {
        self.pages.get(&page(address))?.iter().find(|site| site.address() == address && site.slot() == slot)
    }

    /// Puts a site in the place of the one that may be known there; `None` if there is no room for it.
    fn put(&mut self, site: &Arc<PatchSite>) -> Option<Met> {
        let is_there = |other: &mut Arc<PatchSite>| other.address() == site.address() && other.slot() == site.slot();
        let mut replaced = None;
        if let Some(sites) = self.pages.get_mut(&page(site.address())) {
            replaced = sites.extract_if(.., is_there).next();
            self.count -= usize::from(replaced.is_some());
            replaced.iter().for_each(|other| other.retire());
        }
        if !self.has_room() {
            return None;
        }
        self.pages.entry(page(site.address())).or_default().push(Arc::clone(site));
        self.count += 1;
        Some(Met { site: Arc::clone(site), replaced })
    }

    /// Whether there is room for a site; it is made from time to time.
    fn has_room(&mut self) -> bool {
        if self.count >= MOST_SITES {
            if self.to_refuse > 0 {
                self.to_refuse -= 1;
                return false;
            }
            self.make_room();
            self.to_refuse = if self.count > MOST_SITES - ROOM { ROOM } else { 0 };
        }
        self.count < MOST_SITES
    }

    /// Retires half of the sites that are not patched, those with the fewest faults and triggers. If their instructions
    /// fault again, they are met anew.
    fn make_room(&mut self) {
        let unpatched = self.pages.values().flatten().filter(|site| !site.is_patched());
        let mut events: Vec<u64> = unpatched.map(|site| site.events()).collect();
        if events.is_empty() {
            return;
        }
        let middle = events.len() / 2;
        let few = *events.select_nth_unstable(middle).1;
        self.pages.retain(|_, sites| {
            sites.extract_if(.., |site| !site.is_patched() && site.events() <= few).for_each(|site| site.retire());
            !sites.is_empty()
        });
        self.count = self.pages.values().map(Vec::len).sum();
    }
}

impl Sites {
    /// The site of an instruction that has faulted: the one that is known, unless it was of another instruction. `None` if
    /// too many are known.
    #[must_use]
    pub fn meet(&self, place: Site, instruction: &Instruction) -> Option<Met> {
        let mut known = lock(&self.known);
        let slot = Slot::new(instruction.slot).unwrap_or(Slot::Zero);
        let found = known.find(PhysicalAddress(place.bundle), slot);
        if let Some(site) = found.filter(|site| site.instruction == *instruction) {
            return Some(Met { site: Arc::clone(site), replaced: None });
        }
        known.put(&Arc::new(PatchSite::new(place, *instruction)))
    }

    /// The site at a slot of a bundle.
    #[must_use]
    pub fn find(&self, address: PhysicalAddress, slot: Slot) -> Option<Arc<PatchSite>> {
        lock(&self.known).find(address, slot).cloned()
    }

    /// All sites, by address and slot.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<PatchSite>> {
        let mut sites: Vec<_> = lock(&self.known).pages.values().flatten().cloned().collect();
        sites.sort_unstable_by_key(|site| (site.place.bundle, site.instruction.slot));
        sites
    }
}
