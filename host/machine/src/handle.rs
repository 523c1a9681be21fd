//! A machine that runs, as other threads reach it: they pause it, end it, and send its processors errands.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};
use patchbay_cpu::coherence_domain::CoherenceDomain;
use serde::Serialize;

use crate::bus::MachineBus;
use crate::clock::MachineClock;
use crate::debugger::{Debugger, Go, Stopped};
use crate::interrupts::Interrupts;
use crate::outcome::{Outcome, Switch};
use crate::platform::Platform;
use crate::supervisor::Executor;

/// How often those who wait for processors look whether the machine has ended.
const LOOK: Duration = Duration::from_millis(20);

/// What a processor does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activity {
    /// It executes its guest.
    Runs,
    /// It sleeps until an interrupt.
    Halts,
    /// It waits in the firmware for the wake-up interrupt.
    Waits,
}

/// What a processor is to do at a block boundary, on its own thread.
pub(crate) type Errand = Box<dyn FnOnce(&mut Executor, Activity) + Send>;

/// What processors look at between two runs of their engines.
#[derive(Debug)]
pub(crate) struct Calls {
    paused: AtomicBool,
    /// Locked while somebody changes that, until the processors and the clock have followed.
    changes: Mutex<()>,
    errands: Vec<AtomicBool>,
    /// Which processors run.
    pub(crate) debugger: Debugger,
    /// Processors that take turns are not interrupted in theirs: that would make two runs differ.
    interrupts: bool,
}

impl Calls {
    pub(crate) fn new(processors: usize, interrupts: bool) -> Calls {
        let errands = (0..processors).map(|_| AtomicBool::new(false)).collect();
        let debugger = Debugger::new(processors);
        Calls { paused: AtomicBool::new(false), changes: Mutex::default(), errands, debugger, interrupts }
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Acquire)
    }

    fn changes(&self) -> MutexGuard<'_, ()> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a processor is to leave its run loop.
    pub(crate) fn interrupt(&self, processor: usize) -> bool {
        self.interrupts && (self.is_paused() || self.errands[processor].load(Ordering::Acquire))
    }

    /// Whether there may be errands that were not there at the last call.
    pub(crate) fn take_errands(&self, processor: usize) -> bool {
        self.errands[processor].swap(false, Ordering::AcqRel)
    }
}

/// Why processors did not do an errand.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// The machine has ended.
    #[error("the machine has ended")]
    Ended,
    /// Some do not come to a block boundary.
    #[error("processor {} has not come to a block boundary within {limit:?}", list(processors))]
    Stuck {
        /// Which.
        processors: Vec<usize>,
        /// How long they had.
        limit: Duration,
    },
}

