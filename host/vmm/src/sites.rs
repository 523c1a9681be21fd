//! Sites: the instructions of a virtual machine that have faulted, by where they stand in its memory.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use patchbay_cpu::bus::{Bus, PAGE_SIZE, PhysicalAddress};
use patchbay_isa::{Bundle, Slot};
use patchbay_plugin_api::instruction::Instruction;
use patchbay_plugin_api::site::Site as Place;

use crate::code;
use crate::fast::lock;
use crate::ids::ClassId;

/// Whether and how a site is patched: 0, or the slot's bits of the trigger with this mark.
const PATCHED: u64 = 1 << 63;

/// A site: a slot of a bundle in guest memory, and the instruction that stood there when it faulted.
#[derive(Debug)]
pub struct Site {
    /// Where it is, as it was met first.
    pub place: Place,
    /// The instruction. Its bits are the original slot's.
    pub instruction: Instruction,
    faults: AtomicU64,
    triggers: AtomicU64,
    /// Faults and triggers at the last review.
    reviewed: [AtomicU64; 2],
    trigger: AtomicU64,
    class: AtomicU32,
}

impl Site {
    /// A site that is not patched.
    #[must_use]
    pub fn new(place: Place, instruction: Instruction) -> Site {
        Site {
            place,
            instruction,
            faults: AtomicU64::new(0),
            triggers: AtomicU64::new(0),
            reviewed: [AtomicU64::new(0), AtomicU64::new(0)],
            trigger: AtomicU64::new(0),
            class: AtomicU32::new(0),
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
        self.trigger.load(Ordering::Acquire) != 0
    }

    /// The bits of the trigger that stands there.
    #[must_use]
    pub fn trigger(&self) -> Option<u64> {
        let trigger = self.trigger.load(Ordering::Acquire);
        (trigger != 0).then_some(trigger & !PATCHED)
    }

    /// Its class; means something while it is patched.
    #[inline]
    #[must_use]
    pub fn class(&self) -> ClassId {
        ClassId(self.class.load(Ordering::Acquire))
    }
}

/// The sites of a virtual machine.
#[derive(Debug, Default)]
pub struct Sites {
    pages: Mutex<HashMap<u64, Vec<Arc<Site>>>>,
}

/// The bytes around an address that `fc` may write back (SDM 3:61): the largest line of the caches.
pub(crate) const LINE: u64 = 128;

fn page(address: PhysicalAddress) -> u64 {
    address.0 / PAGE_SIZE
}

fn position(sites: &[Arc<Site>], address: PhysicalAddress, slot: Slot) -> Option<usize> {
    sites.iter().position(|site| site.address() == address && site.slot() == slot)
}

impl Sites {
    /// The bundle at an address, and the site at one of its slots, as they are at one moment: while triggers are written
    /// and taken back, one of them alone may be older than the other.
    #[must_use]
    pub fn look(&self, bus: &dyn Bus, address: PhysicalAddress, slot: Slot) -> Option<(Bundle, Option<Arc<Site>>)> {
        let pages = lock(&self.pages);
        let bundle = code::read(bus, address)?;
        let site = pages
            .get(&page(address))
            .and_then(|sites| position(sites, address, slot).map(|index| Arc::clone(&sites[index])));
        Some((bundle, site))
    }

    /// The site of an instruction that has faulted: the one that is known, unless it was of another instruction.
    pub fn meet(&self, place: Place, instruction: &Instruction) -> Arc<Site> {
        let new = || Arc::new(Site::new(place, *instruction));
        let address = PhysicalAddress(place.bundle);
        let mut pages = lock(&self.pages);
        let sites = pages.entry(page(address)).or_default();
        let slot = Slot::new(instruction.slot).unwrap_or(Slot::Zero);
        match position(sites, address, slot) {
            Some(index) if sites[index].instruction.bits == instruction.bits => Arc::clone(&sites[index]),
            Some(index) => {
                sites[index].trigger.store(0, Ordering::Release);
                sites[index] = new();
                Arc::clone(&sites[index])
            }
            None => {
                let site = new();
                sites.push(Arc::clone(&site));
                site
            }
        }
    }

    /// Writes a trigger of a class to a site, unless another virtual processor has just patched it.
    pub fn patch(&self, bus: &dyn Bus, site: &Site, class: ClassId, trigger: u64) -> code::Exchange {
        let _pages = lock(&self.pages);
        if site.is_patched() {
            return code::Exchange::Done;
        }
        // Whoever executes the trigger must find the site patched.
        site.class.store(class.0, Ordering::Release);
        site.trigger.store(trigger | PATCHED, Ordering::Release);
        let done = code::exchange(bus, site.address(), site.slot(), site.instruction.bits, trigger);
        if done != code::Exchange::Done {
            site.trigger.store(0, Ordering::Release);
        }
        done
    }

