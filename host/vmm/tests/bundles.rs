//! Bundles of any instructions, patched at any of their sites with any kinds: the stubs lead where the bundles led, and what
//! executes does what the bare processor does.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::precedence,
    reason = "small numbers that choose operands"
)]

use std::sync::Arc;

use patchbay_cpu::bus::PhysicalAddress;
use patchbay_cpu::coherence_domain::CoherenceDomain;
use patchbay_cpu::engine::{Engine, Interpreter};
use patchbay_cpu::exit::Exit;
use patchbay_cpu::flat_machine::{FlatMemory, StoppedClock};
use patchbay_cpu::processor::{Configuration, Processor};
use patchbay_cpu::psr::Psr;
use patchbay_cpu::registers::cr;
use patchbay_isa::rows::{B, F, I, M, X};
use patchbay_isa::{Bundle, Field, Instruction as Decoded, Opcode, Slot, Template as Units, Unit, decode, field};
use patchbay_plugin_api::patch_manager::PatchManagerRef;
use patchbay_plugin_api::prelude::*;
use patchbay_vmm::conventional::fetch::Fetch;
use patchbay_vmm::patch::bundle_patch::Patch;
use patchbay_vmm::plugins::{Instance, Plugin as Found, Registry};
use patchbay_vmm::policy::Policy;
use patchbay_vmm::policy::serving::Plugins;
use patchbay_vmm::vm::{Scope, Vm, Vmm};
use patchbay_vmm::vp::VirtualProcessor;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

const MEMORY: u64 = 0x2_0000;
const IVA: u64 = 0x8000;
/// The bundle on trial.
const AT: u64 = 0x1_0000;
/// Where data lies that its addresses name.
const DATA: u64 = 0x1_8000;

/// A bundle that stays where it is (MIB).
fn waits() -> Bundle {
    let branch = Decoded::encode(Opcode::B(B::Cond), 0, &[0, 0, 0, 0]).expect("a branch").slot();
    Bundle::new(Units::new(0x11), [1 << 27, 1 << 27, branch])
}

/// Chooses the kind of trigger by the slot: setting `kinds` has a digit for each, its number for plugins.
struct BySlot([Trigger; 3]);

impl Plugin for BySlot {
    const NAME: &'static str = "by-slot";
    const VERSION: &'static str = "0.0.0";
    const DESCRIPTION: &'static str = "for tests";
    fn create(config: &str, _: &Host) -> Result<Self, String> {
        let mut settings = Settings::new(config)?;
        let kinds: u64 = settings.get("kinds", 0)?;
        settings.done()?;
        let all = Trigger::ALL.len() as u64;
        Ok(BySlot([kinds, kinds / all, kinds / all / all].map(|kind| Trigger::ALL[(kind % all) as usize].0)))
    }
}

impl PatchManager for BySlot {
    fn decide(&self, fault: &SiteFault) -> Decision {
        Decision::patch(self.0[usize::from(fault.instruction.slot)])
    }
}

fn plugins(kinds: u64) -> Plugins {
    let config = format!("kinds = {kinds}");
    let by_slot = Instance::create(&Found::<PatchManagerRef>::linked::<BySlot>(), &config, None).expect("an instance");
    let plugins = Policy::load("default").expect("the policy").start(&Registry::discover()).expect("plugins");
    Plugins { patch_manager: Arc::new(by_slot), ..plugins }
}

/// What a trial begins with.
#[derive(Clone, Debug)]
struct Start {
    bundle: Bundle,
    slot: u8,
    registers: Vec<u64>,
    predicates: u64,
    psr: u64,
}

impl Start {
    fn memory(&self) -> FlatMemory {
        let memory = FlatMemory::new(MEMORY);
        memory.write_bytes(0, &waits().to_bytes().repeat(MEMORY as usize / 16)).expect("RAM");
        memory.write_bytes(AT, &self.bundle.to_bytes()).expect("RAM");
        memory
    }

    fn processor(&self, memory: &Arc<FlatMemory>) -> Processor {
        let (domain, clock) = (Arc::new(CoherenceDomain::new(1, false)), Arc::new(StoppedClock));
        let bus: Arc<dyn patchbay_cpu::bus::Bus> = memory.clone();
        let mut p = Processor::new(Configuration { domain, index: 0, bus, clock });
        p.set_psr(Psr::new().with_ic(true).with_bn(true));
        p.registers.cr[cr::IVA] = IVA;
        for (r, value) in (1..32).zip(&self.registers) {
            p.registers.gr[r] = *value;
        }
        for (b, value) in p.registers.br.iter_mut().zip(&self.registers) {
            *b = value & 0x1_fff0;
        }
        p.registers.pr = self.predicates | 1;
        p.registers.ar[65] = 2;
        p.registers.ar[66] = 2;
        p
    }
}

