//! Grace periods: what is out of use may be used for something else when every virtual processor has passed a block
//! boundary since.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use patchbay_cpu::coherence_domain::CoherenceDomain;

/// The exits of each virtual processor so far, and which of them execute at all.
#[derive(Debug)]
pub struct Grace {
    passed: Box<[AtomicU64]>,
    domain: OnceLock<Arc<CoherenceDomain>>,
}

/// A moment.
#[derive(Debug)]
pub struct Ticket(Box<[u64]>);

impl Grace {
    /// The grace periods of so many virtual processors.
    #[must_use]
    pub fn new(processors: usize) -> Grace {
        Grace { passed: (0..processors).map(|_| AtomicU64::new(0)).collect(), domain: OnceLock::new() }
    }

    /// Says whose processors they are.
    pub(crate) fn belongs_to(&self, domain: &Arc<CoherenceDomain>) {
        self.domain.get_or_init(|| Arc::clone(domain));
    }

    /// A virtual processor is at a block boundary.
    #[inline]
    pub(crate) fn pass(&self, vp: usize) {
        if let Some(passed) = self.passed.get(vp) {
            // Nobody else writes it.
            passed.store(passed.load(Ordering::Relaxed) + 1, Ordering::Release);
        }
    }

    /// Now.
    #[must_use]
    pub fn ticket(&self) -> Ticket {
        Ticket(self.passed.iter().map(|passed| passed.load(Ordering::Acquire)).collect())
    }

    /// Whether every virtual processor has passed a block boundary since, or executes nothing.
    #[must_use]
    pub fn is_over(&self, since: &Ticket) -> bool {
        let passed = |vp: usize| self.passed[vp].load(Ordering::Acquire) > since.0[vp];
        let mut all = 0..self.passed.len();
        match self.domain.get() {
            None => true,
            // They share a thread: when one is at a block boundary, all are.
            Some(domain) if domain.takes_turns() => all.any(passed),
            Some(domain) => all.all(|vp| passed(vp) || domain.mailbox(vp).is_parked()),
        }
    }
}
