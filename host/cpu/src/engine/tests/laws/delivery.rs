//! Delivery of interruptions and the return from them.

use patchbay_isa::rows::{B, I, M, X};

use super::*;
use crate::psr::Cfm;

/// SDM 2:24, table 3-2: the state of each field after an interruption.
#[test]
fn the_psr_of_handlers() {
    const KEPT: u64 = 1 << 2 | 3 << 4 | 1 << 15 | 1 << 17 | 1 << 27 | 1 << 35 | 1 << 36;
    for (dcr, set) in [(0, 0), (1, 1 << 21), (2, 1 << 1), (0x7f07, 1 << 21 | 1 << 1)] {
        let mut guest = Guest::new();
        guest.p.registers.cr[cr::DCR] = dcr;
        for bit in 0..47 {
            let psr = Psr::from(1 << bit);
            guest.set_psr(psr);
            guest.p.deliver(&Interruption::ILLEGAL_OPERATION);
            assert_eq!(u64::from(guest.p.registers.psr), u64::from(psr) & KEPT | set, "bit {bit}");
        }
    }
}

#[test]
fn handlers_have_bank_0() {
    let mut guest = Guest::new();
    guest.set_psr(Psr::new().with_ic(true).with_bn(true));
    guest.p.set_gr(16, 1, false);
    guest.p.deliver(&Interruption::ILLEGAL_OPERATION);
    assert_eq!((guest.p.gr(16), guest.p.registers.bank[0], guest.ipsr().bn()), (0, 1, true));
}

/// SDM 2:101: at PSR.ic = 0 only ISR is written, and not by a Data Nested TLB fault.
#[test]
fn interruptions_without_collection() {
    let mut guest = Guest::new();
    let all = |guest: &Guest| {
        [cr::IPSR, cr::IIP, cr::IFA, cr::ITIR, cr::IIPA, cr::IIM, cr::IHA, cr::IFS].map(|r| guest.cr(r))
    };
    for register in [cr::IPSR, cr::IIP, cr::IFA, cr::ITIR, cr::IIPA, cr::IIM, cr::IHA, cr::ISR] {
        guest.p.registers.cr[register] = register as u64;
    }
    guest.p.registers.cr[cr::IFS] = 1 << 63 | 5;
    let before = all(&guest);
    let raised = Interruption {
        ifa: Some(1),
        itir: Some(2),
        iim: Some(3),
        iha: Some(4),
        ..Interruption::fault(Vector::DataNestedTlb, 0)
    };
    guest.set_psr(Psr::new());
    guest.p.deliver(&raised);
    assert_eq!((all(&guest), guest.cr(cr::ISR)), (before, cr::ISR as u64));
    guest.p.deliver(&Interruption { vector: Vector::PageNotPresent, ..raised });
    assert_eq!((all(&guest), guest.isr()), (before, Isr::new().with_ni(true)));
    guest.set_psr(Psr::new().with_ic(true));
    guest.p.last_ip = 0x40;
    guest.go(CODE);
    guest.p.deliver(&Interruption { vector: Vector::PageNotPresent, ..raised });
    assert_eq!(all(&guest), [1 << 13, CODE, 1, 2, 0x40, 3, 4, 5]);
    assert_eq!(guest.isr(), Isr::new());
}

