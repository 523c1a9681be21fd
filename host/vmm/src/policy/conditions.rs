//! Operating conditions: what a patch manager is told besides the site that it decides about.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use patchbay_machine::clock::ITC_FREQUENCY;
use patchbay_plugin_api::conditions::{Conditions, RATE_PERIOD};

use crate::fast_path::lock;
use crate::patch::site::{OwnLine, PatchSite};
use crate::vm::Vm;
use crate::vp::VirtualProcessor;

/// Nanoseconds of a second.
const SECOND: u64 = 1_000_000_000;
/// Periods of a second.
const PERIODS: u64 = SECOND / RATE_PERIOD;
/// Nanoseconds of a tick of ar.itc.
const TICK: u64 = SECOND / ITC_FREQUENCY;
const _: () = assert!(PERIODS * RATE_PERIOD == SECOND && TICK * ITC_FREQUENCY == SECOND);

/// How often something happens: events counted over periods of [`RATE_PERIOD`] or more.
#[derive(Debug, Default)]
pub(crate) struct Rate {
    /// When the period under way began, in nanoseconds of the guest's clock, and the events until then.
    begun: u64,
    counted: u64,
    /// Of the last whole period.
    last: u64,
}

fn a_second(events: u64, nanoseconds: u64) -> u64 {
    u64::try_from(u128::from(events) * u128::from(SECOND) / u128::from(nanoseconds)).unwrap_or(u64::MAX)
}

impl Rate {
    /// The events in a second, when `total` have happened until `now`.
    pub(crate) fn at(&mut self, now: u64, total: u64) -> u64 {
        let (time, events) = (now.saturating_sub(self.begun), total.saturating_sub(self.counted));
        if time >= RATE_PERIOD {
            *self = Rate { begun: now, counted: total, last: a_second(events, time) };
            return self.last;
        }
        self.last.max(events.saturating_mul(PERIODS))
    }
}

/// What a virtual machine's processors have published of their work.
#[derive(Debug)]
pub(crate) struct Load {
    /// The events of each virtual processor, which alone writes them.
    events: Box<[OwnLine]>,
    /// The latest time that one has published, in nanoseconds of the guest's clock.
    now: AtomicU64,
    /// Held for some additions by whoever asks for conditions.
    rate: Mutex<Rate>,
}

impl Load {
    pub(crate) fn new(processors: usize) -> Load {
        let events = (0..processors).map(|_| OwnLine::default()).collect();
        Load { events, now: AtomicU64::new(0), rate: Mutex::default() }
    }

    fn publish(&self, vp: usize, now: u64, events: u64) {
        if let Some(OwnLine(published)) = self.events.get(vp) {
            published.store(events, Ordering::Relaxed);
        }
        self.now.fetch_max(now, Ordering::Relaxed);
    }
}

impl Vm {
    /// The conditions as its processors have published them, without those of a site.
    pub(crate) fn conditions(&self) -> Conditions {
        let load = &self.load;
        let now = load.now.load(Ordering::Relaxed);
        let events = load.events.iter().map(|events| events.0.load(Ordering::Relaxed)).sum();
        Conditions {
            processors: load.events.len() as u32,
            uptime: now,
            vm_rate: lock(&load.rate).at(now, events),
            classes_left: self.ids().left(),
            window_left: self.view.window().2,
            ..Conditions::default()
        }
    }
}

impl VirtualProcessor {
    /// Publishes its events until now, and the time.
    pub(crate) fn publish(&self, itc: u64) {
        self.vm.load.publish(self.index, itc.saturating_mul(TICK), self.counters.events());
    }
}

/// The conditions of a virtual machine and one of its sites.
pub(crate) fn at_site(vm: &Conditions, site: &PatchSite) -> Conditions {
    Conditions { site_rate: site.rate(vm.uptime), site_unit: site.instruction.unit.into(), ..*vm }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn a_rate_is_that_of_the_last_period_or_what_the_present_one_has_reached() {
        let mut rate = Rate::default();
        assert_eq!(rate.at(0, 0), 0);
        assert_eq!(rate.at(10 * MS, 3), 30, "3 in 100 ms so far");
        assert_eq!(rate.at(100 * MS, 50), 500);
        assert_eq!(rate.at(150 * MS, 60), 500, "the present period has 10 so far");
        assert_eq!(rate.at(199 * MS, 110), 600, "and now 60");
        assert_eq!(rate.at(300 * MS, 110), 300, "60 in 200 ms");
        assert_eq!(rate.at(10_300 * MS, 110), 0);
    }

    /// Several processors ask with times that are not in order.
    #[test]
    fn a_rate_survives_a_time_or_a_total_that_goes_back() {
        let mut rate = Rate::default();
        assert_eq!(rate.at(200 * MS, 100), 500);
        assert_eq!(rate.at(199 * MS, 99), 500);
        assert_eq!(rate.at(u64::MAX, u64::MAX), 1_000_000_000);
    }
}
