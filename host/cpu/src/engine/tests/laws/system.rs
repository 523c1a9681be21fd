//! System instructions: privilege, the order of their checks, reserved fields (SDM 3, SDM 2:23-39).

use patchbay_isa::Field;
use patchbay_isa::row::Flags;
use patchbay_isa::rows::{self, B, M};

use super::*;
use crate::registers::ar;

const PRIVILEGED: Interruption = Interruption::PRIVILEGED_OPERATION;
const ILLEGAL: Interruption = Interruption::ILLEGAL_OPERATION;
const RESERVED: Interruption = Interruption::RESERVED_REGISTER_FIELD;

/// A fault in slot 0.
fn raised(fault: Interruption) -> Done {
    Done::Raised(fault)
}

fn m(opcode: M, operands: &[i64]) -> Instruction {
    encode(Opcode::M(opcode), operands)
}

fn to_cr(register: usize) -> Instruction {
    m(M::MovToCr, &[register as i64, 8])
}

/// Operands of an instruction: r8 is its target, r9 and r10 are its sources.
pub(super) fn operands(opcode: Opcode) -> Vec<i64> {
    let value = |field: Field| match field {
        Field::R1 => 8,
        Field::R2 => 9,
        Field::R3 => 10,
        Field::Ar3 => ar::ITC as i64,
        Field::Imm24 => 1 << 13,
        _ => 0,
    };
    opcode.row().fields().map(value).collect()
}

/// Those of an instruction's fields that are sources in general registers.
pub(super) fn sources(opcode: Opcode) -> impl Iterator<Item = u8> {
    opcode.row().fields().filter_map(|field| match field {
        Field::R2 => Some(9),
        Field::R3 => Some(10),
        _ => None,
    })
}

/// SDM 3: privilege comes before the operands, and these before their values.
#[test]
fn privilege_then_nat_consumption() {
    let mut count = 0;
    for row in rows::all().filter(|row| row.facts.flags.contains(Flags::PRIVILEGED)) {
        let instruction = encode(row.opcode, &operands(row.opcode));
        for cpl in 1..4 {
            let mut guest = Guest::new();
            guest.set_psr(Psr::new().with_cpl(cpl));
            guest.p.set_gr(9, u64::MAX, true);
            guest.p.set_gr(10, u64::MAX, true);
            let done = guest.execute(instruction);
            assert!(
                matches!(done, Done::Raised(fault) if fault.isr.code() == PRIVILEGED.isr.code()),
                "{row:?}: {done:?}"
            );
            assert_eq!(guest.p.raised.vector, Vector::GeneralException);
        }
        for source in sources(row.opcode) {
            let mut guest = Guest::new();
            guest.set_psr(Psr::new());
            guest.p.set_gr(source, u64::MAX, true);
            let done = guest.execute(instruction);
            assert!(matches!(done, Done::Raised(fault) if fault.vector == Vector::NatConsumption), "{row:?}: {done:?}");
            assert_eq!(guest.p.raised.isr.code() >> 4, 1);
        }
        count += 1;
    }
    assert!(count > 35);
}

/// SDM 3:175, 3:150, 3:158: PSR.ic comes before privilege.
#[test]
fn registers_of_interruptions_are_used_without_collection() {
    for cpl in [0, 3] {
        let mut guest = Guest::new();
        let instructions = [
            to_cr(cr::IFA),
            m(M::MovFromCr, &[8, cr::IPSR as i64]),
            m(M::ItcD, &[9]),
            m(M::ItcI, &[9]),
            m(M::ItrD, &[10, 9]),
            m(M::ItrI, &[10, 9]),
        ];
        for instruction in instructions {
            guest.set_psr(Psr::new().with_ic(true).with_cpl(cpl));
            guest.p.set_gr(9, 0, true);
            assert_eq!(guest.execute(instruction), raised(ILLEGAL), "{instruction:?}");
        }
        guest.set_psr(Psr::new().with_ic(true).with_cpl(cpl));
        assert_eq!(guest.execute(to_cr(cr::TPR)), if cpl == 0 { Done::Completed } else { raised(PRIVILEGED) });
    }
}

