//! Building a stub: what the displaced slots of a bundle become in the window.

use patchbay_cpu::code_view::{Step, What};
use patchbay_isa::rows::{B, X};
use patchbay_isa::{Bundle, Instruction, Opcode, Slot, Unit, decode};

use super::addresses::{BUNDLE, Place, ROUTINES};
use super::encode;
use crate::patch::trigger::{Decline, Reach};

/// A part of a stub.
#[derive(Clone, Debug)]
pub enum Part {
    /// The copy of a slot of the bundle, which may be a trigger itself.
    Copy(Slot),
    /// The way to the routine of a site: its slot, its predicate, and the number of its class.
    Portal {
        /// The site's slot.
        slot: Slot,
        /// Its predicate.
        qp: u8,
        /// The number of its class.
        number: u32,
    },
}

impl Part {
    /// The slot of the guest's bundle.
    #[must_use]
    pub fn slot(&self) -> Slot {
        match *self {
            Part::Copy(slot) | Part::Portal { slot, .. } => slot,
        }
    }

    /// Its bundles.
    fn length(&self) -> usize {
        match self {
            Part::Copy(_) => 1,
            Part::Portal { qp: 0, .. } => 2,
            Part::Portal { .. } => 3,
        }
    }
}

/// How many bundles a stub of these parts has: one more, for the way back.
#[must_use]
pub fn length(parts: &[Part]) -> usize {
    parts.iter().map(Part::length).sum::<usize>() + 1
}

/// What a stub consists of.
#[derive(Debug, Default)]
pub struct Displaced {
    /// Its bundles.
    pub bundles: Vec<Bundle>,
    /// The bundle at which the copy of each slot begins.
    pub entries: [Option<usize>; 3],
    /// What the copies of slots execute; portals are left out.
    pub copies: Vec<Step>,
}

/// The stub of a bundle at guest-physical address `at`, for a place in the window.
///
/// # Errors
/// Why a slot cannot be displaced.
pub fn displace(bundle: Bundle, at: u64, parts: &[Part], place: Place, reach: Reach) -> Result<Displaced, Decline> {
    let mut stub = Displaced::default();
    for part in parts {
        let here = place.appears + stub.bundles.len() as u64 * BUNDLE;
        stub.entries[part.slot() as usize] = Some(stub.bundles.len());
        match *part {
            Part::Copy(slot) => copy(bundle, slot, here.wrapping_sub(at) as i64, reach, &mut stub)?,
            Part::Portal { qp, number, .. } => portal(here, qp, number, &mut stub)?,
        }
    }
    let here = place.appears + stub.bundles.len() as u64 * BUNDLE;
    let back = at.wrapping_add(BUNDLE).wrapping_sub(here) as i64;
    stub.bundles.push(match reach {
        Reach::Near => encode::alone(Unit::B, encode::branch(B::Cond, 0, back)?, 0).0,
        Reach::Far => encode::long_branch(back)?,
    });
    Ok(stub)
}

/// `vmsw.0` and a long branch to the routine. Where the site has a predicate, a branch around both comes first.
fn portal(here: u64, qp: u8, number: u32, stub: &mut Displaced) -> Result<(), Decline> {
    let nop = encode::nop(Unit::B);
    let mut here = here;
    if qp != 0 {
        let (to, past) = (BUNDLE as i64, 3 * BUNDLE as i64);
        stub.bundles.push(encode::branches([encode::branch(B::Cond, qp, to)?, encode::branch(B::Cond, 0, past)?, nop]));
        here += BUNDLE;
    }
    stub.bundles.push(encode::branches([nop, nop, encode::slot(Opcode::B(B::Vmsw0), 0, &[])?]));
    let routine = ROUTINES + u64::from(number) * BUNDLE;
    stub.bundles.push(encode::long_branch(routine.wrapping_sub(here + BUNDLE) as i64)?);
    Ok(())
}

/// The copy of a slot, `distance` bytes from its bundle.
fn copy(bundle: Bundle, slot: Slot, distance: i64, reach: Reach, stub: &mut Displaced) -> Result<(), Decline> {
    let units = bundle.template().units().ok_or(Decline::Template)?;
    let (unit, bits, long) = match units[slot as usize] {
        Unit::L => (Unit::X, bundle.slot(Slot::Two), bundle.slot(Slot::One)),
        unit => (unit, bundle.slot(slot), 0),
    };
    let (unit, bits, long) = match decode(unit, bits, long) {
        Ok(instruction) => moved(&instruction, unit, distance, reach)?,
        // A reserved encoding does the same anywhere.
        Err(_) => (unit, bits, long),
    };
    let (copy, place) = encode::alone(unit, bits, long);
    stub.bundles.push(copy);
    let (bits, long) = match unit {
        Unit::X => (copy.slot(Slot::Two), copy.slot(Slot::One)),
        _ => (copy.slot(place), 0),
    };
    stub.copies.push(Step { slot, what: What::Guest { unit, bits, long, distance } });
    Ok(())
}

/// An instruction `distance` bytes from where it stood: what it is relative to IP leads where it led.
fn moved(instruction: &Instruction, unit: Unit, distance: i64, reach: Reach) -> Result<(Unit, u64, u64), Decline> {
    match instruction.opcode {
        Opcode::B(B::Call | B::CallIndirect) | Opcode::X(X::BrlCall) => return Err(Decline::Call),
        Opcode::B(B::Epc) => return Err(Decline::Epc),
        _ => {}
    }
    let Some(field) = encode::target(instruction) else {
        return Ok((unit, instruction.slot(), instruction.long()));
    };
    let target = instruction.field(field).wrapping_sub(distance);
    if reach == Reach::Far
        && let Opcode::B(opcode) = instruction.opcode
    {
        return match opcode {
            B::Cond => {
                let long = encode::instruction(Opcode::X(X::Brl), instruction.qp(), &[0, 0, 0, target])?;
                Ok((Unit::X, long.slot(), long.long()))
            }
            // It is a hint that no branch is near enough to take.
            B::Brp => Ok((Unit::B, encode::nop(Unit::B), 0)),
            _ => Err(Decline::OutOfReach),
        };
    }
    let mut bits = instruction.bits;
    field.replace(&mut bits, target).map_err(|_| Decline::OutOfReach)?;
    let moved = Instruction { bits, ..*instruction };
    Ok((unit, moved.slot(), moved.long()))
}
