//! What the monitor counts.

use std::time::Instant;

use serde::Serialize;

use crate::conventional;

/// Virtualization causes, by number; 0 is not one.
pub const CAUSES: usize = 42;

/// Why an instruction went down the conventional path, or got another trigger than was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Fallbacks {
    /// The classifier left it.
    pub left_by_classifier: u64,
    /// The patch manager left it.
    pub left_by_patch_manager: u64,
    /// The routines plugin has no template for it.
    pub no_template: u64,
    /// All class ids are in use.
    pub no_class_id: u64,
    /// Its memory cannot be written.
    pub not_writable: u64,
    /// Its memory was changed meanwhile.
    pub changed: u64,
    /// The trigger asked for is not known, and `break` was placed.
    pub unknown_trigger: u64,
}

/// Triggers that were not found at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Misses {
    /// Their site was looked up in the virtual machine's sites.
    pub looked_up: u64,
    /// They are copies of a trigger, which the guest has made elsewhere.
    pub copies: u64,
    /// They had been overwritten: the code was fetched again.
    pub stale: u64,
}

/// Time spent, estimated from every 64th time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Time {
    /// How often it was measured.
    pub samples: u64,
    /// The sum, in nanoseconds.
    pub nanoseconds: u64,
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
    pub patched: u64,
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
            patched: 0,
            forgotten: 0,
            unpatched: 0,
            fallbacks: Fallbacks::default(),
            misses: Misses::default(),
            fast_time: Time::default(),
            conventional_time: Time::default(),
        }
    }
}

/// The faults and triggers of one cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OfCause {
    /// The SDM's name of the cause.
    pub cause: &'static str,
    /// Virtualization faults.
    pub faults: u64,
    /// Triggers.
    pub triggers: u64,
}

/// What one virtual processor did.
#[derive(Clone, Debug, Serialize)]
pub struct VpStatistics {
    /// Its number.
    pub vp: usize,
    /// Virtualization faults.
    pub faults: u64,
    /// Triggers executed.
    pub triggers: u64,
    /// The part of all virtualization events that came by trigger, in percent.
    pub by_trigger: f64,
    /// Both by cause, those that happened.
    pub causes: Vec<OfCause>,
    /// The conventional path.
    pub conventional: conventional::Counts,
    /// The mean time of the conventional path, in nanoseconds.
    pub conventional_nanoseconds: f64,
    /// The mean time of a routine, in nanoseconds.
    pub fast_nanoseconds: f64,
    /// See [`Counters`].
    pub on_behalf: u64,
    /// See [`Counters`].
    pub without_routine: u64,
    /// See [`Counters`].
    pub left_by_routine: u64,
    /// See [`Counters`].
    pub routines_built: u64,
    /// See [`Counters`].
    pub routines_shared: u64,
    /// See [`Counters`].
    pub sites_patched: u64,
    /// See [`Counters`].
    pub sites_forgotten: u64,
    /// See [`Counters`].
    pub sites_unpatched: u64,
    /// See [`Counters`].
    pub fallbacks: Fallbacks,
    /// See [`Counters`].
    pub misses: Misses,
}

impl VpStatistics {
    /// The statistics that follow from counters.
    #[must_use]
    pub fn new(vp: usize, counters: &Counters, conventional: &conventional::Counts) -> VpStatistics {
        let (faults, triggers): (u64, u64) = (counters.faults.iter().sum(), counters.triggers.iter().sum());
        let events = faults + triggers - counters.on_behalf;
        let causes = patchbay_isa::Cause::ALL.iter().map(|cause| OfCause {
            cause: cause.name(),
            faults: counters.faults[*cause as usize],
            triggers: counters.triggers[*cause as usize],
        });
        VpStatistics {
            vp,
            faults,
            triggers,
            by_trigger: if events == 0 { 0.0 } else { 100.0 * (events - faults) as f64 / events as f64 },
            causes: causes.filter(|cause| cause.faults + cause.triggers > 0).collect(),
            conventional: *conventional,
            conventional_nanoseconds: counters.conventional_time.mean(),
            fast_nanoseconds: counters.fast_time.mean(),
            on_behalf: counters.on_behalf,
            without_routine: counters.without_routine,
            left_by_routine: counters.left_by_routine,
            routines_built: counters.built,
            routines_shared: counters.shared,
            sites_patched: counters.patched,
            sites_forgotten: counters.forgotten,
            sites_unpatched: counters.unpatched,
            fallbacks: counters.fallbacks,
            misses: counters.misses,
        }
    }
}

impl Time {
    /// Adds what has passed since `start`.
    pub fn add(&mut self, start: Instant) {
        self.samples += 1;
        self.nanoseconds += u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
    }

    fn mean(&self) -> f64 {
        if self.samples == 0 { 0.0 } else { self.nanoseconds as f64 / self.samples as f64 }
    }
}

/// One site.
#[derive(Clone, Debug, Serialize)]
pub struct SiteReport {
    /// Its guest-physical bundle address.
    pub bundle: u64,
    /// Its slot.
    pub slot: u8,
    /// The guest's IP when it was met first.
    pub ip: u64,
    /// The instruction's mnemonic.
    pub mnemonic: &'static str,
    /// Virtualization faults.
    pub faults: u64,
    /// Triggers executed.
    pub triggers: u64,
    /// Whether a trigger stands there.
    pub patched: bool,
    /// The name of the IP, if there are symbols.
    pub symbol: Option<String>,
}

/// What a virtual machine did.
#[derive(Clone, Debug, Serialize)]
pub struct VmStatistics {
    /// Its virtual processors.
    pub vps: Vec<VpStatistics>,
    /// The classes that have ids, in all virtual machines.
    pub classes: usize,
    /// The sites it knows.
    pub sites: usize,
    /// Those that are patched.
    pub sites_patched: usize,
    /// The sites with most faults and triggers.
    pub top: Vec<SiteReport>,
}