/// SDM 2:29-39, 2:122-130: for each register, bits that must be 0.
#[test]
fn reserved_fields_of_control_registers() {
    let vhpt = 15 << 2;
    let cases: &[(usize, u64, &[u64])] = &[
        (cr::DCR, 0x7f07, &[1 << 3, 1 << 7, 1 << 15, 1 << 63]),
        (cr::PTA, !0x7fff | 0x101 | vhpt, &[1 << 1 | vhpt, 1 << 9 | vhpt, 1 << 14 | vhpt, 14 << 2, 62 << 2]),
        (cr::IPSR, 0x0000_7fff_0ffe_e03e, &[1, 1 << 6, 1 << 12, 1 << 16, 1 << 28, 1 << 47, 1 << 63]),
        (cr::ISR, 0x0000_0fff_00ff_ffff, &[1 << 24, 1 << 31, 1 << 44, 1 << 63]),
        (cr::IFS, 1 << 63 | 0x3f_ffff_ffff, &[1 << 38, 1 << 62]),
        (cr::TPR, !0xff00, &[1 << 8, 1 << 15]),
        (cr::ITV, !0xef00, &[1 << 8, 1 << 11, 1 << 13, 1 << 15]),
        (cr::PMV, !0xef00, &[1 << 8]),
        (cr::CMCV, !0xef00, &[1 << 15]),
        (cr::LRR0, !0x0800, &[1 << 11]),
        (cr::LRR1, !0x0800, &[1 << 11]),
        (cr::IVA, u64::MAX, &[]),
        (cr::IFA, u64::MAX, &[]),
        (cr::ITM, u64::MAX, &[]),
        (cr::IIP, u64::MAX, &[]),
        (cr::IIM, u64::MAX, &[]),
        (cr::LID, !0xffff, &[1, 1 << 15]),
        (cr::ITIR, u64::MAX, &[]),
    ];
    for &(register, good, bad) in cases {
        let mut guest = Guest::new();
        guest.set_psr(Psr::new());
        guest.p.set_gr(8, good, false);
        assert_eq!(guest.execute(to_cr(register)), Done::Completed, "cr{register}");
        let written = guest.cr(register);
        for &value in bad {
            guest.set_psr(Psr::new());
            guest.p.registers.cr[cr::IVA] = IVT;
            let before = guest.cr(register);
            guest.p.set_gr(8, value, false);
            assert_eq!(guest.execute(to_cr(register)), raised(RESERVED), "cr{register} {value:#x}");
            if register != cr::ISR {
                assert_eq!(guest.cr(register), before);
            }
        }
        let ignored = match register {
            cr::IVA => 0x7fff,
            cr::TPR => !0x1_00f0,
            cr::ITV | cr::PMV | cr::CMCV => !0x1_00ff,
            cr::LRR0 | cr::LRR1 => !0x1_a7ff,
            cr::LID => !0xffff_0000,
            _ => 0,
        };
        assert_eq!(written, good & !ignored, "cr{register}");
    }
}

/// SDM 2:58, 2:60, 3:180: reserved fields, and registers that do not exist.
#[test]
fn reserved_fields_of_indexed_registers() {
    let cases: &[(M, u64, &[u64], Option<u64>)] = &[
        (M::MovToRr, 0xffff_ff39, &[0x3b, 0, 11 << 2, 33 << 2, 1 << 32 | 0x38], None),
        (M::MovToPkr, 0xffff_ff0f, &[1 << 4, 1 << 7, 1 << 32], Some(16)),
        (M::MovToDbr, u64::MAX, &[], Some(8)),
        (M::MovToIbr, u64::MAX, &[], Some(8)),
        (M::MovToPmc, u64::MAX, &[], None),
        (M::MovToPmd, u64::MAX, &[], None),
        (M::MovFromPkr, 0, &[], Some(16)),
        (M::MovFromDbr, 0, &[], Some(8)),
        (M::MovFromIbr, 0, &[], Some(8)),
        (M::MovFromPmc, 0, &[], None),
        (M::MovFromPmd, 0, &[], None),
        (M::MovFromCpuid, 0, &[], Some(5)),
    ];
    for &(opcode, good, bad, absent) in cases {
        let instruction = m(opcode, &operands(Opcode::M(opcode)));
        let mut guest = Guest::new();
        let mut done = |value, index| {
            guest.set_psr(Psr::new());
            guest.p.set_gr(9, value, false);
            guest.p.set_gr(10, index, false);
            guest.execute(instruction)
        };
        // Only bits 7:0 are the index; those above are ignored.
        for index in [0, 0xff00, absent.map_or(255, |absent| absent - 1)] {
            assert_eq!(done(good, index), Done::Completed, "{opcode:?} {index}");
        }
        for &value in bad {
            assert_eq!(done(value, 0), raised(RESERVED), "{opcode:?} {value:#x}");
        }
        for index in absent.map_or(0..0, |absent| absent..256) {
            assert_eq!(done(good, index), raised(RESERVED), "{opcode:?} {index}");
        }
    }
}

