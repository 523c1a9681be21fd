//! The instruction side.

use super::translation::{PHYSICAL, Translation, attribute};
use super::vhpt::Walk;
use super::{Side, translation::RegionRegister};
use crate::bus::PhysicalAddress;
use crate::interruption::{Interruption, Isr, Vector};
use crate::outcome::Leave;
use crate::processor::Processor;

/// ISR.code of an Unimplemented Instruction Address fault (SDM 2:206).
const UNIMPLEMENTED: u16 = 1 << 4;
/// ISR.code of an Instruction NaT Page Consumption fault.
const NAT_PAGE: u16 = 0x20;

impl Processor {
    /// Translates an instruction address.
    ///
    /// # Errors
    /// Every fault of an instruction fetch but Instruction Debug.
    pub fn translate_instruction(&mut self, ip: u64) -> Result<PhysicalAddress, Leave> {
        let psr = self.registers.psr;
        if !psr.it() {
            let address = ip & !(1 << 63);
            if address & !PHYSICAL != 0 {
                return Err(self.instruction_fault(Vector::LowerPrivilegeTransferTrap, UNIMPLEMENTED, ip, Sets::Ifa));
            }
            return Ok(PhysicalAddress(address));
        }
        if !self.implements(ip) {
            return Err(self.instruction_fault(Vector::LowerPrivilegeTransferTrap, UNIMPLEMENTED, ip, Sets::Ifa));
        }
        let translation = self.find_instruction(ip)?;
        let pte = translation.pte;
        let mut fault = |vector, code, sets| Err(self.instruction_fault(vector, code, ip, sets));
        if !pte.p() {
            return fault(Vector::PageNotPresent, 0, Sets::Itir);
        }
        if pte.ma() == attribute::NATPAGE {
            return fault(Vector::NatConsumption, NAT_PAGE, Sets::Ifa);
        }
        if psr.pk() {
            match self.key(translation.key) {
                None => {
                    return Err(self.instruction_fault(Vector::InstructionKeyMiss, 0, ip, Sets::Itir));
                }
                Some(key) if key.xd() => {
                    return Err(self.instruction_fault(Vector::KeyPermission, 0, ip, Sets::Itir));
                }
                Some(_) => {}
            }
        }
        let mut fault = |vector| Err(self.instruction_fault(vector, 0, ip, Sets::Itir));
        if !pte.rights(psr.cpl()).x {
            return fault(Vector::InstructionAccessRights);
        }
        if !pte.a() && !psr.ia() {
            return fault(Vector::InstructionAccessBit);
        }
        Ok(PhysicalAddress(translation.physical(ip)))
    }

    /// A value that stays the same only while code at `ip` is mapped as before. It returns to an earlier value when
    /// the region register, the privilege level or PSR.it does.
    #[inline]
    #[must_use]
    pub fn code_context(&self, ip: u64) -> u64 {
        self.mmu.code[(ip >> 61) as usize]
    }

    /// The exception deferral bit of the page of the instruction that executes; 0 if that is not translated.
    pub(super) fn instruction_ed(&self) -> bool {
        let ip = self.registers.ip;
        let tlb = self.mmu.tlb(Side::Instruction);
        self.registers.psr.it() && tlb.find(self.rid(ip), ip).is_some_and(|translation| translation.pte.ed())
    }

    /// The access rights and the privilege level of the page of the instruction that executes (`epc`, `br.ret`);
    /// `None` if it is not translated.
    #[must_use]
    pub fn code_page_rights(&self, ip: u64) -> Option<(u8, u8)> {
        let tlb = self.mmu.tlb(Side::Instruction);
        let translation = tlb.find(self.rid(ip), ip).filter(|_| self.registers.psr.it())?;
        Some((translation.pte.ar(), translation.pte.pl()))
    }

