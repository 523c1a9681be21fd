//! The emulation manager: from a trigger to its routine.

use std::sync::Arc;

use patchbay_cpu::bus::PhysicalAddress;
use patchbay_cpu::engine::interpreter::Op;
use patchbay_cpu::exit::Exit;
use patchbay_cpu::outcome::{Leave, Outcome};
use patchbay_cpu::processor::Processor;
use patchbay_isa::{Bundle, Slot};
use patchbay_plugin_api::instruction::{Instruction, Unit};
use patchbay_plugin_api::routines::Routine;
use patchbay_plugin_api::services::ServicesRef;
use patchbay_plugin_api::site::Site as Place;
use patchbay_plugin_api::vpd::Vpd;

use crate::cache::At;
use crate::code;
use crate::counters::{Counters, Time};
use crate::emulate::emulate;
use crate::fast;
use crate::guest::Guest;
use crate::ids::ClassId;
use crate::services::{self, Refused};
use crate::sites::{NotAdopted, Origin, Site};
use crate::trigger::Break;
use crate::vp::VirtualProcessor;

/// What a `break` means that is not the trigger of a site at hand.
enum Meaning {
    /// The trigger of this site.
    Site(Arc<Site>),
    /// A copy of a trigger, which the guest has made: a site now.
    Copy(Arc<Site>),
    /// A copy of a trigger that stood for this instruction, but is no site: its class has gone, or there are too many.
    Left(Instruction),
    /// A copy of a trigger that has stood for several instructions.
    Ambiguous,
    /// Code that is not there any more.
    Stale,
    /// The guest's own, with an immediate of triggers.
    Foreign,
    /// The guest's own.
    Guest,
    /// The guest cannot fetch the instruction any more.
    Fault(Leave),
}

impl VirtualProcessor {
    /// A `break` of the guest; `None` if it is the guest's own.
    #[inline]
    pub(crate) fn trigger(&mut self, p: &mut Processor, op: &Op, iim: u64) -> Option<Outcome> {
        self.table.as_ref()?;
        let ids = self.vm.ids();
        let index = iim.wrapping_sub(ids.base().into());
        if iim != 0 && index >= ids.count().into() {
            return None;
        }
        let ip = p.ip(op);
        let at = At::new(ip, op.slot, p.code_context(ip));
        let outcome = fast::path(|| self.known_trigger(p, at, ip, iim, index as u32));
        outcome.or_else(|| self.unknown_trigger(p, at, ip, op.slot, iim))
    }

    /// The trigger of a site that the cache has; `None` for anything else.
    #[inline]
    fn known_trigger(&mut self, p: &mut Processor, at: At, ip: u64, iim: u64, index: u32) -> Option<Outcome> {
        let (site, triggers) = self.cache.find_mut(at)?;
        if !site.is_patched() || !names(site, iim, index) {
            return None;
        }
        let entry = self.table.as_deref()?.entry(site.class())?;
        *triggers += 1;
        let started = Time::sample(self.counters.trigger(site.instruction.cause));
        let routine = entry.routine.as_ref();
        let outcome = execute(routine, self.services, &mut self.counters, p, &mut self.vpd, ip, &site.instruction);
        if let Some(started) = started {
            self.counters.fast_time.add(started);
        }
        match outcome {
            Ok(done) => Some(done),
            Err(refused) => {
                let instruction = site.instruction;
                Some(self.refused(p, refused, &instruction))
            }
        }
    }

    /// A routine did not emulate its instruction.
    #[cold]
    fn refused(&mut self, p: &mut Processor, refused: Refused, instruction: &Instruction) -> Outcome {
        if refused == Refused::Conventional {
            self.counters.left_by_routine += 1;
            return emulate(&mut Guest { p, vpd: &mut self.vpd, frame: None }, instruction);
        }
        fast::leave(|| {
            self.failure = self.table.as_ref().map(|table| match refused {
                Refused::Unknown(outcome) => table.routines().routine_returned(outcome),
                _ => table.routines().routine_panicked(),
            });
            p.exit = Some(Exit::Hook);
        });
        Err(Leave::Exit)
    }

    /// Runs the routine of a class for an instruction.
    pub(crate) fn run(&mut self, p: &mut Processor, ip: u64, class: ClassId, instruction: &Instruction) -> Outcome {
        let routine = self.table.as_deref().and_then(|table| table.entry(class)).and_then(|entry| entry.routine);
        self.counters.trigger(instruction.cause);
        let outcome = execute(routine.as_ref(), self.services, &mut self.counters, p, &mut self.vpd, ip, instruction);
        outcome.unwrap_or_else(|refused| self.refused(p, refused, instruction))
    }

