//! The emulation of each virtualized instruction, from its decoded form: one function an instruction, one file a family.
//!
//! A function reads like the Operation box of the instruction's page in SDM 3. It makes all checks, those before the
//! virtualization fault too: at an emulation trigger nothing has made them. The qualifying predicate is true.
//! `Ok` means that the guest goes on with the next instruction; [`Leave`](patchbay_cpu::outcome::Leave) says what else.

mod application;
mod branch_unit;
mod control;
pub mod decode;
pub use branch_unit::{cover, rfi};
mod indexed;
mod status;
mod translation;

use patchbay_cpu::interruption::Interruption;
use patchbay_cpu::outcome::Outcome;
use patchbay_plugin_api::instruction::{Instruction, Mnemonic};

use crate::guest::Guest;

/// Emulates an instruction.
///
/// # Errors
/// Whatever it does but go on with the next instruction.
pub fn emulate(g: &mut Guest, i: &Instruction) -> Outcome {
    let Some(mnemonic) = i.mnemonic() else {
        return Err(g.p.raise(Interruption::ILLEGAL_OPERATION));
    };
    match mnemonic {
        Mnemonic::MovToAr => application::mov_to_ar(g, i),
        Mnemonic::MovImmToAr => application::mov_imm_to_ar(g, i),
        Mnemonic::MovFromAr => application::mov_from_ar(g, i),
        Mnemonic::MovToCr => control::mov_to_cr(g, i),
        Mnemonic::MovFromCr => control::mov_from_cr(g, i),
        Mnemonic::MovToPsr => status::mov_to_psr(g, i),
        Mnemonic::MovFromPsr => status::mov_from_psr(g, i),
        Mnemonic::Ssm => status::ssm(g, i),
        Mnemonic::Rsm => status::rsm(g, i),
        Mnemonic::Bsw0 => status::bsw(g, false),
        Mnemonic::Bsw1 => status::bsw(g, true),
        Mnemonic::ItcD => translation::itc_d(g, i),
        Mnemonic::ItcI => translation::itc_i(g, i),
        Mnemonic::ItrD => translation::itr_d(g, i),
        Mnemonic::ItrI => translation::itr_i(g, i),
        Mnemonic::PtcL => translation::ptc_l(g, i),
        Mnemonic::PtcG | Mnemonic::PtcGa => translation::ptc_g(g, i),
        Mnemonic::PtcE => translation::ptc_e(g, i),
        Mnemonic::PtrD => translation::ptr_d(g, i),
        Mnemonic::PtrI => translation::ptr_i(g, i),
        Mnemonic::Thash => translation::thash(g, i),
        Mnemonic::Ttag => translation::ttag(g, i),
        Mnemonic::Tpa => translation::tpa(g, i),
        Mnemonic::Tak => translation::tak(g, i),
        Mnemonic::ProbeR => translation::probe(g, i, false),
        Mnemonic::ProbeW => translation::probe(g, i, true),
        Mnemonic::ProbeRImm => translation::probe_imm(g, i, false),
        Mnemonic::ProbeWImm => translation::probe_imm(g, i, true),
        Mnemonic::ProbeRwFault => translation::probe_fault(g, i, true, true),
        Mnemonic::ProbeRFault => translation::probe_fault(g, i, true, false),
        Mnemonic::ProbeWFault => translation::probe_fault(g, i, false, true),
        Mnemonic::MovToRr => indexed::mov_to_rr(g, i),
        Mnemonic::MovToDbr => indexed::mov_to_dbr(g, i),
        Mnemonic::MovToIbr => indexed::mov_to_ibr(g, i),
        Mnemonic::MovToPkr => indexed::mov_to_pkr(g, i),
        Mnemonic::MovToPmc => indexed::mov_to_pmc(g, i),
        Mnemonic::MovToPmd => indexed::mov_to_pmd(g, i),
        Mnemonic::MovFromRr => indexed::mov_from_rr(g, i),
        Mnemonic::MovFromDbr => indexed::mov_from_dbr(g, i),
        Mnemonic::MovFromIbr => indexed::mov_from_ibr(g, i),
        Mnemonic::MovFromPkr => indexed::mov_from_pkr(g, i),
        Mnemonic::MovFromPmc => indexed::mov_from_pmc(g, i),
        Mnemonic::MovFromCpuid => indexed::mov_from_cpuid(g, i),
        Mnemonic::Cover => branch_unit::cover(g),
        Mnemonic::Rfi => branch_unit::rfi(g),
        Mnemonic::Vmsw0 | Mnemonic::Vmsw1 => branch_unit::vmsw(g),
    }
}