    /// The translation of an instruction address, from the TLB or the VHPT.
    fn find_instruction(&mut self, ip: u64) -> Result<Translation, Leave> {
        if let Some(translation) = self.mmu.tlb(Side::Instruction).find(self.rid(ip), ip) {
            return Ok(*translation);
        }
        let (vector, iha) = match self.walk_for_reference(Side::Instruction, false, ip) {
            Walk::Found(translation) => {
                self.mmu.insert(Side::Instruction, translation);
                return Ok(translation);
            }
            Walk::Disabled => (Vector::AlternateInstructionTlb, None),
            Walk::NotMapped { iha } => (Vector::VhptTranslation, Some(iha)),
            Walk::Failed { iha } => (Vector::InstructionTlb, Some(iha)),
        };
        let leave = self.instruction_fault(vector, 0, ip, Sets::Itir);
        self.raised.iha = iha;
        Err(leave)
    }

    /// The physical address of code, from the TLB or the VHPT. Nothing is inserted and nothing is raised.
    #[must_use]
    pub fn debug_translate_code(&self, ip: u64) -> Option<PhysicalAddress> {
        if !self.registers.psr.it() {
            return Some(PhysicalAddress(ip & !(1 << 63)));
        }
        let found = match self.mmu.tlb(Side::Instruction).find(self.rid(ip), ip) {
            Some(translation) => Some(*translation),
            None => match self.walk(Side::Instruction, false, ip) {
                Walk::Found(translation) => Some(translation),
                _ => None,
            },
        };
        let translation = found.filter(|translation| translation.pte.p())?;
        Some(PhysicalAddress(translation.physical(ip)))
    }

    #[cold]
    fn instruction_fault(&mut self, vector: Vector, code: u16, ip: u64, sets: Sets) -> Leave {
        let x = vector != Vector::LowerPrivilegeTransferTrap;
        let isr = Isr::new().with_code(code).with_x(x).with_ei(self.registers.psr.ri());
        self.raise(Interruption {
            isr,
            ifa: Some(ip & !0xf),
            itir: (sets == Sets::Itir).then(|| self.default_itir(ip)),
            ..Interruption::fault(vector, 0)
        })
    }

    /// What cr.itir gets with the address of a fault: the region's preferred page size, and its identifier as the
    /// key.
    pub(super) fn default_itir(&self, va: u64) -> u64 {
        let rr = RegionRegister::from(self.registers.rr[(va >> 61) as usize]);
        u64::from(rr.rid()) << 8 | u64::from(rr.ps()) << 2
    }
}

/// What a fault sets besides ISR.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sets {
    Ifa,
    Itir,
}

/// Reading code as data, for a monitor that works for the code's guest.
impl Processor {
    /// Makes the data TLB let privilege level 0 read the page of an instruction address: through the translation that
    /// it has (`false`), or a temporary one made of the instruction's (`true`). `None` if that would overlap a
    /// translation register, or there is none.
    pub fn lend_to_data(&mut self, ip: u64) -> Option<bool> {
        let translation = *self.mmu.tlb(Side::Instruction).find(self.rid(ip), ip)?;
        let address = translation.physical(ip);
        if self.translate_as_data(ip) == Some(PhysicalAddress(address)) {
            return Some(false);
        }
        if self.mmu.tlb(Side::Data).overlaps_register(&translation) {
            return None;
        }
        let mut readable = translation;
        readable.pte = readable.pte.with_ar(0).with_pl(0).with_a(true);
        self.mmu.insert(Side::Data, readable);
        Some(true)
    }

    /// Where the data TLB lets privilege level 0 read what is at an instruction address.
    #[must_use]
    pub fn translate_as_data(&self, ip: u64) -> Option<PhysicalAddress> {
        let translation = self.mmu.tlb(Side::Data).find(self.rid(ip), ip)?;
        let pte = translation.pte;
        (pte.p() && pte.a() && pte.rights(0).r).then(|| PhysicalAddress(translation.physical(ip)))
    }

    /// Removes a temporary translation.
    pub fn end_lending(&mut self, ip: u64) {
        let rid = self.rid(ip);
        self.mmu.change(Side::Data, |tlb, removed| tlb.purge_cache(rid, ip, 12, removed));
    }
}
