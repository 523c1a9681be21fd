//! Control registers: what may be read and written, and what that does (SDM 2:29-39, 2:122-130).

use super::Processor;
use crate::interruption::Interruption;
use crate::outcome::{Leave, Outcome};
use crate::registers::cr;

/// A control register that does not exist: its use is illegal (SDM 2:29, table 3-3).
#[must_use]
pub const fn is_reserved(number: usize) -> bool {
    !matches!(
        number,
        cr::DCR | cr::ITM | cr::IVA | cr::PTA | cr::IPSR | cr::ISR | cr::IIP..=cr::IHA | cr::LID..=cr::CMCV
            | cr::LRR0 | cr::LRR1
    )
}

/// A register that holds the state of an interruption: usable while PSR.ic is 0 only.
#[must_use]
pub const fn is_interruption_register(number: usize) -> bool {
    matches!(number, cr::IPSR..=cr::IHA)
}

/// A control register that cannot be written.
#[must_use]
pub const fn is_read_only(number: usize) -> bool {
    matches!(number, cr::IVR | cr::IRR0..=cr::IRR3)
}

/// The bits that must be written as 0.
const fn reserved_bits(number: usize) -> u64 {
    match number {
        cr::DCR => !0x7f07,
        cr::PTA => 0x7e02,
        cr::IPSR => !DEFINED_PSR,
        cr::ISR => 0xffff_f000_ff00_0000,
        cr::IFS => 0x7fff_ffc0_0000_0000,
        cr::TPR => 0xff00,
        cr::ITV | cr::PMV | cr::CMCV => 0xef00,
        cr::LRR0 | cr::LRR1 => 0x0800,
        cr::LID => 0xffff,
        _ => 0,
    }
}

/// The bits of PSR that mean something.
const DEFINED_PSR: u64 = 0x0000_7fff_0ffe_e03e;

/// Bits that read as 0 whatever is written.
const fn ignored_bits(number: usize) -> u64 {
    match number {
        cr::IVA => 0x7fff,
        // The low bits of cr.iip matter to IA-32 code, where rfi keeps them (SDM 2:37).
        cr::IIPA => 0xf,
        cr::IHA => 0x3,
        cr::TPR => !0x1_00f0,
        cr::ITV | cr::PMV | cr::CMCV => !0x1_00ff,
        cr::LRR0 | cr::LRR1 => !0x1_a7ff,
        cr::LID => !0xffff_0000,
        _ => 0,
    }
}

/// The sizes that `cr.pta` can give the VHPT: 2^15 to 2^61 bytes.
const fn is_vhpt_size(pta: u64) -> bool {
    matches!(pta >> 2 & 0x3f, 15..=61)
}

/// Whether a value may be written to a control register.
#[must_use]
pub const fn accepts(number: usize, value: u64) -> bool {
    value & reserved_bits(number) == 0 && (number != cr::PTA || is_vhpt_size(value))
}

/// What a control register holds after a value was written to it.
#[must_use]
pub const fn written(number: usize, value: u64) -> u64 {
    let value = value & !ignored_bits(number);
    if number == cr::IPSR { value & DEFINED_PSR } else { value }
}

/// Whether a register cannot be used, or not at this PSR.ic: the guest's at PSR.vm = 1.
fn is_illegal(p: &Processor, number: usize) -> bool {
    is_reserved(number) || is_interruption_register(number) && p.interruption_collection()
}

/// The value that a move writes to a control register.
///
/// # Errors
/// Illegal Operation, Privileged Operation, Register NaT Consumption, Reserved Register/Field.
pub fn to(p: &mut Processor, number: usize, r2: u8) -> Result<u64, Leave> {
    if is_illegal(p, number) || is_read_only(number) {
        return Err(p.raise(Interruption::ILLEGAL_OPERATION));
    }
    p.check_privilege()?;
    let value = p.source(r2)?;
    if !accepts(number, value) {
        return Err(p.raise(Interruption::RESERVED_REGISTER_FIELD));
    }
    Ok(value)
}

/// Checks a move from a control register.
///
/// # Errors
/// Illegal Operation, Privileged Operation.
pub fn from(p: &mut Processor, number: usize) -> Outcome {
    if is_illegal(p, number) {
        return Err(p.raise(Interruption::ILLEGAL_OPERATION));
    }
    p.check_privilege()
}

impl Processor {
    /// Reads a control register. Reading `cr.ivr` takes an interrupt into service.
    pub fn read_cr(&mut self, number: usize) -> u64 {
        match number {
            cr::IVR => u64::from(self.read_ivr()),
            cr::IRR0..=cr::IRR3 => self.mailbox().irr(number - cr::IRR0),
            cr::EOI => 0,
            number => self.registers.cr[number & 127],
        }
    }

    /// Writes a control register with a value that has passed the checks of `mov cr=`.
    pub fn write_cr(&mut self, number: usize, value: u64) {
        let value = written(number, value);
        if number == cr::ITV {
            self.check_timer();
        }
        match number {
            cr::ITM => self.set_itm(value),
            cr::EOI => self.end_of_interrupt(),
            // SDM 3:176
            cr::IIPA => {
                self.registers.cr[cr::IIPA] = value;
                self.last_ip = value;
            }
            number => self.registers.cr[number & 127] = value,
        }
        if number == cr::TPR {
            self.mailbox().request_attention();
        }
    }
}
