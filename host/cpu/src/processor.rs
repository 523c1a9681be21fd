//! A processor, and the vocabulary in which the semantics of instructions are written.

use std::sync::Arc;

use crate::alat::Alat;
use crate::bus::{Bus, Clock};
use crate::code_view::CodeView;
use crate::domain::{Domain, Port, Purges};
use crate::exit::Exit;
use crate::external::ExternalInterrupts;
use crate::fp::Fr;
use crate::hook::Hook;
use crate::interruption::{Interruption, Vector};
use crate::mmu::Mmu;
use crate::op::{Op, Outcome, Stop};
use crate::psr::Psr;
use crate::registers::Registers;
use crate::rse::Rse;

/// What a processor is connected to.
#[derive(Clone)]
pub struct Configuration {
    /// The processors of its machine.
    pub domain: Arc<Domain>,
    /// Which of them it is.
    pub index: usize,
    /// Memory and devices.
    pub bus: Arc<dyn Bus>,
    /// The machine's time.
    pub clock: Arc<dyn Clock>,
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

/// One processor. Engines execute it; nothing here says how.
pub struct Processor {
    /// The registers that instructions name.
    pub registers: Registers,
    /// Instructions completed since reset, those with a false predicate among them.
    pub instructions: u64,
    /// The bundle of the last instruction completed at PSR.ic = 1, for cr.iipa.
    pub last_ip: u64,
    /// Interruptions delivered since reset, by vector offset divided by 256.
    pub delivered: [u64; 98],
    /// Whether `vmsw` is virtualized wherever it stands: the VPD's vdc.d_vmsw.
    pub vmsw_disabled: bool,
    /// At PSR.vm = 1, the PSR.ic that counts: the guest's, vpsr.ic.
    pub guest_ic: bool,
    /// Who is told of triggers at PSR.vm = 1.
    pub hook: Option<Box<dyn Hook>>,
    /// What it executes at PSR.vm = 1 in place of what memory holds.
    pub code_view: Option<Arc<dyn CodeView>>,
    /// The interruptions delivered last, the latest first.
    pub recent: [Recent; 8],
    pauses: u32,
    pub(crate) configuration: Configuration,
    port: Arc<Port>,
    /// Room for the purges that it takes from its port.
    pub(crate) purges: Purges,
    pub(crate) external: ExternalInterrupts,
    pub(crate) rse: Rse,
    pub(crate) alat: Alat,
    pub(crate) mmu: Mmu,
    /// The interruption that a function returning [`Stop::Fault`] raises.
    pub raised: Interruption,
    /// The exit that a function returning [`Stop::Exit`] asks for.
    pub exit: Option<Exit>,
}

impl Processor {
    /// A processor after reset.
    #[must_use]
    pub fn new(configuration: Configuration) -> Processor {
        let alone = configuration.domain.is_alone();
        let registers = Registers::new();
        Processor {
            mmu: Mmu::new(&registers),
            registers,
            instructions: 0,
            last_ip: 0,
            delivered: [0; 98],
            vmsw_disabled: false,
            guest_ic: true,
            hook: None,
            code_view: None,
            port: Arc::clone(configuration.domain.port(configuration.index)),
            recent: [Recent::default(); 8],
            pauses: 0,
            configuration,
            purges: Purges::default(),
            external: ExternalInterrupts::default(),
            rse: Rse::default(),
            alat: Alat::new(alone),
            raised: Interruption::ILLEGAL_OPERATION,
            exit: None,
        }
    }

    /// Memory and devices.
    #[must_use]
    pub fn bus(&self) -> &dyn Bus {
        &*self.configuration.bus
    }

    /// Where other threads reach this processor.
    #[must_use]
    pub fn port(&self) -> &Port {
        &self.port
    }

    /// Sets PSR, and whatever follows from it. The register bank is exchanged if PSR.bn changes.
    pub fn set_psr(&mut self, psr: Psr) {
        self.registers.select_bank(psr.bn());
        if psr.i() && !self.registers.psr.i() {
            self.port().request_attention();
        }
        self.registers.psr = psr;
        self.mmu.psr_changed(&self.registers);
    }

    /// PSR.ic as the code that executes has it: a guest runs at PSR.ic = 1 whatever its own is.
    #[inline]
    #[must_use]
    pub fn interruption_collection(&self) -> bool {
        if self.registers.psr.vm() { self.guest_ic } else { self.registers.psr.ic() }
    }

    /// Waits a little for another processor. On a host with fewer processors it may not even run, so that now and then
    /// this thread makes way for it.
    pub fn pause(&mut self) {
        const SPINS: u32 = 64;
        self.pauses += 1;
        if self.pauses == SPINS {
            self.pauses = 0;
            if !self.configuration.domain.is_alone() {
                std::thread::yield_now();
            }
        }
    }

    /// Raises a fault in place of an instruction's result: `return Err(p.raise(…))`.
    #[cold]
    pub fn raise(&mut self, interruption: Interruption) -> Stop {
        self.raised = interruption;
        Stop::Fault
    }
}

/// What instructions do with registers.
impl Processor {
    /// The value of a general register.
    #[inline]
    #[must_use]
    pub fn gr(&self, r: u8) -> u64 {
        self.registers.gr[usize::from(r & 127)]
    }

    /// Whether any general register is NaT. One test in front of the others keeps NaT bits out of the way of code
    /// that has none: neither are they selected, nor does a result wait for its word of them to be rewritten.
    #[inline]
    #[must_use]
    pub fn any_nat(&self) -> bool {
        self.registers.nat[0] | self.registers.nat[1] != 0
    }

