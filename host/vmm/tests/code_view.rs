//! The guest's memory holds the guest's code, whatever triggers stand in the code view: it reads, copies and overwrites its
//! own instructions, and gets each `break` of its own.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "what a test casts is small"
)]

use std::sync::Arc;

use patchbay_cpu::bus::Bus;
use patchbay_cpu::coherence_domain::CoherenceDomain;
use patchbay_cpu::engine::{Engine, Interpreter};
use patchbay_cpu::exit::Exit;
use patchbay_cpu::flat_machine::{FlatMemory, StoppedClock};
use patchbay_cpu::outcome::Leave;
use patchbay_cpu::processor::{Configuration, Processor};
use patchbay_cpu::psr::Psr;
use patchbay_cpu::registers::cr;
use patchbay_isa::rows::M;
use patchbay_isa::{Bundle, Instruction as Decoded, Opcode, Slot, Template as Units, Unit};
use patchbay_machine::bus::MachineBus;
use patchbay_machine::memory::Memory;
use patchbay_plugin_api::prelude::*;
use patchbay_plugin_api::routines::RoutinesRef;
use patchbay_vmm::conventional::fetch::Fetch;
use patchbay_vmm::patch::trigger::{KindIndex, TRIGGERS, break_slot};
use patchbay_vmm::plugins::{Instance, Plugin as Found, Registry};
use patchbay_vmm::policy::Policy;
use patchbay_vmm::policy::serving::Plugins;
use patchbay_vmm::routines::class_ids::BASE_ID;
use patchbay_vmm::vm::{Scope, Vm, Vmm};
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

/// The plugins of a policy that patches at the first fault, with this trigger.
fn plugins(policy: &str, trigger: &str) -> Plugins {
    let mut policy = Policy::load(policy).expect("a bundled policy");
    policy.patch_manager.config = format!("trigger = {trigger}");
    policy.start(&Registry::discover()).expect("plugins")
}

/// One virtual processor.
struct Subject {
    p: Processor,
    engine: Interpreter,
    stop: Option<u64>,
}

impl Subject {
    fn new(bus: Arc<dyn Bus>, vm: &Arc<Vm>) -> Subject {
        let (domain, clock) = (Arc::new(CoherenceDomain::new(1, false)), Arc::new(StoppedClock));
        let mut p = Processor::new(Configuration { domain, index: 0, bus, clock });
        p.set_psr(Psr::new().with_ic(true).with_bn(true));
        p.registers.cr[cr::IVA] = IVA;
        p.hook = Some(Box::new(VirtualProcessor::new(Arc::clone(vm), 0, &mut p)));
        Subject { p, engine: Interpreter::default(), stop: None }
    }

    fn vp<T>(&mut self, look: impl FnOnce(&mut Processor, &mut VirtualProcessor) -> T) -> T {
        let mut vp = self.p.take_hook::<VirtualProcessor>().expect("the hook");
        let result = look(&mut self.p, &mut vp);
        self.p.hook = Some(vp);
        result
    }

    /// Executes one bundle; the vector of the interruption that the guest gets instead, if it does.
    fn execute(&mut self, ip: u64) -> Option<u64> {
        self.execute_to(ip, ip + 16)
    }

    /// The same for the bundles up to an address.
    fn execute_to(&mut self, ip: u64, end: u64) -> Option<u64> {
        self.p.registers.ip = ip;
        self.p.registers.psr.set_ri(0);
        // That makes the engine forget what it has decoded.
        if self.stop.replace(end) != Some(end) {
            self.engine.set_breakpoint(Some(end));
        }
        for _ in 0..100 {
            let exit = self.engine.run(&mut self.p, 1000);
            if exit == Exit::Breakpoint {
                return None;
            }
            assert_eq!(self.vp(|p, vp| vp.react(p, exit)), None);
            if (IVA..IVA + 0x8000).contains(&self.p.registers.ip) {
                return Some(self.p.registers.ip - IVA);
            }
        }
        panic!("exits without end at {:#x}", self.p.registers.ip);
    }

    /// What a bundle leaves in r14 and r15.
    fn results(&mut self, ip: u64) -> (Option<u64>, [u64; 2]) {
        self.p.registers.gr[14..16].fill(1);
        let vector = self.execute(ip);
        (vector, [self.p.registers.gr[14], self.p.registers.gr[15]])
    }
}

