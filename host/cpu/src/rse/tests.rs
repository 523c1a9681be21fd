//! Random programs against an endless register stack, and the cases that no legal program reaches.

use patchbay_isa::Opcode;
use patchbay_isa::rows::{B, M};
use proptest::prelude::*;

use super::endless::{Machine, Step, USER, address_of, execute, steps};
use super::{registers_in, skip};
use crate::interruption::Interruption;
use crate::outcome::Leave;
use crate::psr::Cfm;
use crate::registers::ar;

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn frames_and_memory_are_those_of_an_endless_stack(steps in steps()) {
        let mut machine = Machine::new();
        for step in steps {
            machine.step(step);
            machine.check();
        }
    }

    #[test]
    fn faults_in_spills_and_fills_change_nothing(steps in steps(), seed in any::<u64>()) {
        let mut machine = Machine::with_faults(Some(seed));
        for step in steps {
            machine.step(step);
            machine.check();
        }
    }

    /// What a debugger sees of the backing store is there once everything is stored.
    #[test]
    fn the_view_shows_what_flushrs_stores(steps in steps()) {
        let mut machine = Machine::new();
        for step in steps {
            machine.step(step);
        }
        let p = &mut machine.p;
        let (start, end) = (p.bspstore(), p.end_of_frame());
        let seen: Vec<(u64, Option<u64>)> = (start..end).step_by(8).map(|at| (at, p.stacked_word(at))).collect();
        let (outside, last) = (p.stacked_word(start - 8), p.stacked_word(end | 0x1f8));
        p.cover_frame();
        prop_assert_eq!(p.flush_register_stack(), Ok(()));
        prop_assert_eq!(p.bspstore(), end);
        let (rnat, bits) = (p.registers.ar[ar::RNAT], (1 << (end >> 3 & 0x3f)) - 1);
        for (at, word) in seen {
            prop_assert_eq!(word, Some(machine.word(at)), "{:#x}", at);
        }
        prop_assert!(outside.is_none() || start & 0x1f8 == 0);
        prop_assert_eq!(last.map(|last| last & bits), Some(rnat & bits));
    }

    /// SDM 2:133: collections are skipped.
    #[test]
    fn addresses_skip_collections(start in 0u64..64, registers in 0u64..300) {
        let base = address_of(0x1_0000, 0) + start * 8;
        let above = address_of(base, registers);
        prop_assert_eq!(skip(base, registers as i64), above);
        prop_assert_eq!(registers_in(base, (above - base) / 8), registers);
        if base & 0x1f8 != 0x1f8 {
            prop_assert_eq!(skip(above, -(registers as i64)), base);
        }
    }
}

/// A frame of `sof` registers, all of them covered: register i holds i, every fifth is NaT.
fn covered(sof: u8) -> Machine {
    let mut machine = Machine::new();
    machine.step(Step::Alloc(sof, 0, 0));
    for r in 0..sof {
        machine.step(Step::Write { r, value: r.into(), nat: r % 5 == 0 });
    }
    machine.step(Step::Interrupt);
    machine
}

/// SDM 2:142: what is below the tear point becomes invalid without being stored.
#[test]
fn loadrs_forgets_what_is_below_the_tear_point() {
    let mut machine = covered(20);
    machine.p.set_ar(ar::RSC, (8 * 8) << 16);
    machine.m(M::Loadrs, &[]);
    assert_eq!((machine.p.bspstore(), machine.p.bsp()), (USER + 12 * 8, USER + 20 * 8));
    machine.m(M::Flushrs, &[]);
    assert_eq!((11..20).map(|i| machine.word(USER + i * 8)).collect::<Vec<_>>(), [0, 12, 13, 14, 15, 16, 17, 18, 19]);
    assert_eq!(machine.p.ar(ar::RNAT) >> 12, 0b0000_1000);
}

/// SDM 3:153. Two collections lie among the 98 words below.
#[test]
fn loadrs_is_illegal_in_other_modes_and_for_more_registers_than_there_are() {
    let mut machine = covered(0);
    for (rsc, outcome) in [
        (8, Ok(())),
        (8 << 16 | 1, Err(Leave::Fault)),
        ((98 * 8) << 16, Ok(())),
        ((99 * 8) << 16, Err(Leave::Fault)),
        (0x3ff8 << 16, Err(Leave::Fault)),
    ] {
        machine.p.set_ar(ar::RSC, rsc);
        assert_eq!(execute(&mut machine.p, Opcode::M(M::Loadrs), &[]), outcome, "{rsc:#x}");
    }
    machine.p.set_ar(ar::RSC, 8 << 16);
    machine.step(Step::Alloc(1, 0, 0));
    assert_eq!(execute(&mut machine.p, Opcode::M(M::Loadrs), &[]), Err(Leave::Fault));
    assert_eq!(machine.p.raised, Interruption::ILLEGAL_OPERATION);
}

/// SDM 3:16.
#[test]
fn alloc_refuses_illegal_frames() {
    let mut machine = Machine::new();
    for (sof, sol, rotating, legal) in [
        (96, 96, 96, true),
        (97, 0, 0, false),
        (8, 9, 0, false),
        (15, 0, 16, false),
        (16, 16, 16, true),
        (0, 0, 0, true),
    ] {
        let outcome = execute(&mut machine.p, Opcode::M(M::Alloc), &[31, sof, sol, rotating]);
        assert_eq!(outcome.is_ok(), legal, "{sof} {sol} {rotating}");
    }
}

/// SDM 2:143: the frame becomes empty and ar.bsp is that of the frame returned to.
#[test]
fn a_return_to_a_frame_that_does_not_fit_gives_an_empty_frame() {
    let mut machine = covered(90);
    machine.p.registers.ar[ar::PFS] = Cfm::new().with_sof(20).with_sol(10).into();
    assert_eq!(machine.b(B::Ret, &[0, 0, 0, 0]), Err(Leave::Branch));
    assert_eq!((machine.p.registers.cfm, machine.p.bsp()), (Cfm::new(), address_of(USER, 80)));
    for pfm in [0x3f_ffff_ffff, 97, 1 << 7, 1 << 14, 8 | 1 << 14 | 8 << 18, 96 << 25, 48 << 32] {
        machine.p.registers.ar[ar::PFS] = pfm;
        assert_eq!(machine.b(B::Ret, &[0, 0, 0, 0]), Err(Leave::Branch));
        assert_eq!(machine.p.registers.cfm, Cfm::new(), "{pfm:#x}");
    }
}

/// Debuggers and firmware set CFM to legal frames only.
#[test]
fn frames_can_be_set() {
    let mut machine = covered(40);
    let marker = Cfm::new().with_sof(56).with_sor(2).with_rrb_gr(3).with_rrb_pr(5).with_rrb_fr(7);
    assert!(machine.p.set_cfm(marker));
    assert_eq!(machine.p.registers.cfm, marker);
    assert!(!machine.p.set_cfm(marker.with_sof(57)));
    assert!(!machine.p.set_cfm(marker.with_rrb_gr(16)));
    assert_eq!(machine.p.registers.cfm, marker);
}