    /// Whether a general register is NaT.
    #[inline]
    #[must_use]
    pub fn nat(&self, r: u8) -> bool {
        self.any_nat() && self.registers.gr_nat(r)
    }

    /// Whether either of two general registers is NaT.
    #[inline]
    #[must_use]
    pub fn nat2(&self, r: u8, s: u8) -> bool {
        self.any_nat() && (self.registers.gr_nat(r) || self.registers.gr_nat(s))
    }

    /// Sets a general register and its NaT bit. The decoder has seen to it that it is a legal target.
    #[inline]
    pub fn set_gr(&mut self, r: u8, value: u64, nat: bool) {
        if nat || self.any_nat() {
            self.registers.set_gr_nat(r, nat);
        }
        self.registers.gr[usize::from(r & 127)] = value;
    }

    /// The value of a general register that must not be NaT.
    ///
    /// # Errors
    /// Register NaT Consumption.
    #[inline]
    pub fn gr_not_nat(&mut self, r: u8) -> Result<u64, Stop> {
        if self.nat(r) {
            return Err(self.raise(Interruption::REGISTER_NAT_CONSUMPTION));
        }
        Ok(self.gr(r))
    }

    /// The value of a floating-point register.
    #[inline]
    #[must_use]
    pub fn fr(&self, f: u8) -> Fr {
        self.registers.fr[self.registers.fr_index(f)]
    }

    /// Sets a floating-point register, and PSR.mfl or PSR.mfh. The decoder has seen to it that it is a legal target.
    #[inline]
    pub fn set_fr(&mut self, f: u8, value: Fr) {
        let index = self.registers.fr_index(f);
        self.registers.fr[index] = value;
        let modified = if f < 32 { Psr::new().with_mfl(true) } else { Psr::new().with_mfh(true) };
        self.registers.psr = Psr::from_bits(self.registers.psr.into_bits() | modified.into_bits());
    }

    /// A predicate.
    #[inline]
    #[must_use]
    pub fn pr(&self, p: u8) -> bool {
        self.registers.pr >> (p & 63) & 1 != 0
    }

    /// Sets a predicate; p0 stays 1.
    #[inline]
    pub fn set_pr(&mut self, p: u8, value: bool) {
        let pr = &mut self.registers.pr;
        *pr = *pr & !(1 << (p & 63)) | u64::from(value) << (p & 63) | 1;
    }

    /// Sets a predicate to a value and another to its complement, or both to 0 unless that is `valid`.
    #[inline]
    pub fn set_pr_pair(&mut self, p: u8, q: u8, value: bool, valid: bool) {
        let (p, q) = (1 << (p & 63), 1 << (q & 63));
        let set = if value { p } else { q };
        let pr = &mut self.registers.pr;
        *pr = *pr & !(p | q) | if valid { set } else { 0 } | 1;
    }

    /// Sets two different predicates; p0 stays 1.
    #[inline]
    pub fn set_pr2(&mut self, p: u8, value: bool, q: u8, other: bool) {
        let (p, q) = (1 << (p & 63), 1 << (q & 63));
        let pr = &mut self.registers.pr;
        *pr = *pr & !(p | q) | if value { p } else { 0 } | if other { q } else { 0 } | 1;
    }

    /// The address of the bundle of an instruction in the block that executes.
    #[inline]
    #[must_use]
    pub fn ip(&self, op: &Op) -> u64 {
        self.registers.ip.wrapping_add(u64::from(op.bundle) << 4)
    }

    /// Continues behind an instruction in a slot of a bundle; a long one fills two.
    #[inline]
    pub fn go_behind(&mut self, bundle: u64, slot: u8, long: bool) {
        let last = slot == 2 || long;
        self.registers.ip = if last { bundle.wrapping_add(16) } else { bundle };
        self.registers.psr.set_ri(if last { 0 } else { slot + 1 });
    }

    /// Continues at this bundle address, or traps there.
    #[inline]
    #[must_use]
    pub fn branch(&mut self, target: u64) -> Stop {
        self.registers.ip = target & !0xf;
        if self.registers.psr.tb() { self.trap_branch(false) } else { Stop::Branch }
    }

    /// Raises the trap of a taken branch, which may have lowered the privilege (SDM 2:206).
    #[cold]
    pub(crate) fn trap_branch(&mut self, lowers: bool) -> Stop {
        let vector = if lowers { Vector::LowerPrivilegeTransferTrap } else { Vector::TakenBranchTrap };
        let code = u16::from(lowers) << 1 | u16::from(self.registers.psr.tb()) << 2;
        self.raised = Interruption::fault(vector, code);
        Stop::BranchTrap
    }

    /// Requires privilege level 0.
    ///
    /// # Errors
    /// Privileged Operation.
    #[inline]
    pub fn privileged(&mut self) -> Outcome {
        if self.registers.psr.cpl() != 0 {
            return Err(self.raise(Interruption::PRIVILEGED_OPERATION));
        }
        Ok(())
    }

    /// At PSR.vm = 1, leaves to the VMM with the cause that the instruction's row gives.
    ///
    /// # Errors
    /// The exit.
    #[inline]
    pub fn virtualized(&self) -> Outcome {
        if self.registers.psr.vm() { Err(Stop::Virtualized) } else { Ok(()) }
    }
}
