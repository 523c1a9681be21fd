//! `brl`: a bundle of one M slot and a long branch to a stub at any distance.

use patchbay_isa::rows::X;
use patchbay_isa::{Bundle, Opcode, Slot, Template, Unit};
use patchbay_plugin_api::instruction::Instruction;
use patchbay_plugin_api::patch_manager::Trigger;

use super::{Decline, Detour, Form, Reach, TriggerKind};
use crate::patch::window::encode::{self, MLX, nop};

pub(super) const KIND: TriggerKind = TriggerKind {
    name: "jmp",
    trigger: Trigger::JMP,
    help: "a bundle with brl to a stub (any distance)",
    form: Form::Detour(Detour { reach: Reach::Far, kept, enter, falls_through: false }),
    conventional: false,
};

/// `brl` fills slots 1 and 2, so that an M slot 0 is all that can stay.
fn kept(bundle: Bundle, site: Slot) -> usize {
    let first = bundle.template().units().map(|units| units[0]);
    usize::from(site != Slot::Zero && first == Some(Unit::M))
}

fn enter(bundle: Bundle, site: &Instruction, distance: i64) -> Result<Bundle, Decline> {
    let slot = Slot::new(site.slot).ok_or(Decline::Unit)?;
    let stays = kept(bundle, slot) == 1;
    if stays && bundle.template().stop_after(Slot::Zero) && encode::needs_stop(bundle, Slot::Zero) {
        return Err(Decline::Stop);
    }
    let first = if stays { bundle.slot(Slot::Zero) } else { nop(Unit::M) };
    let branch = encode::instruction(Opcode::X(X::Brl), 0, &[0, 0, 0, distance])?;
    Ok(Bundle::new(Template::new(MLX), [first, branch.long(), branch.slot()]))
}