fn list(processors: &[usize]) -> String {
    processors.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// A machine that runs, or has run. Copies are of the same machine.
#[derive(Clone)]
pub struct Handle {
    calls: Arc<Calls>,
    senders: Vec<Sender<Errand>>,
    domain: Arc<CoherenceDomain>,
    interrupts: Arc<Interrupts>,
    switch: Arc<Switch>,
    clock: Arc<MachineClock>,
    /// Weak: a machine that has ended is not kept by those who know it.
    bus: Weak<MachineBus>,
}

impl Handle {
    /// A handle, and the ends of its errands at the processors.
    pub(crate) fn new(platform: &Platform) -> (Handle, Vec<Receiver<Errand>>) {
        let Platform { calls, domain, interrupts, switch, clock, bus, .. } = platform;
        let (senders, receivers) = (0..domain.processors()).map(|_| unbounded()).unzip();
        let handle = Handle {
            calls: Arc::clone(calls),
            senders,
            domain: Arc::clone(domain),
            interrupts: Arc::clone(interrupts),
            switch: Arc::clone(switch),
            clock: Arc::clone(clock),
            bus: Arc::downgrade(bus),
        };
        (handle, receivers)
    }

    /// How many processors the machine has.
    #[must_use]
    pub fn processors(&self) -> usize {
        self.senders.len()
    }

    /// The machine's time.
    #[must_use]
    pub fn clock(&self) -> &MachineClock {
        &self.clock
    }

    /// Memory and devices; `None` when the machine is gone.
    #[must_use]
    pub fn bus(&self) -> Option<Arc<MachineBus>> {
        self.bus.upgrade()
    }

    /// Whether the machine is paused.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.calls.is_paused()
    }

    /// Stops all processors at their next block boundary, and then the machine's time; `false` if they stand already.
    /// Errands are still done. Waits for whoever pauses or resumes the machine just now.
    ///
    /// # Errors
    /// If a processor does not stop in time. The machine goes on then.
    pub fn pause(&self, limit: Duration) -> Result<bool, NoAnswer> {
        let _changes = self.calls.changes();
        if self.is_paused() {
            return Ok(false);
        }
        self.calls.paused.store(true, Ordering::Release);
        self.ask(limit, |_, _| ()).inspect_err(|_| self.go_on())?;
        self.clock.stop();
        Ok(true)
    }

    /// Pauses a machine that does not run yet: it stands from its first instruction on.
    pub fn pause_at_start(&self) {
        let _changes = self.calls.changes();
        self.calls.paused.store(true, Ordering::Release);
        self.clock.stop();
    }

    /// Whom processors tell that they have stopped by themselves from now on. When the receiver is dropped, they do not
    /// stop any more.
    #[must_use]
    pub fn debug(&self) -> Receiver<Stopped> {
        self.calls.debugger.listen()
    }

    /// Lets all processors go on, and the machine's time; `false` if the machine is not paused. Waits for whoever pauses
    /// or resumes it just now.
    pub fn resume(&self) -> bool {
        self.go(|_| Go::Runs)
    }

    /// As [`Handle::resume`], but says what each processor does.
    pub fn go(&self, how: impl Fn(usize) -> Go) -> bool {
        let _changes = self.calls.changes();
        let stands = self.is_paused();
        if stands {
            self.calls.debugger.set(how);
            self.clock.go_on();
            self.go_on();
        }
        stands
    }

    fn go_on(&self) {
        self.calls.paused.store(false, Ordering::Release);
        (0..self.processors()).for_each(|processor| self.interrupts.wake(processor));
    }

    /// Ends the machine.
    pub fn end(&self, outcome: Outcome) {
        self.switch.end(outcome);
    }

    /// How the machine was ended, if it was.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        self.switch.outcome()
    }

    /// Whether the machine has been ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.switch.is_off()
    }

    /// Has each processor do something at its next block boundary, on its own thread, and returns the answers in the
    /// order of the processors. When they are there, each has passed a quiescent point since the call. What is asked
    /// must not wait for other processors.
    ///
    /// # Errors
    /// If a processor has not answered in time. It still does the errand, before those that are sent later.
    pub fn ask<T: Send + 'static>(
        &self,
        limit: Duration,
        question: impl Fn(&mut Executor, Activity) -> T + Send + Sync + 'static,
    ) -> Result<Vec<T>, NoAnswer> {
        let deadline = Instant::now() + limit;
        let question = Arc::new(question);
        let (answer, answers) = bounded(self.processors());
        for (processor, sender) in self.senders.iter().enumerate() {
            let (question, answer) = (Arc::clone(&question), answer.clone());
            let errand: Errand = Box::new(move |executor, activity| {
                let _nobody_waits = answer.send((processor, question(executor, activity)));
            });
            if sender.send(errand).is_err() {
                return Err(NoAnswer::Ended);
            }
            self.calls.errands[processor].store(true, Ordering::Release);
            if self.calls.interrupts {
                self.domain.mailbox(processor).request_exit();
            }
            self.interrupts.wake(processor);
        }
        drop(answer);
        let mut found: Vec<Option<T>> = (0..self.processors()).map(|_| None).collect();
        while found.iter().any(Option::is_none) {
            let now = Instant::now();
            match answers.recv_timeout(LOOK.min(deadline.saturating_duration_since(now))) {
                Ok((processor, value)) => found[processor] = Some(value),
                Err(RecvTimeoutError::Disconnected) => return Err(NoAnswer::Ended),
                Err(RecvTimeoutError::Timeout) if self.has_ended() => return Err(NoAnswer::Ended),
                Err(RecvTimeoutError::Timeout) if now >= deadline => {
                    let missing = found.iter().enumerate().filter(|(_, answer)| answer.is_none());
                    return Err(NoAnswer::Stuck { processors: missing.map(|(index, _)| index).collect(), limit });
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
        Ok(found.into_iter().flatten().collect())
    }
}