    /// Writes the trigger of another class to a site that is patched, unless the guest has overwritten the one that
    /// stands there.
    pub fn change(&self, bus: &dyn Bus, site: &Site, class: ClassId, trigger: u64) -> code::Exchange {
        let _pages = lock(&self.pages);
        let Some(old) = site.trigger() else { return code::Exchange::Differs };
        site.class.store(class.0, Ordering::Release);
        site.trigger.store(trigger | PATCHED, Ordering::Release);
        let done = code::exchange(bus, site.address(), site.slot(), old, trigger);
        if done != code::Exchange::Done {
            site.trigger.store(0, Ordering::Release);
        }
        done
    }

    /// Writes the original instruction to a site that is patched, unless the guest has overwritten the trigger.
    pub fn unpatch(&self, bus: &dyn Bus, site: &Site) {
        let _pages = lock(&self.pages);
        if let Some(trigger) = site.trigger() {
            code::exchange(bus, site.address(), site.slot(), trigger, site.instruction.bits);
            site.trigger.store(0, Ordering::Release);
        }
    }

    /// Forgets a site if its trigger is gone; whether it is patched.
    pub fn check(&self, bus: &dyn Bus, site: &Site) -> bool {
        // Who patches it writes the trigger under this lock.
        let _pages = lock(&self.pages);
        let Some(trigger) = site.trigger() else { return false };
        let stands = code::read(bus, site.address()).is_some_and(|bundle| bundle.slot(site.slot()) == trigger);
        if !stands {
            site.trigger.store(0, Ordering::Release);
        }
        stands
    }

    /// After the guest has changed memory around an address: forgets the sites that were overwritten. Returns how many.
    pub fn compare(&self, bus: &dyn Bus, address: PhysicalAddress) -> u64 {
        let line = address.0 & !(LINE - 1)..(address.0 & !(LINE - 1)) + LINE;
        let pages = lock(&self.pages);
        let Some(sites) = pages.get(&page(address)) else { return 0 };
        let mut forgotten = 0;
        for site in sites.iter().filter(|site| line.contains(&site.place.bundle)) {
            let Some(trigger) = site.trigger() else { continue };
            if code::read(bus, site.address()).is_none_or(|bundle| bundle.slot(site.slot()) != trigger) {
                site.trigger.store(0, Ordering::Release);
                forgotten += 1;
            }
        }
        forgotten
    }

    /// All sites.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Site>> {
        let mut sites: Vec<_> = lock(&self.pages).values().flatten().cloned().collect();
        sites.sort_unstable_by_key(|site| (site.place.bundle, site.instruction.slot));
        sites
    }

    /// Gives bytes of memory at an address the original slots in the place of triggers.
    pub fn show_originals(&self, address: PhysicalAddress, bytes: &mut [u8]) {
        let end = address.0 + bytes.len() as u64;
        let pages = lock(&self.pages);
        for page in page(address)..end.div_ceil(PAGE_SIZE) {
            for site in pages.get(&page).into_iter().flatten() {
                let bundle = site.place.bundle;
                if bundle + 16 <= address.0 || bundle >= end {
                    continue;
                }
                show_original(site, address.0, bytes);
            }
        }
    }
}

