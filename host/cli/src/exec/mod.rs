//! `patchbay exec`: runs programs and compares their results.
//!
//! [`program`] is the file format, [`register`] the names in it, and [`machine`] what a program runs on.

pub mod machine;
pub mod program;
pub mod register;

use std::path::PathBuf;

pub use machine::Machine;
pub use program::{Error, Program};

use program::{Operand, show_bytes};

/// What became of a program's checks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The checks that hold.
    pub passed: usize,
    /// A line for each check that does not. A program that does not reach its stop fails as one check.
    pub failures: Vec<String>,
}

impl Report {
    fn check(&mut self, holds: bool, failure: impl FnOnce() -> String) {
        if holds {
            self.passed += 1;
        } else {
            self.failures.push(failure());
        }
    }
}

/// Runs a program on a machine of its own.
#[must_use]
pub fn run(program: &Program) -> Report {
    let mut report = Report::default();
    let mut machine = Machine::new(program);
    if let Err(reason) = machine.run_to(program.stop, program.limit) {
        report.failures.push(format!("{}: {reason}", program.name));
        return report;
    }
    for check in &program.expected_memory {
        let mut got = vec![0; check.bytes.len()];
        let readable = machine.memory.read_bytes(check.address, &mut got).is_ok();
        report.check(readable && got == check.bytes, || {
            let (expected, got) = (show_bytes(&check.bytes), show_bytes(&got));
            format!("{}: {}: expected {expected}, got {got}", program.name, check.text)
        });
    }
    for (register, expected) in &program.expected_registers {
        let got = register.read(&mut machine.processor);
        report.check(expected.admits(got), || {
            format!("{}: {register}: expected {expected}, got {}", program.name, Operand::from(got))
        });
    }
    report
}

/// Runs programs and compares their results with what is expected
#[derive(clap::Args)]
pub struct Exec {
    /// Files of programs: JSON, plain or compressed with gzip
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

impl Exec {
    /// Prints a line a failed check and one summary line, and says whether all checks passed.
    ///
    /// # Errors
    /// If a file cannot be read or is malformed, before any program runs.
    pub fn run(&self) -> Result<bool, Error> {
        let files: Vec<Vec<Program>> = self.files.iter().map(|file| program::load(file)).collect::<Result<_, _>>()?;
        let (mut passed, mut failed) = (0, 0);
        for program in files.iter().flatten() {
            let report = run(program);
            for failure in &report.failures {
                println!("{failure}");
            }
            passed += report.passed;
            failed += report.failures.len();
        }
        println!("{passed} passed, {failed} failed");
        Ok(failed == 0)
    }
}
