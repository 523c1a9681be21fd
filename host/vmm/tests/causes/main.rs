//! One test a virtualization cause: the conventional path, the routines of coarse and fine classes at a trigger that
//! is there already, and the machine itself do the same to what the guest sees, in random states. From trigger to
//! resumed guest, nothing is allocated, and no lock of the monitor's is taken (that asserts itself).

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "what a test casts is small"
)]

mod case;
mod subject;
#[path = "../watched/mod.rs"]
mod watched;

use std::sync::Arc;

use case::{ADDRESSES, Case};
use patchbay_isa::row::Flags;
use patchbay_isa::{Cause, Field, Opcode};
use patchbay_plugin_api::instruction::{Instruction, Mnemonic};
use patchbay_vmm::conventional::fetch::Fetch;
use patchbay_vmm::patch::trigger::{KINDS, KindIndex};
use patchbay_vmm::plugins::Registry;
use patchbay_vmm::policy::Policy;
use patchbay_vmm::policy::serving::Plugins;
use patchbay_vmm::vm::{Scope, Vm, Vmm};
use patchbay_vmm::vp::VirtualProcessor;
use subject::{Ended, Subject};

/// States for each mnemonic.
const CASES: u64 = 60;
/// States in which an instruction may become a trigger.
const ATTEMPTS: u64 = 16;

/// What the cases of a cause have met.
#[derive(Debug, Default)]
struct Met {
    emulated: u64,
    triggers: u64,
    /// Cases in which a trigger of each kind was placed.
    of_kind: [u64; KINDS],
    faults: u64,
    faults_by_trigger: u64,
    predicated_off: u64,
    banked: u64,
    not_banked: u64,
    slots: [u64; 3],
    compared: u64,
    /// Facts of the instructions.
    in_b: bool,
    last_in_group: bool,
    predicated: bool,
    has_target: bool,
}

/// The plugins of a policy that patches at the first fault, with this trigger.
fn plugins(registry: &Registry, policy: &str, trigger: &str) -> Plugins {
    let mut policy = Policy::load(policy).expect("a bundled policy");
    policy.patch_manager.config = format!("trigger = {trigger}");
    policy.start(registry).expect("plugins")
}

fn vm(plugins: Option<&Plugins>, fetch: Fetch) -> Arc<Vm> {
    let vmm = Arc::new(Vmm::with_ids(0x10_0800, 64).expect("ids"));
    Arc::new(Vm::new(vmm, 0, 1, plugins, Scope::Vm, fetch).expect("a virtual machine"))
}

fn difference(expected: &[(String, u64)], got: &[(String, u64)]) -> String {
    let pairs = expected.iter().zip(got).filter(|(expected, got)| expected != got);
    pairs.map(|((name, expected), (_, got))| format!("{name}: {expected:#x}, not {got:#x}\n")).collect()
}

/// A guest whose instruction has been replaced by a trigger, unless no state lets it come as far as the virtualization
/// fault.
fn patched(case: &Case, policy: &Plugins, fetch: Fetch) -> (Subject, Arc<Vm>) {
    let vm = vm(Some(policy), fetch);
    let mut subject = Subject::new(case.code);
    for attempt in 0..ATTEMPTS {
        case.prepare_benign(&mut subject.p, attempt);
        subject.run_virtual(&vm, None);
        subject = Subject::on(subject.memory);
        if vm.sites.all().iter().any(|site| site.is_patched()) {
            break;
        }
    }
    (subject, vm)
}

