//! How a machine ends.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use patchbay_cpu::coherence_domain::CoherenceDomain;

use crate::interrupts::Interrupts;
use crate::report::Report;

/// How a machine ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The guest switched the power off, with a status if it gave one.
    PowerOff(Option<u64>),
    /// The guest asked for a reset.
    Reset,
    /// The limit of instructions is reached.
    InstructionLimit,
    /// The limit of time is reached.
    TimeLimit,
    /// The guest cannot go on.
    Crash(Box<Report>),
    /// The user left.
    Quit,
}

/// What happened, in one line.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::PowerOff(None) => f.write_str("the guest switched the power off"),
            Outcome::PowerOff(Some(status)) => write!(f, "the guest switched the power off with status {status}"),
            Outcome::Reset => f.write_str("the guest asked for a reset"),
            Outcome::InstructionLimit => f.write_str("the limit of instructions is reached"),
            Outcome::TimeLimit => f.write_str("the limit of time is reached"),
            Outcome::Crash(report) => f.write_str(&report.reason),
            Outcome::Quit => f.write_str("the machine was switched off"),
        }
    }
}

/// The switch that ends a machine; the first outcome counts.
#[derive(Debug)]
pub struct Switch {
    off: AtomicBool,
    outcome: Mutex<Option<Outcome>>,
    domain: Arc<CoherenceDomain>,
    interrupts: Arc<Interrupts>,
}

impl Switch {
    pub(crate) fn new(domain: Arc<CoherenceDomain>, interrupts: Arc<Interrupts>) -> Switch {
        Switch { off: AtomicBool::new(false), outcome: Mutex::new(None), domain, interrupts }
    }

    /// Ends the machine: its processors stop at their next block boundary.
    pub fn end(&self, outcome: Outcome) {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(outcome);
        self.off.store(true, Ordering::Release);
        self.domain.end();
        for processor in 0..self.domain.processors() {
            self.domain.mailbox(processor).request_exit();
            self.interrupts.wake(processor);
        }
    }

    /// Whether the machine has ended.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.off.load(Ordering::Acquire)
    }

    /// How it ended.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use patchbay_cpu::coherence_domain::Purge;

    use super::*;

    #[test]
    fn the_first_outcome_counts() {
        let domain = Arc::new(CoherenceDomain::new(1, false));
        let switch = Switch::new(Arc::clone(&domain), Arc::new(Interrupts::new(Arc::clone(&domain))));
        assert!(!switch.is_off() && switch.outcome().is_none());
        switch.end(Outcome::PowerOff(Some(3)));
        switch.end(Outcome::Quit);
        assert!(switch.is_off());
        assert!(matches!(switch.outcome(), Some(Outcome::PowerOff(Some(3)))));
        assert!(domain.mailbox(0).take_exit());
    }

    /// One of its processors may be in a routine that never returns.
    #[test]
    fn no_processor_waits_for_a_purge_of_a_machine_that_has_ended() {
        let domain = Arc::new(CoherenceDomain::new(2, false));
        let switch = Switch::new(Arc::clone(&domain), Arc::new(Interrupts::new(Arc::clone(&domain))));
        domain.broadcast(0, Purge { rid: 0, address: 0, page_size: 12 });
        assert!(!domain.purges_done(0));
        switch.end(Outcome::Quit);
        assert!(domain.purges_done(0));
    }
}
