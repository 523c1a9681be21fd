use patchbay_cpu::flat_machine::FlatMemory;
use patchbay_isa::Template;

use super::*;
use crate::code::Exchange;
use crate::instruction::of_slot;
use crate::trigger::break_slot;

/// `mov r14=psr` (M36) with predicate 6.
const MOV_PSR: u64 = 1 << 37 | 0x25 << 27 | 14 << 6 | 6;
const NOP: u64 = 1 << 27;

fn place(bundle: u64) -> Place {
    Place { bundle, ip: bundle, rid: 0, vm: 0, vp: 0, reserved: 0 }
}

/// MMI with two instructions that fault.
fn memory() -> (FlatMemory, Bundle) {
    let memory = FlatMemory::new(0x2000);
    let bundle = Bundle::new(Template::new(8), [MOV_PSR, MOV_PSR, NOP]);
    memory.write_bytes(0x1230, &bundle.to_bytes()).expect("RAM");
    (memory, bundle)
}

fn patch(sites: &Sites, memory: &FlatMemory, bundle: Bundle, slot: Slot) -> Arc<Site> {
    let site = sites.meet(place(0x1230), &of_slot(bundle, slot).expect("virtualized")).expect("room");
    let trigger = break_slot(site.instruction.qp, 0x10_0800);
    assert_eq!(sites.patch(memory, &site, ClassId(0), trigger), Exchange::Done);
    site
}

#[test]
fn a_patch_changes_its_slot_and_unpatching_restores_it() {
    let (memory, bundle) = memory();
    let sites = Sites::default();
    let address = PhysicalAddress(0x1230);
    let site = patch(&sites, &memory, bundle, Slot::One);
    let patched = code::read(&memory, address).expect("RAM");
    assert_eq!(patched, bundle.with_slot(Slot::One, break_slot(6, 0x10_0800)));
    for (start, length) in [(0x1230, 16), (0x1220, 64), (0x1236, 3), (0x123a, 1)] {
        let (mut seen, mut original) = (vec![0; length], vec![0; length]);
        memory.read_bytes(start, &mut seen).expect("RAM");
        sites.show_originals(PhysicalAddress(start), &mut seen);
        let clean = FlatMemory::new(0x2000);
        clean.write_bytes(0x1230, &bundle.to_bytes()).expect("RAM");
        clean.read_bytes(start, &mut original).expect("RAM");
        assert_eq!(seen, original, "{start:#x}");
    }
    sites.unpatch(&memory, &site);
    assert!(!site.is_patched());
    assert_eq!(code::read(&memory, address), Some(bundle));
}

/// Of two sites in a bundle, the one that the guest has overwritten is forgotten, and what it wrote stays.
#[test]
fn overwritten_sites_are_forgotten() {
    let (memory, bundle) = memory();
    let sites = Sites::default();
    let [zero, one] = [Slot::Zero, Slot::One].map(|slot| patch(&sites, &memory, bundle, slot));
    let patched = code::read(&memory, PhysicalAddress(0x1230)).expect("RAM");
    let written = patched.with_slot(Slot::One, NOP);
    memory.write_bytes(0x1230, &written.to_bytes()).expect("RAM");
    assert_eq!(sites.compare(&memory, PhysicalAddress(0x1300)), 0);
    assert_eq!(sites.compare(&memory, PhysicalAddress(0x1270)), 1);
    assert!(zero.is_patched() && !one.is_patched());
    sites.unpatch(&memory, &one);
    assert_eq!(code::read(&memory, PhysicalAddress(0x1230)), Some(written));
}

#[test]
fn what_is_not_the_instruction_is_not_patched() {
    let (memory, bundle) = memory();
    let sites = Sites::default();
    let site = sites.meet(place(0x1230), &of_slot(bundle, Slot::Zero).expect("virtualized")).expect("room");
    memory.write_bytes(0x1230, &bundle.with_slot(Slot::Zero, NOP).to_bytes()).expect("RAM");
    assert_eq!(sites.patch(&memory, &site, ClassId(0), break_slot(6, 5)), Exchange::Differs);
    assert!(!site.is_patched());
    let outside = sites.meet(place(0x5000), &of_slot(bundle, Slot::Zero).expect("virtualized")).expect("room");
    assert_eq!(sites.patch(&memory, &outside, ClassId(0), break_slot(6, 5)), Exchange::Impossible);
}

/// `mov r15=psr` with predicate 6.
const MOV_PSR_15: u64 = MOV_PSR ^ (14 ^ 15) << 6;
const TRIGGER: u64 = break_slot(6, 0x10_0800);

/// Memory with these bundles from 0x1000 on, whose slots 0 hold triggers of one class.
fn patched(bundles: &[[u64; 3]]) -> (FlatMemory, Sites) {
    let (memory, sites) = (FlatMemory::new(0x4000), Sites::default());
    for (bundle, address) in bundles.iter().zip((0x1000..).step_by(16)) {
        let bundle = Bundle::new(Template::new(8), *bundle);
        memory.write_bytes(address, &bundle.to_bytes()).expect("RAM");
        let site = sites.meet(place(address), &of_slot(bundle, Slot::Zero).expect("virtualized")).expect("room");
        assert_eq!(sites.patch(&memory, &site, ClassId(0), TRIGGER), Exchange::Done);
    }
    (memory, sites)
}

