//! Linux boots, on the machine itself.

use patchbay_tests::Boot;

fn smoke(processors: usize) {
    let booted = Boot::linux("run=smoke", processors).run();
    booted.expect_smoke(processors);
    booted.expect_power_off();
}

#[test]
fn linux_on_one_processor() {
    smoke(1);
}

#[test]
fn linux_on_four_processors() {
    smoke(4);
}

#[test]
#[ignore = "long: one and four processors are tested by default"]
fn linux_on_two_processors() {
    smoke(2);
}

#[test]
#[ignore = "long: sixteen processors share the host's"]
fn linux_on_sixteen_processors() {
    smoke(16);
}

/// Two runs with the same console and the same counts.
fn same_twice(boot: Boot) {
    let boot = boot.deterministic();
    let (first, second) = (boot.run(), boot.run());
    first.expect_smoke(boot.processors);
    first.expect_power_off();
    assert_eq!(first.console, second.console);
    assert_eq!(first.run.statistics.processors, second.run.statistics.processors);
    assert_eq!(first.run.statistics.interruptions, second.run.statistics.interruptions);
}

#[test]
fn deterministic_runs_are_equal_on_four_processors() {
    same_twice(Boot::linux("run=smoke", 4));
}

#[test]
#[ignore = "long: four processors are tested by default"]
fn deterministic_runs_are_equal_on_one_processor() {
    same_twice(Boot::linux("run=smoke", 1));
}

#[test]
#[ignore = "long: four processors are tested by default"]
fn deterministic_runs_are_equal_on_sixteen_processors() {
    same_twice(Boot::linux("run=smoke", 16));
}

/// Processes, pipes, signals, mappings, every processor, lazy switching of floating-point registers.
#[test]
fn linux_checks_itself_for_longer() {
    let booted = Boot::linux("run=longer", 2).run();
    booted.expect_lines(&["GUEST: run longer", "GUEST: exit status 0", "reboot: Power down"]);
    booted.expect_power_off();
    assert!(!booted.console.contains("FAILED"), "{}", booted.console);
}
