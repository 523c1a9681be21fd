//! Branches, returns and changes of privilege.

use std::sync::Arc;

use patchbay_isa::rows::{B, X};
use patchbay_isa::{Bundle, Instruction, Opcode, Template};

use crate::engine::interpreter::{Op, lower};
use crate::engine::{Engine, Interpreter};
use crate::exit::Exit;
use crate::flat_machine::{self, FlatMemory};
use crate::interruption::{Interruption, Isr, Vector, general};
use crate::mmu::Side;
use crate::outcome::{Leave, Outcome};
use crate::processor::Processor;
use crate::psr::{Cfm, Psr};
use crate::registers::{ar, cr};

fn processor() -> Processor {
    flat_machine::processor(Arc::new(FlatMemory::new(0)))
}

fn encode(opcode: Opcode, qp: u8, operands: &[i64]) -> Instruction {
    Instruction::encode(opcode, qp, operands).expect("operands fit")
}

fn op(opcode: Opcode, qp: u8, operands: &[i64]) -> Op {
    lower::instruction(&encode(opcode, qp, operands))
}

fn execute(p: &mut Processor, b: B, operands: &[i64]) -> Outcome {
    let op = op(Opcode::B(b), 0, operands);
    (op.execute)(p, &op)
}

/// The operands of a loop branch whose target is 0x100 bytes away.
const TARGET: [i64; 4] = [0, 0, 0, 0x100];

/// SDM 1:78: the branch, LC, EC and the predicate that becomes p16; and whether the registers rotate.
#[test]
fn counted_loops() {
    for (lc, ec, goes_on, lc_after, ec_after, p16, rotates) in [
        (5, 3, true, 4, 3, true, true),
        (1, 0, true, 0, 0, true, true),
        (0, 3, true, 0, 2, false, true),
        (0, 2, true, 0, 1, false, true),
        (0, 1, false, 0, 0, false, true),
        (0, 0, false, 0, 0, false, false),
    ] {
        for (b, taken) in [(B::Ctop, goes_on), (B::Cexit, !goes_on)] {
            let mut p = processor();
            (p.registers.ar[ar::LC], p.registers.ar[ar::EC]) = (lc, ec);
            p.registers.pr = 1 | 1 << 63;
            assert_eq!(execute(&mut p, b, &TARGET), if taken { Err(Leave::Branch) } else { Ok(()) }, "{b:?} {lc} {ec}");
            assert_eq!((p.registers.ar[ar::LC], p.registers.ar[ar::EC]), (lc_after, ec_after));
            assert_eq!(p.registers.cfm.rrb_pr(), if rotates { 47 } else { 0 });
            assert_eq!(p.pr(if rotates { 16 } else { 63 }), p16);
            assert_eq!(p.registers.ip, if taken { 0x100 } else { 0 });
        }
    }
}

/// SDM 1:79.
#[test]
fn while_loops() {
    for (condition, ec, goes_on, ec_after, rotates) in [
        (true, 3, true, 3, true),
        (true, 0, true, 0, true),
        (false, 2, true, 1, true),
        (false, 1, false, 0, true),
        (false, 0, false, 0, false),
    ] {
        for (b, taken) in [(B::Wtop, goes_on), (B::Wexit, !goes_on)] {
            let mut p = processor();
            p.registers.ar[ar::EC] = ec;
            p.registers.pr = 1 | u64::from(condition) << 6 | 1 << 63;
            let op = op(Opcode::B(b), 6, &TARGET);
            assert_eq!(op.qp, 0);
            assert_eq!((op.execute)(&mut p, &op), if taken { Err(Leave::Branch) } else { Ok(()) });
            assert_eq!(p.registers.ar[ar::EC], ec_after);
            assert_eq!(p.registers.cfm.rrb_pr(), if rotates { 47 } else { 0 });
            assert!(!p.pr(if rotates { 16 } else { 63 }));
        }
    }
}

#[test]
fn cloop_counts_down() {
    let mut p = processor();
    p.registers.ar[ar::LC] = 1;
    assert_eq!(execute(&mut p, B::Cloop, &TARGET), Err(Leave::Branch));
    assert_eq!(execute(&mut p, B::Cloop, &TARGET), Ok(()));
    assert_eq!(p.registers.ar[ar::LC], 0);
}

