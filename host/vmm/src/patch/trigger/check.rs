//! `chk.a.nc r0, stub`: a check of r0 always fails, so that it always branches (SDM 3:35). Template, predicate and all other
//! slots stay as they are.

use patchbay_isa::rows::M;
use patchbay_isa::{Bundle, Opcode, Slot};
use patchbay_plugin_api::instruction::{Instruction, Unit};
use patchbay_plugin_api::patch_manager::Trigger;

use super::{Decline, Detour, Form, Reach, TriggerKind};
use crate::patch::window::encode;

pub(super) const KIND: TriggerKind = TriggerKind {
    name: "check",
    trigger: Trigger::CHECK,
    help: "chk.a.nc r0 in an M slot, which always branches to a stub (+-16 MiB)",
    form: Form::Detour(Detour { reach: Reach::Near, kept, enter, falls_through: true }),
    conventional: false,
};

fn kept(_: Bundle, site: Slot) -> usize {
    site as usize
}

fn enter(bundle: Bundle, site: &Instruction, distance: i64) -> Result<Bundle, Decline> {
    let slot = Slot::new(site.slot).ok_or(Decline::Unit)?;
    if site.unit != Unit::M as u8 {
        return Err(Decline::Unit);
    }
    Ok(bundle.with_slot(slot, encode::slot(Opcode::M(M::ChkANcGr), site.qp, &[0, distance])?))
}
