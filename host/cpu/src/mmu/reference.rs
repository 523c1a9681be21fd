//! Data references: what they may do, the faults they raise, in which order, and which of these are deferred.

use bitfield_struct::bitfield;

use super::Side;
use super::soft::{Context, Entry, Page};
use super::translation::{PHYSICAL, Pte, Translation, attribute};
use super::vhpt::Walk;
use crate::bus::{PAGE_SIZE, PhysicalAddress};
use crate::interruption::{Interruption, Isr, Vector, general};
use crate::outcome::{Leave, Outcome};
use crate::processor::Processor;
use crate::processor::breakpoints;
use crate::registers::{ar, cr};

/// A protection key register.
#[bitfield(u64)]
pub(crate) struct Key {
    v: bool,
    /// Writes are disabled.
    pub(crate) wd: bool,
    /// Reads are disabled.
    pub(crate) rd: bool,
    /// Execution is disabled.
    pub(crate) xd: bool,
    #[bits(4)]
    __: u8,
    #[bits(24)]
    key: u32,
    __: u32,
}

/// A data reference.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reference {
    /// What its faults report: r, w, na, sp, rs, and the code of a non-access.
    pub(crate) isr: Isr,
    /// The privilege level.
    pub(crate) cpl: u8,
    /// Whether the address is virtual.
    pub(crate) translated: bool,
    /// Bytes accessed.
    pub(crate) size: u64,
    /// The alignment that PSR.ac demands, in bytes.
    pub(crate) align: u64,
    /// Not being so aligned is a fault whatever PSR.ac.
    pub(crate) strict: bool,
    /// The page must be cacheable with write-back policy.
    pub(crate) write_back: bool,
}

impl Reference {
    /// One of `size` aligned bytes by an instruction.
    pub(crate) fn data(p: &Processor, size: u64, read: bool, write: bool) -> Reference {
        let psr = p.registers.psr;
        Reference {
            isr: Isr::new().with_r(read).with_w(write),
            cpl: psr.cpl(),
            translated: psr.dt(),
            size,
            align: size,
            strict: false,
            write_back: false,
        }
    }

    /// One of 8 bytes by the register stack engine.
    pub(crate) fn rse(p: &Processor, write: bool) -> Reference {
        Reference {
            isr: Isr::new().with_r(!write).with_w(write).with_rs(true),
            cpl: (p.registers.ar[ar::RSC] >> 2) as u8 & 3,
            translated: p.registers.psr.rt(),
            ..Reference::data(p, 8, false, false)
        }
    }

    /// A non-access; `code` says by which instruction.
    pub(crate) fn non_access(p: &Processor, code: u16, read: bool, write: bool) -> Reference {
        let isr = Isr::new().with_r(read).with_w(write).with_na(true).with_code(code);
        Reference { isr, ..Reference::data(p, 1, false, false) }
    }

    /// What an instruction that makes no reference reports of an address.
    pub(crate) const fn none() -> Reference {
        Reference { isr: Isr::new(), cpl: 0, translated: false, size: 1, align: 1, strict: false, write_back: false }
    }
}

/// The faults of a data reference, the highest priority first (SDM 2:109).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    UnimplementedDataAddress,
    /// At PSR.ic = 0 this and the next two are Data Nested TLB.
    AlternateDataTlb,
    Vhpt {
        iha: u64,
    },
    DataTlb {
        iha: u64,
    },
    PageNotPresent,
    NatPageConsumption,
    KeyMiss,
    KeyPermission,
    AccessRights,
    DirtyBit,
    AccessBit,
    Debug,
    UnalignedDataReference,
    UnsupportedDataReference,
}

/// ISR.code of a Data NaT Page Consumption fault.
const NAT_PAGE: u16 = 0x20;

