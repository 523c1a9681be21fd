//! Traps, alone and together, and the PSR bits that hold for one instruction.

use patchbay_isa::rows::{B, I, M};

use super::*;
use crate::fp::Fr;
use crate::registers::ar;

const COLLECTING: Psr = Psr::new().with_ic(true);
/// ISR.code (SDM 2:170, table 8-3).
const FP: u16 = 1;
const LP: u16 = 1 << 1;
const TB: u16 = 1 << 2;
const SS: u16 = 1 << 3;

/// SDM 2:109, 2:170: the trap of the highest priority is taken and reports all of them.
#[test]
fn concurrent_traps() {
    let ret = encode(Opcode::B(B::Ret), &[0, 0, 0, 1]);
    let fma = encode(Opcode::F(F::FmaD), &[0, 8, 9, 9, 0]);
    let cases = [
        (branch(0x40), COLLECTING.with_tb(true), Vector::TakenBranchTrap, TB, 2),
        (branch(0x40), COLLECTING.with_tb(true).with_ss(true), Vector::TakenBranchTrap, TB | SS, 2),
        (branch(0x40), COLLECTING.with_ss(true).with_lp(true), Vector::SingleStepTrap, SS, 2),
        (ret, COLLECTING.with_lp(true), Vector::LowerPrivilegeTransferTrap, LP, 2),
        (ret, COLLECTING.with_lp(true).with_tb(true), Vector::LowerPrivilegeTransferTrap, LP | TB, 2),
        (ret, COLLECTING.with_lp(true).with_ss(true), Vector::LowerPrivilegeTransferTrap, LP | SS, 2),
        (fma, COLLECTING, Vector::FloatingPointTrap, FP, 1),
        (fma, COLLECTING.with_ss(true), Vector::FloatingPointTrap, FP | SS, 1),
    ];
    for (instruction, psr, vector, code, slot) in cases {
        let mut guest = Guest::new();
        guest.p.registers.ar[ar::FPSR] &= !(1 << 5);
        guest.p.registers.fr[9] = Fr::from_double(0x3ff0_0000_0000_0001);
        (guest.p.registers.br[1], guest.p.registers.ar[ar::PFS]) = (CODE + 0x40, 3 << 62);
        guest.program(CODE, &[instruction]);
        guest.set_psr(psr.with_ri(slot));
        guest.run_to_handler(vector);
        assert_eq!((guest.isr().code() & 0xf, guest.isr().ei()), (code, slot), "{vector:?}");
        let next = if vector == Vector::FloatingPointTrap { (CODE, 2) } else { (CODE + 0x40, 0) };
        assert_eq!((guest.cr(cr::IIP), guest.ipsr().ri()), next);
        assert_eq!((guest.cr(cr::IIPA), guest.ipsr().cpl()), (CODE, if instruction == ret { 3 } else { 0 }));
        assert_eq!(guest.p.instructions, 1);
    }
}

/// SDM 2:205, 2:207, 2:208: rfi raises no trap, neither of the old PSR nor of the new one.
#[test]
fn rfi_does_not_trap() {
    for psr in [COLLECTING, COLLECTING.with_cpl(3).with_tb(true).with_ss(true).with_lp(true)] {
        let mut guest = Guest::new();
        guest.program(CODE, &[encode(Opcode::B(B::Rfi), &[])]);
        guest.p.registers.cr[cr::IPSR] = psr.into();
        guest.p.registers.cr[cr::IIP] = CODE + 0x40;
        guest.set_psr(Psr::new().with_tb(true).with_ss(true).with_lp(true).with_ri(2));
        guest.run_to(CODE + 0x40);
        assert_eq!((guest.p.registers.psr, guest.p.instructions, guest.delivered()), (psr, 1, 0));
    }
}

#[test]
fn branches_not_taken_do_not_trap() {
    let mut guest = Guest::new();
    guest.program(CODE, &[predicated(Opcode::B(B::Cond), 6, &[0, 0, 0, 0x40])]);
    guest.set_psr(COLLECTING.with_tb(true));
    guest.run_to(CODE + 16);
}

/// SDM 3:36, 3:35: a check that branches to recovery code is a taken branch.
#[test]
fn failed_checks_are_taken_branches() {
    let mut guest = Guest::new();
    guest.p.set_gr(8, 0, true);
    guest.p.registers.fr[8] = Fr::NATVAL;
    // A flag of sf1 that sf0 does not have.
    guest.p.registers.ar[ar::FPSR] |= 1 << (6 + 13 + 7);
    let checks = [
        encode(Opcode::I(I::ChkS), &[8, 0x40]),
        encode(Opcode::M(M::ChkSGr), &[8, 0x40]),
        encode(Opcode::M(M::ChkSFr), &[8, 0x40]),
        encode(Opcode::M(M::ChkANcGr), &[9, 0x40]),
        encode(Opcode::M(M::ChkAClrFr), &[9, 0x40]),
        encode(Opcode::F(F::Fchkf), &[1, 0x40]),
    ];
    for check in checks {
        guest.program(CODE, &[check]);
        guest.go(CODE);
        guest.set_psr(COLLECTING);
        guest.run_to(CODE + 0x40);
        guest.go(CODE);
        guest.set_psr(COLLECTING.with_tb(true));
        guest.run_to_handler(Vector::TakenBranchTrap);
        assert_eq!((guest.cr(cr::IIP), guest.isr().code()), (CODE + 0x40, TB));
    }
}

