//! What the tests share: booting bundled guests.

pub mod endless;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use patchbay_cpu::engine::EngineChoice;
use patchbay_machine::guest::Guest;
use patchbay_machine::loader::Source;
use patchbay_machine::loader::symbols::Symbols;
use patchbay_machine::machine::{Configuration, Machine, Run, Timing};
use patchbay_machine::outcome::Outcome;
use patchbay_machine::supervisor::{Native, Supervisor};
use patchbay_vmm::conventional::fetch::Fetch;
use patchbay_vmm::plugins::Registry;
use patchbay_vmm::policy::Policy;
use patchbay_vmm::policy::serving::Plugins;
use patchbay_vmm::statistics::VmStatistics;
use patchbay_vmm::vm::{Scope, Vm, Vmm};
use patchbay_vmm::vp::supervisor::Virtual;

/// No guest of the tests runs longer, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(300);

/// A bundled guest to boot.
#[derive(Clone, Debug)]
pub struct Boot {
    /// Its name.
    pub guest: &'static str,
    /// What is added to its command line.
    pub append: &'static str,
    /// Its processors.
    pub processors: usize,
    /// What executes them.
    pub engine: EngineChoice,
    /// Its time.
    pub timing: Timing,
}

/// What a guest left behind.
#[derive(Debug)]
pub struct Booted {
    /// What it printed.
    pub console: String,
    /// How it ended, and what was counted.
    pub run: Run,
}

impl Boot {
    /// Linux with a script of its initial RAM disk.
    #[must_use]
    pub fn linux(append: &'static str, processors: usize) -> Boot {
        Boot { guest: "linux", append, processors, engine: EngineChoice::default(), timing: Timing::Host }
    }

    /// A bare-metal guest.
    #[must_use]
    pub fn bare(guest: &'static str, processors: usize) -> Boot {
        Boot { guest, append: "", processors, engine: EngineChoice::default(), timing: Timing::Host }
    }

    /// The same in deterministic mode.
    #[must_use]
    pub fn deterministic(self) -> Boot {
        Boot { timing: Timing::Deterministic, ..self }
    }

    /// The same on another engine.
    #[must_use]
    pub fn on(self, engine: EngineChoice) -> Boot {
        Boot { engine, ..self }
    }

    /// A machine with the guest loaded.
    ///
    /// # Panics
    /// If there is no such guest.
    #[must_use]
    pub fn machine(&self) -> Machine {
        let guest = Guest::read(&guests().join(self.guest)).expect("a bundled guest");
        let source = Source {
            image: guest.kernel,
            load_address: guest.load_address,
            initrd: guest.initrd,
            command_line: format!("{} {}", guest.append, self.append),
        };
        let configuration = Configuration {
            memory: guest.memory,
            processors: self.processors,
            engine: self.engine,
            timing: self.timing,
            instruction_limit: None,
            time_limit: Some(PATIENCE),
            symbols: Symbols::default(),
        };
        Machine::new(&configuration, &source).expect("a machine")
    }

    /// Boots the guest and waits for its end; `supervisor` owns each processor's exits.
    #[must_use]
    pub fn run_under(&self, supervisor: impl Fn(usize) -> Box<dyn Supervisor>) -> Booted {
        Booted::of(self.machine(), supervisor)
    }

    /// Boots the guest on a machine of its own and waits for its end.
    #[must_use]
    pub fn run(&self) -> Booted {
        self.run_under(|_| Box::new(Native))
    }
}

impl Boot {
    /// Boots the guest in a virtual machine under a bundled policy, or without patching.
    ///
    /// # Panics
    /// If the policy's plugins are not there.
    #[must_use]
    pub fn run_virtual(&self, policy: Option<&str>, scope: Scope) -> (Booted, VmStatistics) {
        self.run_with(policy.map(plugins).as_ref(), scope)
    }

    /// Boots the guest in a virtual machine under these plugins, or without patching.
    ///
    /// # Panics
    /// If there is no virtual machine with them.
    #[must_use]
    pub fn run_with(&self, plugins: Option<&Plugins>, scope: Scope) -> (Booted, VmStatistics) {
        let vm = Vm::new(Arc::new(Vmm::new()), 0, self.processors, plugins, scope, Fetch::Translated);
        let vm = Arc::new(vm.expect("a virtual machine"));
        let booted = self.run_on(&vm);
        (booted, vm.statistics(|_| None))
    }

    /// Boots the guest on a virtual machine, which surveys the image's code first if its patch manager wants that.
    #[must_use]
    pub fn run_on(&self, vm: &Arc<Vm>) -> Booted {
        let machine = self.machine();
        vm.set_code(machine.code().to_vec());
        Booted::of(machine, |index| Box::new(Virtual::new(Arc::clone(vm), index)))
    }
}

impl Booted {
    /// Runs a machine until its end.
    ///
    /// # Panics
    /// If the host gives no threads.
    #[must_use]
    pub fn of(machine: Machine, supervisor: impl Fn(usize) -> Box<dyn Supervisor>) -> Booted {
        let output = machine.output();
        let reader = std::thread::spawn(move || output.iter().collect::<Vec<u8>>());
        let run = machine.run(supervisor).expect("threads");
        let console = reader.join().expect("the console is read");
        Booted { console: String::from_utf8_lossy(&console).replace('\r', ""), run }
    }

    /// Requires that the guest has switched the power off with status 0.
    ///
    /// # Panics
    /// If it has not.
    pub fn expect_power_off(&self) {
        assert!(
            matches!(self.run.outcome, Outcome::PowerOff(None | Some(0))),
            "{:?}\n{}",
            self.run.outcome,
            self.console
        );
    }

    /// Requires lines in this order, among others.
    ///
    /// # Panics
    /// If one is missing.
    pub fn expect_lines(&self, lines: &[&str]) {
        let mut console = self.console.lines();
        for expected in lines {
            assert!(
                console.any(|line| line == *expected || line.ends_with(&format!("] {expected}"))),
                "no line {expected:?} where it should stand in\n{}",
                self.console
            );
        }
    }

    /// Requires the lines that `run=smoke` prints on this many processors.
    pub fn expect_smoke(&self, processors: usize) {
        let started = format!("GUEST: init started on {processors} processors, Linux 6.1.192-patchbay ia64");
        self.expect_lines(&[
            &started,
            "GUEST: run smoke",
            "loop 200",
            "b5cfa9d6c8febd618f91ac2843d50a1c  -",
            "slept",
            "15 3.87298 3.14286",
            "GUEST: exit status 0",
            "reboot: Power down",
        ]);
    }
}

/// The plugins of a bundled policy.
///
/// # Panics
/// If they are not there.
#[must_use]
pub fn plugins(policy: &str) -> Plugins {
    Policy::load(policy).and_then(|policy| policy.start(&Registry::discover())).expect("a bundled policy")
}

/// The plugins of a bundled policy, with triggers of this kind.
///
/// # Panics
/// If they are not there.
#[must_use]
pub fn plugins_with(policy: &str, trigger: &str) -> Plugins {
    let mut policy = Policy::load(policy).expect("a bundled policy");
    policy.patch_manager.config = format!("{}\ntrigger = {trigger}", policy.patch_manager.config);
    policy.start(&Registry::discover()).expect("plugins")
}

/// The folder of the bundled guests.
#[must_use]
pub fn guests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../guests")
}
