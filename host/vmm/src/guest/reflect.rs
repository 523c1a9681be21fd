//! Interruptions of the guest, delivered to its own interruption vector table.

use patchbay_cpu::interruption::{Interruption, Isr, Vector};
use patchbay_cpu::registers::cr;
use patchbay_plugin_api::vpd::vpsr;

use crate::guest::Guest;

impl Guest<'_> {
    /// Delivers an interruption (SDM 2:101). The processor's IP and PSR.ri are those to resume at.
    pub fn reflect(&mut self, interruption: &Interruption) {
        self.p.interrupted(interruption);
        let psr = self.psr();
        interruption.save(&mut self.vpd.vcr, psr, self.p.registers.ip, self.p.last_ip);
        self.p.registers.ip = self.vpd.vcr[cr::IVA] & !0x7fff | u64::from(interruption.vector as u16);
        // The processor is not in its run loop: it looks everything up again.
        let _ = self.set_psr(psr.of_handler(self.vpd.vcr[cr::DCR]));
    }

    /// Delivers an external interrupt if one is pending and vpsr.i is 1; whether it did.
    pub fn deliver_interrupt(&mut self) -> bool {
        let delivers = self.vpd.vpsr & vpsr::I != 0 && self.deliverable_interrupt().is_some();
        if delivers {
            let isr = Isr::new().with_ei(self.p.registers.psr.ri()).with_ir(self.p.frame_is_incomplete());
            self.reflect(&Interruption { isr, ..Interruption::fault(Vector::ExternalInterrupt, 0) });
        }
        delivers
    }
}
