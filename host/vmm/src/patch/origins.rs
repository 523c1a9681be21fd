//! What triggers have stood for, so that copies that the guest makes of them are understood.
//!
//! A trigger says its class, and the instruction at its site says the rest. A copy has no site. If the trigger has only
//! ever stood for one instruction, the copy stands for it. Otherwise, because a class leaves operands open or its id was
//! given again, the bundle decides that was copied as a whole, if it was the bundle of one instruction only.

use std::collections::HashMap;
use std::hash::Hash;

use patchbay_isa::{Bundle, Slot};
use patchbay_plugin_api::instruction::{Instruction, Unit};

/// The bundles that are remembered. Beyond them a guest writes its code anew all the time, and copies whose trigger has
/// stood for several instructions are not understood any more.
const MOST_BUNDLES: usize = 1 << 16;
/// The triggers that are remembered. They are never forgotten, so that beyond them no new one is written.
const MOST_TRIGGERS: usize = 1 << 17;

/// What a trigger has stood for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nothing: it was never written.
    None,
    /// This instruction.
    One(Instruction),
    /// Several.
    Several,
}

/// What triggers have stood for.
#[derive(Debug, Default)]
pub(super) struct Origins {
    /// By the trigger's bits and whether it is in a B unit. `None` is several.
    triggers: HashMap<(u64, bool), Option<Instruction>>,
    /// By the bundle and the trigger's slot.
    bundles: HashMap<(Bundle, Slot), Option<Instruction>>,
    /// Whether bundles are no longer remembered.
    full: bool,
}

fn add<K: Hash + Eq>(origins: &mut HashMap<K, Option<Instruction>>, key: K, instruction: &Instruction) {
    let known = origins.entry(key).or_insert(Some(*instruction));
    if known.is_some_and(|known| known.bits != instruction.bits) {
        *known = None;
    }
}

impl Origins {
    /// Whether a trigger for an instruction can be remembered.
    pub(super) fn has_room_for(&self, trigger: u64, instruction: &Instruction) -> bool {
        let key = (trigger, instruction.unit == Unit::B as u8);
        self.triggers.len() < MOST_TRIGGERS || self.triggers.contains_key(&key)
    }

    /// A trigger stands for an instruction.
    pub(super) fn trigger(&mut self, trigger: u64, instruction: &Instruction) {
        add(&mut self.triggers, (trigger, instruction.unit == Unit::B as u8), instruction);
    }

    /// A bundle holds the trigger of an instruction.
    pub(super) fn bundle(&mut self, bundle: Bundle, slot: Slot, instruction: &Instruction) {
        if self.bundles.len() >= MOST_BUNDLES {
            self.full = true;
            self.bundles = HashMap::new();
        }
        if !self.full {
            add(&mut self.bundles, (bundle, slot), instruction);
        }
    }

    /// What the trigger in a slot stands for.
    pub(super) fn of(&self, bundle: Bundle, slot: Slot) -> Origin {
        let Some(unit) = bundle.template().units().map(|units| units[slot as usize]) else { return Origin::None };
        let in_b = unit == patchbay_isa::Unit::B;
        if !in_b && unit != patchbay_isa::Unit::M {
            return Origin::None;
        }
        let instruction = match self.triggers.get(&(bundle.slot(slot), in_b)) {
            None => return Origin::None,
            Some(Some(instruction)) => instruction,
            Some(None) => match self.bundles.get(&(bundle, slot)) {
                Some(Some(instruction)) => instruction,
                _ => return Origin::Several,
            },
        };
        Origin::One(Instruction { slot: slot as u8, template: bundle.template().number(), ..*instruction })
    }
}
