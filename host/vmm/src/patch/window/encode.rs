//! Instructions and bundles that the monitor makes.

use patchbay_isa::row::Flags;
use patchbay_isa::rows::{B, X};
use patchbay_isa::{Bundle, Field, Instruction, Opcode, Slot, Template, Unit, decode};

use crate::patch::trigger::Decline;

/// The template MLX.
pub const MLX: u8 = 0x04;
/// MIB, MFB, BBB.
const MIB: u8 = 0x10;
const MFB: u8 = 0x1c;
const BBB: u8 = 0x16;
/// Adds a stop at the end of a template.
const STOP: u8 = 1;

/// An instruction with these operands, in the order of its syntax.
///
/// # Errors
/// [`Decline::OutOfReach`] if an operand does not fit.
pub fn instruction(opcode: Opcode, qp: u8, operands: &[i64]) -> Result<Instruction, Decline> {
    Instruction::encode(opcode, qp, operands).map_err(|_| Decline::OutOfReach)
}

/// The slot of such an instruction.
///
/// # Errors
/// As for [`instruction`].
pub fn slot(opcode: Opcode, qp: u8, operands: &[i64]) -> Result<u64, Decline> {
    instruction(opcode, qp, operands).map(|instruction| instruction.slot())
}

/// The slot of `br.cond.sptk.few` over a distance in bytes.
///
/// # Errors
/// [`Decline::OutOfReach`].
pub fn branch(opcode: B, qp: u8, distance: i64) -> Result<u64, Decline> {
    slot(Opcode::B(opcode), qp, &[0, 0, 0, distance])
}

/// A `nop` of a unit.
#[must_use]
pub const fn nop(unit: Unit) -> u64 {
    match unit {
        Unit::B => 2 << 37,
        _ => 1 << 27,
    }
}

/// Whether an instruction must be the last of its group, so that its stop must not be lost.
#[must_use]
pub fn needs_stop(bundle: Bundle, slot: Slot) -> bool {
    let unit = bundle.template().units().map(|units| units[slot as usize]);
    let decoded = unit.and_then(|unit| decode(unit, bundle.slot(slot), 0).ok());
    decoded.is_some_and(|instruction| instruction.row().facts.flags.contains(Flags::LAST_IN_GROUP))
}

/// A bundle with one instruction of a unit among `nop`s and a stop at its end, and the slot it stands in.
#[must_use]
pub const fn alone(unit: Unit, bits: u64, long: u64) -> (Bundle, Slot) {
    let (m, i, b) = (nop(Unit::M), nop(Unit::I), nop(Unit::B));
    match unit {
        Unit::M => (Bundle::new(Template::new(MIB | STOP), [bits, i, b]), Slot::Zero),
        Unit::I => (Bundle::new(Template::new(MIB | STOP), [m, bits, b]), Slot::One),
        Unit::F => (Bundle::new(Template::new(MFB | STOP), [m, bits, b]), Slot::One),
        Unit::B => (Bundle::new(Template::new(MIB | STOP), [m, i, bits]), Slot::Two),
        Unit::L | Unit::X => (Bundle::new(Template::new(MLX | STOP), [m, long, bits]), Slot::One),
    }
}

/// A bundle of three branch slots with a stop at its end.
#[must_use]
pub const fn branches(slots: [u64; 3]) -> Bundle {
    Bundle::new(Template::new(BBB | STOP), slots)
}

/// A bundle with a long branch.
///
/// # Errors
/// [`Decline::OutOfReach`].
pub fn long_branch(distance: i64) -> Result<Bundle, Decline> {
    let branch = instruction(Opcode::X(X::Brl), 0, &[0, 0, 0, distance])?;
    Ok(alone(Unit::X, branch.slot(), branch.long()).0)
}

/// The field of an instruction that is a distance from its bundle.
#[must_use]
pub fn target(instruction: &Instruction) -> Option<Field> {
    instruction.row().fields().find(|field| matches!(field.kind(), patchbay_isa::field::Kind::Target))
}
