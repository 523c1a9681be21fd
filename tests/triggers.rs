//! Whatever trigger stands in the view of the guest's code, the guest sees the same, and as many of its instructions execute.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use patchbay_plugin_api::patch_manager::PatchManagerRef;
use patchbay_plugin_api::prelude::*;
use patchbay_tests::{Boot, Booted, plugins, plugins_with};
use patchbay_vmm::patch::trigger::TRIGGERS;
use patchbay_vmm::plugins::{Instance, Plugin as Found};
use patchbay_vmm::policy::BUNDLED;
use patchbay_vmm::policy::serving::Plugins;
use patchbay_vmm::statistics::VmStatistics;
use patchbay_vmm::vm::Scope;

/// Guests whose subject is code that is patched.
const OF_CODE: [&str; 2] = ["displaced", "owncode"];

/// The policies that patch.
fn policies() -> impl Iterator<Item = &'static str> + Clone {
    BUNDLED.iter().map(|(policy, _)| *policy).filter(|policy| *policy != "never")
}

fn kinds() -> impl Iterator<Item = &'static str> + Clone {
    TRIGGERS.iter().map(|kind| kind.name)
}

/// Gives each site a kind of its own, and another one at each review: bundles mix them, and change while they execute.
struct Mixes {
    /// Added to the number of a site's kind.
    turn: AtomicU64,
    reviews: bool,
}

impl Plugin for Mixes {
    const NAME: &'static str = "mixes";
    const VERSION: &'static str = "0.0.0";
    const DESCRIPTION: &'static str = "for tests";
    fn create(config: &str, _: &Host) -> Result<Self, String> {
        let mut settings = Settings::new(config)?;
        let turn = settings.get("turn", 0)?;
        let reviews = settings.get("reviews", 0)? != 0;
        settings.done()?;
        Ok(Mixes { turn: turn.into(), reviews })
    }
}

impl Mixes {
    fn kind(&self, site: &Site, slot: u8) -> Trigger {
        let number = (site.bundle >> 4) + u64::from(slot) * 2 + self.turn.load(Ordering::Relaxed);
        Trigger::ALL[number as usize % Trigger::ALL.len()].0
    }
}

impl PatchManager for Mixes {
    fn decide(&self, fault: &SiteFault) -> Decision {
        Decision::patch(self.kind(&fault.site, fault.instruction.slot))
    }

    fn review_period(&self) -> Option<Duration> {
        self.reviews.then_some(Duration::from_millis(2))
    }

    fn review(&self, site: &SiteStatistics) -> Review {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        match turn % 7 {
            0 => Review::UNPATCH,
            1 | 2 => Review::KEEP,
            _ => Review::patch(self.kind(&site.site, site.instruction.slot)),
        }
    }
}

/// The default policy with a patch manager that mixes kinds.
fn mixing(turn: u64, reviews: bool) -> Plugins {
    let config = format!("turn = {turn}\nreviews = {}", u64::from(reviews));
    let mixes = Instance::create(&Found::<PatchManagerRef>::linked::<Mixes>(), &config, None).expect("an instance");
    Plugins { patch_manager: Arc::new(mixes), ..plugins("default") }
}

/// What a guest printed, and how many instructions it took.
fn left(booted: &Booted) -> (&str, u64) {
    booted.expect_power_off();
    (&booted.console, booted.run.statistics.processors.iter().sum())
}

/// Whether triggers of this kind were executed.
fn executed(statistics: &VmStatistics, kind: &str) -> bool {
    statistics.total.by_kind.iter().any(|of| of.trigger == kind && of.events > 0)
}

/// A guest on one processor prints the same and counts as many instructions in all modes and with all triggers.
fn equal_on_one_processor(guest: &'static str) {
    let boot = Boot::bare(guest, 1).deterministic();
    let native = boot.run();
    let expected = left(&native);
    assert_eq!(left(&boot.run_virtual(None, Scope::Vmm).0), expected, "{guest} without patching");
    for (kind, policy) in kinds().zip(policies().cycle()) {
        let (booted, statistics) = boot.run_with(Some(&plugins_with(policy, kind)), Scope::Vmm);
        assert_eq!(left(&booted), expected, "{guest}: {kind} under {policy}");
        assert!(executed(&statistics, kind), "{guest}: {kind} under {policy}");
    }
    for (turn, reviews) in [(0, true), (2, false)] {
        let (booted, statistics) = boot.run_with(Some(&mixing(turn, reviews)), Scope::Vmm);
        assert_eq!(left(&booted), expected, "{guest}: mixed from kind {turn} on");
        assert!(kinds().all(|kind| executed(&statistics, kind)), "{guest}: mixed from kind {turn} on");
    }
}

#[test]
fn neighbours_notice_no_trigger() {
    equal_on_one_processor("displaced");
}

#[test]
fn a_guest_finds_its_own_code() {
    equal_on_one_processor("owncode");
}

/// On processors that run side by side, what each guest prints is the same.
fn equal_on_two_processors(guest: &'static str, plugins: impl IntoIterator<Item = (String, Plugins)>) {
    let boot = Boot::bare(guest, 2);
    let native = boot.run();
    let (expected, _) = left(&native);
    for (number, (name, plugins)) in plugins.into_iter().enumerate() {
        let scope = [Scope::Vmm, Scope::Vp][number % 2];
        let (booted, _) = boot.run_with(Some(&plugins), scope);
        assert_eq!(left(&booted).0, expected, "{guest}: {name}");
    }
}

/// Kinds whose way leads through the window, each under another policy, and kinds mixed.
fn rotated() -> impl Iterator<Item = (String, Plugins)> {
    let one_kind = ["branch", "jmp", "check"].into_iter().zip(policies());
    let one_kind = one_kind.map(|(kind, policy)| (format!("{kind} under {policy}"), plugins_with(policy, kind)));
    one_kind.chain([("mixed and reviewed".to_owned(), mixing(0, true))])
}

#[test]
fn another_processor_notices_no_trigger() {
    for guest in OF_CODE {
        equal_on_two_processors(guest, rotated());
    }
}

#[test]
#[ignore = "long: each kind is tested by default, and each policy"]
fn every_policy_with_every_kind() {
    for guest in OF_CODE {
        let all = kinds().flat_map(|kind| policies().map(move |policy| (kind, policy)));
        let all = all.map(|(kind, policy)| (format!("{kind} under {policy}"), plugins_with(policy, kind)));
        equal_on_two_processors(guest, all);
    }
}

/// Guests that check interruptions, times and page tables of their own pass with each kind.
#[test]
fn other_guests_pass_with_every_kind() {
    for kind in kinds() {
        for (guest, processors) in [("faults", 1), ("privops", 1), ("vhpt", 1), ("timer", 1), ("selfmod", 2)] {
            let (booted, _) = Boot::bare(guest, processors).run_with(Some(&plugins_with("default", kind)), Scope::Vmm);
            booted.expect_power_off();
            let summary = booted.console.lines().last().unwrap_or_default();
            assert!(summary.ends_with(" 0 failed"), "{guest} with {kind}\n{}", booted.console);
        }
    }
}
