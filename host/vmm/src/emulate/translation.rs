//! Instructions on translations (SDM 3:150-155, 3:214-228, 3:266-272). Region registers and TLBs are the processor's.

use patchbay_cpu::coherence_domain::Purge;
use patchbay_cpu::interruption::non_access;
use patchbay_cpu::mmu::Side;
use patchbay_cpu::outcome::{Leave, Outcome};
use patchbay_cpu::registers::cr;
use patchbay_cpu::semantics::translation::{self, non_access_address, range};
use patchbay_plugin_api::instruction::Instruction;

use crate::guest::Guest;

/// The page table entry of an insert. The processor takes the address and the size from its own cr.ifa and cr.itir.
fn insertion(g: &mut Guest, i: &Instruction, r3: Option<u8>) -> Result<u64, Leave> {
    let pte = translation::insertion(g.p, r3, i.r2)?;
    g.p.registers.cr[cr::IFA] = g.vpd.vcr[cr::IFA];
    g.p.registers.cr[cr::ITIR] = g.vpd.vcr[cr::ITIR];
    Ok(pte)
}

/// Nothing of the block that executes was translated by the data TLB.
pub(super) fn itc_d(g: &mut Guest, i: &Instruction) -> Outcome {
    let pte = insertion(g, i, None)?;
    g.p.insert_tc(Side::Data, pte)
}

pub(super) fn itc_i(g: &mut Guest, i: &Instruction) -> Outcome {
    let pte = insertion(g, i, None)?;
    g.p.insert_tc(Side::Instruction, pte)?;
    Err(Leave::Serialize)
}

pub(super) fn itr_d(g: &mut Guest, i: &Instruction) -> Outcome {
    let pte = insertion(g, i, Some(i.r3))?;
    g.p.insert_tr(Side::Data, g.p.gr(i.r3), pte)
}

pub(super) fn itr_i(g: &mut Guest, i: &Instruction) -> Outcome {
    let pte = insertion(g, i, Some(i.r3))?;
    g.p.insert_tr(Side::Instruction, g.p.gr(i.r3), pte)?;
    Err(Leave::Serialize)
}

pub(super) fn ptc_l(g: &mut Guest, i: &Instruction) -> Outcome {
    let (address, page_size) = range(g.p, i.r3, i.r2)?;
    g.p.purge_tc(address, page_size);
    Err(Leave::Serialize)
}

pub(super) fn ptc_g(g: &mut Guest, i: &Instruction) -> Outcome {
    let (address, page_size) = range(g.p, i.r3, i.r2)?;
    g.p.purge_everywhere(Purge { rid: g.p.rid(address), address, page_size });
    Err(Leave::Serialize)
}

pub(super) fn ptc_e(g: &mut Guest, i: &Instruction) -> Outcome {
    g.p.check_privilege()?;
    g.p.source(i.r3)?;
    g.p.purge_all();
    Err(Leave::Serialize)
}

pub(super) fn ptr_d(g: &mut Guest, i: &Instruction) -> Outcome {
    let (address, page_size) = range(g.p, i.r3, i.r2)?;
    g.p.purge_tr(Side::Data, address, page_size);
    Ok(())
}

pub(super) fn ptr_i(g: &mut Guest, i: &Instruction) -> Outcome {
    let (address, page_size) = range(g.p, i.r3, i.r2)?;
    g.p.purge_tr(Side::Instruction, address, page_size);
    Err(Leave::Serialize)
}

pub(super) fn thash(g: &mut Guest, i: &Instruction) -> Outcome {
    g.target(i.r1)?;
    let nat = g.p.nat(i.r3);
    let value = if nat { 0 } else { g.p.thash(g.p.gr(i.r3)) };
    g.set_gr(i.r1, value, nat);
    Ok(())
}

pub(super) fn ttag(g: &mut Guest, i: &Instruction) -> Outcome {
    g.target(i.r1)?;
    let nat = g.p.nat(i.r3);
    let value = if nat { 0 } else { g.p.ttag(g.p.gr(i.r3)) };
    g.set_gr(i.r1, value, nat);
    Ok(())
}

pub(super) fn tpa(g: &mut Guest, i: &Instruction) -> Outcome {
    g.target(i.r1)?;
    g.p.check_privilege()?;
    let address = non_access_address(g.p, i.r3, non_access::TPA, false, false)?;
    let physical = g.p.tpa(address)?;
    g.set_gr(i.r1, physical.0, false);
    Ok(())
}

pub(super) fn tak(g: &mut Guest, i: &Instruction) -> Outcome {
    g.target(i.r1)?;
    g.p.check_privilege()?;
    let address = non_access_address(g.p, i.r3, non_access::TAK, false, false)?;
    let key = g.p.tak(address)?;
    g.set_gr(i.r1, key, false);
    Ok(())
}

pub(super) fn probe(g: &mut Guest, i: &Instruction, write: bool) -> Outcome {
    g.target(i.r1)?;
    let privilege = non_access_address(g.p, i.r2, non_access::PROBE, !write, write)? as u8 & 3;
    probe_at(g, i, write, privilege)
}

pub(super) fn probe_imm(g: &mut Guest, i: &Instruction, write: bool) -> Outcome {
    g.target(i.r1)?;
    probe_at(g, i, write, i.immediate as u8 & 3)
}

fn probe_at(g: &mut Guest, i: &Instruction, write: bool, privilege: u8) -> Outcome {
    let address = non_access_address(g.p, i.r3, non_access::PROBE, !write, write)?;
    let allowed = g.p.probe(address, write, privilege.max(g.p.registers.psr.cpl()))?;
    g.set_gr(i.r1, u64::from(allowed), false);
    Ok(())
}

pub(super) fn probe_fault(g: &mut Guest, i: &Instruction, read: bool, write: bool) -> Outcome {
    let address = non_access_address(g.p, i.r3, non_access::PROBE_FAULT, read, write)?;
    g.p.probe_fault(address, read, write, (i.immediate as u8 & 3).max(g.p.registers.psr.cpl()))
}