/// SDM 2, 3.3.5.5; 2:55: an insertion wants those bits of cr.itir to be 0 that a move to it may set. Of a translation that is not
/// present, it ignores the key and what is above.
#[test]
fn insertions_check_reserved_bits_of_cr_itir() {
    const VA: u64 = 0x6_0000;
    const KEY: u64 = 0xff_ffff << 8;
    for opcode in [M::ItcD, M::ItcI, M::ItrD, M::ItrI] {
        for (present, itir, accepted) in [
            (1, 14 << 2 | KEY, true),
            (1, 14 << 2 | 1, false),
            (1, 14 << 2 | 2, false),
            (1, 14 << 2 | 1 << 32, false),
            (1, 14 << 2 | 1 << 63, false),
            (0, 14 << 2 | !0xff, true),
            (0, 14 << 2 | 1, false),
            (0, 14 << 2 | 2, false),
            (0, 15 << 2, false),
        ] {
            let mut guest = Guest::new();
            guest.set_psr(Psr::new());
            guest.p.set_gr(8, itir, false);
            assert_eq!(guest.execute(to_cr(cr::ITIR)), Done::Completed);
            assert_eq!(guest.cr(cr::ITIR), itir);
            guest.p.registers.cr[cr::IFA] = VA;
            guest.p.set_gr(9, page(VA) & !1 | present, false);
            guest.p.set_gr(10, 0, false);
            let slots = if matches!(opcode, M::ItcD | M::ItcI) { &[9][..] } else { &[10, 9] };
            let done = guest.execute(m(opcode, slots));
            assert_eq!(done, if accepted { Done::Completed } else { raised(RESERVED) }, "{opcode:?} {itir:#x}");
        }
    }
}

/// SDM 3:185, 3:239-241, 3:254-256.
#[test]
fn moves_and_masks_of_the_psr() {
    const HIGH: u64 = 1 << 44;
    let mut guest = Guest::new();
    let mut after = |before: u64, r8: u64, instruction: Instruction| {
        guest.set_psr(Psr::from(before));
        guest.p.set_gr(8, r8, false);
        let done = guest.execute(instruction);
        let psr = if done == Done::Completed { u64::from(guest.p.registers.psr) } else { guest.cr(cr::IPSR) };
        (done, psr & !(3 << 41), guest.p.gr(8))
    };
    let to_psr = m(M::MovToPsr, &[8]);
    let untranslated = 0x0ffe_e03e & !(1 << 17 | 1 << 27 | 1 << 24 | 3 << 18);
    assert_eq!(
        after(HIGH, !0xffff_ffff | untranslated, to_psr),
        (Done::Completed, HIGH | untranslated, !0xffff_ffff | untranslated)
    );
    for bit in [0, 6, 12, 16, 28, 31] {
        assert_eq!(after(1 << 13, 1 << bit, to_psr).0, raised(RESERVED), "{bit}");
    }
    assert_eq!(after(HIGH | 1 << 35 | 1 << 13, 0, m(M::MovFromPsr, &[8])).2, 1 << 35 | 1 << 13);
    assert_eq!(after(0x3e | 1 << 13, 0, m(M::MovFromPsrUm, &[8])).2, 0x3e);
    assert_eq!(after(1 << 13, !0xff | 0x3e, m(M::MovToPsrUm, &[8])).1, 0x3e | 1 << 13);
    assert_eq!(after(1 << 13, 1 << 6, m(M::MovToPsrUm, &[8])).0, raised(RESERVED));
    // PSR.sp protects PSR.up.
    for sp in [0, 1 << 20] {
        let user = if sp == 0 { 0x3e } else { 0x3a };
        assert_eq!(after(sp, 0x3e, m(M::MovToPsrUm, &[8])).1, sp | user);
        assert_eq!(after(sp, 0, m(M::Sum, &[0x3e])).1, sp | user);
        assert_eq!(after(sp | 0x3e, 0, m(M::Rum, &[0x3e])).1, sp | 0x3e & !user);
        assert_eq!(after(sp, 0, m(M::Ssm, &[1 << 2])).1, sp | 1 << 2);
    }
    assert_eq!(after(1 << 13, 0, m(M::Ssm, &[1 << 15 | 1 << 23])).1, 1 << 13 | 1 << 15 | 1 << 23);
    assert_eq!(after(1 << 13 | 1 << 15, 0, m(M::Rsm, &[1 << 13])).1, 1 << 15);
    for bit in [0, 6, 12, 16] {
        for opcode in [M::Ssm, M::Rsm] {
            assert_eq!(after(1 << 13, 0, m(opcode, &[1 << bit])).0, raised(RESERVED));
        }
    }
    assert_eq!(after(1 << 13, 0, m(M::Sum, &[1 << 13])).0, raised(RESERVED));
}