/// SDM 3:21.
#[test]
fn counted_loops_and_br_ia_have_no_predicate() {
    for b in [B::Cloop, B::Ctop, B::Cexit] {
        let mut p = processor();
        let mut instruction = encode(Opcode::B(b), 0, &TARGET);
        instruction.bits |= 1;
        let op = lower::instruction(&instruction);
        assert_eq!((op.execute)(&mut p, &op), Err(Leave::Fault));
        assert_eq!(p.raised, Interruption::ILLEGAL_OPERATION);
    }
    let mut p = processor();
    assert_eq!(execute(&mut p, B::Ia, &[0, 0, 0, 1]), Err(Leave::Fault));
    assert_eq!(p.raised, Interruption::fault(Vector::GeneralException, general::DISABLED_ISA_TRANSITION));
}

#[test]
fn calls_save_what_returns_restore() {
    let mut p = processor();
    p.set_psr(Psr::new().with_cpl(2));
    assert!(p.set_cfm(Cfm::new().with_sof(9).with_sol(6).with_sor(1).with_rrb_gr(3)));
    (p.registers.ip, p.registers.ar[ar::EC]) = (0x1000, 0x15);
    let call = op(Opcode::X(X::BrlCall), 0, &[0, 0, 0, 4, -0x20]);
    assert_eq!((call.execute)(&mut p, &call), Err(Leave::Branch));
    assert_eq!((p.registers.ip, p.registers.br[4]), (0xfe0, 0x1010));
    assert_eq!(p.registers.ar[ar::PFS], 2 << 62 | 0x15 << 52 | 3 << 18 | 1 << 14 | 6 << 7 | 9);
    assert_eq!(p.registers.cfm, Cfm::new().with_sof(3));
    p.registers.ar[ar::EC] = 0;
    assert_eq!(execute(&mut p, B::Ret, &[0, 0, 0, 4]), Err(Leave::Branch));
    assert_eq!((p.registers.ip, p.registers.ar[ar::EC]), (0x1010, 0x15));
    assert_eq!(p.registers.cfm, Cfm::new().with_sof(9).with_sol(6).with_sor(1).with_rrb_gr(3));
    // The link register may be the one that held the target.
    p.registers.br[4] = 0x2003;
    assert_eq!(execute(&mut p, B::CallIndirect, &[1, 0, 0, 4, 4]), Err(Leave::Branch));
    assert_eq!((p.registers.ip, p.registers.br[4]), (0x2000, 0x1020));
}

/// SDM 3:21, 2:206: a return lowers the privilege and never raises it.
#[test]
fn returns_lower_the_privilege() {
    for (cpl, ppl, after, code) in [(0u8, 3u64, 3u8, Some(2)), (1, 1, 1, None), (2, 0, 2, None)] {
        let mut p = processor();
        p.set_psr(Psr::new().with_cpl(cpl).with_lp(true));
        p.registers.ar[ar::PFS] = ppl << 62;
        let leave = execute(&mut p, B::Ret, &[0, 0, 0, 0]);
        assert_eq!(p.registers.psr.cpl(), after);
        match code {
            None => assert_eq!(leave, Err(Leave::Branch)),
            Some(code) => {
                assert_eq!(leave, Err(Leave::BranchTrap));
                assert_eq!(p.raised, Interruption::fault(Vector::LowerPrivilegeTransferTrap, code));
            }
        }
    }
}

/// SDM 2:206, 2:207.
#[test]
fn taken_branches_trap() {
    let mut p = processor();
    p.set_psr(Psr::new().with_tb(true).with_lp(true));
    assert_eq!(execute(&mut p, B::Cond, &TARGET), Err(Leave::BranchTrap));
    assert_eq!(p.raised, Interruption::fault(Vector::TakenBranchTrap, 4));
    assert_eq!(p.registers.ip, 0x100);
    p.registers.ar[ar::PFS] = 1 << 62;
    assert_eq!(execute(&mut p, B::Ret, &[0, 0, 0, 0]), Err(Leave::BranchTrap));
    assert_eq!(p.raised, Interruption::fault(Vector::LowerPrivilegeTransferTrap, 6));
    assert_eq!(execute(&mut p, B::Cloop, &TARGET), Ok(()));
}

