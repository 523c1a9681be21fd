//! What becomes of results, flags, faults and traps, as SDM 1:102 and the instructions' pages say.

use std::sync::Arc;

use patchbay_isa::bundle::Template;
use patchbay_isa::rows::{F, M};
use patchbay_isa::{Bundle, Instruction, Opcode};
use proptest::prelude::*;

use crate::engine::interpreter::lower;
use crate::engine::{Engine, Interpreter};
use crate::flat_machine::{self, FlatMemory};
use crate::fp::Fr;
use crate::fp::register::{BIAS, INTEGER_BIT};
use crate::interruption::{Interruption, Vector};
use crate::outcome::{Leave, Outcome};
use crate::processor::Processor;
use crate::psr::{Cfm, Psr};
use crate::registers::{ar, cr};

/// FPSR after reset: all traps disabled, no flags, rounding to nearest in full precision.
const RESET: u64 = 0x0009_804c_0270_033f;

fn processor() -> Processor {
    flat_machine::processor(Arc::new(FlatMemory::new(0)))
}

/// Executes an F-unit instruction with these operands in the order of its syntax.
fn execute(p: &mut Processor, row: F, qp: u8, operands: &[i64]) -> Outcome {
    let instruction = Instruction::encode(Opcode::F(row), qp, operands).expect("operands fit");
    let op = lower::instruction(&instruction);
    if p.pr(op.qp) { (op.execute)(p, &op) } else { Ok(()) }
}

fn number(exponent: i32) -> Fr {
    Fr::new(false, BIAS.wrapping_add_signed(exponent), INTEGER_BIT)
}

fn mfl_and_mfh(p: &Processor) -> (bool, bool) {
    (p.registers.psr.mfl(), p.registers.psr.mfh())
}

/// A fault leaves registers, predicates, FPSR and PSR as they were; ISR.code bit 0 is V, bit 2 is Z.
#[test]
fn a_fault_writes_nothing() {
    for (row, operands, f3, code) in [
        (F::FmaD, &[0, 6, 7, 8, 1][..], Fr::infinity(false), 1),
        (F::FcmpLt, &[0, 6, 7, 7, 8], Fr::INDEFINITE, 1),
        (F::Fmin, &[0, 6, 7, 8], Fr::INDEFINITE, 1),
        (F::FcvtFx, &[0, 6, 7], Fr::ZERO, 1),
        (F::Frcpa, &[0, 6, 7, 1, 8], Fr::ZERO, 4),
    ] {
        let mut p = processor();
        p.registers.ar[ar::FPSR] = RESET & !5;
        p.registers.fr[7] = Fr::ZERO;
        p.registers.fr[8] = f3;
        if row == F::FcvtFx {
            p.registers.fr[7] = number(64);
        }
        p.set_pr2(6, true, 7, true);
        let before = p.registers.clone();
        assert_eq!(execute(&mut p, row, 0, operands), Err(Leave::Fault), "{row:?}");
        assert_eq!(p.raised, Interruption::fault(Vector::FloatingPointFault, code), "{row:?}");
        assert_eq!(p.registers, before, "{row:?}");
    }
}

/// 2^1023 squared overflows a double. With the trap enabled the register gets it all the same (SDM 1:105).
#[test]
fn a_trap_follows_the_result_and_the_flags() {
    let mut p = processor();
    p.registers.ar[ar::FPSR] = RESET & !8;
    p.registers.fr[7] = number(1023);
    assert_eq!(execute(&mut p, F::FmaD, 0, &[0, 6, 7, 7, 0]), Err(Leave::Trap));
    assert_eq!(p.raised, Interruption::fault(Vector::FloatingPointTrap, 1 << 11 | 1));
    assert_eq!(p.fr(6), number(2046));
    assert_eq!(p.registers.ar[ar::FPSR], RESET & !8 | 1 << (13 + 3));
    assert_eq!(mfl_and_mfh(&p), (true, false));
}

/// 1/3 is inexact: flag I (bit 12 of a status field) of the field that the instruction names.
#[test]
fn flags_go_to_the_named_status_field() {
    for sf in 0..4 {
        let mut p = processor();
        p.registers.fr[7] = Fr::new(false, BIAS - 2, (u64::MAX / 3) << 1);
        p.registers.fr[8] = Fr::new(false, BIAS, 3 << 62);
        assert_eq!(execute(&mut p, F::FmaS, 0, &[sf, 6, 7, 8, 0]), Ok(()));
        assert_eq!(p.registers.ar[ar::FPSR], RESET | 1 << (6 + 13 * sf + 12));
    }
}

#[test]
fn a_written_register_marks_its_half_as_modified() {
    let mut p = processor();
    execute(&mut p, F::FmergeS, 0, &[31, 1, 1]).expect("completes");
    assert_eq!(mfl_and_mfh(&p), (true, false));
    let mut p = processor();
    p.registers.cfm = Cfm::new().with_rrb_fr(95);
    execute(&mut p, F::FmergeS, 0, &[32, 1, 1]).expect("completes");
    assert_eq!(mfl_and_mfh(&p), (false, true));
    assert_eq!((p.fr(32), p.registers.fr[127]), (Fr::ONE, Fr::ONE));
    let mut p = processor();
    execute(&mut p, F::FcmpEq, 0, &[0, 6, 7, 33, 2]).expect("completes");
    assert_eq!(mfl_and_mfh(&p), (false, false));
}