#[test]
fn bsw_selects_the_bank() {
    let mut guest = Guest::new();
    guest.p.set_gr(20, 1, true);
    for (opcode, bank, r20) in [(B::Bsw1, true, 0), (B::Bsw0, false, 1), (B::Bsw0, false, 1), (B::Bsw1, true, 0)] {
        assert_eq!(guest.execute(encode(Opcode::B(opcode), &[])), Done::Completed);
        assert_eq!((guest.p.registers.psr.bn(), guest.p.gr(20), guest.p.nat(20)), (bank, r20, r20 == 1));
    }
}

/// SDM 3:181: private monitors read as 0 below privilege level 0.
#[test]
fn performance_monitors_are_private() {
    let read = m(M::MovFromPmd, &[8, 10]);
    for (cpl, sp, private, index, value) in [
        (0, true, true, 4, 7),
        (3, false, false, 4, 7),
        (3, false, true, 4, 0),
        (3, true, false, 4, 0),
        // The first four PMCs say what has overflowed.
        (3, false, true, 0, 7),
    ] {
        let mut guest = Guest::new();
        guest.p.registers.pmd[index] = 7;
        guest.p.registers.pmc[index] = u64::from(private) << 6;
        guest.set_psr(Psr::new().with_ic(true).with_cpl(cpl).with_sp(sp));
        guest.p.set_gr(10, index as u64, false);
        assert_eq!(guest.execute(read), Done::Completed);
        assert_eq!(guest.p.gr(8), value);
    }
}

/// SDM 3:217, 2:168: a NaT operand of a non-access reports what was asked.
#[test]
fn nat_operands_of_non_accesses() {
    const NA: Isr = Isr::new().with_na(true);
    let cases = [
        (M::ProbeR, NA.with_r(true).with_code(0x12)),
        (M::ProbeW, NA.with_w(true).with_code(0x12)),
        (M::ProbeRImm, NA.with_r(true).with_code(0x12)),
        (M::ProbeWImm, NA.with_w(true).with_code(0x12)),
        (M::ProbeRFault, NA.with_r(true).with_code(0x15)),
        (M::ProbeWFault, NA.with_w(true).with_code(0x15)),
        (M::ProbeRwFault, NA.with_r(true).with_w(true).with_code(0x15)),
        (M::Tpa, NA.with_code(0x10)),
        (M::Tak, NA.with_code(0x13)),
        (M::Fc, NA.with_r(true).with_code(0x11)),
        (M::FcI, NA.with_r(true).with_code(0x11)),
        (M::LfetchFault, NA.with_r(true).with_code(0x14)),
    ];
    for (opcode, isr) in cases {
        for source in sources(Opcode::M(opcode)) {
            let mut guest = Guest::new();
            guest.p.set_gr(source, 0, true);
            let fault = Interruption { isr, ..Interruption::fault(Vector::NatConsumption, 0) };
            assert_eq!(guest.execute(m(opcode, &operands(Opcode::M(opcode)))), raised(fault), "{opcode:?}");
        }
    }
}
