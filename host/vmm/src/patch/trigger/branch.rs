//! `br`: the slots up to the site stay, the last slot branches to a stub, which has copies of the others.

use patchbay_isa::rows::B;
use patchbay_isa::{Bundle, Slot, Template, Unit};
use patchbay_plugin_api::instruction::Instruction;
use patchbay_plugin_api::patch_manager::Trigger;

use super::{Decline, Detour, Form, Reach, TriggerKind};
use crate::patch::window::encode::{self, nop};

pub(super) const KIND: TriggerKind = TriggerKind {
    name: "branch",
    trigger: Trigger::BRANCH,
    help: "a bundle that ends in br to a stub (+-16 MiB)",
    form: Form::Detour(Detour { reach: Reach::Near, kept, enter, falls_through: false }),
    conventional: false,
};

fn kept(_: Bundle, site: Slot) -> usize {
    site as usize
}

/// The templates that end in a branch, without a stop at their end.
const ENDING_IN_B: [Template; 5] =
    [Template::new(0x10), Template::new(0x18), Template::new(0x1c), Template::new(0x12), Template::new(0x16)];

fn enter(bundle: Bundle, site: &Instruction, distance: i64) -> Result<Bundle, Decline> {
    let kept = usize::from(site.slot);
    let units = bundle.template().units().ok_or(Decline::Template)?;
    let fits = |template: &&Template| template.units().is_some_and(|others| others[..kept] == units[..kept]);
    let template = *ENDING_IN_B.iter().find(fits).ok_or(Decline::Template)?;
    let units = template.units().ok_or(Decline::Template)?;
    let mut slots = [nop(units[0]), nop(units[1]), 0];
    for slot in Slot::ALL.into_iter().take(kept) {
        if bundle.template().stop_after(slot) && encode::needs_stop(bundle, slot) {
            return Err(Decline::Stop);
        }
        slots[slot as usize] = bundle.slot(slot);
    }
    debug_assert_eq!(units[2], Unit::B);
    slots[2] = encode::branch(B::Cond, 0, distance)?;
    Ok(Bundle::new(template, slots))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_end_in_a_branch() {
        for template in ENDING_IN_B {
            assert_eq!(template.units().map(|units| units[2]), Some(Unit::B));
            assert!(Slot::ALL.iter().all(|slot| !template.stop_after(*slot)));
        }
    }
}
