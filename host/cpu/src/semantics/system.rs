//! System instructions of the M unit, by family.

use patchbay_isa::Unit;
use patchbay_isa::rows::M;

use super::{application_registers, control_registers, indexed, rse, status, translation};
use crate::op::{Execute, Stop};

/// The semantics of a system instruction of the M unit; `None` for the others.
#[must_use]
pub fn of(instruction: M) -> Option<Execute> {
    Some(match instruction {
        M::Alloc => rse::alloc,
        M::Flushrs => rse::flushrs,
        M::Loadrs => rse::loadrs,
        M::MovToAr => |p, op| application_registers::write(p, op, Unit::M),
        M::MovImmToAr => |p, op| application_registers::write_immediate(p, op, Unit::M),
        M::MovFromAr => |p, op| application_registers::read(p, op, Unit::M),
        M::MovToCr => control_registers::mov_to_cr,
        M::MovFromCr => control_registers::mov_from_cr,
        M::MovToPsr => status::mov_to_psr,
        M::MovToPsrUm => status::mov_to_psr_um,
        M::MovFromPsr => status::mov_from_psr,
        M::MovFromPsrUm => status::mov_from_psr_um,
        M::Ssm => status::ssm,
        M::Rsm => status::rsm,
        M::Sum => status::sum,
        M::Rum => status::rum,
        M::SrlzD | M::SrlzI => |_, _| Err(Stop::Serialize),
        M::MovToRr => indexed::mov_to_rr,
        M::MovToDbr => indexed::mov_to_dbr,
        M::MovToIbr => indexed::mov_to_ibr,
        M::MovToPkr => indexed::mov_to_pkr,
        M::MovToPmc => indexed::mov_to_pmc,
        M::MovToPmd => indexed::mov_to_pmd,
        M::MovToMsr => indexed::mov_to_msr,
        M::MovFromRr => indexed::mov_from_rr,
        M::MovFromDbr => indexed::mov_from_dbr,
        M::MovFromIbr => indexed::mov_from_ibr,
        M::MovFromPkr => indexed::mov_from_pkr,
        M::MovFromPmc => indexed::mov_from_pmc,
        M::MovFromPmd => indexed::mov_from_pmd,
        M::MovFromMsr => indexed::mov_from_msr,
        M::MovFromCpuid => indexed::mov_from_cpuid,
        M::ItcD => translation::itc_d,
        M::ItcI => translation::itc_i,
        M::ItrD => translation::itr_d,
        M::ItrI => translation::itr_i,
        M::PtcE => translation::ptc_e,
        M::PtcL => translation::ptc_l,
        M::PtcG | M::PtcGa => translation::ptc_g,
        M::PtrD => translation::ptr_d,
        M::PtrI => translation::ptr_i,
        M::Thash => translation::thash,
        M::Ttag => translation::ttag,
        M::Tpa => translation::tpa,
        M::Tak => translation::tak,
        M::ProbeR => |p, op| translation::probe(p, op, false),
        M::ProbeW => |p, op| translation::probe(p, op, true),
        M::ProbeRImm => |p, op| translation::probe_imm(p, op, false),
        M::ProbeWImm => |p, op| translation::probe_imm(p, op, true),
        M::ProbeRwFault => |p, op| translation::probe_fault(p, op, true, true),
        M::ProbeRFault => |p, op| translation::probe_fault(p, op, true, false),
        M::ProbeWFault => |p, op| translation::probe_fault(p, op, false, true),
        _ => return None,
    })
}