    /// Runs the routine of a site that is met at a place for the first time.
    fn run_at(&mut self, p: &mut Processor, at: At, ip: u64, site: Arc<Site>) -> Outcome {
        let (class, instruction) = (site.class(), site.instruction);
        self.cache.remember(at, site, 1);
        self.run(p, ip, class, &instruction)
    }

    #[cold]
    fn unknown_trigger(&mut self, p: &mut Processor, at: At, ip: u64, slot: u8, iim: u64) -> Option<Outcome> {
        match self.look_up(p, at, ip, Slot::new(slot)?, iim) {
            Meaning::Site(site) => {
                self.counters.misses.looked_up += 1;
                Some(self.run_at(p, at, ip, site))
            }
            Meaning::Copy(site) => {
                self.counters.misses.copies += 1;
                Some(self.run_at(p, at, ip, site))
            }
            Meaning::Left(instruction) => {
                self.counters.misses.copies += 1;
                self.counters.trigger(instruction.cause);
                self.counters.without_routine += 1;
                Some(emulate(&mut Guest { p, vpd: &mut self.vpd, frame: None }, &instruction))
            }
            Meaning::Ambiguous => {
                self.counters.misses.ambiguous += 1;
                None
            }
            Meaning::Foreign => {
                self.counters.misses.foreign += 1;
                None
            }
            Meaning::Stale => {
                self.counters.misses.stale += 1;
                // Nothing was executed: the next run fetches what stands there now.
                p.exit = Some(Exit::Attention);
                Some(Err(Leave::Exit))
            }
            Meaning::Fault(stop) => Some(Err(stop)),
            Meaning::Guest => None,
        }
    }

    /// Finds out what a `break` in this slot is, from the bundle in memory.
    fn look_up(&self, p: &mut Processor, at: At, ip: u64, slot: Slot, iim: u64) -> Meaning {
        let address = match p.translate_instruction(ip) {
            Ok(address) => PhysicalAddress(address.0 & !0xf),
            Err(stop) => return Meaning::Fault(stop),
        };
        let Some(bundle) = code::read(p.bus(), address) else { return Meaning::Guest };
        let known = self.cache.find_anywhere(at).filter(|site| site.address() == address);
        if let Some(site) = known.filter(|site| site.stands_in(bundle)) {
            return Meaning::Site(site);
        }
        let Some((bundle, site)) = self.vm.sites.look(p.bus(), address, slot) else { return Meaning::Guest };
        if let Some(site) = site {
            return Meaning::Site(site);
        }
        match Break::of_slot(bundle, slot).filter(|found| found.iim == iim) {
            Some(found) => self.meaning(p, self.place(p, ip, address.0), bundle, slot, found.immediate),
            None => {
                code::invalidate(p.bus(), address);
                Meaning::Stale
            }
        }
    }

    /// What a `break` means that stands where no site's trigger does.
    fn meaning(&self, p: &Processor, place: Place, bundle: Bundle, slot: Slot, immediate: u32) -> Meaning {
        let id = ClassId(immediate.wrapping_sub(self.vm.ids().base()));
        let instruction = match self.vm.sites.origin(place, bundle, slot) {
            Origin::One(instruction) => instruction,
            Origin::Several => return Meaning::Ambiguous,
            Origin::None if id.0 < self.vm.ids().count() => return Meaning::Foreign,
            Origin::None => return Meaning::Guest,
        };
        // From here to the site, the class is not taken out of use.
        let _in_use = self.vm.classes_in_use();
        let entry = self.table.as_deref().and_then(|table| table.entry(id));
        if !entry.is_some_and(|entry| entry.class.contains(&instruction)) {
            return Meaning::Left(instruction);
        }
        match self.vm.sites.adopt(p.bus(), place, instruction, id, bundle.slot(slot)) {
            Ok(site) => Meaning::Copy(site),
            Err(NotAdopted::Gone) => Meaning::Stale,
            Err(NotAdopted::Full) => Meaning::Left(instruction),
        }
    }
}

/// Runs the routine of an instruction, or emulates it where it has none.
#[inline]
fn execute(
    routine: Option<&Routine>,
    services: ServicesRef,
    counters: &mut Counters,
    p: &mut Processor,
    vpd: &mut Vpd,
    ip: u64,
    instruction: &Instruction,
) -> Result<Outcome, Refused> {
    match routine {
        Some(routine) => services::run(routine, services, p, vpd, ip, instruction),
        None => {
            counters.without_routine += 1;
            Ok(emulate(&mut Guest { p, vpd, frame: None }, instruction))
        }
    }
}

/// Whether cr.iim is that of a site's trigger.
#[inline]
fn names(site: &Site, iim: u64, index: u32) -> bool {
    if site.instruction.unit == Unit::B as u8 { iim == 0 } else { site.class() == ClassId(index) }
}
