//! Sites: the instructions of a virtual machine that have faulted, by where they stand in its memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use patchbay_cpu::bus::{Bus, PAGE_SIZE, PhysicalAddress};
use patchbay_isa::{Bundle, Slot};
use patchbay_plugin_api::instruction::Instruction;
use patchbay_plugin_api::site::Site;

use crate::fast_path::lock;
use crate::patch::bundle::{self, Exchange};
use crate::patch::origins::{Origin, Origins};
use crate::patch::site::PatchSite;
use crate::routines::class_ids::ClassId;

/// The sites of a virtual machine.
#[derive(Debug, Default)]
pub struct Sites {
    pub(super) known: Mutex<Known>,
}

#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) pages: HashMap<u64, Vec<Arc<PatchSite>>>,
    /// How many there are.
    count: usize,
    /// Sites to refuse before room is made again.
    to_refuse: usize,
    origins: Origins,
}

/// The most sites that are known. A guest can make any number: each takes some hundred bytes of the host.
pub(super) const MOST_SITES: usize = 1 << 16;
/// What making room should give; if it does not, it waits until so many sites were refused.
const ROOM: usize = MOST_SITES / 8;

/// Why a copy of a trigger has not become a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAdopted {
    /// The trigger has gone meanwhile.
    Gone,
    /// Too many sites are known.
    Full,
}

/// The bytes around an address that `fc` may write back (SDM 3:61): the largest line of the caches.
pub(crate) const LINE: u64 = 128;

pub(super) fn page(address: PhysicalAddress) -> u64 {
    address.0 / PAGE_SIZE
}

/// Whether the trigger of a site that is patched stands in memory.
fn stands(bus: &dyn Bus, site: &PatchSite) -> Option<Bundle> {
    bundle::read(bus, site.address()).filter(|bundle| site.stands_in(*bundle))
}

impl Known {
    fn find(&self, address: PhysicalAddress, slot: Slot) -> Option<&Arc<PatchSite>> {
        self.pages.get(&page(address))?.iter().find(|site| site.address() == address && site.slot() == slot)
    }

    /// Puts a site in the place of the one that may be known there; whether there is room for it.
    fn put(&mut self, site: &Arc<PatchSite>) -> bool {
        let is_there = |other: &mut Arc<PatchSite>| other.address() == site.address() && other.slot() == site.slot();
        if let Some(sites) = self.pages.get_mut(&page(site.address())) {
            self.count -= sites.extract_if(.., is_there).map(|other| other.retire()).count();
        }
        if !self.has_room() {
            return false;
        }
        self.pages.entry(page(site.address())).or_default().push(Arc::clone(site));
        self.count += 1;
        true
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

    /// Writes a trigger in the place of what is there.
    fn write(&mut self, bus: &dyn Bus, site: &PatchSite, old: u64, class: ClassId, trigger: u64) -> Exchange {
        if !self.origins.has_room_for(trigger, &site.instruction) {
            return Exchange::Full;
        }
        site.set_trigger(class, trigger);
        let done = bundle::exchange(bus, site.address(), site.slot(), old, trigger);
        if done == Exchange::Done {
            self.origins.trigger(trigger, &site.instruction);
            self.note_bundle(bus, site.address());
        } else {
            site.forget();
        }
        done
    }

    /// Remembers a bundle for the triggers that stand in it.
    fn note_bundle(&mut self, bus: &dyn Bus, address: PhysicalAddress) {
        let Some(sites) = self.pages.get(&page(address)) else { return };
        for site in sites.iter().filter(|site| site.address() == address && !site.is_copy()) {
            if let Some(bundle) = stands(bus, site) {
                self.origins.bundle(bundle, site.slot(), &site.instruction);
            }
        }
    }
}

impl Sites {
    /// The bundle at an address, and the site whose trigger stands in one of its slots, both as they are at one moment.
    #[must_use]
    pub fn look(
        &self,
        bus: &dyn Bus,
        address: PhysicalAddress,
        slot: Slot,
    ) -> Option<(Bundle, Option<Arc<PatchSite>>)> {
        let known = lock(&self.known);
        let bundle = bundle::read(bus, address)?;
        let site = known.find(address, slot).filter(|site| site.stands_in(bundle));
        Some((bundle, site.cloned()))
    }

    /// The site of an instruction that has faulted: the one that is known, unless it was of another instruction. `None`
    /// if too many are known.
    #[must_use]
    pub fn meet(&self, place: Site, instruction: &Instruction) -> Option<Arc<PatchSite>> {
        let mut known = lock(&self.known);
        let slot = Slot::new(instruction.slot).unwrap_or(Slot::Zero);
        let found = known.find(PhysicalAddress(place.bundle), slot);
        if let Some(site) = found.filter(|site| site.instruction.bits == instruction.bits) {
            return Some(Arc::clone(site));
        }
        let site = Arc::new(PatchSite::new(place, *instruction));
        known.put(&site).then_some(site)
    }

