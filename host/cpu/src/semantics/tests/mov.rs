//! Moves between register files, and checks of speculation.

use super::*;

#[test]
fn moves_of_predicates_go_by_physical_numbers() {
    let mut p = processor();
    p.registers.cfm.set_rrb_pr(47);
    p.set_gr(2, 0xabcd_0000_0003_fffe, false);
    // mask17 with bit 16 selects p16-p63, whatever the rotation.
    execute(&mut p, Opcode::I(I::MovToPr), 0, &[2, -0x1_0000]).expect("completes");
    execute(&mut p, Opcode::I(I::MovFromPr), 0, &[1]).expect("completes");
    assert_eq!(p.gr(1), 0xabcd_0000_0003_0001);
    // Physical p16 is named p17 now, and so on; physical p63 is p16.
    assert_eq!((p.pr(16), p.pr(17), p.pr(18), p.pr(19)), (true, true, true, false));
    execute(&mut p, Opcode::I(I::MovToPr), 0, &[2, 0x1e]).expect("completes");
    assert_eq!(p.registers.physical_predicates(), 0xabcd_0000_0003_001f);
    execute(&mut p, Opcode::I(I::MovToPrRot), 0, &[0x7_0000]).expect("completes");
    assert_eq!(p.registers.physical_predicates(), 0x7_001f);
}

#[test]
fn a_nat_source_of_a_move_faults() {
    let mut p = processor();
    p.set_gr(2, 7, true);
    for (row, operands) in
        [(I::MovToBr, &[1, 0, 3, 2, 0][..]), (I::MovToPr, &[2, -2]), (I::MovToAr, &[ar::LC as i64, 2])]
    {
        assert_eq!(execute(&mut p, Opcode::I(row), 0, operands), Err(Leave::Fault));
        assert_eq!(p.raised, Interruption::REGISTER_NAT_CONSUMPTION);
    }
}

#[test]
fn check_of_speculation_branches_to_recovery() {
    let mut p = processor();
    p.registers.ip = 0x1000;
    assert_eq!(execute(&mut p, Opcode::I(I::ChkS), 0, &[2, -0x40]), Ok(()));
    p.set_gr(2, 0, true);
    assert_eq!(execute(&mut p, Opcode::I(I::ChkS), 0, &[2, -0x40]), Err(Leave::Branch));
    assert_eq!(p.registers.ip, 0xfc0);
}

/// The access rules of SDM 1:28 and 3:173.
#[test]
fn application_registers_follow_their_access_rules() {
    use patchbay_isa::rows::M;
    let number = |register: usize| register as i64;
    let mut p = processor();
    let fault = |p: &mut Processor, opcode, operands: &[i64], expected| {
        assert_eq!(execute(p, opcode, 0, operands), Err(Leave::Fault), "{opcode:?} {operands:?}");
        assert_eq!(p.raised, expected, "{opcode:?} {operands:?}");
    };
    let (from_i, from_m) = (Opcode::I(I::MovFromAr), Opcode::M(M::MovFromAr));
    let (to_i, to_m) = (Opcode::I(I::MovToAr), Opcode::M(M::MovToAr));
    for register in [8, 15, 20, 22, 31, 33, 37, 41, 45, 46, 64, 65, 66, 67, 111] {
        fault(&mut p, from_m, &[1, register], Interruption::ILLEGAL_OPERATION);
        fault(&mut p, to_m, &[register, 2], Interruption::ILLEGAL_OPERATION);
    }
    for register in [0, 16, 36, 44, 67, 111] {
        fault(&mut p, from_i, &[1, register], Interruption::ILLEGAL_OPERATION);
        fault(&mut p, to_i, &[register, 2], Interruption::ILLEGAL_OPERATION);
    }
    for register in [48, 63, 112, 127] {
        for (from, to) in [(from_i, to_i), (from_m, to_m)] {
            p.set_gr(2, 5, false);
            assert_eq!(execute(&mut p, to, 0, &[register, 2]), Ok(()));
            assert_eq!(execute(&mut p, from, 0, &[1, register]), Ok(()));
            assert_eq!(p.gr(1), 0);
        }
    }
    fault(&mut p, to_m, &[number(ar::BSP), 2], Interruption::ILLEGAL_OPERATION);
    for (to, register, value) in [
        (to_m, ar::RSC, 1 << 5),
        (to_m, ar::FPSR, 1 << 58),
        (to_m, ar::FPSR, 1 << 12),
        (to_m, ar::FPSR, 1 << 8),
        (to_i, ar::PFS, 1 << 38),
        (to_i, ar::PFS, 1 << 58),
    ] {
        p.set_gr(2, value, false);
        fault(&mut p, to, &[number(register), 2], Interruption::RESERVED_REGISTER_FIELD);
    }
    p.set_gr(2, 0xff, false);
    execute(&mut p, to_i, 0, &[number(ar::EC), 2]).expect("completes");
    assert_eq!(p.ar(ar::EC), 0x3f);

    p.set_gr(2, 0x3, false);
    execute(&mut p, to_m, 0, &[number(ar::RSC), 2]).expect("completes");
    fault(&mut p, from_m, &[1, number(ar::RNAT)], Interruption::ILLEGAL_OPERATION);
    fault(&mut p, to_m, &[number(ar::BSPSTORE), 2], Interruption::ILLEGAL_OPERATION);

    p.registers.psr.set_cpl(3);
    p.registers.psr.set_si(true);
    fault(&mut p, from_m, &[1, number(ar::ITC)], Interruption::PRIVILEGED_REGISTER);
    for register in [ar::K0, ar::K7, ar::ITC, ar::CFLG] {
        fault(&mut p, to_m, &[number(register), 2], Interruption::PRIVILEGED_REGISTER);
    }
    // RSC.pl cannot be raised above the current privilege level.
    execute(&mut p, to_m, 0, &[number(ar::RSC), 2]).expect("completes");
    assert_eq!(p.ar(ar::RSC), 0xf);
    p.registers.psr.set_si(false);
    p.registers.psr.set_vm(true);
    assert!(matches!(execute(&mut p, from_m, 0, &[1, number(ar::ITC)]), Err(Leave::Virtualized)));
}
