//! What the monitor reports: of each virtual processor, of all of them together, and of the sites.

pub mod counters;
pub mod text;

use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::conventional;
use crate::plugins::{Instance, Kind, PluginKind};
use crate::routines::class_ids::IdStatistics;
use crate::statistics::counters::{Counters, Fallbacks, Misses};

/// What a virtual processor counted.
#[derive(Clone, Debug)]
pub struct VpCounts {
    /// Its number.
    pub vp: usize,
    /// The monitor's counters.
    pub counters: Counters,
    /// Those of its conventional path.
    pub conventional: conventional::Counts,
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

/// The sites patched with one trigger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OfTrigger {
    /// The trigger.
    pub trigger: &'static str,
    /// Sites.
    pub sites: u64,
}

/// What was done, by one virtual processor or by all.
#[derive(Clone, Debug, Serialize)]
pub struct Work {
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
    /// The mean time of the conventional path, in nanoseconds. What it takes to leave the run loop and to decide about a
    /// fault is not in it.
    pub conventional_nanoseconds: f64,
    /// The time of the conventional path, in seconds, estimated from that.
    pub conventional_seconds: f64,
    /// How many times of the conventional path were measured.
    pub conventional_samples: u64,
    /// The mean time of a routine, in nanoseconds, with the way there from its site.
    pub fast_nanoseconds: f64,
    /// The time of routines, in seconds, estimated from that.
    pub fast_seconds: f64,
    /// How many times of routines were measured.
    pub fast_samples: u64,
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
    /// The same by trigger.
    pub patched_by_trigger: Vec<OfTrigger>,
    /// See [`Counters`].
    pub sites_forgotten: u64,
    /// See [`Counters`].
    pub sites_unpatched: u64,
    /// See [`Counters`].
    pub fallbacks: Fallbacks,
    /// See [`Counters`].
    pub misses: Misses,
}

impl Work {
    fn new(counters: &Counters, conventional: &conventional::Counts) -> Work {
        let (faults, triggers): (u64, u64) = (counters.faults.iter().sum(), counters.triggers.iter().sum());
        let events = faults + triggers - counters.on_behalf;
        let causes = patchbay_isa::Cause::ALL.iter().map(|cause| OfCause {
            cause: cause.name(),
            faults: counters.faults[*cause as usize],
            triggers: counters.triggers[*cause as usize],
        });
        let patched = [("break", counters.patched.break_immediate), ("break.b", counters.patched.break_b)];
        let seconds = |mean: f64, count: u64| mean * count as f64 * 1e-9;
        let (conventional_mean, fast_mean) = (counters.conventional_time.mean(), counters.fast_time.mean());
        Work {
            faults,
            triggers,
            by_trigger: if events == 0 { 0.0 } else { 100.0 * (events - faults) as f64 / events as f64 },
            causes: causes.filter(|cause| cause.faults + cause.triggers > 0).collect(),
            conventional: *conventional,
            conventional_nanoseconds: conventional_mean,
            conventional_seconds: seconds(conventional_mean, conventional.emulated),
            conventional_samples: counters.conventional_time.samples,
            fast_nanoseconds: fast_mean,
            fast_seconds: seconds(fast_mean, triggers),
            fast_samples: counters.fast_time.samples,
            on_behalf: counters.on_behalf,
            without_routine: counters.without_routine,
            left_by_routine: counters.left_by_routine,
            routines_built: counters.built,
            routines_shared: counters.shared,
            sites_patched: counters.patched.all(),
            patched_by_trigger: patched.map(|(trigger, sites)| OfTrigger { trigger, sites }).to_vec(),
            sites_forgotten: counters.forgotten,
            sites_unpatched: counters.unpatched,
            fallbacks: counters.fallbacks,
            misses: counters.misses,
        }
    }
}

/// What one virtual processor did.
#[derive(Clone, Debug, Serialize)]
pub struct VpStatistics {
    /// Its number.
    pub vp: usize,
    /// What it did.
    #[serde(flatten)]
    pub work: Work,
}

/// One site.
#[derive(Clone, Debug, Serialize)]
pub struct SiteReport {
    /// Its guest-physical bundle address.
    #[serde(serialize_with = "hexadecimal")]
    pub bundle: u64,
    /// Its slot.
    pub slot: u8,
    /// The guest's IP when it was met first.
    #[serde(serialize_with = "hexadecimal")]
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

/// An address as it is written: `"0xa000000100010e20"`.
fn hexadecimal<S: Serializer>(address: &u64, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&format_args!("{address:#x}"))
}

/// A plugin at work.
#[derive(Clone, Debug, Serialize)]
pub struct PluginReport {
    /// Its kind.
    pub kind: Kind,
    /// Which virtual processor's it is, where each has its own.
    pub vp: Option<usize>,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it counted, by name, in the order in which it says so.
    #[serde(serialize_with = "in_order")]
    pub counters: Vec<(String, u64)>,
    /// Why it does not say what it counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Counters as an object that keeps their order.
fn in_order<S: Serializer>(counters: &[(String, u64)], to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(counters.iter().map(|(name, value)| (name, value)))
}

impl PluginReport {
    /// A report of an instance, which has so long to give its counters.
    #[must_use]
    pub fn new<T: PluginKind>(instance: &Arc<Instance<T>>, vp: Option<usize>, limit: Duration) -> PluginReport {
        let descriptor = instance.descriptor();
        let counted = instance.within(limit, "counters", Instance::counters);
        let (counters, error) = match counted {
            Ok(counters) => (counters, None),
            Err(failed) => (Vec::new(), Some(failed.to_string())),
        };
        PluginReport {
            error,
            kind: descriptor.kind,
            vp,
            name: descriptor.name.clone(),
            version: descriptor.version.clone(),
            counters: counters.iter().map(|counter| (counter.name().to_owned(), counter.value)).collect(),
        }
    }
}

/// What a virtual machine did.
#[derive(Clone, Debug, Serialize)]
pub struct VmStatistics {
    /// All its virtual processors together.
    pub total: Work,
    /// Its virtual processors.
    pub vps: Vec<VpStatistics>,
    /// Its classes that have ids.
    pub classes: usize,
    /// The ids of all virtual machines.
    pub ids: IdStatistics,
    /// The sites it knows.
    pub sites: usize,
    /// Those that are patched.
    pub sites_patched: usize,
    /// Those forgotten because devices, firmware or routines have overwritten them.
    pub sites_forgotten_by_others: u64,
    /// The plugins that serve.
    pub plugins: Vec<PluginReport>,
    /// The sites with most faults and triggers.
    pub top: Vec<SiteReport>,
}

/// What virtual processors did together, and each.
#[must_use]
pub fn work(counts: &[VpCounts]) -> (Work, Vec<VpStatistics>) {
    let (mut counters, mut conventional) = (Counters::default(), conventional::Counts::default());
    for vp in counts {
        counters += &vp.counters;
        conventional += vp.conventional;
    }
    let each = |vp: &VpCounts| VpStatistics { vp: vp.vp, work: Work::new(&vp.counters, &vp.conventional) };
    (Work::new(&counters, &conventional), counts.iter().map(each).collect())
}