fn vm(policy: &str, trigger: &str) -> Arc<Vm> {
    let vm = Vm::new(Arc::new(Vmm::new()), 0, 1, Some(&plugins(policy, trigger)), Scope::Vm, Fetch::Translated);
    Arc::new(vm.expect("a virtual machine"))
}

/// Policies and kinds of triggers.
fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    ["default", "mnemonic"].into_iter().flat_map(|policy| TRIGGERS.map(|kind| (policy, kind.name)))
}

/// The kind of trigger that stands at a bundle's first site.
fn standing(vm: &Vm, bundle: u64) -> Option<&'static str> {
    let sites = vm.sites.all();
    let site = sites.iter().find(|site| site.place.bundle == bundle)?;
    site.standing().map(|standing| standing.kind.kind().name)
}

fn bundle_in(memory: &FlatMemory, address: u64) -> Bundle {
    let mut bytes = [0; 16];
    memory.read_bytes(address, &mut bytes).expect("RAM");
    Bundle::from_bytes(bytes)
}

#[test]
fn memory_holds_the_guests_code_and_copies_of_it_do_what_it_does() {
    for (policy, trigger) in all() {
        let memory = Arc::new(FlatMemory::new(0x1_0000));
        let vm = vm(policy, trigger);
        let mut subject = Subject::new(memory.clone(), &vm);
        let bundles = [mov_psr(14, 1), mov_psr(15, 2), mov_psr(14, 3), mov_psr(15, 3)];
        for (bundle, ip) in bundles.iter().zip((0x1000..).step_by(16)) {
            memory.write_bytes(ip, &bundle.to_bytes()).expect("RAM");
            assert_eq!(subject.execute(ip), None);
            assert_eq!(standing(&vm, ip), Some(trigger));
            assert_eq!(bundle_in(&memory, ip), *bundle, "{policy} {trigger}: memory is not written");
        }
        let psr = subject.p.registers.gr[14];
        assert_ne!(psr, 1);
        let copy = |from: u64, to: u64| memory.write_bytes(to, &bundle_in(&memory, from).to_bytes()).expect("RAM");
        copy(0x1000, 0x3000);
        copy(0x1010, 0x3010);
        for _ in 0..3 {
            assert_eq!(subject.results(0x3000), (None, [psr, 1]), "{policy} {trigger}");
            assert_eq!(subject.results(0x3010), (None, [1, psr]), "{policy} {trigger}");
        }
        // The same place again, made visible as the guest does.
        copy(0x1010, 0x3000);
        subject.p.flush_cache(0x3000).expect("RAM");
        assert_eq!(subject.results(0x3000), (None, [1, psr]), "{policy} {trigger}");
        assert_eq!(
            KindIndex::all().map(|kind| vm.view.counts(kind).dropped).sum::<u64>(),
            1,
            "of the site at 0x3000, and of no other"
        );
        assert_eq!(subject.results(0x1030), (None, [1, psr]));
        assert_eq!(subject.results(0x1020), (None, [psr, 1]));
        copy(0x1030, 0x3020);
        assert_eq!(subject.results(0x3020), (None, [1, psr]), "{policy} {trigger}");
    }
}

/// Only the patch of the instruction that has changed is dropped: of two in a bundle, and of two bundles in a line.
#[test]
fn a_patch_goes_when_its_instruction_does_and_its_neighbours_stay() {
    for trigger in TRIGGERS.map(|kind| kind.name) {
        let memory = Arc::new(FlatMemory::new(0x1_0000));
        let vm = vm("default", trigger);
        let mut subject = Subject::new(memory.clone(), &vm);
        let two = |r: i64| Bundle::new(Units::new(9), [encode(M::MovFromPsr, &[14]), encode(M::MovFromPsr, &[r]), NOP]);
        memory.write_bytes(0x1000, &two(15).to_bytes()).expect("RAM");
        memory.write_bytes(0x1010, &mov_psr(14, 7).to_bytes()).expect("RAM");
        for ip in [0x1000, 0x1010] {
            let (vector, [r14, _]) = subject.results(ip);
            assert_eq!((vector, r14 == 1), (None, false), "{trigger}");
        }
        let sites = vm.sites.all();
        assert_eq!(sites.iter().filter(|site| site.is_patched()).count(), 3, "{trigger}");
        memory.write_bytes(0x1000, &two(16).to_bytes()).expect("RAM");
        subject.p.flush_cache(0x1000).expect("RAM");
        let faults = |index: usize| sites[index].faults();
        let before = [faults(0), faults(2)];
        subject.p.registers.gr[16] = 1;
        let (vector, [r14, r15]) = subject.results(0x1000);
        assert_eq!((vector, r14 == 1, r15, subject.p.registers.gr[16]), (None, false, 1, r14), "{trigger}");
        assert_eq!(subject.results(0x1010).0, None);
        assert!(!sites[1].is_patched(), "{trigger}");
        assert!(sites[2].is_patched() && faults(2) == before[1], "{trigger}: another bundle of the line");
        // Where the bundle's other slots are in the window, all its triggers go, and come again.
        let in_slot = ["break", "pseudo"].contains(&trigger);
        assert_eq!(faults(0) == before[0], in_slot, "{trigger}: the other slot");
    }
}

