//! `mov cr=` and `mov =cr` (SDM 3:175). All control registers but cr.pta are the VPD's.

use patchbay_cpu::outcome::{Leave, Outcome};
use patchbay_cpu::processor::control_registers::{from, to, written};
use patchbay_cpu::registers::cr;
use patchbay_plugin_api::instruction::Instruction;

use crate::guest::Guest;

pub(super) fn mov_to_cr(g: &mut Guest, i: &Instruction) -> Outcome {
    let number = usize::from(i.register);
    let value = to(g.p, number, i.r2)?;
    g.write_cr(number, value)
}

pub(super) fn mov_from_cr(g: &mut Guest, i: &Instruction) -> Outcome {
    let number = usize::from(i.register);
    g.target(i.r1)?;
    from(g.p, number)?;
    let value = g.read_cr(number);
    g.set_gr(i.r1, value, false);
    Ok(())
}

impl Guest<'_> {
    /// Reads a control register. Reading cr.ivr takes an interrupt into service.
    pub fn read_cr(&mut self, number: usize) -> u64 {
        match number {
            cr::IVR => u64::from(self.read_ivr()),
            cr::IRR0..=cr::IRR3 => self.vpd.virr[number - cr::IRR0],
            cr::EOI => 0,
            cr::PTA => self.p.registers.cr[cr::PTA],
            number => self.vpd.vcr[number & 127],
        }
    }

    /// Writes a control register with a value that it accepts.
    ///
    /// # Errors
    /// [`Leave::Serialize`] where an interrupt is to be delivered now.
    pub fn write_cr(&mut self, number: usize, value: u64) -> Outcome {
        let value = written(number, value);
        match number {
            cr::ITM => self.set_itm(value),
            cr::EOI => self.end_of_interrupt(),
            cr::PTA => self.p.write_cr(cr::PTA, value),
            cr::IIPA => {
                self.vpd.vcr[cr::IIPA] = value;
                self.p.last_ip = value;
            }
            // The deferral of speculative loads and the VHPT walker look at the processor's.
            cr::DCR | cr::ITV => {
                self.vpd.vcr[number] = value;
                self.p.write_cr(number, value);
            }
            number => self.vpd.vcr[number & 127] = value,
        }
        let unmasks = matches!(number, cr::TPR | cr::EOI);
        if unmasks && self.vpd.vpsr & patchbay_plugin_api::vpd::vpsr::I != 0 && self.ask_for_interrupt() {
            return Err(Leave::Serialize);
        }
        Ok(())
    }
}
