//! Patch managers: which sites are patched, when, and with which trigger.

use core::ffi::c_void;
use core::time::Duration;

use abi_stable::StableAbi;
use abi_stable::std_types::{ROption, RResult};

use crate::conditions::Conditions;
use crate::export::{Of, guard};
use crate::plugin::{Failure, Plugin, PluginRef};
use crate::site::{SiteFault, SiteStatistics};

/// An emulation trigger: what stands in the place of a patched instruction. The set is open; a host that does not know
/// one, or cannot place it at a site, places `break` and counts why.
///
/// `br.call` is no trigger: it would overwrite ar.pfs and a branch register of the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, StableAbi)]
#[repr(transparent)]
pub struct Trigger(pub u32);

impl Trigger {
    /// No trigger.
    pub const NONE: Trigger = Trigger(0);
    /// `break`, with the class id as its immediate.
    pub const BREAK: Trigger = Trigger(1);
    /// An IP-relative `br` into the monitor's window.
    pub const BRANCH: Trigger = Trigger(2);
    /// A long branch, `brl`, into the monitor's window.
    pub const JMP: Trigger = Trigger(3);
    /// An encoding that the unit reserves; it leads down the conventional path. The baseline for the others. Since API 1.1.
    pub const PSEUDO: Trigger = Trigger(4);
    /// `chk.a.nc r0`, which always branches into the monitor's window. Since API 1.1.
    pub const CHECK: Trigger = Trigger(5);

    /// All triggers, and the names that settings have for them.
    pub const ALL: [(Trigger, &str); 5] = [
        (Trigger::BREAK, "break"),
        (Trigger::PSEUDO, "pseudo"),
        (Trigger::BRANCH, "branch"),
        (Trigger::JMP, "jmp"),
        (Trigger::CHECK, "check"),
    ];

    /// The trigger of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Trigger> {
        Trigger::ALL.iter().find(|(_, other)| *other == name).map(|(trigger, _)| *trigger)
    }

    /// Its name; `None` for one that is newer than this version of the plugin API, and for no trigger.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        Trigger::ALL.iter().find(|(trigger, _)| *trigger == self).map(|(_, name)| *name)
    }
}

/// What to do about a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, StableAbi)]
#[repr(C)]
pub struct Decision {
    trigger: Trigger,
    runs_on_behalf: u32,
}

impl Decision {
    /// Does not patch: the conventional path emulates the instruction.
    pub const LEAVE: Decision = Decision { trigger: Trigger::NONE, runs_on_behalf: 0 };

    /// Patches the site, and resumes the guest at it so that it executes the trigger.
    #[must_use]
    pub const fn patch(trigger: Trigger) -> Decision {
        Decision { trigger, runs_on_behalf: 0 }
    }

    /// The same, but runs the routine at once on the guest's behalf, and resumes the guest after the instruction.
    #[must_use]
    pub const fn run_on_behalf(self) -> Decision {
        Decision { runs_on_behalf: 1, ..self }
    }

    /// The trigger to patch with, if the site is to be patched.
    #[must_use]
    pub fn trigger(&self) -> Option<Trigger> {
        (self.trigger != Trigger::NONE).then_some(self.trigger)
    }

    /// Whether the routine runs at once.
    #[must_use]
    pub const fn runs_on_behalf(&self) -> bool {
        self.runs_on_behalf != 0
    }
}

/// What to do about a site that is reviewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, StableAbi)]
#[repr(C)]
pub struct Review {
    change: u32,
    trigger: Trigger,
}

impl Review {
    /// It stays as it is.
    pub const KEEP: Review = Review { change: 0, trigger: Trigger::NONE };
    /// The original instruction takes the trigger's place.
    pub const UNPATCH: Review = Review { change: 1, trigger: Trigger::NONE };

    /// It gets this trigger, instead of the instruction or of another trigger.
    #[must_use]
    pub const fn patch(trigger: Trigger) -> Review {
        Review { change: 1, trigger }
    }

    /// The trigger it gets, [`Trigger::NONE`] for the original instruction; `None` if it stays as it is.
    #[must_use]
    pub fn change(&self) -> Option<Trigger> {
        (self.change != 0).then_some(self.trigger)
    }
}

/// Decides which sites are patched.
///
/// What is patched stays so until the guest overwrites it, a review changes it, or a swap does. A class id stays with its
/// class until a swap finds no site that has it; if none is left, sites of new classes are not patched.
pub trait PatchManager: Plugin {
    /// What to do about a virtualization fault of an instruction that has a class and can have a routine.
    ///
    /// Called on the thread of the virtual processor, on several at once, for one site also; and when it takes over from
    /// another patch manager and is to decide about the sites that are patched, on a thread of the host. There, a decision
    /// to leave the site unpatches it. May allocate; must not wait. The argument is the host's, for the length of the call.
    fn decide(&self, fault: &SiteFault) -> Decision;

    /// How often all known sites are to be reviewed, on the virtual machine's clock; `None` for never.
    ///
    /// Called once after `create`, and again when its virtual machine is started anew, on any thread.
    fn review_period(&self) -> Option<Duration> {
        None
    }

    /// What to do about one site, patched or not, at the end of a period.
    ///
    /// Called on the thread of one virtual processor between two of its exits, for all sites one after the other: its guest
    /// stands still meanwhile. May allocate; must not wait.
    fn review(&self, site: &SiteStatistics) -> Review {
        let _ = site;
        Review::KEEP
    }

    /// The same as `decide`, by the operating conditions as well: hosts since API 1.1 call this one, and it asks `decide`
    /// unless it is written otherwise.
    ///
    /// Called where `decide` is, under the same rules.
    fn decide_under(&self, fault: &SiteFault, conditions: &Conditions) -> Decision {
        let _ = conditions;
        self.decide(fault)
    }