/// What a guest can see afterwards.
#[derive(Debug, PartialEq)]
struct End {
    ip: (u64, u8),
    gr: Vec<u64>,
    nat: u32,
    predicates: u64,
    br: [u64; 8],
    fr: String,
    ar: Vec<u64>,
    cfm: u64,
    psr: u64,
    interruption: Vec<u64>,
    data: Vec<u8>,
    instructions: Option<u64>,
    stuck: bool,
}

/// The control registers that tell of an interruption.
const OF_INTERRUPTIONS: [usize; 7] = [cr::IPSR, cr::ISR, cr::IIP, cr::IFA, cr::IIPA, cr::IFS, cr::IIM];

fn end(p: &Processor, psr: Psr, control: &[u64; 128], memory: &FlatMemory, stuck: bool) -> End {
    let r = &p.registers;
    let frame = 32 + usize::from(r.cfm.sof());
    let mut data = vec![0; 0x2000];
    memory.read_bytes(DATA - 0x1000, &mut data).expect("RAM");
    End {
        ip: (r.ip, psr.ri()),
        gr: r.gr[..frame].to_vec(),
        nat: r.nat[0] as u32,
        predicates: r.pr,
        br: r.br,
        fr: format!("{:?}", r.fr),
        ar: r.ar.to_vec(),
        cfm: r.cfm.into(),
        psr: u64::from(psr.with_vm(false)),
        interruption: OF_INTERRUPTIONS.map(|register| control[register]).to_vec(),
        data,
        // Bundles that wait are counted, too, but not the one at which both stop.
        instructions: (r.ip == AT + 16).then_some(p.instructions),
        stuck,
    }
}

/// No trial takes more exits.
const EXITS: usize = 40;

fn native(start: &Start) -> End {
    let memory = Arc::new(start.memory());
    let mut p = start.processor(&memory);
    let mut engine = Interpreter::default();
    engine.set_breakpoint(Some(AT + 16));
    p.registers.ip = AT;
    p.set_psr(Psr::from(u64::from(p.registers.psr) | start.psr).with_ri(start.slot));
    let mut stuck = false;
    for _ in 0..EXITS {
        let exit = engine.run(&mut p, 1);
        stuck = !matches!(exit, Exit::Budget | Exit::Attention | Exit::Breakpoint);
        if stuck || p.registers.ip & !0xf != AT {
            break;
        }
    }
    end(&p, p.registers.psr, &p.registers.cr.clone(), &memory, stuck)
}

/// Runs it on a virtual processor of this machine, whose code view may have its triggers already.
fn virtually(start: &Start, vm: &Arc<Vm>) -> End {
    let memory = Arc::new(start.memory());
    let mut p = start.processor(&memory);
    let mut engine = Interpreter::default();
    engine.set_breakpoint(Some(AT + 16));
    p.hook = Some(Box::new(VirtualProcessor::new(Arc::clone(vm), 0, &mut p)));
    let mut vp = p.take_hook::<VirtualProcessor>().expect("the hook");
    let psr = vp.guest(&mut p).psr();
    let _serializes = vp.guest(&mut p).set_psr(Psr::from(u64::from(psr) | start.psr));
    p.registers.ip = AT;
    p.registers.psr.set_ri(start.slot);
    p.hook = Some(vp);
    let mut stuck = false;
    for _ in 0..EXITS {
        let exit = engine.run(&mut p, 1);
        if exit == Exit::Breakpoint {
            break;
        }
        let mut vp = p.take_hook::<VirtualProcessor>().expect("the hook");
        stuck = vp.react(&mut p, exit).is_some();
        assert!(vp.failure.is_none());
        p.hook = Some(vp);
        if stuck || p.registers.ip & !0xf != AT {
            break;
        }
    }
    let mut vp = p.take_hook::<VirtualProcessor>().expect("the hook");
    let psr = vp.guest(&mut p).psr().with_ri(p.registers.psr.ri());
    end(&p, psr, &vp.vpd.vcr, &memory, stuck)
}

/// The field of an instruction that is relative to its bundle.
fn target(instruction: &Decoded) -> Option<Field> {
    instruction.row().fields().find(|field| matches!(field.kind(), field::Kind::Target))
}

fn long_or(bundle: Bundle, slot: Slot) -> Option<Decoded> {
    let unit = bundle.template().units()?[slot as usize];
    let (unit, bits, long) = match unit {
        Unit::L => (Unit::X, bundle.slot(Slot::Two), bundle.slot(Slot::One)),
        Unit::X => return None,
        unit => (unit, bundle.slot(slot), 0),
    };
    decode(unit, bits, long).ok()
}

