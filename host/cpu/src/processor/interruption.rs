//! Interruptions: their vectors, what they report, and their delivery to the interruption vector table (SDM 2:95).

use bitfield_struct::bitfield;

use super::Processor;
use crate::psr::Psr;
use crate::registers::cr;

/// The interruption vectors, by their offset in the table (SDM 2:165).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u16)]
#[expect(missing_docs, reason = "the SDM's names")]
pub enum Vector {
    VhptTranslation = 0x0000,
    InstructionTlb = 0x0400,
    DataTlb = 0x0800,
    AlternateInstructionTlb = 0x0c00,
    AlternateDataTlb = 0x1000,
    DataNestedTlb = 0x1400,
    InstructionKeyMiss = 0x1800,
    DataKeyMiss = 0x1c00,
    DirtyBit = 0x2000,
    InstructionAccessBit = 0x2400,
    DataAccessBit = 0x2800,
    BreakInstruction = 0x2c00,
    ExternalInterrupt = 0x3000,
    VirtualExternalInterrupt = 0x3400,
    PageNotPresent = 0x5000,
    KeyPermission = 0x5100,
    InstructionAccessRights = 0x5200,
    DataAccessRights = 0x5300,
    GeneralException = 0x5400,
    DisabledFpRegister = 0x5500,
    NatConsumption = 0x5600,
    Speculation = 0x5700,
    Debug = 0x5900,
    UnalignedReference = 0x5a00,
    UnsupportedDataReference = 0x5b00,
    FloatingPointFault = 0x5c00,
    FloatingPointTrap = 0x5d00,
    LowerPrivilegeTransferTrap = 0x5e00,
    TakenBranchTrap = 0x5f00,
    SingleStepTrap = 0x6000,
    Virtualization = 0x6100,
}

/// Interruptions in a row, with no instruction completed, that no handler can mend.
pub const MOST_FAULTS: u32 = 16;
/// The bit of ISR.code that says single step (SDM 2:205).
pub const SINGLE_STEP: u16 = 1 << 3;

/// The interruption status register (SDM 2:37).
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct Isr {
    /// What happened, by vector.
    pub code: u16,
    /// The external interrupt vector or IA-32 information.
    pub vector: u8,
    __: u8,
    /// By an instruction fetch.
    pub x: bool,
    /// By a write.
    pub w: bool,
    /// By a read.
    pub r: bool,
    /// By an access that is none (tpa, fc, probe, lfetch, …); the code then names the instruction.
    pub na: bool,
    /// By a speculative load.
    pub sp: bool,
    /// By the register stack engine.
    pub rs: bool,
    /// By an incomplete register frame.
    pub ir: bool,
    /// While PSR.ic was 0.
    pub ni: bool,
    /// Supervisor override.
    pub so: bool,
    /// The slot.
    #[bits(2)]
    pub ei: u8,
    /// The exception deferral bit of the page's translation.
    pub ed: bool,
    #[bits(20)]
    __: u32,
}

/// ISR.code of a General Exception (SDM 2:174).
#[expect(missing_docs, reason = "the SDM's names")]
pub mod general {
    pub const ILLEGAL_OPERATION: u16 = 0x00;
    pub const PRIVILEGED_OPERATION: u16 = 0x10;
    pub const PRIVILEGED_REGISTER: u16 = 0x20;
    pub const RESERVED_REGISTER_FIELD: u16 = 0x30;
    pub const DISABLED_ISA_TRANSITION: u16 = 0x40;
    pub const UNIMPLEMENTED_DATA_ADDRESS: u16 = 0x30;
}

/// The low bits of ISR.code that name a non-access instruction (SDM 2:168, table 8-2).
#[expect(missing_docs, reason = "named after the instructions")]
pub mod non_access {
    pub const TPA: u16 = 0;
    pub const FC: u16 = 1;
    pub const PROBE: u16 = 2;
    pub const TAK: u16 = 3;
    pub const LFETCH: u16 = 4;
    pub const PROBE_FAULT: u16 = 5;
}

/// An interruption with what it reports. Registers that it does not set are `None`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interruption {
    /// Where it goes.
    pub vector: Vector,
    /// What it reports; the engine fills in ei and ir, delivery ni.
    pub isr: Isr,
    /// The faulting address.
    pub ifa: Option<u64>,
    /// The page size and key for an insertion.
    pub itir: Option<u64>,
    /// The immediate of a break or of a speculation check.
    pub iim: Option<u64>,
    /// The address of the VHPT entry.
    pub iha: Option<u64>,
}