/// Compares all ways to execute an instruction.
fn compare(mnemonic: Mnemonic, policies: &[(Plugins, KindIndex)], met: &mut Met) {
    for seed in 0..CASES {
        let case = Case::new(mnemonic, seed);
        let mut native = Subject::new(case.code);
        case.prepare(&mut native.p);
        let off = !native.p.pr(case.instruction.qp());
        let native_end = native.run();
        let native_faults: u64 = native.p.delivered.iter().sum();
        let native_state = native.observe(None, ADDRESSES);

        let fetch = if seed % 2 == 0 { Fetch::Translated } else { Fetch::Physical };
        let mut conventional = Subject::new(case.code);
        case.prepare(&mut conventional.p);
        let (end, mut vp) = conventional.run_virtual(&vm(None, fetch), None);
        let state = conventional.observe(Some(&mut vp.vpd), ADDRESSES);
        let what = format!("{mnemonic:?} case {seed} {:x?} r1 {}", case.instruction, case.r1);
        assert_eq!(end, native_end, "{what}");
        if end == Ended::Rests {
            assert_eq!(state, native_state, "{what}: the conventional path:\n{}", difference(&native_state, &state));
            met.compared += 1;
        }
        met.emulated += vp.conventional.counts.emulated;
        met.faults += native_faults;
        met.predicated_off += u64::from(off);
        let banked = Instruction::is_banked(case.r1);
        *(if banked { &mut met.banked } else { &mut met.not_banked }) += 1;
        met.slots[case.slot as usize] += 1;
        met.last_in_group |= case.instruction.row().facts.flags.contains(Flags::LAST_IN_GROUP);
        met.in_b |= matches!(case.instruction.opcode, Opcode::B(_));
        met.predicated |= case.instruction.row().predicated();
        met.has_target |= case.instruction.row().fields().any(|field| field == Field::R1);

        // Each case has its share of the policies and kinds, so that all meet all sorts of states.
        for policy in policies.iter().skip(seed as usize % KINDS).step_by(KINDS) {
            let (policy, kind) = policy;
            let (mut guest, vm) = patched(&case, policy, fetch);
            let placed = vm.sites.all().iter().find_map(|site| site.standing()).map(|standing| standing.kind.kind());
            met.of_kind[kind.index()] += u64::from(placed.is_some_and(|placed| placed.name == kind.kind().name));
            let what = format!("{what} by {}", kind.kind().name);
            let mut known: Option<Box<VirtualProcessor>> = None;
            for _ in 0..2 {
                case.prepare(&mut guest.p);
                let before: u64 = known.iter().flat_map(|vp| vp.counters.triggers).sum();
                let (end, mut vp) = guest.run_virtual(&vm, known);
                let state = guest.observe(Some(&mut vp.vpd), ADDRESSES);
                assert_eq!(end, native_end, "{what}: by trigger");
                if end == Ended::Rests {
                    let difference = difference(&native_state, &state);
                    assert_eq!(state, native_state, "{what}: by trigger:\n{difference}");
                }
                // The baseline among the kinds is conventional, but fetches nothing.
                let conventional = if kind.kind().conventional { vp.conventional.counts.emulated } else { 0 };
                assert_eq!(vp.conventional.counts.emulated, conventional, "{what}");
                let fetches = vp.conventional.counts.fetches;
                assert_eq!(fetches.temporary_entry + fetches.existing_entry + fetches.physical, 0, "{what}");
                let triggers = vp.counters.triggers.iter().sum::<u64>() - before;
                met.triggers += triggers;
                met.faults_by_trigger += triggers.min(native_faults);
                let mut expected = case.code.to_bytes();
                let mut code = [0; 16];
                native.memory.read_bytes(subject::CODE, &mut expected).expect("RAM");
                guest.memory.read_bytes(subject::CODE, &mut code).expect("RAM");
                assert_eq!(code, expected, "{what}: memory is the guest's");
                known = Some(vp);
                guest = Subject::on(guest.memory);
            }
        }
    }
}

fn cause(cause: Cause) {
    let registry = Registry::discover();
    let each = |policy| KindIndex::all().map(move |kind| (policy, kind));
    let policies: Vec<_> = ["default", "mnemonic"]
        .into_iter()
        .flat_map(each)
        .map(|(policy, kind)| (plugins(&registry, policy, kind.kind().name), kind))
        .collect();
    let mut met = Met::default();
    let of_cause = |mnemonic: &&Mnemonic| {
        let row = patchbay_isa::rows::all()
            .find(|row| patchbay_vmm::emulate::decode::mnemonic(row.opcode) == Some(**mnemonic));
        row.and_then(|row| row.facts.cause) == Some(cause)
    };
    for mnemonic in Mnemonic::ALL.iter().filter(of_cause) {
        compare(*mnemonic, &policies, &mut met);
    }
    assert!(met.emulated > 0 && met.triggers > 0 && met.faults > 0 && met.compared > 0, "{met:?}");
    assert_eq!(watched::allocations(), 0);
    // A `cover` never faults.
    assert!(met.faults_by_trigger > 0 || cause == Cause::Cover, "{met:?}");
    assert!(!met.predicated || met.predicated_off > 0, "{met:?}");
    assert!(!met.has_target || met.banked > 0 && met.not_banked > 0, "{met:?}");
    // A check stands in M slots only.
    for kind in KindIndex::all() {
        let declined = kind.kind().name == "check" && met.in_b;
        assert_eq!(met.of_kind[kind.index()] > 0, !declined, "{}: {met:?}", kind.kind().name);
    }
    // Those that end their group have one slot here.
    assert!(met.last_in_group || met.slots.iter().filter(|count| **count > 0).count() > 1, "{met:?}");
}

macro_rules! causes {
    ($($name:ident = $cause:ident,)*) => { $(#[test] fn $name() { cause(Cause::$cause); })* };
}

causes! {
    mov_to_ar = MovToAr,
    mov_to_ar_imm = MovToArImm,
    mov_from_ar = MovFromAr,
    mov_to_cr = MovToCr,
    mov_from_cr = MovFromCr,
    mov_to_psr = MovToPsr,
    mov_from_psr = MovFromPsr,
    itc_d = ItcD,
    itc_i = ItcI,
    mov_to_rr = MovToRr,
    mov_to_dbr = MovToDbr,
    mov_to_ibr = MovToIbr,
    mov_to_pkr = MovToPkr,
    mov_to_pmc = MovToPmc,
    mov_to_pmd = MovToPmd,
    itr_d = ItrD,
    itr_i = ItrI,
    mov_from_rr = MovFromRr,
    mov_from_dbr = MovFromDbr,
    mov_from_ibr = MovFromIbr,
    mov_from_pkr = MovFromPkr,
    mov_from_pmc = MovFromPmc,
    mov_from_cpuid = MovFromCpuid,
    ssm = Ssm,
    rsm = Rsm,
    ptc_l = PtcL,
    ptc_g = PtcG,
    ptc_ga = PtcGa,
    ptr_d = PtrD,
    ptr_i = PtrI,
    thash = Thash,
    ttag = Ttag,
    tpa = Tpa,
    tak = Tak,
    ptc_e = PtcE,
    cover = Cover,
    rfi = Rfi,
    bsw_0 = Bsw0,
    bsw_1 = Bsw1,
    vmsw = Vmsw,
    probe = Probe,
}