/// Where the branches, checks and hints of a bundle lead from an address.
fn targets(bundle: Bundle, from: u64) -> Vec<u64> {
    let decoded = Slot::ALL.into_iter().filter_map(|slot| long_or(bundle, slot));
    decoded.filter_map(|i| Some(from.wrapping_add_signed(i.field(target(&i)?)))).collect()
}

/// What holds for each stub.
fn check_stub(patch: &Patch) {
    let Some(stub) = &patch.stub else { return };
    let appears = stub.place.appears;
    let end = appears + 16 * stub.bundles.len() as u64;
    let inside = |address: u64| (appears..end).contains(&address);
    for bundle in &stub.bundles {
        assert!(bundle.template().units().is_some(), "{bundle:x?}");
    }
    // The bundle that executes leads to entries, and else where the original leads.
    let originals = targets(patch.original, AT);
    let entries: Vec<u64> = stub.entries.iter().flatten().map(|entry| appears + 16 * *entry as u64).collect();
    assert!(entries.iter().all(|entry| inside(*entry)));
    let written = targets(patch.written, AT);
    assert!(written.iter().any(|to| inside(*to)), "nothing leads in: {patch:x?}");
    for to in written {
        assert!(if inside(to) { entries.contains(&to) } else { originals.contains(&to) }, "{to:#x} of {patch:x?}");
    }
    // The way back is the last bundle.
    assert_eq!(targets(stub.bundles[stub.bundles.len() - 1], end - 16), [AT + 16], "{patch:x?}");
    // A copy leads where its slot leads.
    for slot in Slot::ALL {
        let (Some(entry), Some(original)) = (stub.entries[slot as usize], long_or(patch.original, slot)) else {
            continue;
        };
        let copies = targets(stub.bundles[entry], appears + 16 * entry as u64);
        if let Some(field) = target(&original)
            && !copies.is_empty()
        {
            assert_eq!(copies, [AT.wrapping_add_signed(original.field(field))], "{slot:?} of {patch:x?}");
        }
    }
}

/// Instructions of a unit: any bits, and those that matter here.
fn slots(unit: Unit) -> BoxedStrategy<u64> {
    let any_bits = (0u64..1 << 41).boxed();
    let encode =
        |opcode: Opcode, qp: u8, operands: &[i64]| Decoded::encode(opcode, qp, operands).ok().map(|i| i.slot());
    let qp = prop_oneof![Just(0u8), Just(6), Just(7)];
    let r = 8i64..28;
    match unit {
        Unit::M => {
            let site = (qp.clone(), r.clone(), 0..5u8, r.clone()).prop_map(move |(qp, r1, which, r3)| match which {
                0 => encode(Opcode::M(M::MovFromPsr), qp, &[r1]),
                1 => encode(Opcode::M(M::MovFromCr), qp, &[r1, [2, 64, 66, 74, 20][r3 as usize % 5]]),
                2 => encode(Opcode::M(M::Thash), qp, &[r1, r3]),
                3 => {
                    encode(Opcode::M([M::Ssm, M::Rsm][r3 as usize % 2]), qp, &[[4, 8, 0x4000, 0x2000][r1 as usize % 4]])
                }
                _ => encode(Opcode::M(M::MovToCr), qp, &[66, r3]),
            });
            let other = (qp, r.clone(), r, 0..4u8, -40i64..40).prop_map(move |(qp, r1, r3, which, to)| match which {
                0 => encode(Opcode::M(M::Ld8), qp, &[0, r1, r3]),
                1 => encode(Opcode::M(M::St8), qp, &[0, r3, r1]),
                2 => encode(Opcode::M(M::ChkANcGr), qp, &[r1, 16 * to | 16]),
                _ => encode(Opcode::M(M::Break), qp, &[r1 << 4]),
            });
            prop_oneof![
                4 => site.prop_filter_map("encodes", |slot| slot),
                3 => other.prop_filter_map("encodes", |slot| slot),
                2 => any_bits,
            ]
            .boxed()
        }
        Unit::B => {
            let branch = (qp, 0..9u8, -40i64..40).prop_map(move |(qp, which, to)| {
                let to = 16 * to | 16;
                match which {
                    0..3 => encode(Opcode::B(B::Cond), qp, &[0, 0, 0, to]),
                    3 => encode(Opcode::B([B::Cloop, B::Ctop, B::Cexit][(to / 16) as usize % 3]), 0, &[0, 0, 0, to]),
                    4 => encode(Opcode::B(B::Cover), 0, &[]),
                    5 => encode(Opcode::B([B::Bsw0, B::Bsw1][(to / 16) as usize % 2]), 0, &[]),
                    6 => encode(Opcode::B(B::Nop), qp, &[to & 0xff]),
                    7 => encode(Opcode::B(B::Break), qp, &[to & 0xff]),
                    _ => encode(Opcode::B(B::Call), qp, &[0, 0, 0, 6, to]),
                }
            });
            prop_oneof![4 => branch.prop_filter_map("encodes", |slot| slot), 1 => any_bits].boxed()
        }
        Unit::I => {
            let other = (qp, r.clone(), 0..4u8, -40i64..40).prop_map(move |(qp, r1, which, to)| match which {
                0 => encode(Opcode::I(I::MovFromIp), qp, &[r1]),
                1 => encode(Opcode::I(I::Break), qp, &[to & 0xfff]),
                2 => encode(Opcode::I(I::ChkS), qp, &[r1, 16 * to | 16]),
                _ => encode(Opcode::I(I::Nop), qp, &[to & 0xfff]),
            });
            prop_oneof![2 => other.prop_filter_map("encodes", |slot| slot), 3 => any_bits].boxed()
        }
        Unit::F => {
            let other = (qp, -40i64..40).prop_map(move |(qp, to)| encode(Opcode::F(F::Fchkf), qp, &[0, 16 * to | 16]));
            prop_oneof![1 => other.prop_filter_map("encodes", |slot| slot), 4 => any_bits].boxed()
        }
        Unit::L => any_bits,
        Unit::X => prop_oneof![
            Just(Decoded::encode(Opcode::X(X::Movl), 0, &[9, 5]).expect("movl").slot()),
            (0u64..1 << 41),
            (0u64..1 << 36).prop_map(|bits| 0xc << 37 | bits & !(7 << 6)),
        ]
        .boxed(),
    }
}