#[test]
fn privileged_branch_instructions() {
    for b in [B::Rfi, B::Bsw0, B::Bsw1, B::Vmsw0, B::Vmsw1] {
        let mut p = processor();
        p.set_psr(Psr::new().with_cpl(1).with_vm(true));
        assert_eq!(execute(&mut p, b, &[]), Err(Leave::Fault), "{b:?}");
        assert_eq!(p.raised, Interruption::PRIVILEGED_OPERATION);
        p.set_psr(Psr::new().with_vm(true));
        assert_eq!(execute(&mut p, b, &[]), Err(Leave::Virtualized), "{b:?}");
    }
    // SDM 3:48: cover is virtualized at privilege level 0 only.
    let mut p = processor();
    p.set_psr(Psr::new().with_vm(true));
    assert_eq!(execute(&mut p, B::Cover, &[]), Err(Leave::Virtualized));
    p.set_psr(Psr::new().with_vm(true).with_cpl(3));
    assert_eq!(execute(&mut p, B::Cover, &[]), Err(Leave::Serialize));
}

#[test]
fn rfi_restores_the_interrupted_context() {
    let mut p = processor();
    let psr = Psr::new().with_bn(true).with_cpl(3).with_ri(2).with_ic(true).with_tb(true).with_lp(true);
    p.registers.cr[cr::IPSR] = psr.into();
    p.registers.cr[cr::IIP] = 0x1238;
    p.registers.gr[16] = 7;
    assert_eq!(execute(&mut p, B::Rfi, &[]), Err(Leave::Return));
    assert_eq!((p.registers.psr, p.registers.ip, p.registers.bank[0]), (psr, 0x1230, 7));
}

/// SDM 3:29.
#[test]
fn the_immediates_of_breaks() {
    let mut p = processor();
    assert_eq!(execute(&mut p, B::Break, &[0x1234]), Err(Leave::Fault));
    assert_eq!((p.raised.vector, p.raised.iim), (Vector::BreakInstruction, Some(0)));
    let long = op(Opcode::X(X::Break), 0, &[0x7ff_ffff_ffe0_1234]);
    assert_eq!((long.execute)(&mut p, &long), Err(Leave::Fault));
    assert_eq!((p.raised.vector, p.raised.iim), (Vector::BreakInstruction, Some(0x1234)));
}

const PRESENT_DIRTY_ACCESSED: u64 = 0x61;

/// Translates the page at 0x1000 for instructions, with these rights and this level.
fn code_page(p: &mut Processor, rights: u64, level: u64) {
    p.registers.cr[cr::IFA] = 0x1000;
    p.registers.cr[cr::ITIR] = 12 << 2;
    let pte = 0x1000 | rights << 9 | level << 7 | PRESENT_DIRTY_ACCESSED;
    assert_eq!(p.insert_tc(Side::Instruction, pte), Ok(()));
    p.registers.ip = 0x1000;
}

/// SDM 3:53.
#[test]
fn epc_raises_the_privilege_to_that_of_its_page() {
    for (it, cpl, ppl, rights, level, after) in [
        (false, 3, 3, 7, 2, Some(0)),
        (true, 3, 3, 7, 2, Some(2)),
        (true, 1, 3, 7, 2, Some(1)),
        (true, 3, 3, 1, 0, Some(3)),
        (true, 3, 2, 7, 0, None),
        (false, 1, 0, 7, 0, None),
    ] {
        let mut p = processor();
        code_page(&mut p, rights, level);
        p.set_psr(Psr::new().with_it(it).with_cpl(cpl));
        p.registers.ar[ar::PFS] = ppl << 62;
        let leave = execute(&mut p, B::Epc, &[]);
        match after {
            Some(after) => assert_eq!((leave, p.registers.psr.cpl()), (Err(Leave::Serialize), after)),
            None => assert_eq!((leave, p.raised), (Err(Leave::Fault), Interruption::ILLEGAL_OPERATION)),
        }
    }
}

