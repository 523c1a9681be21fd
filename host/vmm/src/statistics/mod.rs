//! What the monitor reports: of each virtual processor, of all of them together, and of the sites.

pub mod counters;
pub mod text;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use patchbay_plugin_api::instruction::Mnemonic;
use serde::{Serialize, Serializer};

use crate::conventional;
use crate::patch::code_view::CodeView;
use crate::patch::site::PatchSite;
use crate::patch::trigger::{Decline, KindIndex};
use crate::plugins::{Instance, Kind, PluginKind};
use crate::routines::class_ids::IdStatistics;
use crate::statistics::counters::{Counters, Fallbacks, KindCounts, Time};

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

/// The triggers of one kind that were executed.
#[derive(Clone, Debug, Serialize)]
pub struct OfTrigger {
    /// The kind.
    pub trigger: &'static str,
    /// How many.
    pub events: u64,
    /// The time from a trigger to the end of its emulation.
    pub time: OfTime,
}

impl OfTrigger {
    fn new(kind: KindIndex, counts: &KindCounts) -> OfTrigger {
        OfTrigger { trigger: kind.kind().name, events: counts.events, time: OfTime::new(&counts.time) }
    }
}

/// How times are distributed, in nanoseconds. The clock is read at the first 64 and every 64th later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct OfTime {
    /// How many were measured.
    pub samples: u64,
    /// The median.
    pub p50: u64,
    /// What 99 of 100 do not exceed.
    pub p99: u64,
}

impl OfTime {
    fn new(time: &Time) -> OfTime {
        OfTime { samples: time.samples(), p50: time.quantile(0.5), p99: time.quantile(0.99) }
    }
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
    /// The time of the conventional path of faults. What it takes to leave the run loop and to decide about a fault is not
    /// in it.
    pub conventional_time: OfTime,
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
    /// Sites that a review has unpatched.
    pub sites_unpatched: u64,
    /// Triggers executed, by kind.
    pub by_kind: Vec<OfTrigger>,
    /// See [`Counters`].
    pub fallbacks: Fallbacks,
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
        Work {
            faults,
            triggers,
            by_trigger: if events == 0 { 0.0 } else { 100.0 * (events - faults) as f64 / events as f64 },
            causes: causes.filter(|cause| cause.faults + cause.triggers > 0).collect(),
            conventional: *conventional,
            conventional_time: OfTime::new(&counters.conventional_time),
            on_behalf: counters.on_behalf,
            without_routine: counters.without_routine,
            left_by_routine: counters.left_by_routine,
            routines_built: counters.built,
            routines_shared: counters.shared,
            sites_unpatched: counters.unpatched,
            by_kind: KindIndex::all().map(|kind| OfTrigger::new(kind, &counters.kinds[kind.index()])).collect(),
            fallbacks: counters.fallbacks,
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
    /// The kind of trigger that stands there.
    pub trigger: Option<&'static str>,
    /// The kind of trigger that was asked for and could not be placed, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declined: Option<DeclinedReport>,
    /// The name of the IP, if there are symbols.
    pub symbol: Option<String>,
}

/// A trigger that could not be placed at a site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeclinedReport {
    /// The kind.
    pub trigger: &'static str,
    /// Why.
    pub why: String,
}

impl SiteReport {
    /// A report of a site; `symbol` names addresses.
    pub fn new(site: &PatchSite, symbol: impl Fn(u64) -> Option<String>) -> SiteReport {
        let report =
            |(kind, why): (KindIndex, Decline)| DeclinedReport { trigger: kind.kind().name, why: why.to_string() };
        SiteReport {
            bundle: site.place.bundle,
            slot: site.instruction.slot,
            ip: site.place.ip,
            mnemonic: site.instruction.mnemonic().map_or("", Mnemonic::name),
            faults: site.faults(),
            triggers: site.triggers(),
            trigger: site.standing().map(|standing| standing.kind.kind().name),
            declined: site.declined().map(report),
            symbol: symbol(site.place.ip),
        }
    }
}

/// What became of the triggers of one kind in a virtual machine.
#[derive(Clone, Debug, Serialize)]
pub struct KindReport {
    /// The kind.
    pub trigger: &'static str,
    /// The sites at which it stands.
    pub sites: u64,
    /// Sites that had no trigger and got one.
    pub placed: u64,
    /// Sites that had another trigger, or one of another class, and got one.
    pub retriggered: u64,
    /// Sites that lost one to a review, a swap or a request.
    pub removed: u64,
    /// Sites that lost one because their instruction was no longer in memory.
    pub dropped: u64,
    /// How often it could not be placed.
    pub declined: u64,
    /// The same by reason, those that happened.
    pub declined_by_reason: BTreeMap<&'static str, u64>,
}

impl KindReport {
    /// A report of each kind, without the sites.
    pub(crate) fn all(view: &CodeView) -> Vec<KindReport> {
        let report = |kind: KindIndex| {
            let counts = view.counts(kind);
            let reasons = Decline::ALL.iter().zip(counts.declined).filter(|(_, count)| *count > 0);
            KindReport {
                trigger: kind.kind().name,
                sites: 0,
                placed: counts.placed,
                retriggered: counts.retriggered,
                removed: counts.removed,
                dropped: counts.dropped,
                declined: counts.declined.iter().sum(),
                declined_by_reason: reasons.map(|(why, count)| (why.name(), count)).collect(),
            }
        };
        KindIndex::all().map(report).collect()
    }
}

/// The stubs of a virtual machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct WindowReport {
    /// Stubs in use.
    pub stubs: u64,
    /// The bytes that stubs take.
    pub bytes: u64,
    /// The bytes that are left.
    pub bytes_left: u64,
}

/// An address as it is written: `"0xa000000100010e20"`.
pub(crate) fn hexadecimal<S: Serializer>(address: &u64, to: S) -> Result<S::Ok, S::Error> {
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
    pub sites_patched: u64,
    /// The triggers that stand at them, by kind.
    pub triggers: Vec<KindReport>,
    /// The stubs that some of them lead to.
    pub window: WindowReport,
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
