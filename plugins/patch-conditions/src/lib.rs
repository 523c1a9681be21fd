//! A patch manager that decides by operating conditions: a worked example.
//!
//! It patches at the first fault, with two reservations. B slots have no room for the class in a `break`, so that the
//! monitor must find their sites by address: those that are busy are left to the conventional path, and unpatched when
//! they become so. And what is scarce is kept: triggers that take stubs give way to `break` when the window is nearly
//! full, and sites of a virtual machine with little to emulate get none of the last class ids.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;

use patchbay_plugin_api::prelude::*;

/// The patch manager. Settings: `b-rate`, the events a second above which a site in a B unit is not patched; `keep-ids`,
/// the class ids that are kept for virtual machines with `busy` or more events a second; `keep-bytes`, the bytes of the
/// window that are kept; `trigger` and `then` as for `patch-first-fault`.
pub struct PatchConditions {
    b_rate: u64,
    busy: u64,
    keep_ids: u32,
    keep_bytes: u64,
    decision: Decision,
    declined: AtomicU64,
}

/// How often sites are reviewed.
const PERIOD: Duration = Duration::from_millis(200);

impl Plugin for PatchConditions {
    const NAME: &'static str = "patch-conditions";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const DESCRIPTION: &'static str = "patches by load, unit, and what is left of ids and window: an example";

    fn create(config: &str, _: &Host) -> Result<Self, String> {
        let mut settings = Settings::new(config)?;
        let b_rate = settings.get("b-rate", 100_000)?;
        let busy = settings.get("busy", 1000)?;
        let keep_ids = settings.get("keep-ids", 256)?;
        let keep_bytes = settings.get("keep-bytes", 64 << 10)?;
        let decision = settings.decision()?;
        settings.done()?;
        Ok(PatchConditions { b_rate, busy, keep_ids, keep_bytes, decision, declined: AtomicU64::new(0) })
    }

    fn counters(&self) -> Vec<Counter> {
        vec![Counter::new("decisions against a patch", self.declined.load(Ordering::Relaxed))]
    }

    fn tunables() -> Vec<Tunable> {
        [Tunable::new("b-rate", [0, 1000, 100_000])].into_iter().chain(Tunable::decision()).collect()
    }
}

impl PatchConditions {
    /// Whether a site in a B unit is too busy for a trigger.
    fn is_busy_branch_unit(&self, conditions: &Conditions) -> bool {
        conditions.unit() == Some(Unit::B) && conditions.site_rate > self.b_rate
    }

    fn decline(&self) -> Decision {
        self.declined.fetch_add(1, Ordering::Relaxed);
        Decision::LEAVE
    }
}

impl PatchManager for PatchConditions {
    /// Only hosts without conditions ask this.
    fn decide(&self, _: &SiteFault) -> Decision {
        self.decision
    }

    fn decide_under(&self, _: &SiteFault, conditions: &Conditions) -> Decision {
        let ids_are_kept = conditions.classes_left <= self.keep_ids && conditions.vm_rate < self.busy;
        if ids_are_kept || self.is_busy_branch_unit(conditions) {
            return self.decline();
        }
        let takes_a_stub = matches!(self.decision.trigger(), Some(Trigger::BRANCH | Trigger::JMP | Trigger::CHECK));
        if !takes_a_stub || conditions.window_left > self.keep_bytes {
            return self.decision;
        }
        let instead = Decision::patch(Trigger::BREAK);
        if self.decision.runs_on_behalf() { instead.run_on_behalf() } else { instead }
    }

    fn review_period(&self) -> Option<Duration> {
        Some(PERIOD)
    }

    fn review_under(&self, site: &SiteStatistics, conditions: &Conditions) -> Review {
        if site.trigger != Trigger::NONE && self.is_busy_branch_unit(conditions) {
            self.decline();
            return Review::UNPATCH;
        }
        Review::KEEP
    }
}

patchbay_plugin_api::export_plugins! {
    statics: none,
    patch_managers: [PatchConditions],
}

#[cfg(test)]
mod tests {
    use patchbay_plugin_api::testing;

    use super::*;

    fn decide(config: &str, conditions: Conditions) -> Option<Trigger> {
        let instruction = testing::instruction(Mnemonic::Rfi);
        let site = Site { bundle: 0x1000, ip: 0x1000, rid: 0, vm: 0, vp: 0, reserved: 0 };
        let class = ClassKey::new(&instruction, Attributes::NONE);
        let manager = PatchConditions::create(config, &testing::host()).expect("good settings");
        manager.decide_under(&SiteFault { site, class, instruction, faults: 1 }, &conditions).trigger()
    }

    const PLENTY: Conditions = Conditions {
        processors: 1,
        before_start: 0,
        uptime: 0,
        vm_rate: 0,
        site_rate: 0,
        classes_left: 1000,
        site_unit: Unit::B as u32,
        window_left: 1 << 20,
        reserved: [0; 3],
    };

    #[test]
    fn a_busy_branch_unit_is_left() {
        assert_eq!(decide("b-rate=10", Conditions { site_rate: 10, ..PLENTY }), Some(Trigger::BREAK));
        assert_eq!(decide("b-rate=10", Conditions { site_rate: 11, ..PLENTY }), None);
        let m = Conditions { site_rate: 11, site_unit: Unit::M as u32, ..PLENTY };
        assert_eq!(decide("b-rate=10", m), Some(Trigger::BREAK));
    }

    #[test]
    fn the_last_ids_and_bytes_are_kept() {
        let few = Conditions { classes_left: 5, ..PLENTY };
        assert_eq!(decide("keep-ids=5", few), None);
        assert_eq!(decide("keep-ids=5,busy=7", Conditions { vm_rate: 7, ..few }), Some(Trigger::BREAK));
        assert_eq!(decide("keep-ids=4", few), Some(Trigger::BREAK));
        let full = Conditions { window_left: 16, ..PLENTY };
        assert_eq!(decide("trigger=jmp,keep-bytes=16", full), Some(Trigger::BREAK));
        assert_eq!(decide("trigger=jmp,keep-bytes=15", full), Some(Trigger::JMP));
        assert_eq!(decide("trigger=pseudo,keep-bytes=16", full), Some(Trigger::PSEUDO));
    }
}
