//! Surveys of guests' code, and guests that are patched before they start.

use std::collections::BTreeMap;
use std::sync::Arc;

use patchbay_isa::Bundle;
use patchbay_machine::guest::Guest;
use patchbay_machine::loader::{elf, image};
use patchbay_plugin_api::instruction::Instruction;
use patchbay_plugin_api::patch_manager::PatchManagerRef;
use patchbay_tests::{Boot, Booted, guests, plugins};
use patchbay_vmm::conventional::fetch::Fetch;
use patchbay_vmm::patch::survey::candidates;
use patchbay_vmm::patch::trigger::TRIGGERS;
use patchbay_vmm::plugins::Registry;
use patchbay_vmm::policy::Choice;
use patchbay_vmm::policy::serving::Plugins;
use patchbay_vmm::statistics::VmStatistics;
use patchbay_vmm::vm::{Scope, Vm, Vmm};

fn vm(processors: usize, plugins: &Plugins) -> Arc<Vm> {
    let vm = Vm::new(Arc::new(Vmm::new()), 0, processors, Some(plugins), Scope::Vm, Fetch::Translated);
    Arc::new(vm.expect("a virtual machine"))
}

/// The plugins of the default policy with another patch manager.
fn with_patch_manager(argument: &str) -> Plugins {
    let patch_manager = Choice::from_argument(argument).start::<PatchManagerRef>(&Registry::discover());
    Plugins { patch_manager: Arc::new(patch_manager.expect("a bundled patch manager")), ..plugins("default") }
}

/// What a sweep of an image's code finds, by guest-physical address and slot.
fn survey(guest: &str) -> BTreeMap<(u64, u8), Instruction> {
    let guest = Guest::read(&guests().join(guest)).expect("a bundled guest");
    let bytes = image(&guest.kernel).expect("an image");
    let mut found = BTreeMap::new();
    for code in elf::code(&bytes).expect("an ELF image") {
        for (at, bytes) in (code.physical..).step_by(16).zip(code.bytes.as_chunks().0) {
            found.extend(candidates(Bundle::from_bytes(*bytes)).map(|found| ((at, found.slot), found)));
        }
    }
    found
}

/// Whatever of the image's code faults was found, and is the instruction that was found.
#[test]
fn a_survey_finds_all_that_faults() {
    for guest in ["hello", "timer", "faults", "vhpt", "privops"] {
        let vm = vm(1, &plugins("never"));
        let booted = Boot::bare(guest, 1).run_on(&vm);
        booted.expect_power_off();
        let (found, sites) = (survey(guest), vm.sites.all());
        let code = Boot::bare(guest, 1).machine().code().to_vec();
        let in_code = |at: u64| code.iter().any(|code| code.physical.contains(&at));
        let faulted: Vec<_> = sites.iter().filter(|site| in_code(site.place.bundle)).collect();
        assert!(!faulted.is_empty(), "{guest}");
        for site in faulted {
            let place = (site.place.bundle, site.instruction.slot);
            assert_eq!(found.get(&place), Some(&site.instruction), "{guest} at {place:x?}");
        }
    }
}

fn passes(guest: &'static str, processors: usize, patch_manager: &str) -> VmStatistics {
    let vm = vm(processors, &with_patch_manager(patch_manager));
    let booted: Booted = Boot::bare(guest, processors).run_on(&vm);
    booted.expect_power_off();
    let summary = booted.console.lines().last().unwrap_or_default();
    assert!(summary.ends_with(" 0 failed"), "{guest} under {patch_manager}\n{}", booted.console);
    vm.statistics(|_| None)
}

/// All that was found is patched before the guest starts, so that nothing of the image faults.
#[test]
fn a_guest_that_is_patched_before_it_starts_does_not_fault() {
    let found = survey("hello").len();
    for kind in TRIGGERS {
        let statistics = passes("hello", 1, &format!("patch-static,later=leave,trigger={}", kind.name));
        assert_eq!((statistics.sites, statistics.sites_patched), (found, found as u64), "{}", kind.name);
        assert_eq!(statistics.total.faults, 0, "{}", kind.name);
        assert!(statistics.total.triggers > 0, "{}", kind.name);
    }
}

#[test]
fn bare_metal_guests_pass_when_they_are_patched_before_they_start() {
    let guests = [("timer", 1), ("ipi", 2), ("faults", 1), ("selfmod", 2), ("vhpt", 1), ("privops", 1)];
    for kind in TRIGGERS {
        for (guest, processors) in guests {
            passes(guest, processors, &format!("patch-static,trigger={}", kind.name));
        }
    }
}

fn linux(processors: usize, trigger: &str) -> VmStatistics {
    let vm = vm(processors, &with_patch_manager(&format!("patch-static,trigger={trigger}")));
    let booted = Boot::linux("run=smoke", processors).run_on(&vm);
    booted.expect_smoke(processors);
    booted.expect_power_off();
    let statistics = vm.statistics(|_| None);
    let (faults, triggers) = (statistics.total.faults, statistics.total.triggers);
    assert!(triggers > 99 * faults, "{faults} faults, {triggers} triggers");
    statistics
}

#[test]
fn linux_is_patched_before_it_starts() {
    let statistics = linux(1, "break");
    assert!(statistics.sites >= survey("linux").len(), "{} sites", statistics.sites);
}

#[test]
#[ignore = "long: one processor and one kind of trigger are tested by default"]
fn linux_is_patched_before_it_starts_on_more_processors_with_every_trigger() {
    for processors in [1, 4] {
        for kind in TRIGGERS {
            linux(processors, kind.name);
        }
    }
}
