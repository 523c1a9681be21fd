//! Instructions on translations: inserts, purges, queries (SDM 3:150-155, 3:214-228, 3:266-272).

use crate::coherence_domain::Purge;
use crate::engine::interpreter::Op;
use crate::interruption::{Interruption, Isr, Vector, non_access};
use crate::mmu::Side;
use crate::outcome::{Leave, Outcome};
use crate::processor::Processor;

/// ISR.code bits 7:4 of Register NaT Consumption.
const REGISTER_NAT: u16 = 0x10;

/// The address, or another operand, of an instruction that accesses no memory; it must not be NaT.
///
/// # Errors
/// Register NaT Consumption.
pub fn non_access_address(p: &mut Processor, r: u8, instruction: u16, read: bool, write: bool) -> Result<u64, Leave> {
    if p.nat(r) {
        let isr = Isr::new().with_code(REGISTER_NAT | instruction).with_na(true).with_r(read).with_w(write);
        return Err(p.raise(Interruption { isr, ..Interruption::fault(Vector::NatConsumption, 0) }));
    }
    Ok(p.gr(r))
}

fn itc(p: &mut Processor, op: &Op, side: Side) -> Outcome {
    let pte = insertion(p, None, op.r2)?;
    p.leave_if_virtualized()?;
    p.insert_tc(side, pte)?;
    Err(Leave::Serialize)
}

/// The page table entry of an insert, whose register, if it has one, `r3` selects: PSR.ic must be 0, the operands well
/// formed. The virtualization fault follows, and precedes what depends on control registers: a guest's are elsewhere.
///
/// # Errors
/// Illegal Operation, Privileged Operation, Register NaT Consumption, Reserved Register/Field.
pub fn insertion(p: &mut Processor, r3: Option<u8>, r2: u8) -> Result<u64, Leave> {
    if p.interruption_collection() {
        return Err(p.raise(Interruption::ILLEGAL_OPERATION));
    }
    p.check_privilege()?;
    let register = r3.map(|r| p.source(r)).transpose()?;
    let pte = p.source(r2)?;
    p.check_translation(register, pte)?;
    Ok(pte)
}

pub(super) fn itc_d(p: &mut Processor, op: &Op) -> Outcome {
    itc(p, op, Side::Data)
}

pub(super) fn itc_i(p: &mut Processor, op: &Op) -> Outcome {
    itc(p, op, Side::Instruction)
}

fn itr(p: &mut Processor, op: &Op, side: Side) -> Outcome {
    let pte = insertion(p, Some(op.r3), op.r2)?;
    p.leave_if_virtualized()?;
    p.insert_tr(side, p.gr(op.r3), pte)?;
    Err(Leave::Serialize)
}

pub(super) fn itr_d(p: &mut Processor, op: &Op) -> Outcome {
    itr(p, op, Side::Data)
}

pub(super) fn itr_i(p: &mut Processor, op: &Op) -> Outcome {
    itr(p, op, Side::Instruction)
}

/// The range of a purge: its address and the power of two of its size.
///
/// # Errors
/// Privileged Operation, Register NaT Consumption, Unimplemented Data Address.
pub fn range(p: &mut Processor, r3: u8, r2: u8) -> Result<(u64, u8), Leave> {
    p.check_privilege()?;
    let address = p.source(r3)?;
    let page_size = (p.source(r2)? >> 2 & 0x3f) as u8;
    p.check_implemented(address)?;
    Ok((address, page_size))
}

pub(super) fn ptc_e(p: &mut Processor, op: &Op) -> Outcome {
    p.check_privilege()?;
    p.source(op.r3)?;
    p.leave_if_virtualized()?;
    p.purge_all();
    Err(Leave::Serialize)
}

pub(super) fn ptc_l(p: &mut Processor, op: &Op) -> Outcome {
    let (address, page_size) = range(p, op.r3, op.r2)?;
    p.leave_if_virtualized()?;
    p.purge_tc(address, page_size);
    Err(Leave::Serialize)
}

pub(super) fn ptc_g(p: &mut Processor, op: &Op) -> Outcome {
    let (address, page_size) = range(p, op.r3, op.r2)?;
    p.leave_if_virtualized()?;
    p.purge_everywhere(Purge { rid: p.rid(address), address, page_size });
    Err(Leave::Serialize)
}

