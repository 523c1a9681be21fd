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
    Host(Instant),
    Virtual(AtomicU64),
}

impl MachineClock {
    /// The host's time.
    #[must_use]
    pub fn host() -> MachineClock {
        MachineClock { source: Source::Host(Instant::now()), start: now() }
    }

    /// A clock that [`MachineClock::advance`] advances, from the host's date on.
    #[must_use]
    pub fn virtual_time() -> MachineClock {
        MachineClock { source: Source::Virtual(AtomicU64::new(0)), start: now() }
    }

    /// A clock that [`MachineClock::advance`] advances, from 2006-07-18 12:00:00 UTC on.
    #[must_use]
    pub fn deterministic() -> MachineClock {
        MachineClock { source: Source::Virtual(AtomicU64::new(0)), start: Duration::from_secs(1_153_224_000) }
    }

    /// Whether the clock stands still unless it is advanced.
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

    /// The time of day, since 1970 in UTC.
    #[must_use]
    pub fn date(&self) -> Duration {
        self.start + Duration::from_nanos(self.ticks())
    }
}

impl Clock for MachineClock {
    fn ticks(&self) -> u64 {
        match &self.source {
            Source::Host(start) => u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX),
            Source::Virtual(time) => time.load(Ordering::Relaxed),
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
    fn virtual_time_moves_only_when_advanced() {
        let clock = MachineClock::deterministic();
        assert_eq!(clock.ticks(), 0);
        clock.advance(1_500_000_000);
        assert_eq!(clock.ticks(), 1_500_000_000);
        assert_eq!(clock.date(), Duration::new(1_153_224_001, 500_000_000));
    }
}
