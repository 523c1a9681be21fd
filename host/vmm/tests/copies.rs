//! Triggers where none was written: copies that the guest has made, and its own `break`s; and memory that a routine
//! writes.

use std::sync::Arc;

use patchbay_cpu::bus::Bus;
use patchbay_cpu::domain::Domain;
use patchbay_cpu::engine::{Engine, Interpreter};
use patchbay_cpu::exit::Exit;
use patchbay_cpu::flat::{FlatMemory, StoppedClock};
use patchbay_cpu::processor::{Configuration, Processor};
use patchbay_cpu::psr::Psr;
use patchbay_cpu::registers::cr;
use patchbay_isa::rows::M;
use patchbay_isa::{Bundle, Instruction as Decoded, Opcode, Template as Units};
use patchbay_machine::bus::MachineBus;
use patchbay_machine::memory::{Memory, Overlay};
use patchbay_plugin_api::prelude::*;
use patchbay_plugin_api::routines::RoutinesRef;
use patchbay_vmm::fetch::Fetch;
use patchbay_vmm::ids::BASE_ID;
use patchbay_vmm::plugins::{Instance, Plugin as Found, Registry};
use patchbay_vmm::policy::Policy;
use patchbay_vmm::trigger::break_slot;
use patchbay_vmm::vm::{Plugins, Scope, Vm, Vmm};
use patchbay_vmm::vp::VirtualProcessor;

const IVA: u64 = 0x8000;
/// Vector 11 (SDM 2:167).
const BREAK_INSTRUCTION: u64 = 0x2c00;
const NOP: u64 = 1 << 27;

fn encode(m: M, operands: &[i64]) -> u64 {
    Decoded::encode(Opcode::M(m), 0, operands).expect("operands that fit").slot()
}

/// `mov r=psr` and two `nop.i` with this immediate.
fn mov_psr(r: i64, nop: u64) -> Bundle {
    Bundle::new(Units::new(1), [encode(M::MovFromPsr, &[r]), NOP | nop << 6, NOP])
}

fn plugins(policy: &str) -> Plugins {
    let (classifier, patch_manager, routines) =
        Policy::load(policy).and_then(|policy| policy.start(&Registry::discover())).expect("a bundled policy");
    Plugins {
        classifier: Arc::new(classifier),
        patch_manager: Arc::new(patch_manager),
        routines: vec![Arc::new(routines)],
    }
}

/// One virtual processor.
struct Subject {
    p: Processor,
    engine: Interpreter,
}

impl Subject {
    fn new(bus: Arc<dyn Bus>, vm: &Arc<Vm>) -> Subject {
        let (domain, clock) = (Arc::new(Domain::new(1, false)), Arc::new(StoppedClock));
        let mut p = Processor::new(Configuration { domain, index: 0, bus, clock });
        p.set_psr(Psr::new().with_ic(true).with_bn(true));
        p.registers.cr[cr::IVA] = IVA;
        p.hook = Some(Box::new(VirtualProcessor::new(Arc::clone(vm), 0, &mut p)));
        Subject { p, engine: Interpreter::default() }
    }

    fn vp<T>(&mut self, look: impl FnOnce(&mut Processor, &mut VirtualProcessor) -> T) -> T {
        let mut vp = self.p.take_hook::<VirtualProcessor>().expect("the hook");
        let result = look(&mut self.p, &mut vp);
        self.p.hook = Some(vp);
        result
    }

    /// Executes one bundle; the vector of the interruption that the guest gets instead, if it does.
    fn execute(&mut self, ip: u64) -> Option<u64> {
        self.p.registers.ip = ip;
        self.p.registers.psr.set_ri(0);
        self.engine.set_stop(Some(ip + 16));
        loop {
            let exit = self.engine.run(&mut self.p, 1000);
            if exit == Exit::Stop {
                return None;
            }
            assert_eq!(self.vp(|p, vp| vp.react(p, exit)), None);
            if (IVA..IVA + 0x8000).contains(&self.p.registers.ip) {
                return Some(self.p.registers.ip - IVA);
            }
        }
    }