impl Fault {
    /// Whether a speculative load defers it (SDM 2:107), where `ed` is PSR.it and ITLB.ed.
    fn is_deferred(self, ic: bool, ed: bool, dcr: u64) -> bool {
        let bit = match self {
            Fault::UnimplementedDataAddress | Fault::NatPageConsumption => return true,
            Fault::UnalignedDataReference => return !ic || ed,
            Fault::AlternateDataTlb | Fault::Vhpt { .. } | Fault::DataTlb { .. } => 8,
            Fault::PageNotPresent => 9,
            Fault::KeyMiss => 10,
            Fault::KeyPermission => 11,
            Fault::AccessRights => 12,
            Fault::AccessBit => 13,
            Fault::Debug => 14,
            // A load never raises the first; a page where it could raise the second defers it anyway.
            Fault::DirtyBit | Fault::UnsupportedDataReference => return true,
        };
        !ic || ed && dcr >> bit & 1 != 0
    }

    const fn is_tlb_miss(self) -> bool {
        matches!(self, Fault::AlternateDataTlb | Fault::Vhpt { .. } | Fault::DataTlb { .. })
    }

    const fn vector(self) -> Vector {
        match self {
            Fault::UnimplementedDataAddress => Vector::GeneralException,
            Fault::AlternateDataTlb => Vector::AlternateDataTlb,
            Fault::Vhpt { .. } => Vector::VhptTranslation,
            Fault::DataTlb { .. } => Vector::DataTlb,
            Fault::PageNotPresent => Vector::PageNotPresent,
            Fault::NatPageConsumption => Vector::NatConsumption,
            Fault::KeyMiss => Vector::DataKeyMiss,
            Fault::KeyPermission => Vector::KeyPermission,
            Fault::AccessRights => Vector::DataAccessRights,
            Fault::DirtyBit => Vector::DirtyBit,
            Fault::AccessBit => Vector::DataAccessBit,
            Fault::Debug => Vector::Debug,
            Fault::UnalignedDataReference => Vector::UnalignedReference,
            Fault::UnsupportedDataReference => Vector::UnsupportedDataReference,
        }
    }

    /// ISR.code bits 7:4.
    const fn code(self) -> u16 {
        match self {
            Fault::UnimplementedDataAddress => general::UNIMPLEMENTED_DATA_ADDRESS,
            Fault::NatPageConsumption => NAT_PAGE,
            _ => 0,
        }
    }

    const fn sets_itir(self) -> bool {
        !matches!(
            self,
            Fault::UnimplementedDataAddress
                | Fault::NatPageConsumption
                | Fault::Debug
                | Fault::UnalignedDataReference
                | Fault::UnsupportedDataReference
        )
    }
}

/// Where the bytes of a reference are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Location {
    /// The address.
    pub(crate) physical: PhysicalAddress,
    /// The first byte in the host, if it is RAM.
    host: Option<*mut u8>,
    /// Whether it is RAM that can be written.
    writable: bool,
    /// Whether it may be accessed speculatively.
    pub(crate) speculative: bool,
}

impl Location {
    /// The first byte in the host, if it is RAM.
    pub(crate) fn host(&self) -> Option<*mut u8> {
        self.host
    }

    /// Whether it is RAM that can be written.
    pub(crate) fn is_writable(&self) -> bool {
        self.writable
    }
}

/// What the processor found behind an address.
struct Found {
    physical: u64,
    attribute: u8,
    readable: bool,
    writable: bool,
}

impl Processor {
    /// Whether a virtual address is implemented: all 61 bits of its offset are, at PSR.vm = 1 one fewer.
    pub(crate) fn implements(&self, va: u64) -> bool {
        !self.registers.psr.vm() || (va >> 60 ^ va >> 59) & 1 == 0
    }

    /// The protection key register that holds a key.
    pub(crate) fn key(&self, key: u32) -> Option<Key> {
        self.registers
            .pkr
            .iter()
            .map(|register| Key::from(*register))
            .find(|register| register.v() && register.key() == key)
    }