/// SDM 2:40.
#[test]
fn iipa_is_the_last_bundle_executed_with_collection() {
    let mut guest = Guest::new();
    let breaks = encode(Opcode::I(I::Break), &[7]);
    let set_iipa = encode(Opcode::M(M::MovToCr), &[cr::IIPA as i64, 8]);
    let rfi = encode(Opcode::B(B::Rfi), &[]);
    let handler = IVT + Vector::BreakInstruction as u64;
    guest.p.set_gr(8, 0x1230, false);
    // Slot 0 of the bundle itself was executed.
    guest.put(CODE, &[nops(), bundle(MII, [nop('m'), breaks, nop('i')])]);
    guest.run_to(handler);
    assert_eq!((guest.cr(cr::IIP), guest.cr(cr::IIPA)), (CODE + 16, CODE + 16));
    // A fault in slot 0 follows the bundle before, or the one that branched.
    let break_m = encode(Opcode::M(M::Break), &[7]);
    guest.put(CODE + 16, &[bundle(MII, [break_m, nop('i'), nop('i')])]);
    guest.go(CODE);
    guest.set_psr(Psr::new().with_ic(true));
    guest.run_to(handler);
    assert_eq!(guest.cr(cr::IIPA), CODE);
    guest.program(CODE + 0x100, &[branch(-0xf0)]);
    guest.go(CODE + 0x100);
    guest.set_psr(Psr::new().with_ic(true));
    guest.run_to(handler);
    assert_eq!(guest.cr(cr::IIPA), CODE + 0x100);
    // What a handler executes, its rfi included, does not count.
    guest.put(handler, &[nops()]);
    guest.program(handler + 16, &[rfi]);
    guest.run_to(CODE + 16);
    guest.run_to(handler);
    assert_eq!(guest.cr(cr::IIPA), CODE + 0x100);
    guest.program(handler, &[set_iipa, rfi]);
    guest.run_to(CODE + 16);
    guest.run_to(handler);
    assert_eq!(guest.cr(cr::IIPA), 0x1230);
}

/// SDM 3:29, 2:37: the slot in ISR.ei and IPSR.ri, the immediate in IIM.
#[test]
fn breaks_of_each_unit() {
    let program = [
        (encode(Opcode::M(M::Break), &[0x1f_fffe]), 0, 0x1f_fffe),
        (encode(Opcode::F(F::Break), &[2]), 1, 2),
        (encode(Opcode::I(I::Break), &[3]), 2, 3),
        (encode(Opcode::B(B::Break), &[4]), 2, 0),
        (encode(Opcode::X(X::Break), &[0x1234_5678_9abc]), 1, 0x18_9abc),
    ];
    for (instruction, slot, iim) in program {
        let mut guest = Guest::new();
        guest.p.registers.cr[cr::IFS] = 1 << 63;
        guest.program(CODE, &[instruction]);
        guest.run_to_handler(Vector::BreakInstruction);
        assert_eq!(guest.isr(), Isr::new().with_ei(slot));
        assert_eq!(guest.ipsr(), Psr::new().with_ic(true).with_ri(slot));
        assert_eq!((guest.cr(cr::IIP), guest.cr(cr::IIM), guest.cr(cr::IFS)), (CODE, iim, 0));
    }
}

/// SDM 3:237.
#[test]
fn rfi_returns_into_any_slot() {
    for slot in 0..3u8 {
        let mut guest = Guest::new();
        guest.put(CODE, &[bundle(MII, [add(8, 1), add(8, 0x10), add(8, 0x100)]), nops()]);
        guest.program(0x8000, &[encode(Opcode::B(B::Rfi), &[])]);
        guest.p.registers.cr[cr::IIP] = CODE | 7;
        guest.p.registers.cr[cr::IPSR] = Psr::new().with_ic(true).with_ri(slot).into();
        guest.set_psr(Psr::new());
        guest.go(0x8000);
        guest.run_to(CODE + 16);
        assert_eq!(guest.p.gr(8), [0x111, 0x110, 0x100][usize::from(slot)]);
        assert_eq!(guest.p.instructions, 3 + 3 - u64::from(slot));
    }
}

/// A long instruction is in slot 1, and nothing can be resumed at slot 2 of its bundle, nor at slot 3 of any.
#[test]
fn slots_that_do_not_exist() {
    for (code, slot) in [(long(nop('m'), encode(Opcode::X(X::Movl), &[8, 5])), 2), (nops(), 3)] {
        let mut guest = Guest::new();
        guest.put(CODE, &[code]);
        guest.set_psr(Psr::new().with_ic(true).with_ri(slot));
        guest.run_to_handler(Vector::GeneralException);
        assert_eq!((guest.isr(), guest.ipsr().ri()), (Isr::new().with_ei(slot), slot));
        assert_eq!(guest.p.gr(8), 0);
    }
}

