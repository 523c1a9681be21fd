//! What routines do, as the SDM says it, on a host that notes what they ask of it.

mod building;

use building::{general, specialised};
use patchbay_plugin_api::prelude::*;
use patchbay_plugin_api::testing::{Asked, TestVp, instruction};
use patchbay_plugin_api::vpd::vpsr;

/// Runs the specialised routine, and the general one on the same state, which must do the same.
fn run(machine: &mut TestVp, instruction: &Instruction) -> Outcome {
    let mut other = machine.clone();
    let outcome = machine.run(&specialised(instruction), instruction);
    assert_eq!(other.run(&general(instruction), instruction), outcome, "{instruction:?}");
    assert_eq!(other, *machine, "{instruction:?}");
    outcome
}

fn raises(machine: &TestVp, instruction: &Instruction, fault: Fault) {
    let mut after = machine.clone();
    assert_eq!(run(&mut after, instruction), Outcome::REDIRECTED, "{instruction:?}");
    assert_eq!(after, TestVp { asked: Asked::Raise(fault), ..machine.clone() }, "{instruction:?}");
}

fn with(mnemonic: Mnemonic, change: impl FnOnce(&mut Instruction)) -> Instruction {
    let mut instruction = instruction(mnemonic);
    change(&mut instruction);
    instruction
}

const PRIVILEGED: [Mnemonic; 20] = [
    Mnemonic::MovFromPsr,
    Mnemonic::MovToPsr,
    Mnemonic::Ssm,
    Mnemonic::Rsm,
    Mnemonic::MovFromCr,
    Mnemonic::MovToCr,
    Mnemonic::MovFromRr,
    Mnemonic::MovToRr,
    Mnemonic::MovFromPkr,
    Mnemonic::MovToPkr,
    Mnemonic::MovFromDbr,
    Mnemonic::MovToDbr,
    Mnemonic::MovFromIbr,
    Mnemonic::MovToIbr,
    Mnemonic::MovFromPmc,
    Mnemonic::MovToPmc,
    Mnemonic::MovToPmd,
    Mnemonic::Bsw0,
    Mnemonic::Bsw1,
    Mnemonic::Rfi,
];

const NOT_PRIVILEGED: [Mnemonic; 4] = [Mnemonic::MovFromCpuid, Mnemonic::Thash, Mnemonic::Ttag, Mnemonic::Cover];

#[test]
fn privileged_instructions_fault_at_other_levels() {
    let mut machine = TestVp::new();
    machine.psr |= 3 << 32;
    machine.gr[12] = 2;
    for mnemonic in PRIVILEGED {
        raises(&machine, &instruction(mnemonic), Fault::PRIVILEGED_OPERATION);
    }
    for mnemonic in NOT_PRIVILEGED {
        let mut after = machine.clone();
        run(&mut after, &instruction(mnemonic));
        assert!(!matches!(after.asked, Asked::Raise(_)), "{mnemonic:?}");
    }
}

#[test]
fn a_target_outside_the_frame_is_illegal() {
    let mut machine = TestVp::new();
    machine.gr[12] = 2;
    let read =
        [Mnemonic::MovFromPsr, Mnemonic::MovFromCr, Mnemonic::MovFromRr, Mnemonic::MovFromCpuid, Mnemonic::Thash];
    for mnemonic in read {
        raises(&machine, &with(mnemonic, |of| of.r1 = 0), Fault::ILLEGAL_OPERATION);
        raises(&machine, &with(mnemonic, |of| of.r1 = 40), Fault::ILLEGAL_OPERATION);
        assert_eq!(run(&mut machine, &with(mnemonic, |of| of.r1 = 39)), Outcome::NEXT);
    }
}

#[test]
fn nat_sources_are_consumed_but_by_hashes() {
    let mut machine = TestVp::new();
    machine.nat[0] = 1 << 11 | 1 << 12;
    for mnemonic in PRIVILEGED.into_iter().chain(NOT_PRIVILEGED) {
        let operands = mnemonic.operands();
        if operands.contains(Attributes::R2) || operands.contains(Attributes::R3) {
            if matches!(mnemonic, Mnemonic::Thash | Mnemonic::Ttag) {
                let mut after = machine.clone();
                assert_eq!(run(&mut after, &instruction(mnemonic)), Outcome::NEXT);
                assert_eq!(after.nat[0], 1 << 10 | 1 << 11 | 1 << 12, "{mnemonic:?}");
            } else {
                raises(&machine, &instruction(mnemonic), Fault::REGISTER_NAT_CONSUMPTION);
            }
        }
    }
}

