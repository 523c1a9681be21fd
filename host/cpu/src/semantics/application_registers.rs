//! Moves to and from application registers (SDM 3:173). The registers and their access rules are those of SDM 1:28;
//! ar.ruc is reserved, because a Montecito's CPUID does not announce it.

use patchbay_isa::{Unit, register};

use crate::interruption::Interruption;
use crate::op::{Op, Outcome, Stop};
use crate::processor::Processor;
use crate::registers::ar;

/// Whether a move in this unit is illegal.
fn is_illegal(p: &Processor, op: &Op, unit: Unit) -> bool {
    let number = usize::from(op.r3);
    register::application_is_illegal(op.r3, unit) || number == ar::RUC || belongs_to_rse(p, number)
}

/// Registers that read as zero and take no value.
fn is_ignored(number: usize) -> bool {
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
fn ignored_bits(number: usize) -> u64 {
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
fn belongs_to_rse(p: &Processor, number: usize) -> bool {
    matches!(number, ar::BSPSTORE | ar::RNAT) && p.registers.ar[ar::RSC] & 3 != 0
}

/// `mov r1 = ar3`.
pub(super) fn read(p: &mut Processor, op: &Op, unit: Unit) -> Outcome {
    let number = usize::from(op.r3);
    if is_illegal(p, op, unit) {
        return Err(p.raise(Interruption::ILLEGAL_OPERATION));
    }
    if number == ar::ITC {
        if p.registers.psr.si() && p.registers.psr.cpl() != 0 {
            return Err(p.raise(Interruption::PRIVILEGED_REGISTER));
        }
        p.virtualized()?;
    }
    let value = if is_ignored(number) { 0 } else { p.ar(number) };
    p.set_gr(op.r1, value, false);
    Ok(())
}

/// `mov ar3 = r2`.
pub(super) fn write(p: &mut Processor, op: &Op, unit: Unit) -> Outcome {
    check_target(p, op, unit)?;
    let value = p.gr_not_nat(op.r2)?;
    write_value(p, op, value)
}

/// `mov ar3 = imm8`.
pub(super) fn write_immediate(p: &mut Processor, op: &Op, unit: Unit) -> Outcome {
    check_target(p, op, unit)?;
    write_value(p, op, op.imm as u64)
}

fn check_target(p: &mut Processor, op: &Op, unit: Unit) -> Result<(), Stop> {
    if is_illegal(p, op, unit) || register::application_is_read_only(op.r3) {
        return Err(p.raise(Interruption::ILLEGAL_OPERATION));
    }
    Ok(())
}

fn write_value(p: &mut Processor, op: &Op, value: u64) -> Outcome {
    let number = usize::from(op.r3);
    if is_ignored(number) {
        return Ok(());
    }
    if is_reserved(number, value) {
        return Err(p.raise(Interruption::RESERVED_REGISTER_FIELD));
    }
    let cpl = p.registers.psr.cpl();
    if matches!(number, ar::K0..=ar::K7 | ar::ITC | ar::CFLG) && cpl != 0 {
        return Err(p.raise(Interruption::PRIVILEGED_REGISTER));
    }
    if number == ar::ITC {
        p.virtualized()?;
    }
    let mut value = value & !ignored_bits(number);
    if number == ar::RSC && value >> 2 & 3 < u64::from(cpl) {
        value = value & !0xc | u64::from(cpl) << 2;
    }
    p.set_ar(number, value);
    Ok(())
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
