//! What a patch manager is told of the operating conditions, to the number.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use patchbay_cpu::bus::Clock;
use patchbay_cpu::coherence_domain::CoherenceDomain;
use patchbay_cpu::exit::Exit;
use patchbay_cpu::flat_machine::FlatMemory;
use patchbay_cpu::processor::{Configuration, Processor};
use patchbay_cpu::psr::Psr;
use patchbay_isa::{Bundle, Slot, Template as Units, Unit as Of, decode};
use patchbay_plugin_api::patch_manager::PatchManagerRef;
use patchbay_plugin_api::prelude::*;
use patchbay_plugin_api::routines::RoutinesRef;
use patchbay_vmm::conventional::fetch::Fetch;
use patchbay_vmm::patch::window::addresses::SIZE;
use patchbay_vmm::plugins::{Instance, Plugin as Found, Registry};
use patchbay_vmm::policy::Policy;
use patchbay_vmm::policy::serving::Plugins;
use patchbay_vmm::routines::class_ids::RESERVED_NUM;
use patchbay_vmm::vm::{Scope, Vm, Vmm};
use patchbay_vmm::vp::VirtualProcessor;

/// What the patch manager was told, and the trigger that it is to answer.
static TOLD: Mutex<Vec<Conditions>> = Mutex::new(Vec::new());
static REVIEWED: Mutex<Vec<Conditions>> = Mutex::new(Vec::new());
static ANSWER: Mutex<Decision> = Mutex::new(Decision::LEAVE);

struct Listens;

impl Plugin for Listens {
    const NAME: &'static str = "listens";
    const VERSION: &'static str = "0.0.0";
    const DESCRIPTION: &'static str = "for tests";
    fn create(_: &str, _: &Host) -> Result<Self, String> {
        Ok(Listens)
    }
}

impl PatchManager for Listens {
    fn decide(&self, _: &SiteFault) -> Decision {
        panic!("the host has conditions")
    }

    fn decide_under(&self, _: &SiteFault, conditions: &Conditions) -> Decision {
        TOLD.lock().unwrap().push(*conditions);
        *ANSWER.lock().unwrap()
    }

    fn review_period(&self) -> Option<Duration> {
        Some(Duration::from_secs(1))
    }

    fn review_under(&self, _: &SiteStatistics, conditions: &Conditions) -> Review {
        REVIEWED.lock().unwrap().push(*conditions);
        Review::KEEP
    }
}

/// Routines that say on which virtual machine and processor they run.
struct Says;

impl Plugin for Says {
    const NAME: &'static str = "says";
    const VERSION: &'static str = "0.0.0";
    const DESCRIPTION: &'static str = "for tests";
    fn create(_: &str, _: &Host) -> Result<Self, String> {
        Ok(Says)
    }
}

impl Routines for Says {
    fn templates(&self) -> Vec<Template> {
        [Mnemonic::MovFromPsr, Mnemonic::Cover].map(|mnemonic| Template::new(mnemonic, "says where it runs")).to_vec()
    }

    fn build(&self, _: &ClassKey) -> Option<Routine> {
        let routine = |vp: &mut Vp<'_>, _: &Fixups, _: &Instruction| {
            vp.set_gr(14, u64::from(vp.vm()) << 32 | u64::from(vp.number()));
            Ok(())
        };
        Some(Routine::new(routine, Fixups::default()))
    }
}

#[derive(Default)]
struct Time(AtomicU64);