/// A product that is rounded without an addition keeps the sign of a zero; any register of value +0 but FR 0 adds.
#[test]
fn only_fr0_makes_a_multiplication() {
    let mut p = processor();
    p.registers.fr[7] = Fr::zero(true);
    execute(&mut p, F::Fma, 0, &[0, 6, 7, 1, 0]).expect("completes");
    assert_eq!(p.fr(6), Fr::zero(true));
    execute(&mut p, F::Fma, 0, &[0, 6, 7, 1, 9]).expect("completes");
    assert_eq!(p.fr(6), Fr::ZERO);
}

/// The operands of these are f3, f4 and f2 in the order of their syntax (SDM 3, "xma", "fselect").
#[test]
fn three_operands_stand_in_their_places() {
    let mut p = processor();
    p.registers.fr[7..10].copy_from_slice(&[0x11, 0x100, 0x0f].map(Fr::integer));
    execute(&mut p, F::XmaL, 0, &[6, 7, 8, 9]).expect("completes");
    assert_eq!(p.fr(6), Fr::integer(0x110f));
    execute(&mut p, F::Fselect, 0, &[6, 7, 8, 9]).expect("completes");
    assert_eq!(p.fr(6), Fr::integer(0x101));
}

#[test]
fn natval_passes_through_or_clears_predicates() {
    let mut p = processor();
    p.registers.ar[ar::FPSR] = RESET & !0x3f;
    p.registers.fr[7] = Fr::NATVAL;
    p.registers.fr[8] = Fr::INDEFINITE;
    for (row, operands) in [
        (F::FmaD, &[0, 6, 8, 8, 7][..]),
        (F::Fpma, &[0, 6, 7, 8, 0]),
        (F::XmaHu, &[6, 7, 8, 0]),
        (F::Famax, &[0, 6, 8, 7]),
        (F::Fpack, &[6, 8, 7]),
        (F::FcvtXf, &[6, 7]),
        (F::FpcvtFxuTrunc, &[0, 6, 7]),
    ] {
        p.registers.fr[6] = Fr::ONE;
        execute(&mut p, row, 0, operands).expect("completes");
        assert_eq!(p.fr(6), Fr::NATVAL, "{row:?}");
    }
    let mut cleared = |row, operands: &[i64], expected| {
        p.set_pr2(10, true, 11, true);
        execute(&mut p, row, 0, operands).expect("completes");
        assert_eq!((p.pr(10), p.pr(11)), expected, "{row:?}");
    };
    cleared(F::FcmpUnord, &[0, 10, 11, 7, 8], (false, false));
    cleared(F::FclassM, &[10, 11, 7, 0xff], (false, false));
    cleared(F::FclassM, &[10, 11, 7, 0x100], (true, false));
    cleared(F::Frcpa, &[0, 6, 11, 8, 7], (true, false));
    assert_eq!(p.fr(6), Fr::NATVAL);
    assert_eq!(p.registers.ar[ar::FPSR], RESET & !0x3f);
}

/// Where the qualifying predicate is 0, these clear their predicate targets; the others leave them.
#[test]
fn unconditional_forms_clear_predicates() {
    for (row, operands, expected) in [
        (F::FcmpEq, &[0, 10, 11, 1, 1][..], (true, true)),
        (F::FcmpEqUnc, &[0, 10, 11, 1, 1], (false, false)),
        (F::FclassM, &[10, 11, 1, 0x1ff], (true, true)),
        (F::FclassMUnc, &[10, 11, 1, 0x1ff], (false, false)),
        (F::Frcpa, &[0, 6, 11, 1, 1], (true, false)),
        (F::Fprcpa, &[0, 6, 11, 1, 1], (true, false)),
        (F::Frsqrta, &[0, 6, 11, 1], (true, false)),
        (F::Fprsqrta, &[0, 6, 11, 1], (true, false)),
    ] {
        let mut p = processor();
        p.set_pr2(10, true, 11, true);
        execute(&mut p, row, 5, operands).expect("completes");
        assert_eq!((p.pr(10), p.pr(11)), expected, "{row:?}");
        assert_eq!((p.fr(6), p.registers.psr), (Fr::ZERO, Psr::new()), "{row:?}");
    }
}

