//! The code view of a virtual machine: which bundles execute otherwise than memory holds them, and how.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use patchbay_cpu::bus::{Bus, PAGE_SIZE, PhysicalAddress, RamPage};
use patchbay_cpu::code_view::{self, ViewedBundle};
use patchbay_isa::{Bundle, Slot};

use super::bundle;
use super::patch::{Patch, Placements, mask};
use super::site::{PatchSite, Placement, Standing};
use super::trigger::{Decline, KINDS, KindIndex};
use super::window::Window;
use crate::fast_path;
use crate::vp::grace::Grace;

/// What became of a trigger that was to be placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed {
    /// It stands, of this kind: the one that was asked for, or else the reason why not is given.
    Done {
        /// The kind that stands.
        kind: KindIndex,
        /// Why it is not the one that was asked for.
        declined: Option<Decline>,
        /// Whether another trigger stood there before.
        instead: bool,
    },
    /// A trigger of this class stands there already.
    Already,
    /// The instruction of the site is no longer in memory, or the site is known no longer.
    Changed,
    /// It is not RAM.
    NotInRam,
    /// Even the trigger that fits everywhere has no place in the window together with those of its bundle.
    Declined(Decline),
}

/// The code view.
#[derive(Debug)]
pub struct CodeView {
    /// Written while a trigger is placed or removed, or dropped by a decoder; read by decoders. Neither is on the fast path.
    view: RwLock<View>,
    processors: usize,
    /// What became of triggers, by kind.
    counts: [Counts; KINDS],
    grace: Grace,
}

/// What became of the triggers of one kind. Placing is not on the fast path: whoever does it counts here.
#[derive(Debug, Default)]
struct Counts {
    placed: AtomicU64,
    retriggered: AtomicU64,
    removed: AtomicU64,
    dropped: AtomicU64,
    declined: [AtomicU64; Decline::ALL.len()],
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// What became of the triggers of one kind until now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindCounts {
    /// Sites that had no trigger and got one.
    pub placed: u64,
    /// Sites that had another trigger, or one of another class, and got one.
    pub retriggered: u64,
    /// Sites that lost one to a review, a swap or a request.
    pub removed: u64,
    /// Sites that lost one because their instruction was no longer in memory.
    pub dropped: u64,
    /// How often it could not be placed, by [`Decline`].
    pub declined: [u64; Decline::ALL.len()],
}

#[derive(Debug, Default)]
struct View {
    pages: HashMap<u64, Vec<PatchedBundle>>,
    window: Window,
}

/// A bundle with triggers.
#[derive(Debug)]
struct PatchedBundle {
    address: u64,
    placements: Placements,
    patch: Patch,
}

fn page(address: PhysicalAddress) -> u64 {
    address.0 / PAGE_SIZE
}

fn find(bundles: &[PatchedBundle], address: u64) -> Option<usize> {
    bundles.iter().position(|bundle| bundle.address == address)
}

impl View {
    fn bundle(&self, address: PhysicalAddress) -> Option<&PatchedBundle> {
        let bundles = self.pages.get(&page(address))?;
        bundles.get(find(bundles, address.0)?)
    }

    /// What a bundle in memory executes as with other triggers; without any, as memory holds it.
    fn set(
        &mut self,
        address: PhysicalAddress,
        original: Bundle,
        placements: Placements,
        grace: &Grace,
    ) -> Result<(), (Slot, Decline)> {
        let patch = if placements.iter().any(Option::is_some) {
            Some(Patch::new(original, address.0, &placements, &mut self.window, grace)?)
        } else {
            None
        };
        let bundles = self.pages.entry(page(address)).or_default();
        let old = find(bundles, address.0).map(|index| bundles.swap_remove(index));
        if let Some(stub) = old.and_then(|old| old.patch.stub) {
            self.window.retire(&stub, grace);
        }
        match patch {
            Some(patch) => bundles.push(PatchedBundle { address: address.0, placements, patch }),
            None if bundles.is_empty() => {
                self.pages.remove(&page(address));
            }
            None => {}
        }
        Ok(())
    }

