//! PSR.vm = 1: what leaves to the virtual machine monitor, and what comes before that (SDM 2, table 11-22).

use std::collections::BTreeSet;

use patchbay_isa::Cause;
use patchbay_isa::row::{Flags, Row};
use patchbay_isa::rows::{self, B, M};

use super::system::{operands, sources};
use super::*;
use crate::interruption::general;
use crate::registers::ar;

const VM: Psr = Psr::new().with_ic(true).with_i(true).with_bn(true).with_vm(true);

fn virtualized() -> impl Iterator<Item = &'static Row> {
    rows::all().filter(|row| row.facts.cause.is_some() && !matches!(row.opcode, Opcode::I(_)))
}

/// A guest whose r9 is a value that the instruction accepts, and whose own PSR.ic, too.
fn guest(opcode: Opcode, psr: Psr) -> Guest {
    let mut guest = Guest::new();
    guest.set_psr(psr);
    guest.p.guest_ic = !matches!(opcode, Opcode::M(M::MovToCr | M::MovFromCr | M::ItcD | M::ItcI | M::ItrD | M::ItrI));
    let r9 = if opcode == Opcode::M(M::MovToRr) { 14 << 2 } else { 0 };
    guest.p.set_gr(9, r9, false);
    guest.p.set_gr(10, 0, false);
    guest
}

fn general_exception(code: u16) -> Interruption {
    Interruption::fault(Vector::GeneralException, code)
}

/// What `execute` reports of an interruption in an instruction's slot.
fn interrupted(instruction: Instruction, raised: Interruption) -> Done {
    let isr = raised.isr.with_ei(alone(instruction).1 as u8);
    Done::Left(Exit::Interruption(Interruption { isr, ..raised }))
}

/// Nothing has changed but PSR.ri, which says which instruction it was.
fn assert_unchanged(guest: &Guest, before: &crate::registers::Registers, instruction: Instruction) {
    let mut registers = guest.p.registers.clone();
    assert_eq!(registers.psr.ri(), alone(instruction).1 as u8);
    registers.psr = before.psr;
    assert_eq!(&registers, before);
    assert_eq!((guest.delivered(), guest.p.instructions), (0, 0));
}

#[test]
fn every_cause_leaves_with_its_instruction() {
    let mut causes = BTreeSet::new();
    for row in virtualized() {
        let instruction = encode(row.opcode, &operands(row.opcode));
        let mut guest = guest(row.opcode, VM);
        guest.p.registers.ip = CODE;
        let before = guest.p.registers.clone();
        assert_eq!(guest.execute(instruction), Done::Left(Exit::Virtualization(instruction)));
        assert_unchanged(&guest, &before, instruction);
        causes.extend(instruction.row().facts.cause);
        if row.predicated() {
            let mut never = instruction;
            never.bits |= 6;
            assert_eq!(guest.execute(never), Done::Completed);
        }
    }
    assert!(causes.into_iter().eq(Cause::ALL.iter().copied()));
}

/// Privilege comes first, and cover at a lower level is nothing to the monitor (SDM 3:48).
#[test]
fn privilege_comes_before_virtualization() {
    for row in virtualized() {
        let instruction = encode(row.opcode, &operands(row.opcode));
        let done = guest(row.opcode, VM.with_cpl(1)).execute(instruction);
        let expected = match row.opcode {
            Opcode::B(B::Cover) => Done::Completed,
            Opcode::M(M::MovToAr | M::MovImmToAr) => {
                interrupted(instruction, general_exception(general::PRIVILEGED_REGISTER))
            }
            _ if row.facts.flags.contains(Flags::PRIVILEGED) => {
                interrupted(instruction, general_exception(general::PRIVILEGED_OPERATION))
            }
            _ => Done::Left(Exit::Virtualization(instruction)),
        };
        assert_eq!(done, expected);
    }
}

/// NaT consumption, too; thash and ttag take NaT (SDM 3:266, 3:271).
#[test]
fn nat_consumption_comes_before_virtualization() {
    for row in virtualized() {
        let instruction = encode(row.opcode, &operands(row.opcode));
        for source in sources(row.opcode) {
            let mut guest = guest(row.opcode, VM);
            guest.p.set_gr(source, 0, true);
            let done = guest.execute(instruction);
            if matches!(row.opcode, Opcode::M(M::Thash | M::Ttag)) {
                assert_eq!(done, Done::Left(Exit::Virtualization(instruction)));
            } else {
                let nat =
                    matches!(done, Done::Left(Exit::Interruption(raised)) if raised.vector == Vector::NatConsumption);
                assert!(nat, "{row:?}");
            }
        }
    }
}