/// SDM 3:193: bits 31:0 and 36:35; the guest's ic and i are in vpsr.
#[test]
fn mov_from_psr_joins_vpsr_and_the_machine() {
    let mut machine = TestVp::new();
    machine.nat[0] = 1 << 10;
    machine.vpd.vpsr = vpsr::BN | vpsr::MC;
    machine.psr = TestVp::PSR | 0x3e | 1 << 43;
    assert_eq!(run(&mut machine, &instruction(Mnemonic::MovFromPsr)), Outcome::NEXT);
    assert_eq!(machine.gr[10], 0x3e | 1 << 17 | 1 << 27 | 1 << 35 | 1 << 36);
    assert_eq!(machine.nat[0], 0);
    machine.vpd.vpsr |= vpsr::IC | vpsr::I;
    assert_eq!(run(&mut machine, &with(Mnemonic::MovFromPsr, |of| of.r1 = 20)), Outcome::NEXT);
    assert_eq!(machine.gr[20], machine.gr[10] | 1 << 13 | 1 << 14);
}

/// SDM 3:193: bits 63:32 of the source are ignored.
#[test]
fn mov_to_psr_changes_the_low_half() {
    let mut machine = TestVp::new();
    machine.vpd.vpsr |= vpsr::MC;
    machine.gr[11] = 0xffff_ffff_0000_6008;
    run(&mut machine, &instruction(Mnemonic::MovToPsr));
    assert_eq!(machine.asked, Asked::SetPsr(1 << 35 | 1 << 36 | 1 << 44 | 0x6008));
    for reserved in [1, 1 << 6, 1 << 12, 1 << 16, 1 << 28, 1 << 31] {
        machine.gr[11] = reserved;
        machine.asked = Asked::Nothing;
        raises(&machine, &instruction(Mnemonic::MovToPsr), Fault::RESERVED_REGISTER_FIELD);
    }
}

#[test]
fn masks_of_ic_and_i_stay_in_vpsr() {
    let mask = |mnemonic, mask| with(mnemonic, |of| of.immediate = mask);
    let mut machine = TestVp::new();
    let ssm_ic = mask(Mnemonic::Ssm, vpsr::IC);
    assert_eq!(machine.run(&specialised(&ssm_ic), &ssm_ic), Outcome::NEXT);
    assert_eq!((machine.vpd.vpsr, machine.asked), (vpsr::BN | vpsr::IC, Asked::Nothing));
    // Interrupts may be waiting for i.
    let ssm_i = mask(Mnemonic::Ssm, vpsr::I);
    assert_eq!(run(&mut machine, &ssm_i), Outcome::SERIALIZE);
    let guest = TestVp::PSR & !vpsr::ALL | vpsr::BN | vpsr::IC;
    assert_eq!(machine.asked, Asked::SetPsr(guest | vpsr::I));
    machine.asked = Asked::Nothing;
    machine.vpd.vpsr |= vpsr::I;
    let rsm = mask(Mnemonic::Rsm, vpsr::I | vpsr::IC);
    assert_eq!(machine.run(&specialised(&rsm), &rsm), Outcome::NEXT);
    assert_eq!((machine.vpd.vpsr, machine.asked), (vpsr::BN, Asked::Nothing));
    // dt is the machine's.
    assert_eq!(run(&mut machine, &mask(Mnemonic::Rsm, 1 << 17)), Outcome::SERIALIZE);
    assert_eq!(machine.asked, Asked::SetPsr(TestVp::PSR & !vpsr::ALL & !(1 << 17) | vpsr::BN));
    machine.asked = Asked::Nothing;
    for reserved in [1, 1 << 16] {
        raises(&machine, &mask(Mnemonic::Ssm, reserved), Fault::RESERVED_REGISTER_FIELD);
    }
}

/// SDM 2:29: cr.ipsr … cr.iha are usable while PSR.ic is 0 only. The guest's is in vpsr.
#[test]
fn interruption_registers_need_vpsr_ic_0() {
    let from = |number| with(Mnemonic::MovFromCr, |of| of.register = number);
    let mut machine = TestVp::new();
    for number in [16, 17, 19, 20, 21, 22, 23, 24, 25] {
        assert_eq!(run(&mut machine, &from(number)), Outcome::NEXT);
        assert_eq!(machine.gr[10], 0xc00 + u64::from(number));
    }
    machine.vpd.vpsr |= vpsr::IC;
    for number in [16, 17, 19, 20, 21, 22, 23, 24, 25] {
        raises(&machine, &from(number), Fault::ILLEGAL_OPERATION);
    }
    for number in [0, 1, 2, 64, 66, 72, 73, 74, 80, 81] {
        assert_eq!(run(&mut machine, &from(number)), Outcome::NEXT);
        assert_eq!(machine.gr[10], 0xc00 + u64::from(number));
    }
    for number in [8, 65, 67, 68, 69, 70, 71] {
        assert_eq!(run(&mut machine, &from(number)), Outcome::NEXT);
        assert_eq!(machine.gr[10], 0xcc00 + u64::from(number));
    }
    for number in [3, 18, 26, 63, 75, 79, 82, 127] {
        raises(&machine, &from(number), Fault::ILLEGAL_OPERATION);
        raises(&machine, &with(Mnemonic::MovToCr, |of| of.register = number), Fault::ILLEGAL_OPERATION);
    }
    for number in [65, 68, 69, 70, 71] {
        raises(&machine, &with(Mnemonic::MovToCr, |of| of.register = number), Fault::ILLEGAL_OPERATION);
    }
    run(&mut machine, &with(Mnemonic::MovToCr, |of| of.register = 66));
    assert_eq!(machine.asked, Asked::WriteCr(66, 0x10b));
}