    /// The same, where triggers that cannot be placed beside the others give way to the kind that fits everywhere.
    fn settle(&mut self, address: PhysicalAddress, original: Bundle, mut placements: Placements, grace: &Grace) {
        while let Err((slot, why)) = self.set(address, original, placements.clone(), grace) {
            let Some(placement) = &mut placements[slot as usize] else { break };
            if placement.standing.kind == KindIndex::FALLBACK {
                placement.site.unpatched();
                placements[slot as usize] = None;
                continue;
            }
            placement.site.note_declined(Some((placement.standing.kind, why)));
            placement.standing.kind = KindIndex::FALLBACK;
            placement.site.patched(placement.standing, 0);
        }
    }
}

impl CodeView {
    /// The view of a virtual machine with so many processors, which shows memory as it is.
    #[must_use]
    pub fn new(processors: usize) -> CodeView {
        CodeView { view: RwLock::default(), processors, counts: Default::default(), grace: Grace::new(processors) }
    }

    /// The grace periods of its virtual processors.
    #[must_use]
    pub fn grace(&self) -> &Grace {
        &self.grace
    }

    fn read(&self) -> RwLockReadGuard<'_, View> {
        debug_assert!(!fast_path::on_it(), "the fast path takes a lock");
        self.view.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, View> {
        debug_assert!(!fast_path::on_it(), "the fast path takes a lock");
        self.view.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Places a trigger of a kind and class at a site, in place of the one that stands there. Where the kind cannot be
    /// placed, `break` is.
    pub fn place(&self, bus: &dyn Bus, site: &Arc<PatchSite>, standing: Standing, number: u32) -> Placed {
        self.place_where(bus, site, standing, number, |_| true)
    }

    /// Exchanges a trigger that stands at a site for one of another kind. Another one that has come in its place stays, and
    /// none is placed where none stands any longer.
    pub fn exchange(
        &self,
        bus: &dyn Bus,
        site: &Arc<PatchSite>,
        stands: Standing,
        kind: KindIndex,
        number: u32,
    ) -> Placed {
        self.place_where(bus, site, Standing { kind, ..stands }, number, |before| before == Some(stands))
    }

    fn place_where(
        &self,
        bus: &dyn Bus,
        site: &Arc<PatchSite>,
        standing: Standing,
        number: u32,
        is_due: impl FnOnce(Option<Standing>) -> bool,
    ) -> Placed {
        let mut view = self.write();
        let address = site.address();
        let Some(original) = bundle::read(bus, address) else { return Placed::NotInRam };
        // What other processors have decoded must not outlive the class of a trigger that is gone.
        let dropped = self.drop_changed(&mut view, address, original);
        let placed = if site.is_retired()
            || original.slot(site.slot()) != site.instruction.bits
            || original.template().number() != site.instruction.template
            || !is_due(site.standing())
        {
            Placed::Changed
        } else if site.standing() == Some(standing) {
            Placed::Already
        } else {
            self.place_in(&mut view, site, original, standing, number)
        };
        drop(view);
        if dropped || matches!(placed, Placed::Done { .. }) {
            bundle::invalidate(bus, address);
        }
        placed
    }

    /// The same in a bundle that is in memory.
    fn place_in(
        &self,
        view: &mut View,
        site: &Arc<PatchSite>,
        original: Bundle,
        mut standing: Standing,
        number: u32,
    ) -> Placed {
        let (address, before) = (site.address(), site.standing());
        let others = view.bundle(address).map(|bundle| bundle.placements.clone()).unwrap_or_default();
        let mut declined = None;
        loop {
            let mut placements = others.clone();
            placements[site.slot() as usize] = Some(Placement { site: Arc::clone(site), standing, number });
            // Whoever executes the trigger must find its site patched.
            site.patched(standing, self.processors);
            let why = match view.set(address, original, placements, &self.grace) {
                Ok(()) => break,
                Err((_, why)) => why,
            };
            count(&self.counts[standing.kind.index()].declined[why as usize]);
            if standing.kind == KindIndex::FALLBACK {
                // The old one still stands, if there was one.
                match before {
                    Some(before) => site.patched(before, self.processors),
                    None => site.unpatched(),
                }
                return Placed::Declined(declined.unwrap_or(why));
            }
            declined = Some(why);
            site.note_declined(Some((standing.kind, why)));
            standing.kind = KindIndex::FALLBACK;
            if before == Some(standing) {
                site.patched(standing, self.processors);
                return Placed::Done { kind: standing.kind, declined, instead: true };
            }
        }
        if declined.is_none() {
            site.note_declined(None);
        }
        let counts = &self.counts[standing.kind.index()];
        count(if before.is_some() { &counts.retriggered } else { &counts.placed });
        Placed::Done { kind: standing.kind, declined, instead: before.is_some() }
    }

    /// Notes that a kind was asked for that the host does not know.
    pub fn note_unknown(&self, site: &PatchSite) {
        site.note_declined(Some((KindIndex::FALLBACK, Decline::Unknown)));
        count(&self.counts[KindIndex::FALLBACK.index()].declined[Decline::Unknown as usize]);
    }

    /// Removes the trigger of a site; whether one stood there.
    pub fn remove(&self, bus: &dyn Bus, site: &PatchSite) -> bool {
        let mut view = self.write();
        let address = site.address();
        let found = view.bundle(address).and_then(|bundle| {
            let placement = bundle.placements[site.slot() as usize].as_ref()?;
            std::ptr::eq(&*placement.site, site).then(|| (bundle.patch.original, bundle.placements.clone()))
        });
        let Some((original, mut placements)) = found else { return false };
        site.unpatched();
        if let Some(placement) = placements[site.slot() as usize].take() {
            count(&self.counts[placement.standing.kind.index()].removed);
        }
        view.settle(address, original, placements, &self.grace);
        drop(view);
        bundle::invalidate(bus, address);
        true
    }

    /// Drops the triggers of a bundle whose instructions are no longer in memory; whether there were any.
    fn drop_changed(&self, view: &mut View, address: PhysicalAddress, in_memory: Bundle) -> bool {
        let Some(bundle) = view.bundle(address) else { return false };
        let changed = bundle.patch.original.0 ^ in_memory.0;
        if changed == 0 {
            return false;
        }
        let mut placements = bundle.placements.clone();
        let mut dropped = false;
        for place in &mut placements {
            if let Some(placement) = place.take_if(|placement| mask(placement) & changed != 0) {
                placement.site.unpatched();
                count(&self.counts[placement.standing.kind.index()].dropped);
                tracing::debug!(target: "patch", address = address.0, kind = placement.standing.kind.kind().name, "dropped");
                dropped = true;
            }
        }
        view.settle(address, in_memory, placements, &self.grace);
        dropped
    }

    /// What became of the triggers of a kind until now.
    #[must_use]
    pub fn counts(&self, kind: KindIndex) -> KindCounts {
        let counts = &self.counts[kind.index()];
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        KindCounts {
            placed: of(&counts.placed),
            retriggered: of(&counts.retriggered),
            removed: of(&counts.removed),
            dropped: of(&counts.dropped),
            declined: std::array::from_fn(|why| of(&counts.declined[why])),
        }
    }

    /// The stubs in use, the bytes that they take, and the bytes that are left.
    #[must_use]
    pub fn window(&self) -> (u64, u64, u64) {
        let view = self.read();
        (view.window.stubs(), view.window.bytes(), view.window.bytes_left())
    }

    /// Does something with how the bundle at an address executes, if triggers stand in it.
    pub fn with_patch<T>(&self, address: PhysicalAddress, work: impl FnOnce(&Patch) -> T) -> Option<T> {
        self.read().bundle(address).map(|bundle| work(&bundle.patch))
    }

    /// The addresses of all bundles with triggers, in order.
    #[must_use]
    pub fn addresses(&self) -> Vec<PhysicalAddress> {
        let mut addresses: Vec<_> =
            self.read().pages.values().flatten().map(|bundle| PhysicalAddress(bundle.address)).collect();
        addresses.sort_unstable();
        addresses
    }
}

impl code_view::CodeView for CodeView {
    fn covers(&self, address: PhysicalAddress) -> bool {
        self.read().pages.contains_key(&page(address))
    }

    fn bundle(&self, ram: &RamPage<'_>, address: PhysicalAddress, in_memory: Bundle) -> Option<Arc<ViewedBundle>> {
        {
            let view = self.read();
            let found = view.bundle(address)?;
            if found.patch.original == in_memory {
                return Some(Arc::clone(&found.patch.viewed));
            }
        }
        let mut view = self.write();
        if self.drop_changed(&mut view, address, in_memory) {
            // What other processors have decoded must not outlive the class of a trigger that is gone.
            ram.invalidate();
        }
        view.bundle(address).map(|bundle| Arc::clone(&bundle.patch.viewed))
    }
}