    /// Raises a fault of a reference; `Ok` if the reference is a speculative load that defers it.
    #[cold]
    pub(crate) fn fault(&mut self, reference: &Reference, va: u64, fault: Fault) -> Outcome {
        let ic = self.interruption_collection();
        let ed = !reference.isr.rs() && self.instruction_ed();
        if reference.isr.sp() && fault.is_deferred(ic, ed, self.registers.cr[cr::DCR]) {
            return Ok(());
        }
        let isr = reference.isr.with_code(reference.isr.code() | fault.code()).with_ed(ed);
        if fault.is_tlb_miss() && !ic {
            return Err(self.raise(Interruption { isr, ..Interruption::fault(Vector::DataNestedTlb, 0) }));
        }
        let iha = match fault {
            Fault::Vhpt { iha } | Fault::DataTlb { iha } => Some(iha),
            _ => None,
        };
        let itir = fault.sets_itir().then(|| self.default_itir(va));
        Err(self.raise(Interruption { isr, ifa: Some(va), itir, iha, ..Interruption::fault(fault.vector(), 0) }))
    }

    /// The translation of a data address, from the TLB or the VHPT; `None` if the miss is deferred.
    pub(crate) fn find_data(&mut self, reference: &Reference, va: u64) -> Result<Option<Translation>, Leave> {
        if let Some(translation) = self.mmu.tlb(Side::Data).find(self.rid(va), va) {
            return Ok(Some(*translation));
        }
        let fault = match self.walk_for_reference(Side::Data, reference.isr.rs(), va) {
            Walk::Found(translation) => {
                self.mmu.insert(Side::Data, translation);
                return Ok(Some(translation));
            }
            Walk::Disabled => Fault::AlternateDataTlb,
            Walk::NotMapped { iha } => Fault::Vhpt { iha },
            Walk::Failed { iha } => Fault::DataTlb { iha },
        };
        self.fault(reference, va, fault)?;
        Ok(None)
    }

    /// The translation of a data address, from the TLB or the VHPT. Nothing is inserted and nothing is raised.
    pub(crate) fn search_data(&self, va: u64) -> Option<Translation> {
        if let Some(translation) = self.mmu.tlb(Side::Data).find(self.rid(va), va) {
            return Some(*translation);
        }
        match self.walk(Side::Data, false, va) {
            Walk::Found(translation) => Some(translation),
            _ => None,
        }
    }

    /// Makes all checks of a reference and says where its bytes are; `None` if it is a speculative load that is
    /// deferred. Conditions that come after a deferred one are still checked: one of them may not be deferred.
    pub(crate) fn locate(
        &mut self,
        context: Context,
        reference: &Reference,
        va: u64,
    ) -> Result<Option<Location>, Leave> {
        let psr = self.registers.psr;
        let mut deferred = false;
        let found = if reference.translated {
            self.locate_virtual(reference, va, &mut deferred)?
        } else {
            self.locate_physical(reference, va)?
        };
        let Some(found) = found else {
            return Ok(None);
        };
        if psr.db() && !psr.dd() && self.data_breakpoint(reference, va) {
            self.fault(reference, va, Fault::Debug)?;
            deferred = true;
        }
        let page = PhysicalAddress(found.physical & !(PAGE_SIZE - 1));
        let ram = self.configuration.bus.ram(page).map(|ram| (ram.host(page), ram.is_writable()));
        let write_back = found.attribute == attribute::WB;
        if va & (reference.align - 1) != 0 {
            let crosses = va % PAGE_SIZE + reference.size > PAGE_SIZE;
            let uncached = !matches!(found.attribute, attribute::WB | attribute::WC) || ram.is_none();
            if psr.ac() || reference.strict || crosses || uncached {
                self.fault(reference, va, Fault::UnalignedDataReference)?;
                deferred = true;
            }
        }
        if reference.write_back && !write_back {
            self.fault(reference, va, Fault::UnsupportedDataReference)?;
            deferred = true;
        }
        let speculative = matches!(found.attribute, attribute::WB | attribute::WC);
        if deferred || reference.isr.sp() && !speculative {
            return Ok(None);
        }
        if self.debugger.watches() {
            self.watch_access(reference, va);
        }
        if let Some((host, writable)) = ram {
            let attributes =
                if speculative { Entry::SPECULATIVE } else { 0 } | if write_back { Entry::WRITE_BACK } else { 0 };
            self.mmu.soft.insert(
                context,
                &Page { va, host, attributes, readable: found.readable, writable: found.writable && writable },
            );
        }
        let physical = PhysicalAddress(found.physical);
        // SAFETY: the offset is within the page.
        let host = ram.map(|(page, _)| unsafe { page.add((found.physical % PAGE_SIZE) as usize) });
        Ok(Some(Location { physical, host, writable: ram.is_some_and(|(_, writable)| writable), speculative }))
    }