fn bundles() -> impl Strategy<Value = Bundle> {
    let templates: Vec<u8> = (0..32).filter(|number| Units::new(*number).units().is_some()).collect();
    prop::sample::select(templates).prop_flat_map(|template| {
        let [a, b, c] = Units::new(template).units().expect("units").map(slots);
        (a, b, c).prop_map(move |(a, b, c)| Bundle::new(Units::new(template), [a, b, c]))
    })
}

fn starts() -> impl Strategy<Value = Start> {
    let register = prop_oneof![
        4 => (0u64..0x100).prop_map(|n| DATA + 8 * n),
        1 => (0u64..0x800).prop_map(|n| DATA + n),
        1 => (0u64..0x1000).prop_map(|n| AT + 0x100 + 16 * n),
        1 => any::<u64>(),
        1 => 0u64..256,
    ];
    let bits = |bit: u32| prop::bool::weighted(0.3).prop_map(move |set| u64::from(set) << bit);
    let psr = (bits(40), bits(26), bits(19)).prop_map(|(ss, tb, dfh)| ss | tb | dfh);
    (bundles(), 0..3u8, prop::collection::vec(register, 31), any::<u64>(), psr).prop_map(
        |(bundle, slot, registers, predicates, psr)| Start {
            bundle,
            slot,
            registers,
            predicates: predicates & !(1 << 7) | 1 << 6,
            psr,
        },
    )
}

/// What differs for other reasons: the time, the model, and what leaves the bundle for good.
fn is_excluded(bundle: Bundle) -> bool {
    Slot::ALL.into_iter().filter_map(|slot| long_or(bundle, slot)).any(|instruction| {
        matches!(
            instruction.opcode,
            Opcode::B(B::Rfi | B::Ia | B::Vmsw0 | B::Vmsw1 | B::Epc)
                | Opcode::M(M::MovToPsr | M::MovFromCpuid | M::MovToPmc | M::MovToPmd)
        )
    })
}

#[test]
fn any_bundle_does_what_it_does_natively() {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(600);
    let mut runner =
        TestRunner::new(Config { cases, max_shrink_iters: 300, failure_persistence: None, ..Config::default() });
    let (mut patched, mut stubs) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    let all: Vec<Plugins> = (0..125).map(plugins).collect();
    let outcome = runner.run(&(starts(), 0..125usize), |(start, kinds)| {
        if is_excluded(start.bundle) {
            return Ok(());
        }
        let vm = Vm::new(Arc::new(Vmm::new()), 0, 1, Some(&all[kinds]), Scope::Vmm, Fetch::Translated);
        let vm = Arc::new(vm.expect("a virtual machine"));
        // The first time sites fault and are patched; they all are, at the latest, when it was entered at each slot.
        for slot in [start.slot, 0, 1, 2, start.slot] {
            let start = Start { slot, ..start.clone() };
            prop_assert_eq!(&virtually(&start, &vm), &native(&start), "{:x?} from slot {}", start.bundle, slot);
        }
        vm.view.with_patch(PhysicalAddress(AT), |patch| {
            patched.set(patched.get() + 1);
            stubs.set(stubs.get() + u64::from(patch.stub.is_some()));
            check_stub(patch);
        });
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
    println!("{} bundles were patched, {} with a stub", patched.get_mut(), stubs.get_mut());
    assert!(*stubs.get_mut() > u64::from(cases) / 20);
}
