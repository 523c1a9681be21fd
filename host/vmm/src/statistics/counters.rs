//! What the monitor counts: plain numbers of each virtual processor, which nobody else writes.

use std::ops::AddAssign;
use std::sync::LazyLock;
use std::time::Instant;

use serde::Serialize;

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

/// Why an instruction went down the conventional path, or got another trigger than was asked for.
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
    /// Its memory cannot be written.
    pub not_writable: u64,
    /// Its memory was changed meanwhile.
    pub changed: u64,
    /// It is not in RAM, or its translation has gone.
    pub not_in_ram: u64,
    /// Too many sites are known, or too many triggers were written.
    pub no_site: u64,
    /// The trigger asked for is not known, and `break` was placed.
    pub unknown_trigger: u64,
}
sum! { Fallbacks: left_by_classifier left_by_patch_manager no_template no_class_id not_writable changed not_in_ram
no_site unknown_trigger }

/// Triggers that were not found at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Misses {
    /// Their site was looked up in the virtual machine's sites.
    pub looked_up: u64,
    /// They are copies of a trigger, which the guest has made elsewhere.
    pub copies: u64,
    /// They are copies of a trigger that has stood for several instructions: the guest gets its Break Instruction fault.
    pub ambiguous: u64,
    /// The guest's own, with an immediate of triggers: it gets its Break Instruction fault.
    pub foreign: u64,
    /// They had been overwritten: the code was fetched again.
    pub stale: u64,
}
sum! { Misses: looked_up copies ambiguous foreign stale }

/// Sites patched by trigger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Patched {
    /// `break` that names its class in cr.iim.
    pub break_immediate: u64,
    /// `break.b`, which is found by where it is.
    pub break_b: u64,
}
sum! { Patched: break_immediate break_b }

impl Patched {
    /// All.
    #[must_use]
    pub fn all(self) -> u64 {
        self.break_immediate + self.break_b
    }
}

/// One time in so many is measured.
const SAMPLING: u64 = 64;

/// Time spent, estimated from every 64th time: to read the clock each time would cost more than most routines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Time {
    /// How often it was measured.
    pub samples: u64,
    /// The sum, in nanoseconds.
    pub nanoseconds: u64,
}
sum! { Time: samples nanoseconds }

/// What it takes to read the clock, in nanoseconds: each sample has it once.
static CLOCK: LazyLock<u64> = LazyLock::new(|| {
    let times = (0..1000).map(|_| Instant::now().elapsed().as_nanos());
    times.min().and_then(|least| u64::try_from(least).ok()).unwrap_or_default()
});

impl Time {
    /// The time now, if the time that has this number is one that is measured.
    #[inline]
    #[must_use]
    pub fn sample(number: u64) -> Option<Instant> {
        number.is_multiple_of(SAMPLING).then(Instant::now)
    }

    /// Adds what has passed since `start`.
    pub fn add(&mut self, start: Instant) {
        self.samples += 1;
        self.nanoseconds += u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
    }

    /// The mean, in nanoseconds, without what it takes to read the clock.
    #[must_use]
    pub fn mean(&self) -> f64 {
        let clock = self.samples.saturating_mul(*CLOCK);
        if self.samples == 0 { 0.0 } else { self.nanoseconds.saturating_sub(clock) as f64 / self.samples as f64 }
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
    /// Sites patched.
    pub patched: Patched,
    /// Sites forgotten, because the guest has overwritten them.
    pub forgotten: u64,
    /// Sites that a review has unpatched.
    pub unpatched: u64,
    /// Why not.
    pub fallbacks: Fallbacks,
    /// Triggers not found at once.
    pub misses: Misses,
    /// The time of routines.
    pub fast_time: Time,
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
            patched: Patched::default(),
            forgotten: 0,
            unpatched: 0,
            fallbacks: Fallbacks::default(),
            misses: Misses::default(),
            fast_time: Time::default(),
            conventional_time: Time::default(),
        }
    }
}

impl Counters {
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
        self.patched += other.patched;
        self.forgotten += other.forgotten;
        self.unpatched += other.unpatched;
        self.fallbacks += other.fallbacks;
        self.misses += other.misses;
        self.fast_time += other.fast_time;
        self.conventional_time += other.conventional_time;
    }
}
