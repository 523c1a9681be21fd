//! Application registers: what may be written to them (SDM 1:28), and what reading and writing them does.

use super::Processor;
use crate::registers::ar;

/// Registers that read as zero and take no value.
pub(crate) fn is_ignored(number: usize) -> bool {
    matches!(number, 48..64 | 112..128)
}

/// The bits that must be written as zero.
fn reserved_bits(number: usize) -> u64 {
    match number {
        ar::RSC => !0x3fff_001f,
        // Bit 12 is the td of sf0.
        ar::FPSR => 0xfc00_0000_0000_1000,
        ar::PFS => 0x3c0f_ffc0_0000_0000,
        _ => 0,
    }
}

/// The bits that read as zero whatever is written.
pub(crate) fn ignored_bits(number: usize) -> u64 {
    match number {
        ar::BSPSTORE => 0x7,
        ar::RNAT => 1 << 63,
        ar::EC => !0x3f,
        _ => 0,
    }
}

/// Whether writing the value raises a Reserved Register/Field fault. Of precision controls, 1 is reserved.
#[must_use]
pub fn is_reserved(number: usize, value: u64) -> bool {
    let precision = |sf: u32| value >> (6 + 13 * sf + 2) & 3;
    value & reserved_bits(number) != 0 || number == ar::FPSR && (0..4).any(|sf| precision(sf) == 1)
}

/// While the register stack engine is not in enforced lazy mode, these are its own.
pub(crate) fn belongs_to_rse(p: &Processor, number: usize) -> bool {
    matches!(number, ar::BSPSTORE | ar::RNAT) && p.registers.ar[ar::RSC] & 3 != 0
}

impl Processor {
    /// The value of an application register, whoever may read it.
    #[must_use]
    pub fn ar(&self, number: usize) -> u64 {
        match number {
            ar::BSP => self.bsp(),
            ar::BSPSTORE => self.bspstore(),
            ar::ITC => self.itc(),
            _ => self.registers.ar[number & 127],
        }
    }

    /// Sets an application register to a value that is legal there.
    pub fn set_ar(&mut self, number: usize, value: u64) {
        match number {
            ar::BSPSTORE => self.set_bspstore(value),
            ar::ITC => self.set_itc(value),
            _ => self.registers.ar[number & 127] = value,
        }
    }
}