    /// What a trigger in a slot stands for that is no known site's: the guest has copied it, or has restored what it had
    /// overwritten.
    #[must_use]
    pub fn origin(&self, place: Site, bundle: Bundle, slot: Slot) -> Origin {
        let known = lock(&self.known);
        let origin = known.origins.of(bundle, slot);
        let restored = known.find(PhysicalAddress(place.bundle), slot).filter(|site| site.had(bundle.slot(slot)));
        match (origin, restored) {
            (Origin::Several, Some(site)) if !site.is_copy() => Origin::One(site.instruction),
            (origin, _) => origin,
        }
    }

    /// Makes a copy of a trigger a site.
    ///
    /// # Errors
    /// Why it is none.
    pub fn adopt(
        &self,
        bus: &dyn Bus,
        place: Site,
        instruction: Instruction,
        class: ClassId,
        trigger: u64,
    ) -> Result<Arc<PatchSite>, NotAdopted> {
        let mut known = lock(&self.known);
        let slot = Slot::new(instruction.slot).unwrap_or(Slot::Zero);
        let found = known.find(PhysicalAddress(place.bundle), slot).cloned();
        if let Some(site) = found.filter(|site| site.instruction.bits == instruction.bits) {
            site.set_trigger(class, trigger);
            let stands = stands(bus, &site).is_some();
            if !stands {
                site.forget();
            }
            return stands.then_some(site).ok_or(NotAdopted::Gone);
        }
        let site = Arc::new(PatchSite::copy(place, instruction, class, trigger));
        stands(bus, &site).ok_or(NotAdopted::Gone)?;
        known.put(&site).then_some(site).ok_or(NotAdopted::Full)
    }

    /// Writes a trigger of a class to a site, unless another virtual processor has just patched it.
    pub fn patch(&self, bus: &dyn Bus, site: &PatchSite, class: ClassId, trigger: u64) -> Exchange {
        let mut known = lock(&self.known);
        if site.is_patched() {
            return Exchange::Already;
        }
        if site.is_retired() {
            return Exchange::Differs;
        }
        known.write(bus, site, site.instruction.bits, class, trigger)
    }

    /// Writes the trigger of another class to a site that is patched, unless the guest has overwritten the one that
    /// stands there.
    pub fn change(&self, bus: &dyn Bus, site: &PatchSite, class: ClassId, trigger: u64) -> Exchange {
        let mut known = lock(&self.known);
        let Some(old) = site.trigger() else { return Exchange::Differs };
        known.write(bus, site, old, class, trigger)
    }

    /// Writes the original instruction to a site that is patched, unless the guest has overwritten the trigger.
    pub fn unpatch(&self, bus: &dyn Bus, site: &PatchSite) {
        let mut known = lock(&self.known);
        if let Some(trigger) = site.trigger() {
            bundle::exchange(bus, site.address(), site.slot(), trigger, site.instruction.bits);
            site.forget();
            known.note_bundle(bus, site.address());
        }
    }

    /// Forgets a site if its trigger is gone; whether it is patched.
    pub fn check(&self, bus: &dyn Bus, site: &PatchSite) -> bool {
        // Who patches it writes the trigger under this lock.
        let _known = lock(&self.known);
        let stands = stands(bus, site).is_some();
        if !stands {
            site.forget();
        }
        stands
    }

    /// After the guest has changed memory around an address: forgets the sites that were overwritten. Returns how many.
    pub fn compare(&self, bus: &dyn Bus, address: PhysicalAddress) -> u64 {
        let line = address.0 & !(LINE - 1)..(address.0 & !(LINE - 1)) + LINE;
        lock(&self.known).compare(bus, page(address), |site| line.contains(&site.place.bundle))
    }

    /// The same for all memory.
    pub fn compare_all(&self, bus: &dyn Bus) -> u64 {
        let mut known = lock(&self.known);
        let pages: Vec<u64> = known.pages.keys().copied().collect();
        pages.into_iter().map(|page| known.compare(bus, page, |_| true)).sum()
    }

    /// All sites.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<PatchSite>> {
        let mut sites: Vec<_> = lock(&self.known).pages.values().flatten().cloned().collect();
        sites.sort_unstable_by_key(|site| (site.place.bundle, site.instruction.slot));
        sites
    }
}

impl Known {
    fn compare(&mut self, bus: &dyn Bus, page: u64, is_meant: impl Fn(&PatchSite) -> bool) -> u64 {
        let Some(sites) = self.pages.get(&page) else { return 0 };
        let mut forgotten = 0;
        for site in sites.iter().filter(|site| site.is_patched() && is_meant(site)) {
            match stands(bus, site) {
                None => {
                    site.forget();
                    forgotten += 1;
                }
                // It may be a copy of another one now: its next trigger tells.
                Some(_) if site.is_copy() => site.forget(),
                Some(bundle) => self.origins.bundle(bundle, site.slot(), &site.instruction),
            }
        }
        forgotten
    }
}