#[test]
fn a_break_is_the_guests_whatever_its_immediate() {
    let memory = Arc::new(FlatMemory::new(0x1_0000));
    let vm = vm("default", "break");
    let mut subject = Subject::new(memory.clone(), &vm);
    memory.write_bytes(0x1000, &mov_psr(14, 1).to_bytes()).expect("RAM");
    assert_eq!(subject.execute(0x1000), None);
    // The very bits that stand for `mov r14=psr` in the view; with another predicate; of no class; 0, in an M and a B unit.
    let own = [
        Bundle::new(Units::new(1), [break_slot(0, BASE_ID), NOP, NOP]),
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
    // Over the site itself.
    memory.write_bytes(0x1000, &own[0].to_bytes()).expect("RAM");
    subject.p.flush_cache(0x1000).expect("RAM");
    assert_eq!(subject.results(0x1000), (Some(BREAK_INSTRUCTION), [1, 1]));
}

/// The units, and how `break` is encoded in each: template, slot, and the bits that are ignored (formats M37, I19, F15, B9
/// and X1; SDM 3:294).
const BREAKS: [(u8, Slot, &[u32]); 7] = [
    (0x00, Slot::Zero, &[26]),
    (0x00, Slot::One, &[26]),
    (0x0c, Slot::One, &[26, 34, 35]),
    (0x16, Slot::Zero, &[26, 33, 34, 35]),
    (0x16, Slot::One, &[26, 33, 34, 35]),
    (0x16, Slot::Two, &[26, 33, 34, 35]),
    (0x04, Slot::Two, &[26]),
];

/// cr.iim is the immediate's lower 21 bits, and 0 for `break.b` (SDM 3:29).
#[test]
fn the_guest_gets_each_break_of_its_own() {
    let memory = Arc::new(FlatMemory::new(0x1_0000));
    let vm = vm("default", "break");
    let mut subject = Subject::new(memory.clone(), &vm);
    memory.write_bytes(0x1000, &mov_psr(14, 1).to_bytes()).expect("RAM");
    assert_eq!(subject.execute(0x1000), None);
    let psr = subject.vp(|p, vp| vp.guest(p).psr());
    let trigger = break_slot(0, BASE_ID);
    for (template, slot, ignored) in BREAKS {
        let units = Units::new(template).units().expect("units");
        let (in_b, in_x) = (units[slot as usize] == Unit::B, units[slot as usize] == Unit::X);
        let nop = |unit| if unit == Unit::B { 2 << 37 } else { NOP };
        let all = ignored.iter().fold(0, |all, bit| all | 1 << bit);
        let encodings = [0, all].into_iter().chain(ignored.iter().map(|bit| 1 << bit));
        for (bits, immediate) in
            encodings.flat_map(|bits| [0, BASE_ID, BASE_ID + 77].map(|immediate| (bits, immediate)))
        {
            for (long, cpl) in [0, trigger, u64::MAX >> 23].into_iter().flat_map(|long| [(long, 0), (long, 3)]) {
                let mut bundle = Bundle::new(Units::new(template), units.map(nop));
                bundle = bundle.with_slot(slot, break_slot(0, immediate) | bits);
                if in_x {
                    bundle = bundle.with_slot(Slot::One, long);
                }
                memory.write_bytes(0x2000, &bundle.to_bytes()).expect("RAM");
                let set = subject.vp(|p, vp| vp.guest(p).set_psr(psr.with_cpl(cpl)));
                assert!(matches!(set, Ok(()) | Err(Leave::Serialize)));
                let vector = subject.execute(0x2000);
                let iim = subject.vp(|_, vp| vp.vpd.vcr[cr::IIM]);
                let expected = if in_b { 0 } else { u64::from(immediate) };
                assert_eq!((vector, iim), (Some(BREAK_INSTRUCTION), expected), "{bundle:x?} at cpl {cpl}");
            }
        }
    }
}

/// A bundle that writes over the one after it, at 0x2010, which is already decoded then, and has not faulted because its
/// predicate was false.
fn overwrite(subject: &mut Subject, memory: &FlatMemory, bundle: Bundle) -> (Option<u64>, [u64; 2]) {
    let stores = [encode(M::St8, &[0, 16, 17]), encode(M::St8, &[0, 18, 19]), NOP];
    memory.write_bytes(0x2000, &Bundle::new(Units::new(8), stores).to_bytes()).expect("RAM");
    subject.p.registers.pr &= !(1 << 6);
    assert_eq!(subject.execute_to(0x2010, 0x2020), None);
    let r = &mut subject.p.registers;
    r.pr |= 1 << 6;
    r.gr[14..16].fill(1);
    (r.gr[16], r.gr[17], r.gr[18], r.gr[19]) = (0x2010, bundle.0 as u64, 0x2018, (bundle.0 >> 64) as u64);
    let vector = subject.execute_to(0x2000, 0x2020);
    (vector, [subject.p.registers.gr[14], subject.p.registers.gr[15]])
}

/// [`mov_psr`] with predicate 6.
fn mov_psr_if_p6(r: i64, nop: u64) -> Bundle {
    let bundle = mov_psr(r, nop);
    bundle.with_slot(Slot::Zero, bundle.slot(Slot::Zero) | 6)
}

/// What a guest writes without `fc` may become visible at any time, but some time it does.
#[test]
fn the_guest_writes_over_an_instruction_that_is_decoded() {
    let triggers = TRIGGERS.map(|kind| Some(kind.name));
    for trigger in [None].into_iter().chain(triggers) {
        let memory = Arc::new(FlatMemory::new(0x1_0000));
        let plugins = trigger.map(|trigger| plugins("default", trigger));
        let vm = Vm::new(Arc::new(Vmm::new()), 0, 1, plugins.as_ref(), Scope::Vm, Fetch::Translated);
        let vm = Arc::new(vm.expect("a virtual machine"));
        let mut subject = Subject::new(memory.clone(), &vm);
        memory.write_bytes(0x2010, &mov_psr_if_p6(14, 1).to_bytes()).expect("RAM");
        let (vector, [r14, r15]) = overwrite(&mut subject, &memory, mov_psr_if_p6(15, 2));
        assert_eq!((vector, r14), (None, 1), "{trigger:?}");
        assert_ne!(r15, 1, "{trigger:?}");
    }
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
fn a_patch_goes_when_a_routine_writes_over_its_instruction() {
    let memory = Arc::new(Memory::new(64 << 20).expect("memory"));
    let routines = Instance::create(&Found::<RoutinesRef>::linked::<Overwrites>(), "", None).expect("an instance");
    let plugins = Plugins { routines: vec![Arc::new(routines)], ..plugins("default", "break") };
    let vm = Vm::new(Arc::new(Vmm::new()), 0, 1, Some(&plugins), Scope::Vm, Fetch::Translated);
    let vm = Arc::new(vm.expect("a virtual machine"));
    let mut subject = Subject::new(Arc::new(MachineBus::new(Arc::clone(&memory))), &vm);
    for (ip, r) in [(WRITTEN, 15), (0x20_0020, 14)] {
        memory.write(patchbay_cpu::bus::PhysicalAddress(ip), &mov_psr(r, 1).to_bytes()).expect("memory");
    }
    let is_patched = |ip: u64| vm.sites.all().iter().find(|site| site.place.bundle == ip).map(|site| site.is_patched());
    assert_ne!(subject.results(WRITTEN).1[1], 1);
    assert_eq!(is_patched(WRITTEN), Some(true));
    assert_ne!(subject.results(0x20_0020).1[0], 1);
    assert_eq!(subject.results(WRITTEN), (None, [1, 1]), "the guest executes what was written");
    assert_eq!((is_patched(WRITTEN), is_patched(0x20_0020)), (Some(false), Some(true)));
}
