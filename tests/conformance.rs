//! The processor agrees with another implementation on the programs of `conformance/`.

use std::path::Path;
use std::sync::Arc;

use patchbay::exec::{Program, program, run};
use patchbay_cpu::engine::EngineChoice;
use patchbay_vmm::conventional::fetch::Fetch;
use patchbay_vmm::plugins::Registry;
use patchbay_vmm::policy::serving::Plugins;
use patchbay_vmm::policy::{BUNDLED, Policy};
use patchbay_vmm::vm::{Scope, Vm, Vmm};

/// Runs a file of programs that has this many checks: on the processor itself, without patching, and under each bundled
/// policy. They hold no virtualized instruction: PSR.vm = 1 changes nothing.
fn conforms(file: &str, checks: usize) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance").join(file);
    let programs = program::load(&path).expect("a file of programs");
    agrees(&programs, checks, "native", |_| None);
    let vmm = Arc::new(Vmm::new());
    let vm = |number, plugins: Option<&Plugins>| {
        let vm = Vm::new(Arc::clone(&vmm), number, 1, plugins, Scope::Vm, Fetch::Translated);
        Some(Arc::new(vm.expect("a virtual machine")))
    };
    agrees(&programs, checks, "trap", |number| vm(number, None));
    let registry = Registry::discover();
    for (policy, _) in BUNDLED {
        let started = Policy::load(policy).and_then(|policy| policy.start(&registry));
        let plugins = started.expect("a bundled policy");
        agrees(&programs, checks, policy, |number| vm(number, Some(&plugins)));
    }
}

fn agrees(programs: &[Program], checks: usize, under: &str, vm: impl Fn(u32) -> Option<Arc<Vm>>) {
    for &engine in EngineChoice::ALL {
        let mut passed = 0;
        let mut failures = Vec::new();
        for (number, program) in (0..).zip(programs) {
            let report = run(program, engine, vm(number));
            passed += report.passed;
            failures.extend(report.failures);
        }
        assert!(failures.is_empty(), "{under}, {}:\n{}", engine.kind, failures.join("\n"));
        assert_eq!(passed, checks, "{under}, {}", engine.kind);
    }
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