/// Copies a bundle as the guest does, and asks what the trigger in slot 0 stands for there.
fn copy(memory: &FlatMemory, sites: &Sites, from: u64, to: u64) -> Origin {
    let bundle = code::read(memory, PhysicalAddress(from)).expect("RAM");
    memory.write_bytes(to, &bundle.to_bytes()).expect("RAM");
    sites.compare(memory, PhysicalAddress(to));
    assert!(sites.look(memory, PhysicalAddress(to), Slot::Zero).expect("RAM").1.is_none());
    sites.origin(place(to), bundle, Slot::Zero)
}

fn is(origin: Origin, bits: u64) -> bool {
    matches!(origin, Origin::One(instruction) if instruction.bits == bits)
}

#[test]
fn a_copy_of_a_trigger_that_has_stood_for_one_instruction_stands_for_it() {
    let (memory, sites) = patched(&[[MOV_PSR, NOP, NOP], [MOV_PSR, 5 << 6, NOP]]);
    assert!(is(copy(&memory, &sites, 0x1000, 0x2000), MOV_PSR));
    // Whatever the guest has made of the bundle, and of the one it has copied.
    memory.write_bytes(0x1000, &[0; 16]).expect("RAM");
    sites.compare(&memory, PhysicalAddress(0x1000));
    let bundle = Bundle::new(Template::new(9), [TRIGGER, 7 << 6, NOP]);
    assert!(is(sites.origin(place(0x3000), bundle, Slot::Zero), MOV_PSR));
    // But not in a unit that has no such instruction, and no trigger that was never written.
    let in_b = Bundle::new(Template::new(0x17), [TRIGGER, 2 << 37, 2 << 37]);
    assert_eq!(sites.origin(place(0x3000), in_b, Slot::Zero), Origin::None);
    let other = Bundle::new(Template::new(8), [break_slot(5, 0x10_0800), NOP, NOP]);
    assert_eq!(sites.origin(place(0x3000), other, Slot::Zero), Origin::None);
}

/// A coarse class: the whole bundle decides, if it can.
#[test]
fn a_copy_of_a_trigger_that_has_stood_for_several_is_known_by_its_bundle() {
    let same = 9 << 6;
    let (memory, sites) =
        patched(&[[MOV_PSR, 7 << 6, NOP], [MOV_PSR_15, 8 << 6, NOP], [MOV_PSR, same, NOP], [MOV_PSR_15, same, NOP]]);
    assert!(is(copy(&memory, &sites, 0x1000, 0x2000), MOV_PSR));
    assert!(is(copy(&memory, &sites, 0x1010, 0x2010), MOV_PSR_15));
    assert_eq!(copy(&memory, &sites, 0x1020, 0x2020), Origin::Several);
    let changed = Bundle::new(Template::new(8), [TRIGGER, 10 << 6, NOP]);
    assert_eq!(sites.origin(place(0x2030), changed, Slot::Zero), Origin::Several);
}

/// The guest overwrites a site and writes the trigger back later.
#[test]
fn a_trigger_that_is_restored_is_that_of_its_site() {
    let (memory, sites) = patched(&[[MOV_PSR, NOP, NOP], [MOV_PSR_15, NOP, NOP]]);
    let bundle = code::read(&memory, PhysicalAddress(0x1010)).expect("RAM");
    memory.write_bytes(0x1010, &bundle.with_slot(Slot::Zero, 0).to_bytes()).expect("RAM");
    assert_eq!(sites.compare(&memory, PhysicalAddress(0x1010)), 1);
    assert_eq!(copy(&memory, &sites, 0x1000, 0x2000), Origin::Several);
    assert!(is(copy(&memory, &sites, 0x1000, 0x1010), MOV_PSR_15));
}

/// A place where the guest puts copies of one instruction after the other.
#[test]
fn a_copy_is_looked_at_again_when_its_line_was_flushed() {
    let (memory, sites) = patched(&[[MOV_PSR, 7 << 6, NOP], [MOV_PSR_15, 8 << 6, NOP]]);
    for (from, bits) in [(0x1000, MOV_PSR), (0x1010, MOV_PSR_15), (0x1000, MOV_PSR)] {
        let Origin::One(instruction) = copy(&memory, &sites, from, 0x2000) else { panic!("{from:#x}") };
        let site = sites.adopt(&memory, place(0x2000), instruction, ClassId(0), TRIGGER).expect("it stands there");
        assert_eq!((site.instruction.bits, site.is_patched()), (bits, true));
    }
    let site = sites.look(&memory, PhysicalAddress(0x2000), Slot::Zero).expect("RAM").1.expect("a site");
    sites.unpatch(&memory, &site);
    let original = Bundle::new(Template::new(8), [MOV_PSR, 7 << 6, NOP]);
    assert_eq!(code::read(&memory, PhysicalAddress(0x2000)), Some(original));
}

