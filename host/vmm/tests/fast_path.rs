//! From trigger to resumed guest, nothing is allocated, and no lock of the monitor's is taken (that asserts itself): here
//! for as many triggers as it takes to sample and to fill queues; `causes` has every cause in random states.
//!
//! `ptc.g` and `ptc.ga` do wait: for the other processors, and for the lock of each one's purges.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "what a test casts is small"
)]

mod watched;

use std::sync::Arc;

use patchbay_cpu::coherence_domain::CoherenceDomain;
use patchbay_cpu::engine::{Engine, Interpreter};
use patchbay_cpu::flat_machine::{FlatMemory, StoppedClock};
use patchbay_cpu::processor::{Configuration, Processor};
use patchbay_cpu::psr::Psr;
use patchbay_isa::rows::{B, M};
use patchbay_isa::{Bundle, Instruction, Opcode, Template};
use patchbay_vmm::conventional::fetch::Fetch;
use patchbay_vmm::patch::trigger::TRIGGERS;
use patchbay_vmm::plugins::Registry;
use patchbay_vmm::policy::Policy;
use patchbay_vmm::vm::{Scope, Vm, Vmm};
use patchbay_vmm::vp::VirtualProcessor;

fn encode(opcode: Opcode, operands: &[i64]) -> u64 {
    Instruction::encode(opcode, 0, operands).expect("operands that fit").slot()
}

/// An M-unit instruction in each bundle, at the end `cover` and a branch back.
fn program() -> Vec<Bundle> {
    let instructions: &[(M, &[i64])] = &[
        (M::MovFromPsr, &[14]),
        (M::Rsm, &[1 << 14]),
        (M::Ssm, &[1 << 14]),
        (M::Rsm, &[1 << 13]),
        (M::Ssm, &[1 << 13]),
        (M::MovFromCr, &[16, 66]),
        (M::MovToCr, &[66, 0]),
        (M::MovFromAr, &[17, 44]),
        (M::MovFromRr, &[18, 0]),
        (M::MovFromCpuid, &[19, 0]),
        (M::Thash, &[20, 0]),
        (M::Ttag, &[21, 0]),
        (M::PtcG, &[0, 0]),
    ];
    let nop = 1 << 27;
    let mut program: Vec<Bundle> = instructions
        .iter()
        .map(|(m, operands)| Bundle::new(Template::new(0x0b), [encode(Opcode::M(*m), operands), nop, nop]))
        .collect();
    let nop_b = 2 << 37;
    let cover = encode(Opcode::B(B::Cover), &[]);
    program.push(Bundle::new(Template::new(0x17), [nop_b, nop_b, cover]));
    let back = -(program.len() as i64) * 16;
    let branch = 4 << 37 | (back as u64 >> 4 & 0xf_ffff) << 13 | 1 << 36;
    program.push(Bundle::new(Template::new(0x11), [nop, nop, branch]));
    program
}

#[test]
fn triggers_allocate_nothing() {
    let memory = Arc::new(FlatMemory::new(0x1_0000));
    for (index, bundle) in program().iter().enumerate() {
        memory.write_bytes(0x1000 + 16 * index as u64, &bundle.to_bytes()).expect("RAM");
    }
    let all = ["default", "mnemonic"].into_iter().flat_map(|policy| TRIGGERS.map(|kind| (policy, kind)));
    for (policy, kind) in all {
        let mut policy = Policy::load(policy).expect("a bundled policy");
        policy.patch_manager.config = format!("trigger = {}", kind.name);
        let plugins = policy.start(&Registry::discover()).expect("plugins");
        let vm = Vm::new(Arc::new(Vmm::new()), 0, 1, Some(&plugins), Scope::Vm, Fetch::Translated);
        let vm = Arc::new(vm.expect("a virtual machine"));
        let domain = Arc::new(CoherenceDomain::new(2, false));
        domain.mailbox(1).set_parked(true);
        let (bus, clock) = (Arc::clone(&memory), Arc::new(StoppedClock));
        let mut p = Processor::new(Configuration { domain, index: 0, bus, clock });
        p.registers.ip = 0x1000;
        p.set_psr(Psr::new().with_ic(true).with_bn(true));
        p.hook = Some(Box::new(VirtualProcessor::new(Arc::clone(&vm), 0, &mut p)));
        let mut engine = Interpreter::default();
        while p.instructions < 100_000 {
            let exit = engine.run(&mut p, 1000);
            let mut vp = p.take_hook::<VirtualProcessor>().expect("the hook");
            assert_eq!(vp.react(&mut p, exit), None);
            p.hook = Some(vp);
        }
        let vp = p.take_hook::<VirtualProcessor>().expect("the hook");
        let triggers: u64 = vp.counters.triggers.iter().sum();
        assert!(triggers > 10_000, "{triggers} triggers");
        assert_eq!(watched::allocations(), 0);
        for site in vm.sites.all() {
            vm.view.remove(p.bus(), &site);
        }
    }
}