/// SDM 3:180: the region in bits 63:61 of the index, all others in bits 7:0.
#[test]
fn indices() {
    let mut machine = TestVp::new();
    machine.gr[12] = 5 << 61 | 0x1fff;
    assert_eq!(run(&mut machine, &instruction(Mnemonic::MovFromRr)), Outcome::NEXT);
    assert_eq!(machine.gr[10], u64::from(File::RR.0) << 8 | 5);
    run(&mut machine, &instruction(Mnemonic::MovToRr));
    assert_eq!(machine.asked, Asked::WriteIndexed(File::RR, 5, 0x10b));
    machine.gr[12] = 0xab07;
    assert_eq!(run(&mut machine, &instruction(Mnemonic::MovFromPkr)), Outcome::NEXT);
    assert_eq!(machine.gr[10], u64::from(File::PKR.0) << 8 | 7);
    run(&mut machine, &instruction(Mnemonic::MovToPmd));
    assert_eq!(machine.asked, Asked::WriteIndexed(File::PMD, 7, 0x10b));
    machine.gr[12] = 16;
    machine.asked = Asked::Nothing;
    raises(&machine, &instruction(Mnemonic::MovFromDbr), Fault::RESERVED_REGISTER_FIELD);
    machine.gr[12] = 0x104;
    assert_eq!(run(&mut machine, &instruction(Mnemonic::MovFromCpuid)), Outcome::NEXT);
    assert_eq!(machine.gr[10], 5);
    machine.gr[12] = 5;
    raises(&machine, &instruction(Mnemonic::MovFromCpuid), Fault::RESERVED_REGISTER_FIELD);
}

/// SDM 3:173: ar.itc is readable unless PSR.si is 1 at another privilege level than 0.
#[test]
fn the_interval_time_counter() {
    let itc = with(Mnemonic::MovFromAr, |of| of.register = 44);
    let mut machine = TestVp::new();
    machine.psr |= 1 << 23;
    assert_eq!(run(&mut machine, &itc), Outcome::NEXT);
    assert_eq!(machine.gr[10], 0x17c);
    machine.psr |= 1 << 32;
    raises(&machine, &itc, Fault::PRIVILEGED_REGISTER);
    machine.psr &= !(1 << 23);
    assert_eq!(run(&mut machine, &itc), Outcome::NEXT);
}

/// SDM 3:36.
#[test]
fn bsw_exchanges_values_and_nats() {
    let mut machine = TestVp::new();
    let before = machine.clone();
    machine.nat[0] = 1 << 15 | 1 << 17 | 1 << 32;
    machine.vpd.vbank_nat = 1 << 4;
    assert_eq!(run(&mut machine, &instruction(Mnemonic::Bsw1)), Outcome::NEXT);
    assert_eq!(machine.gr, before.gr);
    assert_eq!(run(&mut machine, &instruction(Mnemonic::Bsw0)), Outcome::NEXT);
    assert_eq!(machine.gr[16..32], before.vpd.vbank);
    assert_eq!(machine.vpd.vbank, before.gr[16..32]);
    assert_eq!((machine.gr[15], machine.gr[32]), (0x10f, 0x120));
    assert_eq!((machine.nat[0], machine.vpd.vbank_nat), (1 << 15 | 1 << 20 | 1 << 32, 1 << 1));
    assert_eq!(machine.vpd.vpsr & vpsr::BN, 0);
    assert_eq!(run(&mut machine, &instruction(Mnemonic::Bsw1)), Outcome::NEXT);
    assert_eq!(machine.gr, before.gr);
}

#[test]
fn hashes_frames_and_returns_are_the_hosts() {
    let mut machine = TestVp::new();
    run(&mut machine, &instruction(Mnemonic::Thash));
    assert_eq!(machine.gr[10], 0x10c ^ 0xa5a5);
    run(&mut machine, &instruction(Mnemonic::Ttag));
    assert_eq!(machine.gr[10], 0x10c ^ 0x7a6);
    assert_eq!(run(&mut machine, &instruction(Mnemonic::Cover)), Outcome::SERIALIZE);
    assert_eq!(machine.asked, Asked::Cover);
    assert_eq!(run(&mut machine, &instruction(Mnemonic::Rfi)), Outcome::REDIRECTED);
    assert_eq!(machine.asked, Asked::Rfi);
    for mnemonic in [Mnemonic::ItcD, Mnemonic::PtcGa, Mnemonic::Tpa, Mnemonic::ProbeRwFault, Mnemonic::Vmsw0] {
        let instruction = instruction(mnemonic);
        assert!(specialised(&instruction).needs_site());
        assert_eq!(run(&mut machine, &instruction), Outcome::SERIALIZE);
        assert_eq!(machine.asked, Asked::Emulate(instruction));
    }
}