/// SDM 3:273.
#[test]
fn vmsw_needs_a_promotion_page() {
    for (rights, it, disabled, allowed) in
        [(7, true, false, true), (7, true, true, false), (7, false, false, false), (3, true, false, false)]
    {
        for before in [false, true] {
            let mut p = processor();
            code_page(&mut p, rights, 0);
            p.set_psr(Psr::new().with_it(it).with_vm(before));
            p.vmsw_disabled = disabled;
            let leave = execute(&mut p, if before { B::Vmsw0 } else { B::Vmsw1 }, &[]);
            if allowed {
                assert_eq!((leave, p.registers.psr.vm()), (Err(Leave::Serialize), !before));
            } else if before {
                assert_eq!(leave, Err(Leave::Virtualized));
            } else {
                assert_eq!((leave, p.raised.vector), (Err(Leave::Fault), Vector::Virtualization));
            }
        }
    }
}

fn bundle(slots: [Instruction; 3]) -> [u8; 16] {
    const BBB: u8 = 0x17;
    Bundle::new(Template::new(BBB), slots.map(|slot| slot.slot())).to_bytes()
}

/// SDM 2:146: the return completes, and the load of its frame faults at the target.
#[test]
fn a_fill_that_faults_leaves_an_incomplete_frame() {
    const HANDLER: u64 = 0x8000 + Vector::AlternateDataTlb as u64;
    const STACK: u64 = 0x10_0100;
    let memory = Arc::new(FlatMemory::new(0x20_0000));
    let nop = encode(Opcode::B(B::Nop), 0, &[0]);
    let ret = encode(Opcode::B(B::Ret), 0, &[0, 0, 0, 1]);
    let rfi = encode(Opcode::B(B::Rfi), 0, &[]);
    memory.write_bytes(0x1000, &bundle([nop, ret, nop])).expect("RAM");
    memory.write_bytes(HANDLER, &bundle([nop, nop, rfi])).expect("RAM");
    for i in 0..8 {
        memory.write_bytes(STACK - 8 - i * 8, &(100 - i).to_le_bytes()).expect("RAM");
    }
    let mut p = flat_machine::processor(memory);
    let psr = Psr::new().with_ic(true).with_dt(true).with_rt(true);
    p.set_psr(psr);
    p.set_bspstore(STACK);
    p.registers.ip = 0x1000;
    p.registers.br[1] = 0x3000;
    p.registers.ar[ar::PFS] = Cfm::new().with_sof(8).with_sol(8).into();
    p.registers.cr[cr::IVA] = 0x8000;
    p.registers.cr[cr::IFS] = 1 << 63;
    let mut engine = Interpreter::default();
    engine.set_breakpoint(Some(HANDLER));
    assert_eq!(engine.run(&mut p, 100), Exit::Breakpoint);
    assert_eq!(p.instructions, 2);
    let control = |register: usize| p.registers.cr[register];
    assert_eq!((control(cr::IIP), control(cr::IIPA), control(cr::IFA)), (0x3000, 0x1000, STACK - 8));
    assert_eq!((control(cr::IPSR), control(cr::IFS) >> 63), (u64::from(psr), 0));
    let isr = Isr::new().with_r(true).with_rs(true).with_ir(true);
    assert_eq!(control(cr::ISR), isr.into());
    assert_eq!((p.registers.cfm.sof(), p.bsp()), (8, STACK - 64));
    p.registers.cr[cr::ITIR] = 12 << 2;
    assert_eq!(p.insert_tc(Side::Data, (STACK - 8) & !0xfff | 3 << 9 | PRESENT_DIRTY_ACCESSED), Ok(()));
    engine.set_breakpoint(Some(0x3000));
    assert_eq!(engine.run(&mut p, 100), Exit::Breakpoint);
    assert_eq!(p.instructions, 5);
    assert_eq!(p.registers.gr[32..40], [93, 94, 95, 96, 97, 98, 99, 100]);
    assert_eq!((p.bsp(), p.bspstore()), (STACK - 64, STACK - 64));
}
