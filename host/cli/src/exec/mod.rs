//! `patchbay exec`: runs programs and compares their results.
//!
//! [`program`] is the file format, [`register`] the names in it, [`machine`] what a program runs on, and [`memory`] its
//! RAM.

pub mod machine;
pub mod memory;
pub mod program;
pub mod register;

use std::path::PathBuf;
use std::sync::Arc;

use patchbay_cpu::engine::EngineChoice;
use patchbay_machine::text;
use patchbay_vmm::vm::Vm;

pub use machine::Machine;
pub use program::{Error, Program};

use program::{Operand, show_bytes};

use crate::monitor::{Monitor, MonitorError};
use crate::output::{OutputError, print};

/// Why programs cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// A file is at fault.
    #[error(transparent)]
    Program(#[from] Error),
    /// There is no such monitor.
    #[error(transparent)]
    Monitor(#[from] MonitorError),
    /// What was found out cannot be written.
    #[error(transparent)]
    Write(#[from] OutputError),
}

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

/// Runs a program on an engine, on a machine of its own: in a virtual machine with one processor, if one is given.
#[must_use]
pub fn run(program: &Program, engine: EngineChoice, vm: Option<Arc<Vm>>) -> Report {
    let mut report = Report::default();
    let mut machine = Machine::new(program, engine);
    if let Err(reason) = machine.run_to(program.stop, program.limit, vm) {
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
#[command(mut_arg("mode", |mode| mode.default_value("native")))]
pub struct Exec {
    /// Files of programs: JSON, plain or compressed with gzip
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Print the results as JSON
    #[arg(long)]
    json: bool,
    /// What executes them: interpreter, or translator, which compiles what was entered hot times
    #[arg(long, value_name = "ENGINE[,hot=N]", default_value = "interpreter")]
    engine: EngineChoice,
    #[command(flatten)]
    monitor: Monitor,
}

impl Exec {
    /// Prints a line a failed check and one summary line, and says whether all checks passed.
    ///
    /// # Errors
    /// If a file cannot be read or is malformed, or a plugin does not start, before any program runs.
    pub fn run(&self) -> Result<bool, ExecError> {
        let files: Vec<Vec<Program>> = self.files.iter().map(|file| program::load(file)).collect::<Result<_, _>>()?;
        let mut monitor = self.monitor.start(&self.monitor.vmm()?, &Arc::default())?;
        let (mut passed, mut failed, mut failures) = (0, 0, Vec::new());
        for (number, program) in (0..).zip(files.iter().flatten()) {
            let vm = monitor.as_mut().map(|monitor| monitor.vm(number, 1)).transpose()?;
            let report = run(program, self.engine, vm.clone());
            if let (Some(monitor), Some(vm)) = (&mut monitor, vm) {
                monitor.keep(&vm);
            }
            for failure in report.failures.iter().filter(|_| !self.json) {
                print(format_args!("{}\n", text::line(failure, 2 * text::MESSAGE))).map_err(OutputError)?;
            }
            passed += report.passed;
            failed += report.failures.len();
            if self.json {
                failures.extend(report.failures);
            }
        }
        if self.json {
            let all = serde_json::json!({ "passed": passed, "failed": failed, "failures": failures });
            print(format_args!("{all}\n")).map_err(OutputError)?;
            return Ok(failed == 0);
        }
        print(format_args!("{passed} passed, {failed} failed\n")).map_err(OutputError)?;
        Ok(failed == 0)
    }
}