    fn locate_physical(&mut self, reference: &Reference, va: u64) -> Result<Option<Found>, Leave> {
        let attribute = if va >> 63 != 0 { attribute::UC } else { attribute::WB };
        let physical = self.physical_address(reference, va)?;
        Ok(physical.map(|physical| Found { physical, attribute, readable: true, writable: true }))
    }

    /// The address of a reference that is not translated; `None` if it is not implemented and that is deferred.
    pub(crate) fn physical_address(&mut self, reference: &Reference, va: u64) -> Result<Option<u64>, Leave> {
        let physical = va & !(1 << 63);
        if physical & !PHYSICAL != 0 {
            self.fault(reference, va, Fault::UnimplementedDataAddress)?;
            return Ok(None);
        }
        Ok(Some(physical))
    }

    fn locate_virtual(&mut self, reference: &Reference, va: u64, deferred: &mut bool) -> Result<Option<Found>, Leave> {
        let psr = self.registers.psr;
        if !self.implements(va) {
            self.fault(reference, va, Fault::UnimplementedDataAddress)?;
            return Ok(None);
        }
        let Some(translation) = self.find_data(reference, va)? else {
            return Ok(None);
        };
        let pte = translation.pte;
        if !self.check_present(reference, va, pte)? {
            return Ok(None);
        }
        let (read, write) = (reference.isr.r(), reference.isr.w());
        let key = if psr.pk() { self.key(translation.key) } else { Some(Key::new()) };
        let rights = pte.rights(reference.cpl);
        match key {
            None => {
                self.fault(reference, va, Fault::KeyMiss)?;
                *deferred = true;
            }
            Some(key) if read && key.rd() || write && key.wd() => {
                self.fault(reference, va, Fault::KeyPermission)?;
                *deferred = true;
            }
            Some(_) => {}
        }
        if read && !rights.r || write && !rights.w {
            self.fault(reference, va, Fault::AccessRights)?;
            *deferred = true;
        }
        if write && !pte.d() && !psr.da() {
            self.fault(reference, va, Fault::DirtyBit)?;
        }
        if !pte.a() && !psr.da() {
            self.fault(reference, va, Fault::AccessBit)?;
            *deferred = true;
        }
        let key = key.unwrap_or_default();
        Ok(Some(Found {
            physical: translation.physical(va),
            attribute: pte.ma(),
            readable: rights.r && !key.rd() && pte.a(),
            writable: rights.w && !key.wd() && pte.a() && pte.d(),
        }))
    }

    /// Page Not Present and NaT Page Consumption; `false` if deferred.
    pub(crate) fn check_present(&mut self, reference: &Reference, va: u64, pte: Pte) -> Result<bool, Leave> {
        let fault = if !pte.p() {
            Fault::PageNotPresent
        } else if pte.ma() == attribute::NATPAGE {
            Fault::NatPageConsumption
        } else {
            return Ok(true);
        };
        self.fault(reference, va, fault)?;
        Ok(false)
    }

    pub(super) fn data_breakpoint(&self, reference: &Reference, va: u64) -> bool {
        self.registers.dbr.chunks_exact(2).any(|pair| {
            let enabled = reference.isr.r() && pair[1] >> 63 != 0 || reference.isr.w() && pair[1] >> 62 & 1 != 0;
            enabled && breakpoints::matches(pair[0], pair[1], va, reference.size, reference.cpl)
        })
    }
}
