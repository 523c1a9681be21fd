//! A patch: how a bundle executes at some of whose slots triggers stand.

use std::sync::Arc;

use patchbay_cpu::code_view::{Step, Trigger, ViewedBundle, What};
use patchbay_isa::{Bundle, Slot, Unit, decode};

use super::site::Placement;
use super::trigger::{Decline, Detour, Form};
use super::window::displace::{Part, displace, length};
use super::window::{Stub, Window};
use crate::vp::grace::Grace;

/// The triggers of a bundle, by slot.
pub type Placements = [Option<Placement>; 3];

/// How a bundle executes.
#[derive(Debug)]
pub struct Patch {
    /// The bundle in memory that it is for.
    pub original: Bundle,
    /// The bundle that executes in its place.
    pub written: Bundle,
    /// What of it lies in the window.
    pub stub: Option<Stub>,
    /// What executes, step by step.
    pub viewed: Arc<ViewedBundle>,
}

/// A trigger that cannot be placed: the slot of its site, and why.
pub type Declined = (Slot, Decline);

/// The detour of a placement.
fn detour(placement: &Placement) -> Option<&'static Detour> {
    match &placement.standing.kind.kind().form {
        Form::Detour(detour) => Some(detour),
        Form::InSlot(_) => None,
    }
}

/// The bits of a bundle that must be what they were for a trigger of a placement to stand: its slot and the template; all,
/// where copies of other slots are in the window.
#[must_use]
pub fn mask(placement: &Placement) -> u128 {
    match detour(placement) {
        Some(_) => u128::MAX,
        None => 0x1f | ((1 << 41) - 1) << (5 + 41 * u32::from(placement.site.instruction.slot)),
    }
}

impl Patch {
    /// How the bundle in memory at guest-physical address `at` executes with these triggers.
    ///
    /// # Errors
    /// The trigger that cannot be placed. Nothing of the window is taken then.
    pub fn new(
        original: Bundle,
        at: u64,
        placements: &Placements,
        window: &mut Window,
        grace: &Grace,
    ) -> Result<Patch, Declined> {
        let mut work = original;
        for placement in placements.iter().flatten() {
            let (slot, kind) = (placement.site.slot(), placement.standing.kind.kind());
            if let Form::InSlot(place) = &kind.form {
                let bits = place(&placement.site.instruction, placement.number).map_err(|why| (slot, why))?;
                work = work.with_slot(slot, bits);
            }
        }
        let first = placements.iter().flatten().find_map(|placement| Some((placement, detour(placement)?)));
        let Some((first, detour)) = first else {
            let steps = slots(work).map(|slot| in_place(work, slot, placements)).collect();
            let viewed = ViewedBundle { template: original.template(), steps };
            return Ok(Patch { original, written: work, stub: None, viewed: Arc::new(viewed) });
        };
        let lead = first.site.slot();
        let declined = |why| (lead, why);
        let kept = (detour.kept)(work, lead);
        let parts: Vec<Part> = slots(work)
            .skip(kept)
            .map(|slot| match &placements[slot as usize] {
                Some(placement) if self::detour(placement).is_some() => {
                    Part::Portal { slot, qp: placement.site.instruction.qp, number: placement.number }
                }
                _ => Part::Copy(slot),
            })
            .collect();
        let bundles = length(&parts);
        let place = window.allocate(at, detour.reach, bundles, grace).map_err(declined)?;
        let made = displace(work, at, &parts, place, detour.reach)
            .map_err(declined)
            .and_then(|made| Ok((enter(work, at, placements, place.appears, &made.entries)?, made)));
        let (written, made) = match made {
            Ok(made) => made,
            Err(declined) => {
                window.give_back(place, bundles);
                return Err(declined);
            }
        };
        let qp = if detour.falls_through { first.site.instruction.qp } else { 0 };
        let mut steps: Vec<Step> = slots(work).take(kept).map(|slot| in_place(work, slot, placements)).collect();
        let mut copies = made.copies.into_iter();
        for part in &parts {
            let slot = part.slot();
            if steps.len() == kept {
                // Entered at a slot before the site's that has a copy only, the way begins in the window.
                steps.push(Step { slot, what: What::Detour { qp } });
            }
            match part {
                Part::Copy(_) => {
                    let copy = copies.next();
                    // A trigger in the slot is executed in its copy.
                    let own = placements[slot as usize].as_ref();
                    steps.extend(own.map_or(copy, |placement| Some(trigger(placement, work))));
                }
                Part::Portal { .. } => {
                    steps.extend(placements[slot as usize].as_ref().map(|placement| trigger(placement, work)));
                }
            }
        }
        // Where the other slots stay in the bundle, only what entered the window by the trigger comes back from it.
        let back = if detour.falls_through { lead } else { Slot::Two };
        steps.push(Step { slot: back, what: What::Detour { qp } });
        let viewed = ViewedBundle { template: original.template(), steps: steps.into() };
        let stub = Stub { place, bundles: made.bundles, entries: made.entries, at };
        Ok(Patch { original, written, stub: Some(stub), viewed: Arc::new(viewed) })
    }
}

