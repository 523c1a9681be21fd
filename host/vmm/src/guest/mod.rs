//! A guest as emulation sees it: the processor it runs on, and the descriptor that holds its copies of what belongs to
//! the monitor.

mod interrupts;
mod reflect;
pub mod trap_frame;

use patchbay_cpu::interruption::Interruption;
use patchbay_cpu::outcome::{Leave, Outcome};
use patchbay_cpu::processor::Processor;
use patchbay_cpu::psr::Psr;
use patchbay_cpu::registers::{ar, cr};
use patchbay_plugin_api::vpd::{Vpd, vpsr};

use crate::guest::trap_frame::TrapFrame;

/// What the machine's PSR holds of vpsr's bits while a guest runs: ic, i, bn and vm are 1.
const MACHINE: u64 = vpsr::IC | vpsr::I | vpsr::BN | vpsr::VM;
/// One virtual processor while the monitor works for it.
pub struct Guest<'a> {
    /// The processor.
    pub p: &'a mut Processor,
    /// Its descriptor.
    pub vpd: &'a mut Vpd,
    /// The trap frame, where one was saved: it gets what emulation writes to registers that it holds.
    pub frame: Option<&'a mut TrapFrame>,
}

/// The descriptor of a guest that takes over a processor as it is, which runs at PSR.vm = 1 from now on.
pub fn take_over(p: &mut Processor) -> Vpd {
    let registers = &mut p.registers;
    let psr = u64::from(registers.psr);
    let vpd = Vpd {
        vpsr: psr & vpsr::ALL & !vpsr::VM,
        vcr: registers.cr,
        vbank: registers.bank,
        vbank_nat: registers.bank_nat.into(),
        vcpuid: patchbay_cpu::model::CPUID,
        vitc_offset: 0,
        virr: [0; 4],
        vin_service: [0; 4],
    };
    registers.cr[cr::TPR] = 0;
    // Whichever bank the guest uses is in the machine's bank 1.
    registers.psr.set_bn(true);
    p.vmsw_disabled = true;
    p.guest_ic = psr & vpsr::IC != 0;
    p.set_psr(Psr::from(psr & !vpsr::ALL | MACHINE));
    vpd
}

/// Gives a processor back to a guest that needs no monitor: the reverse of [`take_over`], but for pending interrupts.
pub fn hand_back(p: &mut Processor, vpd: &Vpd) {
    let psr = Psr::from(u64::from(p.registers.psr) & !vpsr::ALL | vpd.vpsr);
    let itc = p.itc().wrapping_add(vpd.vitc_offset);
    let registers = &mut p.registers;
    registers.cr = vpd.vcr;
    registers.bank = vpd.vbank;
    registers.bank_nat = vpd.vbank_nat as u16;
    // What the machine has in its bank 1 is the bank that the guest uses.
    registers.psr.set_bn(psr.bn());
    p.vmsw_disabled = false;
    p.set_psr(psr);
    p.set_ar(ar::ITC, itc);
}

impl Guest<'_> {
    /// The guest's PSR.
    #[inline]
    #[must_use]
    pub fn psr(&self) -> Psr {
        Psr::from(u64::from(self.p.registers.psr) & !vpsr::ALL | self.vpd.vpsr)
    }

    /// vpsr.ic.
    #[inline]
    #[must_use]
    pub fn ic(&self) -> bool {
        self.vpd.vpsr & vpsr::IC != 0
    }

    /// Sets the guest's PSR and selects its register bank.
    ///
    /// # Errors
    /// [`Leave::Serialize`] where that changes what follows.
    pub fn set_psr(&mut self, psr: Psr) -> Outcome {
        self.select_bank(psr.bn());
        let (before, after) = (u64::from(self.psr()), u64::from(psr));
        // A guest has no virtual machines of its own.
        self.vpd.vpsr = after & vpsr::ALL & !vpsr::VM;
        self.p.guest_ic = self.ic();
        let machine = Psr::from(after & !vpsr::ALL | MACHINE);
        let mut changed = machine != self.p.registers.psr;
        if changed {
            self.p.set_psr(machine);
        }
        // An instruction that changes PSR.ic is the last of its block.
        changed |= (before ^ after) & vpsr::IC != 0;
        let delivers = after & !before & vpsr::I != 0 && self.ask_for_interrupt();
        if changed || delivers { Err(Leave::Serialize) } else { Ok(()) }
    }

    /// Exchanges the banks of r16-r31 if `bank` is not the one in use, and sets vpsr.bn.
    pub fn select_bank(&mut self, bank: bool) {
        if (self.vpd.vpsr & vpsr::BN != 0) == bank {
            return;
        }
        self.vpd.vpsr ^= vpsr::BN;
        let registers = &mut self.p.registers;
        registers.gr[16..32].swap_with_slice(&mut self.vpd.vbank);
        let nat = registers.nat[0] >> 16 & 0xffff;
        registers.nat[0] = registers.nat[0] & !0xffff_0000 | (self.vpd.vbank_nat & 0xffff) << 16;
        self.vpd.vbank_nat = nat;
        if let Some(frame) = &mut self.frame {
            frame.take_bank(&self.p.registers);
        }
    }

    /// Sets a general register that is a legal target.
    #[inline]
    pub fn set_gr(&mut self, r: u8, value: u64, nat: bool) {
        self.p.set_gr(r, value, nat);
        if let Some(frame) = &mut self.frame {
            frame.set_gr(r, value, nat);
        }
    }

    /// Checks that a general register can be written.
    ///
    /// # Errors
    /// Illegal Operation for r0 and registers beyond the frame.
    #[inline]
    pub fn target(&mut self, r: u8) -> Outcome {
        if r == 0 || r >= 32 && r - 32 >= self.p.registers.cfm.sof() {
            return Err(self.p.raise(Interruption::ILLEGAL_OPERATION));
        }
        Ok(())
    }

    /// Raises a Reserved Register/Field fault if `reserved`.
    ///
    /// # Errors
    /// The fault.
    #[inline]
    pub fn reserved_if(&mut self, reserved: bool) -> Outcome {
        if reserved { Err(self.p.raise(Interruption::RESERVED_REGISTER_FIELD)) } else { Ok(()) }
    }

    /// Raises an Illegal Operation fault if `illegal`.
    ///
    /// # Errors
    /// The fault.
    #[inline]
    pub fn illegal_if(&mut self, illegal: bool) -> Outcome {
        if illegal { Err(self.p.raise(Interruption::ILLEGAL_OPERATION)) } else { Ok(()) }
    }
}