/// The bits are those of the next instruction only: they are 0 when it has completed, and stay in IPSR if it faults.
#[test]
fn bits_for_one_instruction() {
    let one = Psr::from(u64::from(COLLECTING) | Psr::ONE_INSTRUCTION);
    let breaks = encode(Opcode::I(I::Break), &[7]);
    let mut guest = Guest::new();
    guest.put(CODE, &[bundle(MII, [nop('m'), breaks, nop('i')])]);
    guest.set_psr(one);
    guest.run_to_handler(Vector::BreakInstruction);
    assert_eq!(guest.ipsr(), COLLECTING.with_ri(1));
    guest.p.registers.ip = CODE;
    guest.set_psr(one.with_ri(1));
    guest.run_to_handler(Vector::BreakInstruction);
    assert_eq!(guest.ipsr(), one.with_ri(1));
    // One whose predicate is false has completed as well, and so has a branch.
    let nothing = predicated(Opcode::I(I::Break), 6, &[7]);
    for first in [nothing, branch(16)] {
        guest.program(CODE, &[first]);
        guest.program(CODE + 16, &[breaks]);
        guest.go(CODE);
        guest.set_psr(one.with_ri(2));
        guest.run_to_handler(Vector::BreakInstruction);
        assert_eq!(guest.ipsr(), COLLECTING.with_ri(2));
    }
}

/// SDM 2:26: PSR.da and PSR.dd suppress the faults of one instruction.
#[test]
fn disabled_data_faults() {
    const VA: u64 = 0x4_0000;
    let load = encode(Opcode::M(M::Ld8), &[0, 8, 9]);
    let store = encode(Opcode::M(M::St8), &[0, 9, 8]);
    for (instruction, vector) in
        [(load, Vector::DataAccessBit), (store, Vector::DirtyBit), (load, Vector::Debug), (store, Vector::Debug)]
    {
        let mut guest = Guest::new();
        let cleared = match vector {
            Vector::DataAccessBit => 1 << 5,
            Vector::DirtyBit => 1 << 6,
            _ => 0,
        };
        guest.map(Side::Data, VA, page(VA) & !cleared);
        (guest.p.registers.dbr[0], guest.p.registers.dbr[1]) = (VA + 7, 0xc1ff_ffff_ffff_ffff);
        guest.p.set_gr(9, VA, false);
        guest.put(CODE, &[bundle(MMI, [instruction, instruction, nop('i')])]);
        let psr = COLLECTING.with_dt(true).with_db(vector == Vector::Debug);
        guest.set_psr(psr);
        guest.run_to_handler(vector);
        assert_eq!((guest.ipsr().ri(), guest.cr(cr::IFA)), (0, VA));
        guest.go(CODE);
        guest.set_psr(if vector == Vector::Debug { psr.with_dd(true) } else { psr.with_da(true) });
        guest.run_to_handler(vector);
        assert_eq!(guest.ipsr().ri(), 1);
    }
}

/// SDM 2:152: PSR.dd holds for one mandatory load of an incomplete frame.
#[test]
fn disabled_faults_of_one_mandatory_load() {
    const STACK: u64 = 0x4_0100;
    let mut guest = Guest::new();
    (guest.p.registers.dbr[0], guest.p.registers.dbr[1]) = (STACK, 0xc1ff_ffff_ffff_0000);
    guest.p.set_bspstore(STACK);
    guest.program(CODE, &[encode(Opcode::B(B::Rfi), &[])]);
    let again = |guest: &mut Guest, psr: Psr| {
        guest.p.registers.cr[cr::IIP] = CODE + 0x40;
        guest.p.registers.cr[cr::IPSR] = psr.into();
        guest.go(CODE);
        guest.set_psr(Psr::new());
        guest.run_to_handler(Vector::Debug);
        (guest.cr(cr::IFA), guest.ipsr())
    };
    let psr = COLLECTING.with_db(true);
    guest.p.registers.cr[cr::IFS] = 1 << 63 | 2 << 7 | 2;
    assert_eq!(again(&mut guest, psr), (STACK - 8, psr));
    assert!(guest.isr().rs() && guest.isr().ir());
    assert_eq!(again(&mut guest, psr.with_dd(true)), (STACK - 16, psr));
    assert_eq!(guest.cr(cr::IFS) >> 63, 0);
}

/// SDM 2:152: PSR.dd holds for one mandatory store, and one mandatory load of `loadrs`; the instruction starts again at the
/// next.
#[test]
fn disabled_faults_of_one_mandatory_reference() {
    const STACK: u64 = 0x4_0000;
    let local = encode(Opcode::M(M::Alloc), &[2, 3, 3, 0]);
    let cover = encode(Opcode::B(B::Cover), &[]);
    let (flush, load) = (encode(Opcode::M(M::Flushrs), &[]), encode(Opcode::M(M::Loadrs), &[]));
    for instruction in [flush, load] {
        let mut guest = Guest::new();
        guest.p.set_bspstore(STACK);
        assert_eq!(guest.execute(local), Done::Completed);
        assert_eq!(guest.execute(cover), Done::Completed);
        let (first, step) = if instruction == flush {
            (STACK, 8)
        } else {
            assert_eq!(guest.execute(flush), Done::Completed);
            guest.p.registers.ar[ar::RSC] = 24 << 16;
            (STACK + 16, -8)
        };
        (guest.p.registers.dbr[0], guest.p.registers.dbr[1]) = (STACK, 0xc1ff_ffff_ffff_0000);
        let psr = COLLECTING.with_db(true);
        for (dd, faults_at) in [(false, first), (true, first.wrapping_add_signed(step))] {
            guest.set_psr(psr.with_dd(dd));
            let Done::Raised(raised) = guest.execute(instruction) else { panic!("no fault") };
            assert_eq!((raised.vector, raised.ifa), (Vector::Debug, Some(faults_at)));
            assert!(raised.isr.rs() && !raised.isr.ir() && !guest.ipsr().dd());
        }
    }
}
