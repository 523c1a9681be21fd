//! General exceptions and disabled registers (SDM 2:174, 2:191).

use patchbay_isa::rows::{A, B, I, M};
use patchbay_isa::{Reserved, Unit, decode};

use super::*;
use crate::interruption::general;

const ILLEGAL: Interruption = Interruption::ILLEGAL_OPERATION;

fn general_exception(code: u16) -> Interruption {
    Interruption::fault(Vector::GeneralException, code)
}

/// What `execute` reports of a fault in this slot.
fn raised(fault: Interruption, slot: u8) -> Done {
    Done::Raised(Interruption { isr: fault.isr.with_ei(slot), ..fault })
}

#[test]
fn reserved_templates() {
    for number in 0..32 {
        let template = Template::new(number);
        if template.units().is_some() {
            continue;
        }
        for slot in 0..3 {
            let mut guest = Guest::new();
            guest.put(CODE, &[Bundle::new(template, [nop('m').slot(), nop('i').slot(), nop('i').slot()])]);
            guest.set_psr(Psr::new().with_ic(true).with_ri(slot));
            guest.run_to_handler(Vector::GeneralException);
            assert_eq!((guest.isr(), guest.ipsr().ri()), (Isr::new().with_ei(slot), slot));
        }
    }
}

/// SDM 3:294: what a reserved encoding does with a false and with a true predicate.
#[test]
fn reserved_encodings() {
    let mut seen = [0; 3];
    for (unit, template, slot) in [(Unit::M, MII, 0), (Unit::I, MII, 1), (Unit::F, MFI, 1), (Unit::B, BBB, 1)] {
        for major in 0..16u64 {
            for extension in (0..1u64 << 14).step_by(149) {
                let bits = major << 37 | extension << 23 | 6;
                let Err(reserved) = decode(unit, bits, 0) else { continue };
                seen[reserved as usize] += 1;
                for predicate in [false, true] {
                    let mut guest = Guest::new();
                    let mut slots = [nop('m'), nop('i'), nop('i')].map(|nop| nop.slot());
                    if unit == Unit::B {
                        slots = [nop('b').slot(); 3];
                    }
                    slots[slot] = bits;
                    guest.put(CODE, &[Bundle::new(Template::new(template), slots), nops()]);
                    guest.p.set_pr(6, predicate);
                    if reserved == Reserved::Always || reserved == Reserved::IfPredicated && predicate {
                        guest.run_to_handler(Vector::GeneralException);
                        assert_eq!(guest.isr(), Isr::new().with_ei(slot as u8));
                    } else {
                        guest.run_to(CODE + 16);
                        assert_eq!(guest.p.instructions, 3);
                    }
                }
            }
        }
    }
    assert!(seen.iter().all(|&count| count > 10), "{seen:?}");
}

#[test]
fn illegal_operations() {
    let cases = [
        (encode(Opcode::A(A::Adds), &[0, 1, 2]), 0),
        (encode(Opcode::M(M::Ld8Imm), &[0, 9, 9, 8]), 0),
        (encode(Opcode::A(A::Adds), &[40, 1, 2]), 0),
        (encode(Opcode::I(I::MovToAr), &[32, 1]), 2),
        (encode(Opcode::M(M::MovToAr), &[17, 1]), 0),
        (encode(Opcode::M(M::MovFromCr), &[1, 3]), 0),
        (encode(Opcode::M(M::MovToCr), &[cr::IVR as i64, 1]), 0),
    ];
    for (instruction, slot) in cases {
        assert_eq!(Guest::new().execute(instruction), raised(ILLEGAL, slot), "{instruction:?}");
        let mut never = instruction;
        never.bits |= 6;
        assert_eq!(Guest::new().execute(never), Done::Completed);
    }
}

#[test]
fn general_exceptions() {
    let mut guest = Guest::new();
    guest.set_psr(Psr::new().with_ic(true).with_cpl(3).with_si(true));
    let cases = [
        (encode(Opcode::M(M::Rsm), &[1 << 13]), general::PRIVILEGED_OPERATION, 0),
        (encode(Opcode::B(B::Rfi), &[]), general::PRIVILEGED_OPERATION, 2),
        (encode(Opcode::M(M::MovFromAr), &[8, 44]), general::PRIVILEGED_REGISTER, 0),
        (encode(Opcode::M(M::MovToAr), &[0, 8]), general::PRIVILEGED_REGISTER, 0),
        (encode(Opcode::M(M::Sum), &[1 << 6]), general::RESERVED_REGISTER_FIELD, 0),
        (encode(Opcode::M(M::MovToAr), &[40, 9]), general::RESERVED_REGISTER_FIELD, 0),
        (encode(Opcode::B(B::Ia), &[0, 0, 0, 6]), general::DISABLED_ISA_TRANSITION, 2),
    ];
    for (instruction, code, slot) in cases {
        guest.set_psr(Psr::new().with_ic(true).with_cpl(3).with_si(true));
        guest.p.set_gr(9, 1 << 63, false);
        assert_eq!(guest.execute(instruction), raised(general_exception(code), slot), "{instruction:?}");
    }
}

