//! What the monitor counts: plain numbers of each virtual processor, which nobody else writes.

use std::ops::AddAssign;
use std::sync::LazyLock;
use std::time::Instant;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::patch::trigger::KINDS;

/// Virtualization causes, by number; 0 is not one.
pub const CAUSES: usize = 42;

/// Adds counts field by field.
macro_rules! sum {
    ($type:ty: $($field:ident)*) => {
        impl AddAssign for $type {
            fn add_assign(&mut self, other: $type) {
                $(self.$field += other.$field;)*
            }
        }
    };
}
pub(crate) use sum;

/// Why an instruction went down the conventional path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Fallbacks {
    /// The classifier left it.
    pub left_by_classifier: u64,
    /// The patch manager left it.
    pub left_by_patch_manager: u64,
    /// The routines plugin has no template for it.
    pub no_template: u64,
    /// All class ids are in use. Those that no site has any more are free again after the next swap.
    pub no_class_id: u64,
    /// Its memory was changed meanwhile.
    pub changed: u64,
    /// It is not in RAM, or its translation has gone.
    pub not_in_ram: u64,
    /// Too many sites are known.
    pub no_site: u64,
}
sum! { Fallbacks: left_by_classifier left_by_patch_manager no_template no_class_id changed not_in_ram no_site }

/// The triggers of one kind that a virtual processor has executed.
#[derive(Clone, Debug, Default)]
pub struct KindCounts {
    /// How many.
    pub events: u64,
    /// The time from the trigger to the end of its routine.
    pub time: Time,
}

impl KindCounts {
    /// Counts a trigger, with the time it began if that is one that is measured.
    #[inline]
    pub fn trigger(&mut self, started: Option<Instant>) {
        self.events += 1;
        if let Some(started) = started {
            self.time.add(started);
        }
    }
}

impl AddAssign<&KindCounts> for KindCounts {
    fn add_assign(&mut self, other: &KindCounts) {
        self.events += other.events;
        self.time += &other.time;
    }
}

/// So many times are measured at first, and then one in so many.
const SAMPLING: u64 = 64;
/// The longest time that is told from longer ones, in nanoseconds.
const LONGEST: u64 = 1_000_000_000;

/// How time spent is distributed. All of the first 64 times are measured and every 64th later: to read the clock costs more
/// than most routines.
#[derive(Clone, Debug)]
pub struct Time(Histogram<u64>);

/// What it takes to read the clock, in nanoseconds: each sample has it once.
static CLOCK: LazyLock<u64> = LazyLock::new(|| {
    let times = (0..1000).map(|_| Instant::now().elapsed().as_nanos());
    times.min().and_then(|least| u64::try_from(least).ok()).unwrap_or_default()
});

impl Default for Time {
    fn default() -> Time {
        // Two digits, from 1 ns to 1 s: the bounds are valid.
        Time(Histogram::new_with_max(LONGEST, 2).unwrap_or_else(|error| unreachable!("{error}")))
    }
}

impl Time {
    /// The time now, if the time that has this number is one that is measured.
    #[inline]
    #[must_use]
    pub fn sample(number: u64) -> Option<Instant> {
        (number < SAMPLING || number.is_multiple_of(SAMPLING)).then(Instant::now)
    }

    /// Adds what has passed since `start`.
    pub fn add(&mut self, start: Instant) {
        let took = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.0.saturating_record(took.saturating_sub(*CLOCK).max(1));
    }

    /// How many times were measured.
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.0.len()
    }

    /// The time that this part of all times does not exceed, in nanoseconds; 0 if none was measured.
    #[must_use]
    pub fn quantile(&self, part: f64) -> u64 {
        if self.0.is_empty() { 0 } else { self.0.value_at_quantile(part) }
    }
}

impl AddAssign<&Time> for Time {
    fn add_assign(&mut self, other: &Time) {
        // Both have the same bounds.
        let _ = self.0.add(&other.0);
    }
}

/// The counters of one virtual processor.
#[derive(Clone, Debug)]
pub struct Counters {
    /// Virtualization faults by cause.
    pub faults: [u64; CAUSES],
    /// Triggers executed by cause, routines run on the guest's behalf among them.
    pub triggers: [u64; CAUSES],
    /// Routines run on the guest's behalf at a fault.
    pub on_behalf: u64,
    /// Triggers whose class has no routine: the host emulated the site's instruction.
    pub without_routine: u64,
    /// Routines that left their instruction to the host.
    pub left_by_routine: u64,
    /// Routines built.
    pub built: u64,
    /// Sites that use a routine which another one uses, too.
    pub shared: u64,
    /// Triggers executed, by kind.
    pub kinds: [KindCounts; KINDS],
    /// Sites that a review has unpatched.
    pub unpatched: u64,
    /// Why not.
    pub fallbacks: Fallbacks,
    /// The time of the conventional path.
    pub conventional_time: Time,
}

impl Default for Counters {
    fn default() -> Counters {
        Counters {
            faults: [0; CAUSES],
            triggers: [0; CAUSES],
            on_behalf: 0,
            without_routine: 0,
            left_by_routine: 0,
            built: 0,
            shared: 0,
            kinds: Default::default(),
            unpatched: 0,
            fallbacks: Fallbacks::default(),
            conventional_time: Time::default(),
        }
    }
}

impl Counters {
    /// Faults and triggers.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.faults.iter().sum::<u64>() + self.kinds.iter().map(|kind| kind.events).sum::<u64>()
    }

    /// Counts a trigger of a cause. Returns how many there were, this one included.
    #[inline]
    pub fn trigger(&mut self, cause: u8) -> u64 {
        let count = &mut self.triggers[usize::from(cause) % CAUSES];
        *count += 1;
        *count
    }
}

impl AddAssign<&Counters> for Counters {
    fn add_assign(&mut self, other: &Counters) {
        self.faults.iter_mut().zip(other.faults).for_each(|(sum, count)| *sum += count);
        self.triggers.iter_mut().zip(other.triggers).for_each(|(sum, count)| *sum += count);
        self.on_behalf += other.on_behalf;
        self.without_routine += other.without_routine;
        self.left_by_routine += other.left_by_routine;
        self.built += other.built;
        self.shared += other.shared;
        self.kinds.iter_mut().zip(&other.kinds).for_each(|(sum, kind)| *sum += kind);
        self.unpatched += other.unpatched;
        self.fallbacks += other.fallbacks;
        self.conventional_time += &other.conventional_time;
    }
}