    /// What a bundle leaves in r14 and r15.
    fn results(&mut self, ip: u64) -> (Option<u64>, [u64; 2]) {
        self.p.registers.gr[14..16].fill(1);
        let vector = self.execute(ip);
        (vector, [self.p.registers.gr[14], self.p.registers.gr[15]])
    }
}

fn vm(policy: &str) -> Arc<Vm> {
    let vm = Vm::new(Arc::new(Vmm::new()), 0, 1, Some(&plugins(policy)), Scope::Vmm, Fetch::Translated);
    Arc::new(vm.expect("a virtual machine"))
}

#[test]
fn copies_of_triggers_do_what_their_instructions_do() {
    for policy in ["default", "mnemonic"] {
        let memory = Arc::new(FlatMemory::new(0x1_0000));
        let vm = vm(policy);
        let mut subject = Subject::new(memory.clone(), &vm);
        let bundles = [mov_psr(14, 1), mov_psr(15, 2), mov_psr(14, 3), mov_psr(15, 3)];
        for (bundle, ip) in bundles.iter().zip((0x1000..).step_by(16)) {
            memory.write_bytes(ip, &bundle.to_bytes()).expect("RAM");
            assert_eq!(subject.execute(ip), None);
        }
        assert_eq!(subject.vp(|_, vp| vp.counters.patched.break_immediate), 4, "{policy}");
        let psr = subject.p.registers.gr[14];
        assert_ne!(psr, 1);
        let copy = |from: u64, to: u64| {
            let mut bundle = [0; 16];
            memory.read_bytes(from, &mut bundle).expect("RAM");
            memory.write_bytes(to, &bundle).expect("RAM");
        };
        let misses = |subject: &mut Subject| subject.vp(|_, vp| vp.counters.misses);
        copy(0x1000, 0x3000);
        copy(0x1010, 0x3010);
        for _ in 0..3 {
            assert_eq!(subject.results(0x3000), (None, [psr, 1]), "{policy}");
            assert_eq!(subject.results(0x3010), (None, [1, psr]), "{policy}");
        }
        assert_eq!(misses(&mut subject).copies, 2, "{policy}: a copy that is known is a site");
        // The same place again, made visible as the guest does.
        copy(0x1010, 0x3000);
        subject.p.flush_cache(0x3000).expect("RAM");
        assert_eq!(subject.results(0x3000), (None, [1, psr]), "{policy}");
        assert_eq!(subject.results(0x1030), (None, [1, psr]));
        assert_eq!(subject.results(0x1020), (None, [psr, 1]));
        // Two bundles that are alike once they are patched, if their class leaves the register open.
        copy(0x1030, 0x3020);
        let known = policy == "default";
        let expected = if known { (None, [1, psr]) } else { (Some(BREAK_INSTRUCTION), [1, 1]) };
        assert_eq!(subject.results(0x3020), expected, "{policy}");
        assert_eq!(misses(&mut subject).ambiguous, u64::from(!known));
    }
}

