//! The bare-metal guests pass their own checks.

use patchbay_tests::Boot;

fn passes(guest: &'static str, processors: usize) {
    let booted = Boot::bare(guest, processors).run();
    booted.expect_power_off();
    let summary = booted.console.lines().last().unwrap_or_default();
    assert!(summary.starts_with(&format!("{guest}: ")) && summary.ends_with(" 0 failed"), "{}", booted.console);
}

#[test]
fn hello() {
    passes("hello", 1);
}

#[test]
fn interval_timer() {
    passes("timer", 1);
}

#[test]
fn inter_processor_interrupts() {
    passes("ipi", 2);
}

#[test]
fn every_fault_is_taken_and_returned_from() {
    passes("faults", 1);
}

#[test]
fn code_modified_by_another_processor() {
    passes("selfmod", 2);
}

#[test]
fn page_tables_of_its_own() {
    passes("vhpt", 1);
}

#[test]
fn privileged_instructions() {
    passes("privops", 1);
}