#[test]
fn long_instructions_fill_two_slots() {
    let mut guest = Guest::new();
    guest.put(CODE, &[long(nop('m'), encode(Opcode::X(X::Movl), &[8, 0x1234_5678_9abc_def0])), nops()]);
    guest.set_psr(Psr::new().with_ic(true).with_ss(true));
    guest.run_to_handler(Vector::SingleStepTrap);
    assert_eq!((guest.cr(cr::IIP), guest.ipsr().ri(), guest.isr().ei()), (CODE, 1, 0));
    guest.set_psr(guest.ipsr());
    guest.p.registers.ip = CODE;
    guest.run_to_handler(Vector::SingleStepTrap);
    assert_eq!((guest.cr(cr::IIP), guest.ipsr().ri(), guest.isr().ei()), (CODE + 16, 0, 1));
    assert_eq!((guest.p.gr(8), guest.p.instructions), (0x1234_5678_9abc_def0, 2));
}

/// SDM 2:205: reported on the fetch, with the branch that led there in IIPA.
#[test]
fn unimplemented_instruction_addresses() {
    let mut guest = Guest::new();
    guest.p.registers.br[6] = 1 << 50;
    guest.program(CODE, &[encode(Opcode::B(B::CondIndirect), &[0, 0, 0, 6])]);
    guest.run_to_handler(Vector::LowerPrivilegeTransferTrap);
    let report = [cr::IIP, cr::IIPA, cr::IFA].map(|register| guest.cr(register));
    assert_eq!((report, guest.isr()), ([1 << 50, CODE, 1 << 50], Isr::new().with_code(1 << 4)));
}

/// An interruption in the handler of another one, before it turns PSR.ic on, keeps what the first has saved.
#[test]
fn a_handler_that_faults_without_collection() {
    let mut guest = Guest::new();
    guest.program(CODE, &[encode(Opcode::I(I::Break), &[7])]);
    guest.program(IVT + Vector::BreakInstruction as u64, &[encode(Opcode::M(M::Break), &[9])]);
    guest.run_to_handler(Vector::BreakInstruction);
    guest.p.registers.cr[cr::IVA] = IVT + 0x8000;
    guest.put(IVT + 0x8000 + Vector::BreakInstruction as u64, &[nops()]);
    guest.run_to(IVT + 0x8000 + Vector::BreakInstruction as u64);
    assert_eq!((guest.cr(cr::IIM), guest.cr(cr::IIP), guest.isr()), (7, CODE, Isr::new().with_ni(true)));
}

/// A cover in the handler gives the frame to IFS; rfi restores it.
#[test]
fn cover_and_rfi_restore_the_frame() {
    let mut guest = Guest::new();
    let frame = Cfm::new().with_sof(9).with_sol(5).with_sor(1).with_rrb_gr(3).with_rrb_pr(7);
    assert!(guest.p.set_cfm(frame));
    guest.p.set_gr(34, 34, false);
    let pr = guest.p.registers.pr;
    guest.program(CODE, &[encode(Opcode::M(M::Break), &[7])]);
    let handler = IVT + Vector::BreakInstruction as u64;
    guest.program(handler, &[encode(Opcode::B(B::Cover), &[]), encode(Opcode::B(B::Rfi), &[])]);
    guest.run_to(handler + 16);
    assert_eq!(guest.cr(cr::IFS), 1 << 63 | u64::from(frame));
    assert_eq!((guest.p.registers.cfm, guest.p.bsp()), (Cfm::new(), 9 * 8));
    guest.run_to(CODE);
    assert_eq!((guest.p.registers.cfm, guest.p.gr(34), guest.p.registers.pr, guest.p.bsp()), (frame, 34, pr, 0));
}