/// The slots of a bundle that hold an instruction: a long one stands in slot 1.
fn slots(bundle: Bundle) -> impl Iterator<Item = Slot> {
    let long = bundle.template().units().is_some_and(|units| units[1] == Unit::L);
    Slot::ALL.into_iter().filter(move |slot| !long || *slot != Slot::Two)
}

/// The bundle with the branches into a stub in it.
fn enter(
    work: Bundle,
    at: u64,
    placements: &Placements,
    appears: u64,
    entries: &[Option<usize>; 3],
) -> Result<Bundle, Declined> {
    let mut written = work;
    for placement in placements.iter().flatten() {
        let Some(detour) = detour(placement) else { continue };
        let slot = placement.site.slot();
        // Slots before the site may have been displaced with it.
        let from = (detour.kept)(work, slot).min(slot as usize);
        let entry = entries[from..=slot as usize].iter().flatten().next().copied().unwrap_or_default();
        let distance = (appears + 16 * entry as u64).wrapping_sub(at) as i64;
        written = (detour.enter)(written, &placement.site.instruction, distance).map_err(|why| (slot, why))?;
        if !detour.falls_through {
            break;
        }
    }
    Ok(written)
}

/// What a slot does that stays in the bundle.
fn in_place(bundle: Bundle, slot: Slot, placements: &Placements) -> Step {
    if let Some(placement) = &placements[slot as usize] {
        return trigger(placement, bundle);
    }
    let units = bundle.template().units().unwrap_or([Unit::M; 3]);
    let (unit, bits, long) = match units[slot as usize] {
        Unit::L => (Unit::X, bundle.slot(Slot::Two), bundle.slot(Slot::One)),
        unit => (unit, bundle.slot(slot), 0),
    };
    Step { slot, what: What::Guest { unit, bits, long, distance: 0 } }
}

/// The trigger of a site.
fn trigger(placement: &Placement, bundle: Bundle) -> Step {
    let Placement { site, standing, number } = placement;
    let slot = site.slot();
    let unit = bundle.template().units().map_or(Unit::M, |units| units[slot as usize]);
    let instruction = decode(unit, site.instruction.bits, 0).unwrap_or(patchbay_isa::Instruction {
        opcode: patchbay_isa::Opcode::M(patchbay_isa::rows::M::Nop),
        bits: u128::from(site.instruction.bits),
    });
    let trigger = Trigger {
        kind: standing.kind.number(),
        number: *number,
        instruction,
        site: Arc::<super::site::PatchSite>::clone(site),
    };
    Step { slot, what: What::Trigger { qp: site.instruction.qp, trigger: Arc::new(trigger) } }
}
