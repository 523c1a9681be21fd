//! Runs processors: each on a thread of its own, or all of them in turns on one.

use std::time::Duration;

use crossbeam_channel::Receiver;
use patchbay_cpu::exit::Exit;
use patchbay_cpu::processor::Processor;
use patchbay_cpu::processor::debugger::DebuggerWants;

use crate::clock::ITC_FREQUENCY;
use crate::debugger::{Stopped, Why};
use crate::firmware::sal::WAKE_UP_VECTOR;
use crate::handle::{Activity, Errand};
use crate::platform::Platform;
use crate::start;
use crate::supervisor::{Executor, Reaction, Supervisor};

/// Instructions between two looks at the machine, on a thread of its own.
const SLICE: u64 = 1_000_000;
/// Instructions that each processor executes in its turn; virtual time advances by as many ticks a round.
const QUANTUM: u64 = 4000;
/// How often a machine on which nothing happens looks whether something does.
const IDLE: Duration = Duration::from_millis(100);

/// A processor that runs or waits.
pub(crate) struct Runner<'a> {
    pub(crate) executor: Executor,
    supervisor: Box<dyn Supervisor>,
    activity: Activity,
    errands: Receiver<Errand>,
    platform: &'a Platform,
}

impl<'a> Runner<'a> {
    /// Processor 0 runs at once, the others wait in the firmware.
    pub(crate) fn new(
        mut executor: Executor,
        mut supervisor: Box<dyn Supervisor>,
        errands: Receiver<Errand>,
        platform: &'a Platform,
    ) -> Runner<'a> {
        let activity = if executor.index == 0 { Activity::Runs } else { Activity::Waits };
        if executor.index == 0 {
            supervisor.start(&mut executor.processor, platform);
        }
        Runner { executor, supervisor, activity, errands, platform }
    }

    /// Runs until the machine ends, on this thread.
    pub(crate) fn run(&mut self) {
        let mailbox = self.platform.domain.mailbox(self.executor.index);
        mailbox.set_parked(self.activity != Activity::Runs);
        while !self.platform.switch.is_off() {
            self.do_errands();
            if self.platform.calls.is_paused() || self.stands() {
                mailbox.set_parked(true);
                self.platform.interrupts.sleep(self.executor.index, None);
            } else if self.activity == Activity::Runs || self.wakes() {
                mailbox.set_parked(false);
                self.executor.processor.perform_purges();
                self.slice(SLICE);
                mailbox.set_parked(self.activity != Activity::Runs);
            } else {
                let limit = self.ticks_to_timer().map(duration);
                self.platform.interrupts.sleep(self.executor.index, limit);
            }
        }
        mailbox.set_parked(true);
    }

    /// Does what others have asked for, between two runs of the engine.
    fn do_errands(&mut self) {
        if self.platform.calls.take_errands(self.executor.index) {
            for errand in self.errands.try_iter() {
                errand(&mut self.executor, self.activity);
            }
        }
    }

    /// Whether a debugger has the processor stand.
    fn stands(&self) -> bool {
        self.platform.calls.debugger.stands(self.executor.index)
    }

    /// Whether the processor goes on executing.
    fn goes_on(&self) -> bool {
        let Runner { executor, activity, platform, .. } = self;
        *activity == Activity::Runs
            && !platform.switch.is_off()
            && !platform.calls.interrupt(executor.index)
            && !self.stands()
    }

    /// Executes about `instructions`, less if the processor halts, is called or the machine ends.
    fn slice(&mut self, instructions: u64) {
        let start = self.executor.processor.instructions;
        while self.goes_on() {
            let before = self.executor.processor.instructions;
            let done = before - start;
            if done >= instructions {
                break;
            }
            let budget = self.platform.budget(instructions - done);
            let Executor { processor, engine, index } = &mut self.executor;
            let debugger = &self.platform.calls.debugger;
            let steps = debugger.steps(*index);
            let at = position(processor);
            let exit = if steps { engine.step(processor) } else { engine.run(processor, budget) };
            self.platform.account(processor.instructions - before);
            let wanted = match exit {
                Exit::Debugger(stop) => Some(Why::Wanted(stop)),
                _ => None,
            };
            let processor = *index;
            match self.supervisor.react(&mut self.executor, exit, self.platform) {
                Reaction::Continue => {}
                Reaction::Halt => self.activity = Activity::Halts,
                Reaction::Rendezvous => self.activity = Activity::Waits,
                Reaction::End(outcome) => self.platform.end(outcome),
            }
            // It may have been called away first, or its monitor may have placed a patch that executes next.
            let stepped = steps && at != position(&self.executor.processor);
            if let Some(why) = wanted.or(stepped.then_some(Why::Stepped))
                && !debugger.stop(Stopped { processor, why })
            {
                self.executor.processor.set_debugger(DebuggerWants::default());
            }
        }
    }

    /// Whether a processor that halts or waits runs again.
    fn wakes(&mut self) -> bool {
        let wakes = match self.activity {
            Activity::Runs => false,
            Activity::Halts => self.supervisor.is_ready(&mut self.executor.processor),
            Activity::Waits => self.is_woken_up(),
        };
        if wakes {
            self.activity = Activity::Runs;
        }
        wakes
    }

    fn is_woken_up(&mut self) -> bool {
        let index = self.executor.index;
        let mailbox = self.platform.domain.mailbox(index);
        if mailbox.irr(usize::from(WAKE_UP_VECTOR >> 6)) >> (WAKE_UP_VECTOR & 63) & 1 == 0 {
            return false;
        }
        mailbox.clear(WAKE_UP_VECTOR);
        let vector = self.platform.firmware.boot_rendezvous();
        if let Some(vector) = vector {
            start::application_processor(&mut self.executor.processor, index, vector);
            self.supervisor.start(&mut self.executor.processor, self.platform);
        }
        vector.is_some()
    }

    fn ticks_to_timer(&self) -> Option<u64> {
        let halts = self.activity == Activity::Halts;
        halts.then(|| self.supervisor.ticks_to_timer(&self.executor.processor)).flatten()
    }
}

/// Where a processor is in its code: it is the same only if nothing was executed.
fn position(p: &Processor) -> (u64, u8, u64) {
    (p.registers.ip, p.registers.psr.ri(), p.instructions)
}

fn duration(ticks: u64) -> Duration {
    const { assert!(ITC_FREQUENCY == 1_000_000_000) };
    Duration::from_nanos(ticks)
}

/// Runs all processors on this thread until the machine ends: in order, a quantum each, with virtual time.
pub(crate) fn run_in_turns(runners: &mut [Runner], platform: &Platform) {
    while !platform.switch.is_off() {
        runners.iter_mut().for_each(Runner::do_errands);
        if platform.calls.is_paused() || platform.calls.debugger.has_stopped() {
            platform.interrupts.sleep(0, Some(IDLE));
            continue;
        }
        platform.uart.receive();
        let mut busy = false;
        for runner in &mut *runners {
            if !runner.stands() && (runner.activity == Activity::Runs || runner.wakes()) {
                runner.slice(QUANTUM);
                busy = true;
            }
        }
        let timers = runners.iter().filter_map(Runner::ticks_to_timer);
        match (busy, timers.min()) {
            (true, _) => platform.clock.advance(QUANTUM),
            (false, Some(ticks)) => platform.clock.advance(ticks.max(1)),
            (false, None) => platform.interrupts.sleep(0, Some(IDLE)),
        }
    }
}