    /// The same as `review`, by the operating conditions as well: hosts since API 1.1 call this one, and it asks `review`
    /// unless it is written otherwise.
    ///
    /// Called where `review` is, under the same rules.
    fn review_under(&self, site: &SiteStatistics, conditions: &Conditions) -> Review {
        let _ = conditions;
        self.review(site)
    }

    /// What to do, before the guest executes its first instruction, about a site that has not faulted: static patching.
    /// `None`, which is the answer unless this is written otherwise, leaves this site and all others, and ends the survey.
    /// Since API 1.1.
    ///
    /// The host asks about every slot of the loaded image's executable segments, and of memory that its user names, that
    /// has an instruction which the classifier gives a class and which can have a routine, in the order of the addresses.
    /// Data that looks like such an instruction is among them; to patch it does no harm, because it is never executed. A
    /// site's `faults` are 0, its `rid` is 0, and its `ip` is where the image says it is executed. Whether the decision
    /// runs the routine on the guest's behalf makes no difference.
    ///
    /// Called on the thread of the first virtual processor, for one site after the other. May allocate; must not wait. The
    /// arguments are the host's, for the length of the call.
    fn survey(&self, site: &SiteFault, conditions: &Conditions) -> Option<Decision> {
        let _ = (site, conditions);
        None
    }
}

/// A patch manager as it crosses the boundary.
#[derive(StableAbi)]
#[repr(C)]
#[sabi(kind(Prefix(prefix_ref = PatchManagerRef)))]
#[sabi(missing_field(option))]
pub struct PatchManagerTable {
    /// What it has in common with other plugins.
    pub plugin: PluginRef,
    /// [`PatchManager::decide`].
    pub decide: unsafe extern "C" fn(*const c_void, &SiteFault) -> RResult<Decision, Failure>,
    /// [`PatchManager::review_period`], in nanoseconds; 0 for never.
    pub review_period: unsafe extern "C" fn(*const c_void) -> RResult<u64, Failure>,
    /// [`PatchManager::review`].
    #[sabi(last_prefix_field)]
    pub review: unsafe extern "C" fn(*const c_void, &SiteStatistics) -> RResult<Review, Failure>,
    /// [`PatchManager::decide_under`].
    pub decide_under: unsafe extern "C" fn(*const c_void, &SiteFault, &Conditions) -> RResult<Decision, Failure>,
    /// [`PatchManager::review_under`].
    pub review_under: unsafe extern "C" fn(*const c_void, &SiteStatistics, &Conditions) -> RResult<Review, Failure>,
    /// [`PatchManager::survey`].
    pub survey: unsafe extern "C" fn(*const c_void, &SiteFault, &Conditions) -> RResult<ROption<Decision>, Failure>,
}

impl<T: PatchManager> Of<T> {
    abi_stable::staticref! {
        const PATCH_MANAGER: abi_stable::prefix_type::WithMetadata<PatchManagerTable> =
            abi_stable::prefix_type::WithMetadata::new(PatchManagerTable {
                plugin: Of::<T>::PLUGIN_REF,
                decide: decide::<T>,
                review_period: review_period::<T>,
                review: review::<T>,
                decide_under: decide_under::<T>,
                review_under: review_under::<T>,
                survey: survey::<T>,
            })
    }
}

/// The table of a patch manager.
#[must_use]
pub const fn patch_manager<T: PatchManager>() -> PatchManagerRef {
    PatchManagerRef(Of::<T>::PATCH_MANAGER.as_prefix())
}

unsafe extern "C" fn decide<T: PatchManager>(instance: *const c_void, fault: &SiteFault) -> RResult<Decision, Failure> {
    // SAFETY: `instance` came from this type's `create`.
    let plugin = unsafe { &*instance.cast::<T>() };
    guard(|| plugin.decide(fault)).into()
}

unsafe extern "C" fn review_period<T: PatchManager>(instance: *const c_void) -> RResult<u64, Failure> {
    // SAFETY: `instance` came from this type's `create`.
    let plugin = unsafe { &*instance.cast::<T>() };
    let nanoseconds = |period: Duration| u64::try_from(period.as_nanos()).unwrap_or(u64::MAX).max(1);
    guard(|| plugin.review_period().map_or(0, nanoseconds)).into()
}

unsafe extern "C" fn review<T: PatchManager>(
    instance: *const c_void,
    site: &SiteStatistics,
) -> RResult<Review, Failure> {
    // SAFETY: `instance` came from this type's `create`.
    let plugin = unsafe { &*instance.cast::<T>() };
    guard(|| plugin.review(site)).into()
}

unsafe extern "C" fn decide_under<T: PatchManager>(
    instance: *const c_void,
    fault: &SiteFault,
    conditions: &Conditions,
) -> RResult<Decision, Failure> {
    // SAFETY: `instance` came from this type's `create`.
    let plugin = unsafe { &*instance.cast::<T>() };
    guard(|| plugin.decide_under(fault, conditions)).into()
}

unsafe extern "C" fn review_under<T: PatchManager>(
    instance: *const c_void,
    site: &SiteStatistics,
    conditions: &Conditions,
) -> RResult<Review, Failure> {
    // SAFETY: `instance` came from this type's `create`.
    let plugin = unsafe { &*instance.cast::<T>() };
    guard(|| plugin.review_under(site, conditions)).into()
}

unsafe extern "C" fn survey<T: PatchManager>(
    instance: *const c_void,
    site: &SiteFault,
    conditions: &Conditions,
) -> RResult<ROption<Decision>, Failure> {
    // SAFETY: `instance` came from this type's `create`.
    let plugin = unsafe { &*instance.cast::<T>() };
    guard(|| plugin.survey(site, conditions).into()).into()
}