#[test]
fn illegal_targets_come_before_virtualization() {
    for row in virtualized().filter(|row| row.fields().any(|field| field.name() == "r1")) {
        let mut operands = operands(row.opcode);
        operands[0] = 0;
        let instruction = encode(row.opcode, &operands);
        let done = guest(row.opcode, VM.with_cpl(1)).execute(instruction);
        assert_eq!(done, interrupted(instruction, Interruption::ILLEGAL_OPERATION));
    }
    for instruction in [encode(Opcode::M(M::MovToCr), &[3, 9]), encode(Opcode::M(M::MovToCr), &[cr::IVR as i64, 9])] {
        let done = guest(instruction.opcode, VM).execute(instruction);
        assert_eq!(done, interrupted(instruction, Interruption::ILLEGAL_OPERATION));
    }
}

#[test]
fn reserved_fields_come_before_virtualization() {
    let cases: &[(M, u64, u64)] = &[
        (M::MovToRr, 2, 0),
        (M::MovToPkr, 1 << 4, 0),
        (M::MovToPkr, 0, 16),
        (M::MovToDbr, 0, 16),
        (M::MovToIbr, 0, 16),
        (M::MovToCr, 1 << 3, 0),
        (M::MovToPsr, 1, 0),
        (M::ItcD, 1 << 1 | 1, 0),
        (M::ItcI, 2 << 2 | 1, 0),
        (M::ItrD, 0, 32),
        (M::ItrI, 1 << 50 | 1, 0),
        (M::MovFromPkr, 0, 16),
        (M::MovFromCpuid, 0, 5),
    ];
    let reserved = Interruption::RESERVED_REGISTER_FIELD;
    for &(opcode, r9, r10) in cases {
        let instruction = encode(Opcode::M(opcode), &operands(Opcode::M(opcode)));
        let mut guest = guest(instruction.opcode, VM);
        guest.p.set_gr(9, r9, false);
        guest.p.set_gr(10, r10, false);
        assert_eq!(guest.execute(instruction), interrupted(instruction, reserved), "{opcode:?}");
    }
    for opcode in [M::Ssm, M::Rsm] {
        let instruction = encode(Opcode::M(opcode), &[1]);
        assert_eq!(guest(instruction.opcode, VM).execute(instruction), interrupted(instruction, reserved));
    }
    // An address that only PSR.vm makes an unimplemented one.
    for opcode in [M::PtcL, M::PtcG, M::PtcGa, M::PtrD, M::PtrI] {
        let instruction = encode(Opcode::M(opcode), &operands(Opcode::M(opcode)));
        let mut guest = guest(instruction.opcode, VM);
        guest.p.set_gr(10, 1 << 60, false);
        let fault = general_exception(general::UNIMPLEMENTED_DATA_ADDRESS);
        assert_eq!(guest.execute(instruction), interrupted(instruction, Interruption { ifa: Some(1 << 60), ..fault }));
    }
}

/// The machine's PSR.ic is 1 whatever the guest's is: the guest's makes these illegal, before all other checks
/// (SDM 3:150-155, 3:175).
#[test]
fn the_guests_collection_is_tested_first() {
    let registers = [cr::IPSR, cr::ISR, cr::IIP, cr::IFA, cr::ITIR, cr::IIPA, cr::IFS, cr::IIM, cr::IHA];
    let to = registers.map(|register| encode(Opcode::M(M::MovToCr), &[register as i64, 9]));
    let from = registers.map(|register| encode(Opcode::M(M::MovFromCr), &[8, register as i64]));
    let inserts =
        [M::ItcD, M::ItcI, M::ItrD, M::ItrI].map(|opcode| encode(Opcode::M(opcode), &operands(Opcode::M(opcode))));
    for instruction in to.into_iter().chain(from).chain(inserts) {
        let done = guest(instruction.opcode, VM).execute(instruction);
        assert_eq!(done, Done::Left(Exit::Virtualization(instruction)));
        let mut guest = guest(instruction.opcode, VM.with_cpl(1));
        guest.p.guest_ic = true;
        guest.p.set_gr(9, 0, true);
        assert_eq!(guest.execute(instruction), interrupted(instruction, Interruption::ILLEGAL_OPERATION));
    }
}