proptest! {
    /// `fcmp` and `fpcmp` against the host's compares, and its eight relations against each other.
    #[test]
    fn relations(x in any::<f32>(), y in any::<f32>()) {
        let mut p = processor();
        p.registers.fr[6] = Fr::from_single(x.to_bits());
        p.registers.fr[7] = Fr::from_single(y.to_bits());
        p.registers.fr[8] = Fr::pair(x.to_bits(), y.to_bits());
        p.registers.fr[9] = Fr::pair(y.to_bits(), x.to_bits());
        let unordered = x.is_nan() || y.is_nan();
        let ones = |holds| if holds { u32::MAX } else { 0 };
        for (scalar, pair, negated, holds, swapped) in [
            (F::FcmpEq, F::FpcmpEq, F::FpcmpNeq, x == y, x == y),
            (F::FcmpLt, F::FpcmpLt, F::FpcmpNlt, x < y, y < x),
            (F::FcmpLe, F::FpcmpLe, F::FpcmpNle, x <= y, y <= x),
            (F::FcmpUnord, F::FpcmpUnord, F::FpcmpOrd, unordered, unordered),
        ] {
            execute(&mut p, scalar, 0, &[0, 10, 11, 6, 7]).expect("completes");
            prop_assert_eq!((p.pr(10), p.pr(11)), (holds, !holds));
            execute(&mut p, pair, 0, &[0, 5, 8, 9]).expect("completes");
            prop_assert_eq!(p.fr(5), Fr::pair(ones(holds), ones(swapped)));
            execute(&mut p, negated, 0, &[0, 5, 8, 9]).expect("completes");
            prop_assert_eq!(p.fr(5), Fr::pair(ones(!holds), ones(!swapped)));
        }
    }
}

#[test]
fn fsetc_sets_controls_from_those_of_sf0() {
    let mut p = processor();
    assert_eq!(RESET >> 6 & 0x7f, 0x0c);
    let flags = 0x3f << (6 + 26 + 7);
    p.registers.ar[ar::FPSR] = RESET | flags;
    execute(&mut p, F::Fsetc, 0, &[2, 0x7b, 0x50]).expect("completes");
    assert_eq!(p.registers.ar[ar::FPSR], RESET & !(0x7f << 32) | 0x58 << 32 | flags);
    // td of sf0 and precision control 1 are reserved.
    for operands in [[0, 0x7f, 0x40], [1, 0, 4]] {
        let before = p.registers.ar[ar::FPSR];
        assert_eq!(execute(&mut p, F::Fsetc, 0, &operands), Err(Leave::Fault));
        assert_eq!(p.raised, Interruption::RESERVED_REGISTER_FIELD);
        assert_eq!(p.registers.ar[ar::FPSR], before);
    }
}

#[test]
fn fclrf_clears_the_flags_of_a_field() {
    let mut p = processor();
    let all = 0x3f << 13 | 0x3f << 26 | 0x3f << 39 | 0x3f << 52;
    p.registers.ar[ar::FPSR] = RESET | all;
    execute(&mut p, F::Fclrf, 0, &[2]).expect("completes");
    assert_eq!(p.registers.ar[ar::FPSR], RESET | all & !(0x3f << 39));
}

/// SDM 3:63
#[test]
fn fchkf_branches_on_new_or_trapping_flags() {
    let mut p = processor();
    p.registers.ip = 0x1000;
    let (sf0, sf1) = (13, 26);
    let mut check = |fpsr| {
        p.registers.ar[ar::FPSR] = fpsr;
        p.registers.ip = 0x1000;
        (execute(&mut p, F::Fchkf, 0, &[1, -0x40]), p.registers.ip)
    };
    let stays = (Ok(()), 0x1000);
    let branches = (Err(Leave::Branch), 0xfc0);
    assert_eq!(check(RESET), stays);
    assert_eq!(check(RESET | 2 << sf1), branches);
    assert_eq!(check(RESET | 2 << sf1 | 2 << sf0), stays);
    assert_eq!(check((RESET | 2 << sf1 | 2 << sf0) & !2), branches);
    assert_eq!(check(RESET & !0x3f | 0x3f << sf0), stays);
}

/// PSR.dfl disables f2-f31, but an instruction whose predicate is 0 only clears its predicate targets.
#[test]
fn disabled_registers_fault_under_the_predicate() {
    for predicate in [false, true] {
        let memory = Arc::new(FlatMemory::new(1 << 20));
        let frcpa = Instruction::encode(Opcode::F(F::Frcpa), 6, &[0, 9, 7, 1, 1]).expect("operands fit").bits as u64;
        let nop = Instruction::encode(Opcode::M(M::Nop), 0, &[0]).expect("operands fit").bits as u64;
        let bundle = Bundle::new(Template::new(0x0c), [nop, frcpa, nop]);
        memory.write_bytes(0x1000, &bundle.0.to_le_bytes()).expect("RAM");
        let mut p = flat_machine::processor(memory);
        p.registers.ip = 0x1000;
        p.registers.cr[cr::IVA] = 0x8000;
        p.registers.psr = Psr::new().with_dfl(true).with_ic(true);
        p.set_pr2(6, predicate, 7, true);
        let mut engine = Interpreter::default();
        engine.set_breakpoint(Some(0x1010));
        engine.run(&mut p, 3);
        assert_eq!(p.pr(7), predicate);
        assert_eq!(p.delivered[0x55], u64::from(predicate));
        assert_eq!(p.instructions, if predicate { 1 } else { 3 });
    }
}
