//! The processor agrees with another implementation on the programs of `conformance/`.

use std::path::Path;

use patchbay::exec::{program, run};

/// Runs a file of programs that has this many checks.
fn conforms(file: &str, checks: usize) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance").join(file);
    let mut passed = 0;
    let mut failures = Vec::new();
    for program in program::load(&path).expect("a file of programs") {
        let report = run(&program);
        passed += report.passed;
        failures.extend(report.failures);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!(passed, checks);
}

#[test]
fn compare() {
    conforms("compare.json.gz", 1464);
}

#[test]
fn floating_point_arithmetic() {
    conforms("fparith.json.gz", 984);
}

#[test]
fn floating_point_compares() {
    conforms("fpcompare.json.gz", 1224);
}

#[test]
fn floating_point_miscellany() {
    conforms("fpmisc.json.gz", 1224);
}

#[test]
fn floating_point_reciprocals() {
    conforms("fprecip.json.gz", 1403);
}

#[test]
fn integer() {
    conforms("int.json.gz", 1464);
}

#[test]
fn memory() {
    conforms("memory.json.gz", 2016);
}

#[test]
fn multimedia() {
    conforms("multimedia.json.gz", 1464);
}

#[test]
fn register_stack() {
    conforms("registerstack.json.gz", 1680);
}