impl Clock for Time {
    fn ticks(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// `mov r14=psr` (M36), `cover` (B8).
const MOV_PSR: u64 = 1 << 37 | 0x25 << 27 | 14 << 6;
const COVER: u64 = 2 << 27;
const NOP: u64 = 1 << 27;
const NOP_B: u64 = 2 << 37;

const MS: u64 = 1_000_000;
const VM: u32 = 7;

struct Subject {
    clock: Arc<Time>,
    vm: Arc<Vm>,
    vps: Vec<(Processor, VirtualProcessor)>,
}

impl Subject {
    fn new() -> Subject {
        let default = Policy::load("default").unwrap().start(&Registry::discover()).unwrap();
        let patch_manager = Instance::create(&Found::<PatchManagerRef>::linked::<Listens>(), "", None).unwrap();
        let routines = Instance::create(&Found::<RoutinesRef>::linked::<Says>(), "", None).unwrap();
        let plugins = Plugins { patch_manager: Arc::new(patch_manager), routines: vec![Arc::new(routines)], ..default };
        let vm = Vm::new(Arc::new(Vmm::new()), VM, 2, Some(&plugins), Scope::Vmm, Fetch::Translated).unwrap();
        let (vm, memory) = (Arc::new(vm), Arc::new(FlatMemory::new(0x2000)));
        memory.write_bytes(0x1000, &Bundle::new(Units::new(1), [MOV_PSR, NOP, NOP]).to_bytes()).unwrap();
        memory.write_bytes(0x1010, &Bundle::new(Units::new(0x17), [NOP_B, NOP_B, COVER]).to_bytes()).unwrap();
        let (domain, clock) = (Arc::new(CoherenceDomain::new(2, false)), Arc::new(Time::default()));
        let vp = |index| {
            let (domain, bus, clock) = (Arc::clone(&domain), memory.clone(), clock.clone());
            let mut p = Processor::new(Configuration { domain, index, bus, clock });
            p.set_psr(Psr::new().with_ic(true).with_bn(true));
            let vp = VirtualProcessor::new(Arc::clone(&vm), index, &mut p);
            (p, vp)
        };
        let vps = (0..2).map(vp).collect();
        Subject { clock, vps, vm }
    }

    fn at(&self, nanoseconds: u64) {
        self.clock.0.store(nanoseconds, Ordering::Relaxed);
    }

    /// A fault of a slot on a virtual processor; what the patch manager is told.
    fn fault(&mut self, vp: usize, ip: u64, slot: Slot) -> Conditions {
        let (p, vp) = &mut self.vps[vp];
        p.registers.ip = ip;
        p.registers.psr.set_ri(slot as u8);
        let (unit, bits) = if slot == Slot::Two { (Of::B, COVER) } else { (Of::M, MOV_PSR) };
        let exit = Exit::Virtualization(decode(unit, bits, 0).unwrap());
        assert_eq!(vp.react(p, exit), None);
        assert!(vp.failure.is_none());
        TOLD.lock().unwrap().pop().expect("it is asked")
    }
}

#[test]
fn a_patch_manager_is_told_the_conditions_to_the_number() {
    let mut subject = Subject::new();
    let first = Conditions {
        processors: 2,
        before_start: 0,
        uptime: 1000,
        vm_rate: 10,
        site_rate: 10,
        classes_left: RESERVED_NUM,
        site_unit: Unit::M as u32,
        window_left: SIZE,
        reserved: [0; 3],
    };
    subject.at(1000);
    assert_eq!(subject.fault(0, 0x1000, Slot::Zero), first, "one event in the first tenth of a second");
    subject.at(50 * MS);
    let second = Conditions { uptime: 50 * MS, vm_rate: 20, site_rate: 20, ..first };
    assert_eq!(subject.fault(1, 0x1000, Slot::Zero), second, "on both processors together");
    subject.at(200 * MS);
    let third = Conditions { uptime: 200 * MS, vm_rate: 15, site_rate: 5, site_unit: Unit::B as u32, ..first };
    assert_eq!(subject.fault(0, 0x1010, Slot::Two), third, "three in 0.2 s, one of them here");

    *ANSWER.lock().unwrap() = Decision::patch(Trigger::JMP).run_on_behalf();
    subject.at(250 * MS);
    let fourth = Conditions { uptime: 250 * MS, vm_rate: 15, site_rate: 12, ..first };
    let before = subject.vm.view.window();
    assert_eq!(before, (0, 0, SIZE));
    assert_eq!(subject.fault(1, 0x1000, Slot::Zero), fourth, "three here since the machine started, in 0.25 s");
    assert_eq!(subject.vps[1].0.registers.gr[14], u64::from(VM) << 32 | 1, "the routine knows where it has run");
    let (stubs, bytes, _) = subject.vm.view.window();
    assert_eq!((stubs, bytes > 0), (1, true));
    let fifth = Conditions {
        uptime: 300 * MS,
        vm_rate: 20,
        classes_left: RESERVED_NUM - 1,
        window_left: SIZE - bytes,
        ..third
    };
    subject.at(300 * MS);
    let told = subject.fault(0, 0x1010, Slot::Two);
    assert_eq!(told, Conditions { site_rate: 10, ..fifth });

    // A review, whose first period has begun with the first exit.
    subject.at(1001 * MS);
    let (p, vp) = &mut subject.vps[0];
    assert_eq!(vp.react(p, Exit::Attention), None);
    let reviewed = REVIEWED.lock().unwrap().clone();
    assert_eq!(reviewed.len(), 2, "one a site");
    assert_eq!(reviewed.iter().map(|site| site.site_unit).collect::<Vec<_>>(), [Unit::M as u32, Unit::B as u32]);
    assert!(reviewed.iter().all(|site| site.uptime == 1001 * MS && site.classes_left == RESERVED_NUM - 2));
}
