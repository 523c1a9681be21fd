//! The machine's time. One tick of the interval time counter is a nanosecond.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use patchbay_cpu::bus::Clock;

/// The frequency of the interval time counter, in hertz.
pub const ITC_FREQUENCY: u64 = 1_000_000_000;
/// The platform base frequency, in hertz.
pub const BASE_FREQUENCY: u64 = 400_000_000;

/// Where the machine's time comes from.
#[derive(Debug)]
pub struct MachineClock {
    source: Source,
    /// When the machine started, since 1970.
    start: Duration,
}

#[derive(Debug)]
enum Source {
    Host(HostTime),
    Virtual(AtomicU64),
}

/// The host's time, but for the time that the clock stood still; in nanoseconds.
#[derive(Debug)]
struct HostTime {
    start: Instant,
    stood: AtomicU64,
    /// What the clock shows while it stands still, or [`RUNS`].
    shows: AtomicU64,
}

const RUNS: u64 = u64::MAX;

impl HostTime {
    fn elapsed(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(RUNS - 1)
    }

    fn ticks(&self) -> u64 {
        match self.shows.load(Ordering::Acquire) {
            RUNS => self.elapsed().saturating_sub(self.stood.load(Ordering::Acquire)),
            stands => stands,
        }
    }

    fn stop(&self) {
        let _stands_already = self.shows.compare_exchange(RUNS, self.ticks(), Ordering::AcqRel, Ordering::Acquire);
    }

    fn go_on(&self) {
        let shows = self.shows.load(Ordering::Acquire);
        if shows != RUNS {
            self.stood.store(self.elapsed() - shows, Ordering::Release);
            self.shows.store(RUNS, Ordering::Release);
        }
    }
}

impl MachineClock {
    /// The host's time.
    #[must_use]
    pub fn host() -> MachineClock {
        let time = HostTime { start: Instant::now(), stood: AtomicU64::new(0), shows: AtomicU64::new(RUNS) };
        MachineClock { source: Source::Host(time), start: now() }
    }

    /// A clock that [`MachineClock::advance`] advances, from the host's date on. Every look at it takes a tick, too: a
    /// guest that is interrupted at a time finds that time over.
    #[must_use]
    pub fn virtual_time() -> MachineClock {
        MachineClock { source: Source::Virtual(AtomicU64::new(0)), start: now() }
    }

    /// As [`MachineClock::virtual_time`], from 2006-07-18 12:00:00 UTC on.
    #[must_use]
    pub fn deterministic() -> MachineClock {
        MachineClock { source: Source::Virtual(AtomicU64::new(0)), start: Duration::from_secs(1_153_224_000) }
    }

    /// Whether the clock moves only as the machine executes.
    #[must_use]
    pub fn is_virtual(&self) -> bool {
        matches!(self.source, Source::Virtual(_))
    }

    /// Advances virtual time by some ticks.
    pub fn advance(&self, ticks: u64) {
        if let Source::Virtual(time) = &self.source {
            time.fetch_add(ticks, Ordering::Relaxed);
        }
    }

    /// Stops a clock that shows the host's time.
    pub(crate) fn stop(&self) {
        if let Source::Host(time) = &self.source {
            time.stop();
        }
    }

    /// Lets it go on from where it stands.
    pub(crate) fn go_on(&self) {
        if let Source::Host(time) = &self.source {
            time.go_on();
        }
    }

    /// The time of day, since 1970 in UTC.
    #[must_use]
    pub fn date(&self) -> Duration {
        self.start + Duration::from_nanos(self.ticks())
    }
}

impl Clock for MachineClock {
    fn ticks(&self) -> u64 {
        match &self.source {
            Source::Host(time) => time.ticks(),
            Source::Virtual(time) => time.fetch_add(1, Ordering::Relaxed),
        }
    }
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn virtual_time_moves_when_it_is_advanced_and_by_a_tick_when_it_is_read() {
        let clock = MachineClock::deterministic();
        assert_eq!([clock.ticks(), clock.ticks()], [0, 1]);
        clock.advance(1_500_000_000);
        assert_eq!(clock.ticks(), 1_500_000_002);
        assert_eq!(clock.date(), Duration::new(1_153_224_001, 500_000_003));
    }
    #[test]
    fn a_stopped_clock_goes_on_from_where_it_stood() {
        let clock = MachineClock::host();
        clock.stop();
        let stands = clock.ticks();
        std::thread::sleep(Duration::from_millis(20));
        clock.stop();
        assert_eq!(clock.ticks(), stands);
        let before = Instant::now();
        clock.go_on();
        clock.go_on();
        let shows = clock.ticks();
        assert!(shows >= stands && u128::from(shows - stands) <= before.elapsed().as_nanos());
    }
}