/// Of application registers, only the interval time counter is virtualized.
#[test]
fn application_registers_but_the_time_are_the_guests() {
    for register in [ar::K0, ar::K7, ar::RSC, ar::BSPSTORE, ar::UNAT, ar::FPSR, ar::CCV] {
        let mut guest = guest(Opcode::M(M::MovToAr), VM);
        let fpsr = guest.p.registers.ar[ar::FPSR];
        guest.p.set_gr(9, if register == ar::FPSR { fpsr } else { 8 }, false);
        let register = register as i64;
        assert_eq!(guest.execute(encode(Opcode::M(M::MovToAr), &[register, 9])), Done::Completed);
        assert_eq!(guest.execute(encode(Opcode::M(M::MovFromAr), &[8, register])), Done::Completed);
        assert_eq!(guest.p.gr(8), guest.p.gr(9));
    }
    let ruc = encode(Opcode::M(M::MovFromAr), &[8, ar::RUC as i64]);
    assert_eq!(guest(ruc.opcode, VM).execute(ruc), interrupted(ruc, Interruption::ILLEGAL_OPERATION));
}

/// Every other interruption leaves with what it reports, and none is delivered.
#[test]
fn other_interruptions_leave_undelivered() {
    let breaks = encode(Opcode::M(M::Break), &[0x12345]);
    let fault = Interruption { iim: Some(0x12345), ..Interruption::fault(Vector::BreakInstruction, 0) };
    let load = encode(Opcode::M(M::Ld8), &[0, 8, 10]);
    let miss = Interruption {
        isr: Isr::new().with_r(true),
        ifa: Some(0x3000),
        itir: Some(5 << 8 | 14 << 2),
        ..Interruption::fault(Vector::AlternateDataTlb, 0)
    };
    for (instruction, psr, raised) in [(breaks, VM, fault), (load, VM.with_dt(true), miss)] {
        let mut guest = guest(instruction.opcode, psr);
        guest.p.write_rr(0, 5 << 8 | 14 << 2);
        guest.p.set_gr(10, 0x3000, false);
        let before = guest.p.registers.clone();
        assert_eq!(guest.execute(instruction), interrupted(instruction, raised));
        assert_unchanged(&guest, &before, instruction);
    }
}

#[test]
fn traps_and_interrupts_leave_undelivered() {
    let mut stepped = guest(Opcode::B(B::Nop), VM.with_ss(true));
    let trap = Interruption { isr: Isr::new().with_code(8), ..Interruption::fault(Vector::SingleStepTrap, 0) };
    assert_eq!(stepped.execute(add(8, 1)), Done::Left(Exit::Interruption(trap)));
    assert_eq!((stepped.p.registers.ip, stepped.p.registers.psr.ri(), stepped.p.gr(8)), (CODE, 1, 1));
    let mut branched = guest(Opcode::B(B::Nop), VM.with_tb(true));
    let trap =
        Interruption { isr: Isr::new().with_code(4).with_ei(2), ..Interruption::fault(Vector::TakenBranchTrap, 0) };
    assert_eq!(branched.execute(branch(0x40)), Done::Left(Exit::Interruption(trap)));
    assert_eq!((branched.p.registers.ip, branched.p.last_ip, branched.delivered()), (CODE + 0x40, CODE, 0));
    let mut waiting = guest(Opcode::B(B::Nop), VM);
    waiting.p.mailbox().raise(0x40);
    let interrupt = Interruption { isr: Isr::new().with_ei(2), ..Interruption::fault(Vector::ExternalInterrupt, 0) };
    assert_eq!(waiting.execute(nop('b')), Done::Left(Exit::Interruption(interrupt)));
    assert_eq!((waiting.p.registers.ip, waiting.p.instructions), (CODE, 0));
}

/// An instruction that the guest executes at its own PSR.ic = 0 is not its last one in the sense of IIPA.
#[test]
fn iipa_follows_the_guests_collection() {
    for (guest_ic, last) in [(true, CODE + 16), (false, 0x500)] {
        let mut guest = guest(Opcode::B(B::Nop), VM);
        (guest.p.guest_ic, guest.p.last_ip) = (guest_ic, 0x500);
        assert_eq!(guest.execute(add(8, 1)), Done::Completed);
        assert_eq!(guest.p.last_ip, last);
    }
}