pub(super) fn ptr_d(p: &mut Processor, op: &Op) -> Outcome {
    let (address, page_size) = range(p, op.r3, op.r2)?;
    p.leave_if_virtualized()?;
    p.purge_tr(Side::Data, address, page_size);
    Err(Leave::Serialize)
}

pub(super) fn ptr_i(p: &mut Processor, op: &Op) -> Outcome {
    let (address, page_size) = range(p, op.r3, op.r2)?;
    p.leave_if_virtualized()?;
    p.purge_tr(Side::Instruction, address, page_size);
    Err(Leave::Serialize)
}

pub(super) fn thash(p: &mut Processor, op: &Op) -> Outcome {
    p.leave_if_virtualized()?;
    let nat = p.nat(op.r3);
    let value = if nat { 0 } else { p.thash(p.gr(op.r3)) };
    p.set_gr(op.r1, value, nat);
    Ok(())
}

pub(super) fn ttag(p: &mut Processor, op: &Op) -> Outcome {
    p.leave_if_virtualized()?;
    let nat = p.nat(op.r3);
    let value = if nat { 0 } else { p.ttag(p.gr(op.r3)) };
    p.set_gr(op.r1, value, nat);
    Ok(())
}

pub(super) fn tpa(p: &mut Processor, op: &Op) -> Outcome {
    p.check_privilege()?;
    let address = non_access_address(p, op.r3, non_access::TPA, false, false)?;
    p.leave_if_virtualized()?;
    let physical = p.tpa(address)?;
    p.set_gr(op.r1, physical.0, false);
    Ok(())
}

pub(super) fn tak(p: &mut Processor, op: &Op) -> Outcome {
    p.check_privilege()?;
    let address = non_access_address(p, op.r3, non_access::TAK, false, false)?;
    p.leave_if_virtualized()?;
    let key = p.tak(address)?;
    p.set_gr(op.r1, key, false);
    Ok(())
}

pub(super) fn probe(p: &mut Processor, op: &Op, write: bool) -> Outcome {
    let privilege = non_access_address(p, op.r2, non_access::PROBE, !write, write)? as u8 & 3;
    probe_at(p, op, write, privilege)
}

pub(super) fn probe_imm(p: &mut Processor, op: &Op, write: bool) -> Outcome {
    probe_at(p, op, write, op.imm as u8)
}

fn probe_at(p: &mut Processor, op: &Op, write: bool, privilege: u8) -> Outcome {
    let address = non_access_address(p, op.r3, non_access::PROBE, !write, write)?;
    p.leave_if_virtualized()?;
    let allowed = p.probe(address, write, privilege.max(p.registers.psr.cpl()))?;
    p.set_gr(op.r1, u64::from(allowed), false);
    Ok(())
}

pub(super) fn probe_fault(p: &mut Processor, op: &Op, read: bool, write: bool) -> Outcome {
    let address = non_access_address(p, op.r3, non_access::PROBE_FAULT, read, write)?;
    p.leave_if_virtualized()?;
    p.probe_fault(address, read, write, (op.imm as u8).max(p.registers.psr.cpl()))
}

impl Processor {
    /// Purges a range on every processor of the domain, and waits until those that run have done so (`ptc.ga`;
    /// `ptc.g` may do as much).
    pub fn purge_everywhere(&mut self, purge: Purge) {
        let domain = self.configuration.domain.clone();
        self.apply_purge(purge);
        domain.broadcast(self.configuration.index, purge);
        // Others may be waiting for this processor.
        while !domain.purges_done(self.configuration.index) {
            self.perform_purges();
            std::thread::yield_now();
        }
    }

    /// Performs the purges that other processors asked for.
    pub fn perform_purges(&mut self) {
        if !self.mailbox().has_purges() {
            return;
        }
        let domain = self.configuration.domain.clone();
        let mailbox = domain.mailbox(self.configuration.index);
        mailbox.take_purges(&mut self.purges);
        if self.purges.all {
            self.purge_all();
        }
        for index in 0..self.purges.each.len() {
            self.apply_purge(self.purges.each[index]);
        }
        self.purges.clear();
        mailbox.purged();
    }
}