/// Replaces the trigger of a site in bytes that hold some or all of its bundle.
fn show_original(site: &Site, address: u64, bytes: &mut [u8]) {
    let Some(trigger) = site.trigger() else { return };
    let shift = 5 + 41 * u32::from(site.instruction.slot);
    let mask = ((1_u128 << 41) - 1) << shift;
    let (trigger, original) = (u128::from(trigger) << shift, u128::from(site.instruction.bits) << shift);
    let inside = |index: u64| (site.place.bundle + index).checked_sub(address).filter(|at| *at < bytes.len() as u64);
    let stands = (0..16).all(|index| {
        let bits = (mask >> (8 * index)) as u8;
        inside(index).is_none_or(|at| bytes[at as usize] & bits == (trigger >> (8 * index)) as u8)
    });
    if stands {
        for index in 0..16 {
            let bits = (mask >> (8 * index)) as u8;
            if let Some(at) = (site.place.bundle + index).checked_sub(address).filter(|at| *at < bytes.len() as u64) {
                let byte = &mut bytes[at as usize];
                *byte = *byte & !bits | (original >> (8 * index)) as u8;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use patchbay_cpu::flat::FlatMemory;
    use patchbay_isa::Template;

    use super::*;
    use crate::code::Exchange;
    use crate::instruction::of_slot;
    use crate::trigger::break_slot;

    /// `mov r14=psr` (M36) with predicate 6.
    const MOV_PSR: u64 = 1 << 37 | 0x25 << 27 | 14 << 6 | 6;
    const NOP: u64 = 1 << 27;

    fn place(bundle: u64) -> Place {
        Place { bundle, ip: bundle, rid: 0, vm: 0, vp: 0, reserved: 0 }
    }

    /// MMI with two instructions that fault.
    fn memory() -> (FlatMemory, Bundle) {
        let memory = FlatMemory::new(0x2000);
        let bundle = Bundle::new(Template::new(8), [MOV_PSR, MOV_PSR, NOP]);
        memory.write_bytes(0x1230, &bundle.to_bytes()).expect("RAM");
        (memory, bundle)
    }

    fn patch(sites: &Sites, memory: &FlatMemory, bundle: Bundle, slot: Slot) -> Arc<Site> {
        let site = sites.meet(place(0x1230), &of_slot(bundle, slot).expect("virtualized"));
        let trigger = break_slot(site.instruction.qp, 0x10_0800);
        assert_eq!(sites.patch(memory, &site, ClassId(0), trigger), Exchange::Done);
        site
    }

    #[test]
    fn a_patch_changes_its_slot_and_unpatching_restores_it() {
        let (memory, bundle) = memory();
        let sites = Sites::default();
        let address = PhysicalAddress(0x1230);
        let site = patch(&sites, &memory, bundle, Slot::One);
        let patched = code::read(&memory, address).expect("RAM");
        assert_eq!(patched, bundle.with_slot(Slot::One, break_slot(6, 0x10_0800)));
        for (start, length) in [(0x1230, 16), (0x1220, 64), (0x1236, 3), (0x123a, 1)] {
            let (mut seen, mut original) = (vec![0; length], vec![0; length]);
            memory.read_bytes(start, &mut seen).expect("RAM");
            sites.show_originals(PhysicalAddress(start), &mut seen);
            let clean = FlatMemory::new(0x2000);
            clean.write_bytes(0x1230, &bundle.to_bytes()).expect("RAM");
            clean.read_bytes(start, &mut original).expect("RAM");
            assert_eq!(seen, original, "{start:#x}");
        }
        sites.unpatch(&memory, &site);
        assert!(!site.is_patched());
        assert_eq!(code::read(&memory, address), Some(bundle));
    }

    /// Of two sites in a bundle, the one that the guest has overwritten is forgotten, and what it wrote stays.
    #[test]
    fn overwritten_sites_are_forgotten() {
        let (memory, bundle) = memory();
        let sites = Sites::default();
        let [zero, one] = [Slot::Zero, Slot::One].map(|slot| patch(&sites, &memory, bundle, slot));
        let patched = code::read(&memory, PhysicalAddress(0x1230)).expect("RAM");
        let written = patched.with_slot(Slot::One, NOP);
        memory.write_bytes(0x1230, &written.to_bytes()).expect("RAM");
        assert_eq!(sites.compare(&memory, PhysicalAddress(0x1300)), 0);
        assert_eq!(sites.compare(&memory, PhysicalAddress(0x1270)), 1);
        assert!(zero.is_patched() && !one.is_patched());
        sites.unpatch(&memory, &one);
        assert_eq!(code::read(&memory, PhysicalAddress(0x1230)), Some(written));
    }

    #[test]
    fn what_is_not_the_instruction_is_not_patched() {
        let (memory, bundle) = memory();
        let sites = Sites::default();
        let site = sites.meet(place(0x1230), &of_slot(bundle, Slot::Zero).expect("virtualized"));
        memory.write_bytes(0x1230, &bundle.with_slot(Slot::Zero, NOP).to_bytes()).expect("RAM");
        assert_eq!(sites.patch(&memory, &site, ClassId(0), break_slot(6, 5)), Exchange::Differs);
        assert!(!site.is_patched());
        let outside = sites.meet(place(0x5000), &of_slot(bundle, Slot::Zero).expect("virtualized"));
        assert_eq!(sites.patch(&memory, &outside, ClassId(0), break_slot(6, 5)), Exchange::Impossible);
    }
}
