//! Reviews that patch managers ask for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use patchbay_cpu::bus::Clock;
use patchbay_cpu::coherence_domain::CoherenceDomain;
use patchbay_cpu::exit::Exit;
use patchbay_cpu::flat_machine::FlatMemory;
use patchbay_cpu::processor::{Configuration, Processor};
use patchbay_isa::{Bundle, Slot, Template};
use patchbay_machine::clock::ITC_FREQUENCY;
use patchbay_plugin_api::host::Host;
use patchbay_plugin_api::patch_manager::{Decision, PatchManager, PatchManagerRef, Review, Trigger};
use patchbay_plugin_api::plugin::Plugin;
use patchbay_plugin_api::site::{Site, SiteFault, SiteStatistics};
use patchbay_vmm::conventional::fetch::Fetch;
use patchbay_vmm::emulate::decode::of_slot;
use patchbay_vmm::plugins::{Instance, Plugin as Found, Registry};
use patchbay_vmm::policy::Policy;
use patchbay_vmm::policy::serving::Plugins;
use patchbay_vmm::vm::{Scope, Vm, Vmm};
use patchbay_vmm::vp::VirtualProcessor;

/// How often the period was asked for, and sites were reviewed.
static ASKED: AtomicU64 = AtomicU64::new(0);
static REVIEWED: AtomicU64 = AtomicU64::new(0);

const PERIOD: Duration = Duration::from_millis(20);
const TICKS: u64 = ITC_FREQUENCY / 50;

struct Counts;

impl Plugin for Counts {
    const NAME: &'static str = "counts";
    const VERSION: &'static str = "0.0.0";
    const DESCRIPTION: &'static str = "for tests";
    fn create(_: &str, _: &Host) -> Result<Self, String> {
        Ok(Counts)
    }
}

impl PatchManager for Counts {
    fn decide(&self, _: &SiteFault) -> Decision {
        Decision::patch(Trigger::BREAK)
    }

    fn review_period(&self) -> Option<Duration> {
        ASKED.fetch_add(1, Ordering::Relaxed);
        Some(PERIOD)
    }

    fn review(&self, _: &SiteStatistics) -> Review {
        REVIEWED.fetch_add(1, Ordering::Relaxed);
        Review::KEEP
    }
}

#[derive(Default)]
struct Time(AtomicU64);

impl Clock for Time {
    fn ticks(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A virtual machine with one site and three virtual processors, the first of which halts. All of them exit at each step.
#[test]
fn sites_are_reviewed_once_a_period_by_whoever_runs() {
    let default = Policy::load("default").unwrap().start(&Registry::discover()).unwrap();
    let patch_manager = Instance::create(&Found::<PatchManagerRef>::linked::<Counts>(), "", None).unwrap();
    let plugins = Plugins { patch_manager: Arc::new(patch_manager), ..default };
    let vm = Vm::new(Arc::new(Vmm::new()), 0, 3, Some(&plugins), Scope::Vm, Fetch::Translated).unwrap();
    let vm = Arc::new(vm);
    // `mov r14=psr` (M36)
    let bundle = Bundle::new(Template::new(1), [1 << 37 | 0x25 << 27 | 14 << 6, 1 << 27, 1 << 27]);
    let place = Site { bundle: 0x1000, ip: 0x1000, rid: 0, vm: 0, vp: 0, reserved: 0 };
    let _site = vm.sites.meet(place, &of_slot(bundle, Slot::Zero).unwrap());

    let (domain, clock) = (Arc::new(CoherenceDomain::new(3, false)), Arc::new(Time::default()));
    let bus = Arc::new(FlatMemory::new(0x2000));
    let mut vps: Vec<(Processor, VirtualProcessor)> = (0..3)
        .map(|index| {
            let (domain, bus, clock) = (Arc::clone(&domain), bus.clone(), clock.clone());
            let mut p = Processor::new(Configuration { domain, index, bus, clock });
            let vp = VirtualProcessor::new(Arc::clone(&vm), index, &mut p);
            (p, vp)
        })
        .collect();
    const STEPS: u64 = 8;
    for step in 0..=10 * STEPS {
        clock.0.store(1000 + step * TICKS / STEPS, Ordering::Relaxed);
        for (p, vp) in &mut vps[1..] {
            assert_eq!(vp.react(p, Exit::Attention), None);
        }
    }
    assert_eq!(ASKED.load(Ordering::Relaxed), 1);
    assert_eq!(REVIEWED.load(Ordering::Relaxed), 10);
}