#[test]
fn a_break_that_was_never_a_trigger_is_the_guests() {
    let memory = Arc::new(FlatMemory::new(0x1_0000));
    let vm = vm("default");
    let mut subject = Subject::new(memory.clone(), &vm);
    memory.write_bytes(0x1000, &mov_psr(14, 1).to_bytes()).expect("RAM");
    assert_eq!(subject.execute(0x1000), None);
    // Of the class of `mov r14=psr`, but with another predicate; of no class; 0, in an M and a B unit.
    let own = [
        Bundle::new(Units::new(1), [break_slot(1, BASE_ID), NOP, NOP]),
        Bundle::new(Units::new(1), [break_slot(0, BASE_ID + 77), NOP, NOP]),
        Bundle::new(Units::new(1), [break_slot(0, 0), NOP, NOP]),
        Bundle::new(Units::new(0x17), [break_slot(0, BASE_ID), 2 << 37, 2 << 37]),
        Bundle::new(Units::new(0x17), [break_slot(0, 0), 2 << 37, 2 << 37]),
        // `break.x`, whose immediate has 41 bits more in slot 1.
        Bundle::new(Units::new(4), [NOP, 0, break_slot(0, 0)]),
        Bundle::new(Units::new(4), [NOP, 5, break_slot(0, BASE_ID + 1)]),
        // An I and an F unit.
        Bundle::new(Units::new(0), [NOP, break_slot(0, BASE_ID), NOP]),
        Bundle::new(Units::new(0xc), [NOP, break_slot(0, BASE_ID), NOP]),
    ];
    subject.p.registers.pr |= 2;
    for (bundle, ip) in own.iter().zip((0x2000..).step_by(16)) {
        memory.write_bytes(ip, &bundle.to_bytes()).expect("RAM");
        assert_eq!(subject.results(ip), (Some(BREAK_INSTRUCTION), [1, 1]), "{ip:#x}");
    }
    assert_eq!(subject.vp(|_, vp| vp.counters.misses.foreign), 6);
}

/// The address of the bundle that [`Overwrites`] writes, and what it writes: `nop.m 0` in slot 0.
const WRITTEN: u64 = 0x20_0010;

/// Routines for `mov r=psr`: they overwrite slot 0 of a bundle, and emulate.
struct Overwrites;

impl Plugin for Overwrites {
    const NAME: &'static str = "overwrites";
    const VERSION: &'static str = "0.0.0";
    const DESCRIPTION: &'static str = "for tests";
    fn create(_: &str, _: &Host) -> Result<Self, String> {
        Ok(Overwrites)
    }
}

impl Routines for Overwrites {
    fn templates(&self) -> Vec<Template> {
        vec![Template::new(Mnemonic::MovFromPsr, "writes memory")]
    }

    fn build(&self, _: &ClassKey) -> Option<Routine> {
        let routine = Routine::new(
            |vp, _, at_site| {
                if at_site.r1 == 14 {
                    let bytes = Bundle::new(Units::new(1), [NOP, NOP, NOP]).to_bytes();
                    assert!(vp.write_memory(WRITTEN, &bytes));
                }
                vp.emulate(at_site)
            },
            Fixups::default(),
        );
        Some(routine.with_site())
    }
}

#[test]
fn sites_are_compared_with_what_a_routine_writes() {
    let memory = Arc::new(Memory::new(64 << 20).expect("memory"));
    let routines = Instance::create(&Found::<RoutinesRef>::linked::<Overwrites>(), "", None).expect("an instance");
    let plugins = Plugins { routines: vec![Arc::new(routines)], ..plugins("default") };
    let vm = Vm::new(Arc::new(Vmm::new()), 0, 1, Some(&plugins), Scope::Vmm, Fetch::Translated);
    let vm = Arc::new(vm.expect("a virtual machine"));
    let overlay: Arc<dyn Overlay> = vm.clone();
    memory.set_overlay(Arc::downgrade(&overlay));
    let mut subject = Subject::new(Arc::new(MachineBus::new(Arc::clone(&memory))), &vm);
    for (ip, r) in [(WRITTEN, 15), (0x20_0020, 14)] {
        memory.write(patchbay_cpu::bus::PhysicalAddress(ip), &mov_psr(r, 1).to_bytes()).expect("memory");
    }
    let is_patched = |ip: u64| vm.sites.all().iter().find(|site| site.place.bundle == ip).map(|site| site.is_patched());
    assert_ne!(subject.results(WRITTEN).1[1], 1);
    assert_eq!(is_patched(WRITTEN), Some(true));
    assert_ne!(subject.results(0x20_0020).1[0], 1);
    assert_eq!((is_patched(WRITTEN), is_patched(0x20_0020)), (Some(false), Some(true)));
    assert_eq!(subject.results(WRITTEN), (None, [1, 1]), "the guest executes what was written");
}
