//! One guest from its first boot to its end: a reset boots it again.

use std::sync::Arc;
use std::time::Instant;

use patchbay::monitor::{Started, supervisor};
use patchbay_machine::loader::{CodeRange, Source};
use patchbay_machine::machine::{Configuration, Machine, Position, Run as Ended, Timing};
use patchbay_machine::outcome::Outcome;
use patchbay_machine::statistics::Statistics;
use patchbay_vmm::control::{Control, Target};
use patchbay_vmm::statistics::VmStatistics;
use patchbay_vmm::vm::Vmm;

use crate::console::progress::Progress;
use crate::console::{Console, Desk, LostError, Place};
use crate::guests::find;
use crate::run::{Run, RunError};
use crate::watchdog::Watchdog;

/// A guest that is ready to boot.
pub(crate) struct Boot {
    name: String,
    mode: String,
    number: u32,
    source: Source,
    configuration: Configuration,
    monitor: Option<Started>,
    machine: Machine,
    console: Console,
    /// What is surveyed besides the image's code.
    survey: Vec<CodeRange>,
    /// When its time is up.
    deadline: Option<Instant>,
}

/// How a guest ended.
pub(crate) struct Booted {
    pub(crate) outcome: Outcome,
    pub(crate) positions: Vec<Position>,
    /// Of all its boots.
    pub(crate) machine: Statistics,
    /// Of the last one; `None` in native mode.
    pub(crate) monitor: Option<VmStatistics>,
    /// Output of the guest that could not be written.
    pub(crate) lost: Option<LostError>,
}

impl Boot {
    /// Loads the guest that `run` names, as virtual machine `number`.
    /// It ends at `deadline`, if there is one.
    pub(crate) fn new(
        run: &Run,
        number: u32,
        vmm: &Arc<Vmm>,
        deadline: Option<Instant>,
        desk: &Arc<Desk>,
    ) -> Result<Boot, RunError> {
        let guest = find(&run.guest, &run.base)?;
        let source = run.source(&guest);
        let configuration = run.configuration(&guest, &source, deadline)?;
        let monitor = run.monitor.start(vmm, &Arc::new(configuration.symbols.clone()))?;
        let progress = Progress::start(format!("loading {}", guest.name));
        let machine = Machine::new(&configuration, &source)?;
        drop(progress);
        if let Some(outside) = run.survey.iter().map(|range| &range.physical).find(|range| !machine.has_memory(range)) {
            return Err(RunError::Survey(outside.start, outside.end));
        }
        let at_once = configuration.timing == Timing::Deterministic;
        let console = Console::open(&Place::from(run.console.as_str()), number, &guest.name, at_once, desk)?;
        let (name, mode) = (guest.name, run.monitor.mode());
        Ok(Boot {
            name,
            mode,
            number,
            source,
            configuration,
            monitor,
            machine,
            console,
            survey: run.survey.clone(),
            deadline,
        })
    }

    /// Ends the machine.
    pub(crate) fn quitter(&self) -> impl Fn() + Send + use<> {
        self.console.quitter()
    }

    /// Runs the guest until its machine ends other than by a reset.
    pub(crate) fn run(self, control: &Control, watchdog: &Watchdog) -> Result<Booted, RunError> {
        let Boot { name, mode, number, source, mut configuration, mut monitor, .. } = self;
        let Boot { mut machine, mut console, survey, deadline, .. } = self;
        let symbols = Arc::new(configuration.symbols.clone());
        let instructions = configuration.instruction_limit;
        let mut sum = Statistics::default();
        control.set_console(number, console.line());
        loop {
            let vm = monitor.as_mut().map(|monitor| monitor.vm(number, configuration.processors)).transpose()?;
            if let Some(vm) = &vm {
                vm.set_code(machine.code().iter().chain(&survey).cloned().collect());
            }
            let output = console.attach(machine.input(), machine.output());
            let handle = machine.handle();
            watchdog.watch(number as usize, Some(handle.clone()));
            control.attach(Target {
                number,
                guest: name.clone(),
                mode: mode.clone(),
                vm: vm.clone(),
                symbols: Arc::clone(&symbols),
                machine: handle,
                started: Instant::now(),
            });
            let ended = machine.run(|index| supervisor(vm.as_ref(), index));
            watchdog.watch(number as usize, None);
            let Ended { outcome, statistics, positions } = ended?;
            control.detach(number, &outcome);
            let _all_is_written = output.join();
            sum.add(&statistics);
            if !matches!(outcome, Outcome::Reset) {
                let symbol = |address| symbols.name(address).map(|(name, offset)| format!("{name}+{offset:#x}"));
                let monitor = vm.map(|vm| vm.statistics(symbol));
                return Ok(Booted { outcome, positions, machine: sum, monitor, lost: console.lost() });
            }
            if let (Some(monitor), Some(vm)) = (&mut monitor, &vm) {
                monitor.keep(vm);
            }
            configuration.instruction_limit = instructions.map(|limit| limit.saturating_sub(sum.instructions));
            configuration.time_limit = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            machine = Machine::new(&configuration, &source)?;
        }
    }
}