/// A virtual processor may have in hand what stood at a place before.
#[test]
fn a_site_that_was_replaced_is_not_patched() {
    let (memory, bundle) = memory();
    let sites = Sites::default();
    let old = sites.meet(place(0x1230), &of_slot(bundle, Slot::Zero).expect("virtualized")).expect("room");
    let other = bundle.with_slot(Slot::Zero, MOV_PSR_15);
    let _new = sites.meet(place(0x1230), &of_slot(other, Slot::Zero).expect("virtualized"));
    assert_eq!(sites.patch(&memory, &old, ClassId(0), TRIGGER), Exchange::Differs);
    assert_eq!(code::read(&memory, PhysicalAddress(0x1230)), Some(bundle));
}

/// A guest that executes ever new code has the host keep no more for it than so much, and loses no site that matters.
#[test]
fn sites_are_bounded() {
    let (memory, bundle) = memory();
    let sites = Sites::default();
    let patched = patch(&sites, &memory, bundle, Slot::Zero);
    let instruction = of_slot(bundle, Slot::One).expect("virtualized");
    let often = sites.meet(place(0x1230), &instruction).expect("room");
    for _ in 0..10 {
        often.fault();
    }
    let seldom = |index: u64| sites.meet(place(0x10_0000 + 64 * index), &instruction);
    let early = seldom(0).expect("room");
    for index in 1..3 * MOST_SITES as u64 {
        seldom(index).expect("room").fault();
    }
    assert!(sites.all().len() <= MOST_SITES);
    assert!(patched.is_patched() && !patched.is_retired() && !often.is_retired());
    assert!(early.is_retired());
    assert_eq!(sites.patch(&memory, &early, ClassId(0), TRIGGER), Exchange::Differs);
    assert!(!Arc::ptr_eq(&early, &seldom(0).expect("room")), "it is met anew");
}

/// The guest copies a trigger to more places than are known: its copies stay what they are.
#[test]
fn copies_are_bounded() {
    let memory = FlatMemory::new(0x1000 + 32 * MOST_SITES as u64);
    let sites = Sites::default();
    let bundle = Bundle::new(Template::new(8), [MOV_PSR, MOV_PSR, NOP]);
    memory.write_bytes(0x1230, &bundle.to_bytes()).expect("RAM");
    let [zero, one] = [Slot::Zero, Slot::One].map(|slot| patch(&sites, &memory, bundle, slot));
    let bundle = code::read(&memory, PhysicalAddress(0x1230)).expect("RAM");
    let mut refused = 0;
    for (index, address) in (0x2000..0x2000 + 16 * (MOST_SITES as u64 - 1)).step_by(16).enumerate() {
        memory.write_bytes(address, &bundle.to_bytes()).expect("RAM");
        for site in [&zero, &one] {
            match sites.adopt(&memory, place(address), site.instruction, ClassId(0), TRIGGER) {
                Ok(_) => assert!(2 * index < MOST_SITES),
                Err(why) => {
                    assert_eq!(why, NotAdopted::Full);
                    refused += 1;
                }
            }
        }
    }
    assert_eq!((sites.all().len(), refused), (MOST_SITES, MOST_SITES));
}

/// What a trigger has stood for is never forgotten: a guest that writes new code without end gets no new triggers.
#[test]
fn so_many_triggers_are_written_and_no_more() {
    let (memory, bundle) = memory();
    let sites = Sites::default();
    let site = patch(&sites, &memory, bundle, Slot::Zero);
    let classes = 0x1000..0x1000 + (1 << 15);
    let written = classes.flat_map(|class| (0..8).map(move |qp| break_slot(qp, class)));
    let done: Vec<_> = written.map(|trigger| sites.change(&memory, &site, ClassId(1), trigger)).collect();
    // The first one is of the patch.
    let (written, refused) = done.split_at((1 << 17) - 1);
    assert!(written.iter().all(|done| *done == Exchange::Done));
    assert!(!refused.is_empty() && refused.iter().all(|done| *done == Exchange::Full));
    // It has its last trigger, and can have one that it has had.
    assert_eq!(site.trigger(), code::read(&memory, site.address()).map(|bundle| bundle.slot(Slot::Zero)));
    assert_eq!(sites.change(&memory, &site, ClassId(0), break_slot(6, 0x10_0800)), Exchange::Done);
}

#[test]
fn devices_are_shown_the_original_of_a_copy() {
    let (memory, sites) = patched(&[[MOV_PSR, NOP, NOP]]);
    let Origin::One(instruction) = copy(&memory, &sites, 0x1000, 0x2000) else { panic!("one instruction") };
    sites.adopt(&memory, place(0x2000), instruction, ClassId(0), TRIGGER).expect("a site");
    // The guest has flushed the line: it is a site again when its trigger is executed.
    sites.compare(&memory, PhysicalAddress(0x2000));
    let mut seen = [0; 16];
    memory.read_bytes(0x2000, &mut seen).expect("RAM");
    sites.show_originals(PhysicalAddress(0x2000), &mut seen);
    assert_eq!(Bundle(u128::from_le_bytes(seen)).slot(Slot::Zero), MOV_PSR);
}
