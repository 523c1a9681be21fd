//! Surveys: which instructions of code could be patched, and what each kind of trigger could do at them.

use std::sync::Arc;

use patchbay_isa::{Bundle, Slot};
use patchbay_plugin_api::instruction::Instruction;
use patchbay_plugin_api::site::Site;

use super::patch::{Patch, Placements};
use super::site::{PatchSite, Placement, Standing};
use super::trigger::{Decline, KINDS, KindIndex};
use super::window::Window;
use crate::emulate::decode;
use crate::routines::class_ids::{BASE_ID, ClassId};
use crate::vp::grace::Grace;

/// The instructions of a bundle that are virtualized where a guest executes them. Bundles are aligned, so that a sweep of
/// code meets all that can be executed; of data, it meets what looks like one.
pub fn candidates(bundle: Bundle) -> impl Iterator<Item = Instruction> {
    Slot::ALL.into_iter().filter_map(move |slot| decode::of_slot(bundle, slot))
}

/// Whether each kind of trigger could be placed at a candidate in the bundle at a guest-physical address, with no other
/// trigger in the bundle and nothing in the window.
#[must_use]
pub fn feasible(bundle: Bundle, at: u64, candidate: &Instruction) -> [Result<(), Decline>; KINDS] {
    let place = Site { bundle: at, ip: at, rid: 0, vm: 0, vp: 0, reserved: 0 };
    let site = Arc::new(PatchSite::new(place, *candidate));
    let mut results = [Ok(()); KINDS];
    for kind in KindIndex::all() {
        let standing = Standing { kind, class: ClassId(0) };
        let mut placements = Placements::default();
        placements[site.slot() as usize] = Some(Placement { site: Arc::clone(&site), standing, number: BASE_ID });
        let placed = Patch::new(bundle, at, &placements, &mut Window::default(), &Grace::new(0));
        results[kind.index()] = placed.map(drop).map_err(|(_, why)| why);
    }
    results
}

#[cfg(test)]
mod tests {
    use patchbay_isa::Template;

    use super::*;
    use crate::patch::trigger::TRIGGERS;

    /// `mov r14=psr` (M36), `rfi` (B8), and nops of their units.
    const MOV_PSR: u64 = 1 << 37 | 0x25 << 27 | 14 << 6;
    const RFI: u64 = 8 << 27;
    const NOP: u64 = 1 << 27;
    const NOP_B: u64 = 2 << 37;

    fn could(bundle: Bundle, candidate: &Instruction) -> Vec<(&'static str, Option<Decline>)> {
        let results = feasible(bundle, 0x400_0000, candidate);
        TRIGGERS.iter().zip(results).map(|(kind, result)| (kind.name, result.err())).collect()
    }

    #[test]
    fn a_site_in_an_m_slot_takes_every_kind_and_one_in_a_b_slot_no_check() {
        let bundle = Bundle::new(Template::new(1), [MOV_PSR, NOP, NOP]);
        let found: Vec<_> = candidates(bundle).collect();
        assert_eq!(found.len(), 1);
        assert!(could(bundle, &found[0]).iter().all(|(_, declined)| declined.is_none()));
        let bundle = Bundle::new(Template::new(0x17), [NOP_B, NOP_B, RFI]);
        let found: Vec<_> = candidates(bundle).collect();
        assert_eq!(found.iter().map(|found| found.slot).collect::<Vec<_>>(), [2]);
        assert!(could(bundle, &found[0]).contains(&("break", None)));
        assert!(could(bundle, &found[0]).contains(&("check", Some(Decline::Unit))));
    }

    #[test]
    fn a_reserved_template_has_no_candidates() {
        assert_eq!(candidates(Bundle::new(Template::new(6), [MOV_PSR; 3])).count(), 0);
    }
}
