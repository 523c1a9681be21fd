//! The guest's local SAPIC and interval timer (SDM 2:114-130).
//!
//! Interrupts that reach the machine's processor are taken from it at once and wait in the VPD. The machine's timer is
//! set so that it fires when the guest's would, with the guest's vector.

use patchbay_cpu::processor::external_interrupts::{SPURIOUS, deliverable, highest};
use patchbay_cpu::registers::cr;

use crate::guest::Guest;

impl Guest<'_> {
    /// Takes all interrupts from the machine's processor.
    pub fn take_interrupts(&mut self) {
        loop {
            let vector = self.p.read_ivr();
            if vector == SPURIOUS {
                return;
            }
            self.p.end_of_interrupt();
            self.vpd.virr[usize::from(vector >> 6)] |= 1 << (vector & 63);
        }
    }

    /// The guest's pending interrupt that its TPR and those in service let through.
    #[must_use]
    pub fn deliverable_interrupt(&self) -> Option<u8> {
        deliverable(|index| self.vpd.virr[index], &self.vpd.vin_service, self.vpd.vcr[cr::TPR])
    }

    /// Makes the processor leave its run loop if an interrupt can be delivered now; whether it does.
    pub(crate) fn ask_for_interrupt(&mut self) -> bool {
        let pending = self.deliverable_interrupt().is_some();
        if pending {
            self.p.mailbox().request_exit();
        }
        pending
    }

    /// Reads cr.ivr: takes the interrupt of the highest priority into service.
    pub fn read_ivr(&mut self) -> u8 {
        let Some(vector) = self.deliverable_interrupt() else { return SPURIOUS };
        let (word, bit) = (usize::from(vector >> 6), 1 << (vector & 63));
        self.vpd.virr[word] &= !bit;
        self.vpd.vin_service[word] |= bit;
        vector
    }

    /// Writes cr.eoi: the interrupt of the highest priority in service is done.
    pub fn end_of_interrupt(&mut self) {
        if let Some(vector) = highest(|index| self.vpd.vin_service[index]) {
            self.vpd.vin_service[usize::from(vector >> 6)] &= !(1 << (vector & 63));
        }
    }

    /// The guest's ar.itc.
    #[must_use]
    pub fn itc(&self) -> u64 {
        self.p.itc().wrapping_add(self.vpd.vitc_offset)
    }

    /// Writes the guest's ar.itc.
    pub fn set_itc(&mut self, value: u64) {
        self.p.check_timer();
        self.vpd.vitc_offset = value.wrapping_sub(self.p.itc());
        self.set_itm(self.vpd.vcr[cr::ITM]);
    }

    /// Writes the guest's cr.itm.
    pub fn set_itm(&mut self, value: u64) {
        self.vpd.vcr[cr::ITM] = value;
        self.p.write_cr(cr::ITM, value.wrapping_sub(self.vpd.vitc_offset));
    }
}
