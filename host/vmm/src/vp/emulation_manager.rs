//! The emulation manager: from a trigger to its routine.

use std::sync::Arc;

use patchbay_cpu::code_view::Trigger;
use patchbay_cpu::exit::Exit;
use patchbay_cpu::outcome::{Leave, Outcome};
use patchbay_cpu::processor::Processor;
use patchbay_plugin_api::instruction::{Instruction, Unit};
use patchbay_plugin_api::routines::Routine;
use patchbay_plugin_api::services::ServicesRef;
use patchbay_plugin_api::vpd::Vpd;

use crate::emulate::emulate;
use crate::fast_path;
use crate::guest::Guest;
use crate::patch::site::PatchSite;
use crate::patch::trigger::KindIndex;
use crate::routines::class_ids::ClassId;
use crate::routines::services::{self, At, Refused};
use crate::statistics::counters::{Counters, Time};
use crate::vp::VirtualProcessor;

impl VirtualProcessor {
    /// A trigger of the guest's code, in the bundle at `ip`.
    #[inline]
    pub(crate) fn trigger(&mut self, p: &mut Processor, trigger: &Trigger, ip: u64) -> Outcome {
        let (Some(kind), Some(site)) = (KindIndex::new(trigger.kind), trigger.site.downcast_ref::<PatchSite>()) else {
            return Err(Leave::Virtualized);
        };
        site.trigger(self.index);
        if kind.kind().conventional {
            if self.conventional.without.exit {
                return self.conventional_in_the_run_loop(p, kind, site);
            }
            return self.leave_for_the_conventional_path(p, kind, trigger);
        }
        // B units ignore the immediate of a break (SDM 3:29): there the site says the class.
        let class = if site.instruction.unit == Unit::B as u8 {
            site.class()
        } else {
            ClassId(trigger.number.wrapping_sub(self.vm.ids().base()))
        };
        fast_path::path(|| {
            let count = self.counters.trigger(site.instruction.cause);
            let started = Time::sample(count);
            let outcome = self.run(p, ip, class, &site.instruction);
            self.counters.kinds[kind.index()].trigger(started);
            outcome
        })
    }

    /// Leaves the run loop, so that the instruction of a site goes down the conventional path.
    #[cold]
    fn leave_for_the_conventional_path(&mut self, p: &mut Processor, kind: KindIndex, trigger: &Trigger) -> Outcome {
        self.left = Arc::clone(&trigger.site).downcast().ok().map(|site| (kind, site));
        p.exit = Some(Exit::Hook);
        Err(Leave::Exit)
    }

    /// The conventional path of a trigger that has not left the run loop: for measurement only.
    fn conventional_in_the_run_loop(&mut self, p: &mut Processor, kind: KindIndex, site: &PatchSite) -> Outcome {
        let started = Time::sample(self.counters.trigger(site.instruction.cause));
        let outcome = self.conventional.emulate_site(p, &mut self.vpd, &site.instruction);
        self.counters.kinds[kind.index()].trigger(started);
        outcome
    }

    /// The conventional path of a trigger that has left the run loop: all of it but the fetch, because the site has the
    /// original instruction.
    #[cold]
    pub(crate) fn conventional_trigger(&mut self, p: &mut Processor, kind: KindIndex, site: &PatchSite) {
        let before = super::resume::Before::new(p);
        let started = Time::sample(self.counters.trigger(site.instruction.cause));
        let outcome = self.conventional.emulate_site(p, &mut self.vpd, &site.instruction);
        self.counters.kinds[kind.index()].trigger(started);
        self.conclude(p, &before, outcome);
    }

    /// Runs the routine of a class for an instruction, or emulates it where the class has none.
    #[inline]
    pub(crate) fn run(&mut self, p: &mut Processor, ip: u64, class: ClassId, instruction: &Instruction) -> Outcome {
        let routine =
            self.table.as_deref().and_then(|table| table.entry(class)).and_then(|entry| entry.routine.as_ref());
        let at = At { ip, identity: self.identity };
        let outcome = execute(routine, self.services, &mut self.counters, p, &mut self.vpd, at, instruction);
        match outcome {
            Ok(outcome) => outcome,
            Err(refused) => self.refused(p, refused, instruction),
        }
    }

    /// A routine did not emulate its instruction.
    #[cold]
    fn refused(&mut self, p: &mut Processor, refused: Refused, instruction: &Instruction) -> Outcome {
        if refused == Refused::Conventional {
            self.counters.left_by_routine += 1;
            return emulate(&mut Guest { p, vpd: &mut self.vpd, frame: None }, instruction);
        }
        fast_path::leave(|| {
            self.failure = self.table.as_ref().map(|table| match refused {
                Refused::Unknown(outcome) => table.routines().routine_returned(outcome),
                _ => table.routines().routine_panicked(),
            });
            p.exit = Some(Exit::Hook);
        });
        Err(Leave::Exit)
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
    at: At,
    instruction: &Instruction,
) -> Result<Outcome, Refused> {
    match routine {
        Some(routine) => services::run(routine, services, p, vpd, at, instruction),
        None => {
            counters.without_routine += 1;
            Ok(emulate(&mut Guest { p, vpd, frame: None }, instruction))
        }
    }
}
