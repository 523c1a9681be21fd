//! Guests run deprivileged: by the conventional path alone, and patched under each bundled policy.

use patchbay_tests::Boot;
use patchbay_vmm::policy::BUNDLED;
use patchbay_vmm::statistics::VmStatistics;
use patchbay_vmm::vm::Scope;

const GUESTS: [(&str, usize); 7] =
    [("hello", 1), ("timer", 1), ("ipi", 2), ("faults", 1), ("selfmod", 2), ("vhpt", 1), ("privops", 1)];

fn faults_and_triggers(statistics: &VmStatistics) -> (u64, u64) {
    (statistics.total.faults, statistics.total.triggers)
}

fn guests_pass(policy: Option<&str>) {
    for (guest, processors) in GUESTS {
        let (booted, statistics) = Boot::bare(guest, processors).run_virtual(policy, Scope::Vm);
        booted.expect_power_off();
        let summary = booted.console.lines().last().unwrap_or_default();
        assert!(summary.ends_with(" 0 failed"), "{guest} under {policy:?}\n{}", booted.console);
        let (faults, triggers) = faults_and_triggers(&statistics);
        assert!(faults + triggers > 0, "{guest} under {policy:?} is virtualized");
    }
}

#[test]
fn bare_metal_guests_pass_without_patching() {
    guests_pass(None);
}

#[test]
fn bare_metal_guests_pass_under_the_default_policy() {
    guests_pass(Some("default"));
}

#[test]
#[ignore = "long: the default policy is tested by default"]
fn bare_metal_guests_pass_under_every_policy() {
    for (policy, _) in BUNDLED {
        guests_pass(Some(policy));
    }
}

fn smoke(processors: usize, policy: Option<&str>, scope: Scope) -> VmStatistics {
    let (booted, statistics) = Boot::linux("run=smoke", processors).run_virtual(policy, scope);
    booted.expect_smoke(processors);
    booted.expect_power_off();
    statistics
}

/// More than 99 % of virtualization events come by trigger.
fn mostly_by_trigger(statistics: &VmStatistics) {
    let (faults, triggers) = faults_and_triggers(statistics);
    assert!(triggers > 99 * faults, "{faults} faults, {triggers} triggers");
}

#[test]
fn linux_without_patching() {
    let statistics = smoke(1, None, Scope::Vm);
    assert_eq!(faults_and_triggers(&statistics).1, 0);
}

#[test]
fn linux_patched_on_two_processors() {
    mostly_by_trigger(&smoke(2, Some("default"), Scope::Vp));
}

#[test]
#[ignore = "long: one boot of each mode is tested by default"]
fn linux_without_patching_on_more_processors() {
    for processors in [2, 4] {
        smoke(processors, None, Scope::Vm);
    }
}

#[test]
#[ignore = "long: one boot of each mode is tested by default"]
fn linux_patched_on_more_processors_in_both_scopes() {
    for processors in [1, 2, 4] {
        for scope in [Scope::Vm, Scope::Vp] {
            mostly_by_trigger(&smoke(processors, Some("default"), scope));
        }
    }
}

#[test]
#[ignore = "long: the default policy is tested by default"]
fn linux_under_every_policy() {
    for (policy, _) in BUNDLED {
        smoke(2, Some(policy), Scope::Vm);
    }
}

#[test]
#[ignore = "long: it runs for a minute"]
fn linux_checks_itself_for_longer_while_patched() {
    let (booted, statistics) = Boot::linux("run=longer", 2).run_virtual(Some("default"), Scope::Vm);
    booted.expect_lines(&["GUEST: run longer", "GUEST: exit status 0", "reboot: Power down"]);
    booted.expect_power_off();
    mostly_by_trigger(&statistics);
}

/// Two runs under the same policy have equal counts, event for event.
#[test]
fn deterministic_runs_are_equal_while_patched() {
    let boot = Boot::linux("run=smoke", 2).deterministic();
    let [first, second] = [(); 2].map(|()| boot.run_virtual(Some("default"), Scope::Vm));
    first.0.expect_smoke(2);
    assert_eq!(first.0.console, second.0.console);
    assert_eq!(first.0.run.statistics.processors, second.0.run.statistics.processors);
    assert_eq!(faults_and_triggers(&first.1), faults_and_triggers(&second.1));
}