/// SDM 2:192: ISR.code says which of the two sets is disabled; SDM 3:157, 3:161, 3:256: loads and stores report their
/// access, too.
#[test]
fn disabled_floating_point_registers() {
    const NO_ACCESS: Isr = Isr::new();
    const READ: Isr = Isr::new().with_r(true);
    const SPECULATIVE: Isr = READ.with_sp(true);
    const WRITE: Isr = Isr::new().with_w(true);
    let uses = |f1: i64, f2: i64| encode(Opcode::F(F::FmergeS), &[f1, f2, f2]);
    let m = |opcode, operands: &[i64]| encode(Opcode::M(opcode), operands);
    let cases = [
        (uses(8, 8), 1, NO_ACCESS),
        (uses(40, 40), 2, NO_ACCESS),
        (uses(8, 40), 3, NO_ACCESS),
        (uses(40, 8), 3, NO_ACCESS),
        (m(M::Ldfd, &[0, 8, 9]), 1, READ),
        (m(M::LdfsSReg, &[0, 40, 9, 10]), 2, SPECULATIVE),
        (m(M::LdfeSaImm, &[0, 8, 9, 16]), 1, SPECULATIVE),
        (m(M::Ldf8A, &[0, 8, 9]), 1, READ),
        (m(M::LdfdCClr, &[0, 40, 9]), 2, READ),
        (m(M::LdfsCNcImm, &[0, 40, 9, 4]), 2, READ),
        (m(M::LdfFill, &[0, 8, 9]), 1, READ),
        (m(M::Ldfpd, &[0, 31, 32, 9]), 3, READ),
        (m(M::Ldfp8SImm, &[0, 8, 9, 9]), 1, SPECULATIVE),
        (m(M::Stfd, &[0, 9, 40]), 2, WRITE),
        (m(M::StfSpillImm, &[0, 9, 8, 16]), 1, WRITE),
        (m(M::SetfSig, &[8, 9]), 1, NO_ACCESS),
        (m(M::SetfD, &[40, 9]), 2, NO_ACCESS),
        (m(M::GetfSig, &[8, 8]), 1, NO_ACCESS),
        (m(M::ChkSFr, &[40, 0x40]), 2, NO_ACCESS),
    ];
    for (instruction, sets, isr) in cases {
        for disabled in 0..4u16 {
            let mut guest = Guest::new();
            guest.set_psr(Psr::new().with_ic(true).with_dfl(disabled & 1 != 0).with_dfh(disabled & 2 != 0));
            let done = guest.execute(instruction);
            match sets & disabled {
                0 => assert_eq!(done, Done::Completed),
                code => {
                    let slot = alone(instruction).1 as u8;
                    let fault = Interruption::fault(Vector::DisabledFpRegister, 0);
                    let isr = isr.with_code(code);
                    assert_eq!(done, raised(Interruption { isr, ..fault }, slot), "{instruction:?}");
                }
            }
        }
    }
    // What names an entry of the ALAT accesses no register (SDM 3:36, 3:143): no entry matches here.
    for opcode in [M::ChkANcFr, M::ChkAClrFr] {
        let mut guest = Guest::new();
        guest.set_psr(Psr::new().with_ic(true).with_dfl(true).with_dfh(true));
        assert_eq!(guest.execute(m(opcode, &[40, 0x40])), Done::Completed);
        assert_eq!(guest.p.registers.ip, CODE + 0x40);
        assert_eq!(guest.execute(m(M::InvalaEFr, &[8])), Done::Completed);
    }
    // f0 and f1 are never disabled, and an illegal target comes first.
    let mut guest = Guest::new();
    guest.set_psr(Psr::new().with_ic(true).with_dfl(true).with_dfh(true));
    assert_eq!(guest.execute(encode(Opcode::M(M::GetfSig), &[8, 1])), Done::Completed);
    assert_eq!(guest.execute(encode(Opcode::F(F::FmergeS), &[1, 8, 8])), raised(ILLEGAL, 1));
}
