//! What patches do to bundles and windows.

use std::sync::Arc;

use patchbay_cpu::code_view::What;
use patchbay_cpu::flat_machine::FlatMemory;
use patchbay_isa::rows::{B, M};
use patchbay_isa::{Bundle, Instruction, Opcode, Slot, Template};
use patchbay_plugin_api::site::Site;

use super::code_view::{CodeView, Placed};
use super::site::{PatchSite, Standing};
use super::sites::{MOST_SITES, Sites};
use super::trigger::{Decline, KindIndex};
use crate::emulate::decode::of_slot;
use crate::patch::bundle;
use crate::routines::class_ids::ClassId;

const NOP: u64 = 1 << 27;
const NOP_B: u64 = 2 << 37;
const NUMBER: u32 = 0x18_0007;

fn mov_psr(r: i64) -> u64 {
    Instruction::encode(Opcode::M(M::MovFromPsr), 6, &[r]).unwrap().slot()
}

fn branch(opcode: B, operands: &[i64]) -> u64 {
    Instruction::encode(Opcode::B(opcode), 0, operands).unwrap().slot()
}

fn site(sites: &Sites, bundle: Bundle, address: u64, slot: Slot) -> Arc<PatchSite> {
    let place = Site { bundle: address, ip: address, rid: 0, vm: 0, vp: 0, reserved: 0 };
    sites.meet(place, &of_slot(bundle, slot).expect("virtualized")).expect("room").site
}

fn standing(kind: &str) -> Standing {
    Standing { kind: KindIndex::named(kind).expect("a kind"), class: ClassId(7) }
}

/// A bundle in memory, a site in it, and a view.
fn patched(bundle: Bundle, slot: Slot, kind: &str) -> (FlatMemory, CodeView, Arc<PatchSite>, Placed) {
    let (memory, sites, view) = (FlatMemory::new(0x2000), Sites::default(), CodeView::new(1));
    memory.write_bytes(0x1000, &bundle.to_bytes()).expect("RAM");
    let site = site(&sites, bundle, 0x1000, slot);
    let placed = view.place(&memory, &site, standing(kind), NUMBER);
    (memory, view, site, placed)
}

#[test]
fn memory_stays_and_a_trigger_goes_without_a_trace() {
    let bundle = Bundle::new(Template::new(9), [mov_psr(14), mov_psr(15), NOP]);
    for kind in KindIndex::all().map(|kind| kind.kind().name) {
        for slot in [Slot::Zero, Slot::One] {
            let (memory, view, site, placed) = patched(bundle, slot, kind);
            assert!(matches!(placed, Placed::Done { declined: None, instead: false, .. }), "{kind} {placed:?}");
            assert_eq!(site.standing(), Some(standing(kind)));
            assert_eq!(bundle::read(&memory, site.address()), Some(bundle));
            assert_ne!(view.with_patch(site.address(), |patch| patch.written), Some(bundle));
            assert!(view.remove(&memory, &site) && !view.remove(&memory, &site));
            assert_eq!((site.standing(), view.addresses().len(), view.window().0), (None, 0, 0), "{kind}");
        }
    }
}

#[test]
fn sites_of_one_bundle_have_triggers_of_different_kinds() {
    let bundle = Bundle::new(Template::new(9), [mov_psr(14), mov_psr(15), NOP]);
    let names = || KindIndex::all().map(|kind| kind.kind().name);
    for (first, second) in names().flat_map(|first| names().map(move |second| (first, second))) {
        let (memory, sites, view) = (FlatMemory::new(0x2000), Sites::default(), CodeView::new(1));
        memory.write_bytes(0x1000, &bundle.to_bytes()).expect("RAM");
        for (slot, kind) in [(Slot::One, second), (Slot::Zero, first)] {
            let site = site(&sites, bundle, 0x1000, slot);
            let placed = view.place(&memory, &site, standing(kind), NUMBER);
            assert!(matches!(placed, Placed::Done { declined: None, .. }), "{first} and {second}: {placed:?}");
        }
        let steps = view.with_patch(sites.all()[0].address(), |patch| Arc::clone(&patch.viewed)).unwrap();
        let triggers: Vec<Slot> =
            steps.steps.iter().filter(|step| matches!(step.what, What::Trigger { .. })).map(|step| step.slot).collect();
        assert_eq!(triggers, [Slot::Zero, Slot::One], "{first} and {second}");
    }
}

#[test]
fn what_cannot_be_placed_is_a_break_with_a_reason() {
    let call = branch(B::Call, &[0, 0, 0, 0, 0x40]);
    let cover = branch(B::Cover, &[]);
    let declined = |bundle, slot, kind: &str, why| {
        let (_, _, site, placed) = patched(bundle, slot, kind);
        assert_eq!(placed, Placed::Done { kind: KindIndex::FALLBACK, declined: Some(why), instead: false });
        assert_eq!(site.declined(), Some((standing(kind).kind, why)));
    };
    for kind in ["branch", "jmp", "check"] {
        declined(Bundle::new(Template::new(0x10), [mov_psr(14), NOP, call]), Slot::Zero, kind, Decline::Call);
    }
    declined(Bundle::new(Template::new(0x17), [NOP_B, NOP_B, cover]), Slot::Two, "check", Decline::Unit);
}

#[test]
fn a_branch_in_a_stub_leads_where_it_led() {
    let target = 0x1_2340;
    let bundle = Bundle::new(Template::new(0x10), [mov_psr(14), NOP, branch(B::Cond, &[0, 0, 0, target])]);
    for kind in ["branch", "jmp", "check"] {
        let (_, view, site, _) = patched(bundle, Slot::Zero, kind);
        let steps = view.with_patch(site.address(), |patch| Arc::clone(&patch.viewed)).unwrap();
        let leads = steps.steps.iter().find_map(|step| match step.what {
            What::Guest { unit, bits, long, distance } if step.slot == Slot::Two => {
                let instruction = patchbay_isa::decode(unit, bits, long).ok()?;
                let field = crate::patch::window::encode::target(&instruction)?;
                Some(instruction.field(field) + distance)
            }
            _ => None,
        });
        assert_eq!(leads, Some(target), "{kind}");
    }
}

/// A guest that makes instructions without end makes no sites without end.
#[test]
fn sites_are_bounded() {
    let sites = Sites::default();
    let bundle = Bundle::new(Template::new(1), [mov_psr(14), NOP, NOP]);
    let early = site(&sites, bundle, 0x1000, Slot::Zero);
    let later = |index: u64| {
        let address = 0x10_0000 + 16 * index;
        let place = Site { bundle: address, ip: address, rid: 0, vm: 0, vp: 0, reserved: 0 };
        sites.meet(place, &of_slot(bundle, Slot::Zero).unwrap()).map(|met| met.site.fault())
    };
    for index in 1..2 * MOST_SITES as u64 {
        later(index);
    }
    assert!(sites.all().len() <= MOST_SITES);
    assert!(early.is_retired());
    let memory = FlatMemory::new(0x2000);
    memory.write_bytes(0x1000, &bundle.to_bytes()).expect("RAM");
    assert_eq!(CodeView::new(1).place(&memory, &early, standing("break"), NUMBER), Placed::Changed);
}