impl Interruption {
    /// A fault that sets ISR only.
    #[must_use]
    pub const fn fault(vector: Vector, code: u16) -> Interruption {
        Interruption { vector, isr: Isr::new().with_code(code), ifa: None, itir: None, iim: None, iha: None }
    }

    /// An Illegal Operation fault.
    pub const ILLEGAL_OPERATION: Interruption =
        Interruption::fault(Vector::GeneralException, general::ILLEGAL_OPERATION);
    /// A Privileged Operation fault.
    pub const PRIVILEGED_OPERATION: Interruption =
        Interruption::fault(Vector::GeneralException, general::PRIVILEGED_OPERATION);
    /// A Privileged Register fault.
    pub const PRIVILEGED_REGISTER: Interruption =
        Interruption::fault(Vector::GeneralException, general::PRIVILEGED_REGISTER);
    /// A Reserved Register/Field fault.
    pub const RESERVED_REGISTER_FIELD: Interruption =
        Interruption::fault(Vector::GeneralException, general::RESERVED_REGISTER_FIELD);
    /// A Register NaT Consumption fault of an instruction that accesses no memory.
    pub const REGISTER_NAT_CONSUMPTION: Interruption = Interruption::fault(Vector::NatConsumption, 0x10);
}

/// An interruption that was delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recent {
    /// Its vector; none for an entry not used yet.
    pub vector: Option<Vector>,
    /// The instructions completed before it.
    pub instructions: u64,
    /// The interrupted bundle.
    pub ip: u64,
    /// The interrupted slot.
    pub slot: u8,
    /// cr.isr.
    pub isr: u64,
    /// cr.ifa.
    pub ifa: u64,
}

impl Interruption {
    /// Writes the interruption control registers of code at `ip` with this PSR; `last_ip` is the bundle of the last
    /// instruction completed (SDM 2:101).
    pub fn save(&self, cr: &mut [u64; 128], psr: Psr, ip: u64, last_ip: u64) {
        // ISR is written whatever PSR.ic, but not by this one (SDM 2:36).
        if self.vector != Vector::DataNestedTlb {
            cr[cr::ISR] = self.isr.with_ni(!psr.ic()).into();
        }
        if psr.ic() {
            cr[cr::IPSR] = psr.into();
            cr[cr::IIP] = ip;
            cr[cr::IIPA] = last_ip;
            cr[cr::IFS] &= !(1 << 63);
            let set = [(cr::IFA, self.ifa), (cr::ITIR, self.itir), (cr::IIM, self.iim), (cr::IHA, self.iha)];
            for (register, value) in set {
                if let Some(value) = value {
                    cr[register] = value;
                }
            }
        }
    }
}

impl Psr {
    /// The PSR of an interruption handler (SDM 2:101, table 3-2).
    #[must_use]
    pub fn of_handler(self, dcr: u64) -> Psr {
        Psr::new()
            .with_up(self.up())
            .with_mfl(self.mfl())
            .with_mfh(self.mfh())
            .with_pk(self.pk())
            .with_dt(self.dt())
            .with_rt(self.rt())
            .with_it(self.it())
            .with_mc(self.mc())
            .with_be(dcr >> 1 & 1 != 0)
            .with_pp(dcr & 1 != 0)
    }
}

impl Processor {
    /// Counts and notes an interruption that is being delivered, wherever to.
    pub fn interrupted(&mut self, interruption: &Interruption) {
        self.delivered[usize::from(interruption.vector as u16 >> 8)] += 1;
        self.rse.suspend();
        self.recent.rotate_right(1);
        self.recent[0] = Recent {
            vector: Some(interruption.vector),
            instructions: self.instructions,
            ip: self.registers.ip,
            slot: self.registers.psr.ri(),
            isr: interruption.isr.into(),
            ifa: interruption.ifa.unwrap_or(0),
        };
    }

    /// Delivers an interruption to the interruption vector table (SDM 2:101). IP and PSR.ri are those to resume at.
    pub fn deliver(&mut self, interruption: &Interruption) {
        self.interrupted(interruption);
        let registers = &mut self.registers;
        let psr = registers.psr;
        interruption.save(&mut registers.cr, psr, registers.ip, self.last_ip);
        registers.ip = registers.cr[cr::IVA] & !0x7fff | u64::from(interruption.vector as u16);
        let handler = psr.of_handler(registers.cr[cr::DCR]);
        self.set_psr(handler);
    }
}
