//! The decoded form of a virtualized instruction.

use patchbay_isa::row::Flags;
use patchbay_isa::rows::{B, M};
use patchbay_isa::{Bundle, Cause, Field, Opcode, Slot, decode};
use patchbay_plugin_api::instruction::{Instruction, Mnemonic, Unit as UnitNumber};

/// The mnemonic of a virtualized instruction; `None` for any other.
#[must_use]
pub const fn mnemonic(opcode: Opcode) -> Option<Mnemonic> {
    Some(match opcode {
        Opcode::M(m) => match m {
            M::MovToAr => Mnemonic::MovToAr,
            M::MovImmToAr => Mnemonic::MovImmToAr,
            M::MovFromAr => Mnemonic::MovFromAr,
            M::MovToCr => Mnemonic::MovToCr,
            M::MovFromCr => Mnemonic::MovFromCr,
            M::MovToPsr => Mnemonic::MovToPsr,
            M::MovFromPsr => Mnemonic::MovFromPsr,
            M::ItcD => Mnemonic::ItcD,
            M::ItcI => Mnemonic::ItcI,
            M::MovToRr => Mnemonic::MovToRr,
            M::MovToDbr => Mnemonic::MovToDbr,
            M::MovToIbr => Mnemonic::MovToIbr,
            M::MovToPkr => Mnemonic::MovToPkr,
            M::MovToPmc => Mnemonic::MovToPmc,
            M::MovToPmd => Mnemonic::MovToPmd,
            M::ItrD => Mnemonic::ItrD,
            M::ItrI => Mnemonic::ItrI,
            M::MovFromRr => Mnemonic::MovFromRr,
            M::MovFromDbr => Mnemonic::MovFromDbr,
            M::MovFromIbr => Mnemonic::MovFromIbr,
            M::MovFromPkr => Mnemonic::MovFromPkr,
            M::MovFromPmc => Mnemonic::MovFromPmc,
            M::MovFromCpuid => Mnemonic::MovFromCpuid,
            M::Ssm => Mnemonic::Ssm,
            M::Rsm => Mnemonic::Rsm,
            M::PtcL => Mnemonic::PtcL,
            M::PtcG => Mnemonic::PtcG,
            M::PtcGa => Mnemonic::PtcGa,
            M::PtrD => Mnemonic::PtrD,
            M::PtrI => Mnemonic::PtrI,
            M::Thash => Mnemonic::Thash,
            M::Ttag => Mnemonic::Ttag,
            M::Tpa => Mnemonic::Tpa,
            M::Tak => Mnemonic::Tak,
            M::PtcE => Mnemonic::PtcE,
            M::ProbeR => Mnemonic::ProbeR,
            M::ProbeW => Mnemonic::ProbeW,
            M::ProbeRImm => Mnemonic::ProbeRImm,
            M::ProbeWImm => Mnemonic::ProbeWImm,
            M::ProbeRwFault => Mnemonic::ProbeRwFault,
            M::ProbeRFault => Mnemonic::ProbeRFault,
            M::ProbeWFault => Mnemonic::ProbeWFault,
            _ => return None,
        },
        Opcode::B(b) => match b {
            B::Cover => Mnemonic::Cover,
            B::Rfi => Mnemonic::Rfi,
            B::Bsw0 => Mnemonic::Bsw0,
            B::Bsw1 => Mnemonic::Bsw1,
            B::Vmsw0 => Mnemonic::Vmsw0,
            B::Vmsw1 => Mnemonic::Vmsw1,
            _ => return None,
        },
        _ => return None,
    })
}

/// The decoded form of a slot's instruction; `None` if it is not one that is virtualized.
#[must_use]
pub fn of_slot(bundle: Bundle, slot: Slot) -> Option<Instruction> {
    let unit = bundle.template().units()?[slot as usize];
    let instruction = decode(unit, bundle.slot(slot), 0).ok()?;
    of(&instruction, bundle, slot)
}

/// The decoded form of an instruction that stands in this slot; `None` if it is not one that is virtualized.
#[must_use]
pub fn of(instruction: &patchbay_isa::Instruction, bundle: Bundle, slot: Slot) -> Option<Instruction> {
    let mnemonic = mnemonic(instruction.opcode)?;
    let facts = &instruction.row().facts;
    let unit = match instruction.opcode {
        Opcode::B(_) => UnitNumber::B,
        _ => UnitNumber::M,
    };
    let mut decoded = Instruction {
        bits: instruction.slot(),
        immediate: 0,
        mnemonic: mnemonic as u16,
        cause: facts.cause.map_or(0, |cause: Cause| cause as u8),
        unit: unit as u8,
        slot: slot as u8,
        template: bundle.template().number(),
        qp: if facts.flags.contains(Flags::UNPREDICATED) { 0 } else { instruction.qp() },
        r1: 0,
        r2: 0,
        r3: 0,
        register: 0,
        reserved: 0,
    };
    for field in instruction.row().fields() {
        let value = instruction.field(field);
        match field {
            Field::R1 => decoded.r1 = value as u8,
            Field::R2 => decoded.r2 = value as u8,
            Field::R3 => decoded.r3 = value as u8,
            Field::Ar3 | Field::Cr3 => decoded.register = value as u8,
            Field::Qp => {}
            _ => decoded.immediate = value as u64,
        }
    }
    Some(decoded)
}
