//! A virtual processor: its descriptor and what the monitor knows of it.

pub(crate) mod emulation_manager;
pub(crate) mod fault;
pub mod grace;
pub(crate) mod resume;
pub(crate) mod review;
pub mod supervisor;
mod survey;

use std::sync::Arc;

use patchbay_cpu::code_view::Trigger;
use patchbay_cpu::exit::Exit;
use patchbay_cpu::hook::Hook;
use patchbay_cpu::interruption::{Interruption, MOST_FAULTS, Vector};
use patchbay_cpu::outcome::Outcome;
use patchbay_cpu::processor::Processor;
use patchbay_plugin_api::services::ServicesRef;
use patchbay_plugin_api::vp::RawVp;
use patchbay_plugin_api::vpd::Vpd;

use crate::conventional::Conventional;
use crate::guest::{Guest, take_over};
use crate::patch::site::PatchSite;
use crate::patch::site_cache::SiteCache;
use crate::patch::trigger::KindIndex;
use crate::plugins::Failed;
use crate::policy::serving::Serving;
use crate::routines::map::RoutineMap;
use crate::routines::services::services;
use crate::statistics::VpCounts;
use crate::statistics::counters::Counters;
use crate::vm::Vm;

/// One virtual processor. It is the hook of its processor, and lives there.
pub struct VirtualProcessor {
    /// Its number.
    pub index: usize,
    /// Its virtual machine.
    pub vm: Arc<Vm>,
    /// Its descriptor.
    pub vpd: Vpd,
    /// Its conventional path.
    pub conventional: Conventional,
    /// What it counted.
    pub counters: Counters,
    /// What a plugin did that its virtual machine does not survive.
    pub failure: Option<Failed>,
    pub(crate) serving: Option<Arc<Serving>>,
    pub(crate) table: Option<Arc<RoutineMap>>,
    pub(crate) services: ServicesRef,
    /// Its number and its virtual machine's, for routines.
    pub(crate) identity: [u64; 2],
    pub(crate) cache: SiteCache,
    /// The site, and the kind of trigger, whose trigger has left the run loop for the conventional path.
    pub(crate) left: Option<(KindIndex, Arc<PatchSite>)>,
    /// The ar.itc at which it looks after reviews.
    pub(crate) next_review: u64,
    /// The instruction count at the last interruption, and the interruptions since it has changed.
    progress: (u64, u32),
}

impl VirtualProcessor {
    /// A virtual processor that takes over a processor as it is.
    #[must_use]
    pub fn new(vm: Arc<Vm>, index: usize, p: &mut Processor) -> VirtualProcessor {
        let serving = vm.serving();
        p.code_view = Some(vm.view.clone());
        VirtualProcessor {
            index,
            vpd: take_over(p),
            conventional: Conventional::new(vm.fetch(), vm.vmm.without),
            counters: Counters::default(),
            failure: None,
            table: serving.as_ref().and_then(|serving| serving.table(index)).cloned(),
            serving,
            services: services(),
            identity: RawVp::identity(vm.number, index as u32),
            cache: SiteCache::default(),
            left: None,
            next_review: 0,
            progress: (0, 0),
            vm,
        }
    }

    /// Takes over again a processor that the firmware has started anew: what it counted, its time and its interrupts go on.
    pub(crate) fn restart(&mut self, p: &mut Processor) {
        let Vpd { vitc_offset, virr, vin_service, .. } = self.vpd;
        self.vpd = Vpd { vitc_offset, virr, vin_service, ..take_over(p) };
    }

    /// Goes on under these plugins, or under none.
    pub(crate) fn serve(&mut self, serving: Option<&Arc<Serving>>) {
        self.table = serving.and_then(|serving| serving.table(self.index)).cloned();
        self.next_review = 0;
        self.serving = serving.cloned();
    }

    /// Takes other plugins over. Returns those it had.
    pub(crate) fn adopt(&mut self, serving: &Arc<Serving>) -> Option<Arc<Serving>> {
        self.table = serving.table(self.index).cloned();
        self.next_review = 0;
        self.serving.replace(Arc::clone(serving))
    }

    /// Runs something on the guest.
    pub fn guest<'a>(&'a mut self, p: &'a mut Processor) -> Guest<'a> {
        Guest { p, vpd: &mut self.vpd, frame: None }
    }

    /// Reacts to an exit; gives back the exits that are not the monitor's, but the machine's.
    pub fn react(&mut self, p: &mut Processor, exit: Exit) -> Option<Exit> {
        self.vm.view.grace().pass(self.index);
        match exit {
            Exit::Virtualization(instruction) => self.virtualization(p, &instruction),
            Exit::Interruption(interruption) => self.interruption(p, &interruption),
            Exit::Budget | Exit::Attention => {
                if self.serving.is_some() {
                    self.publish(p.itc());
                }
            }
            Exit::Hook => match self.left.take() {
                Some((kind, site)) => self.conventional_trigger(p, kind, &site),
                None => return Some(exit),
            },
            exit => return Some(exit),
        }
        self.guest(p).deliver_interrupt();
        self.review_if_due(p);
        None
    }

    /// An interruption of the guest: an interrupt is taken from the machine, all else is the guest's own.
    fn interruption(&mut self, p: &mut Processor, interruption: &Interruption) {
        if interruption.vector == Vector::ExternalInterrupt {
            self.guest(p).take_interrupts();
        } else {
            self.reflect(p, interruption);
        }
    }

    fn reflect(&mut self, p: &mut Processor, interruption: &Interruption) {
        let (before, count) = self.progress;
        self.progress = (p.instructions, if before == p.instructions { count + 1 } else { 0 });
        self.guest(p).reflect(interruption);
    }

    /// Whether the guest takes interruptions without end.
    #[must_use]
    pub fn is_stuck(&self) -> bool {
        self.progress.1 > MOST_FAULTS
    }

    /// What it counted.
    #[must_use]
    pub fn counts(&self) -> VpCounts {
        VpCounts { vp: self.index, counters: self.counters.clone(), conventional: self.conventional.counts }
    }
}

impl Hook for VirtualProcessor {
    fn trigger(&mut self, p: &mut Processor, trigger: &Trigger, ip: u64) -> Outcome {
        self.trigger(p, trigger, ip)
    }
}

impl Drop for VirtualProcessor {
    fn drop(&mut self) {
        self.vm.finish(self.counts());
    }
}
