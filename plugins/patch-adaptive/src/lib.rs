//! A patch manager that keeps patched what is hot now: it patches a site that has faulted often enough, and gives the
//! original instruction back where a period has seen hardly any trigger. The site has to earn its next patch anew.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;

use patchbay_plugin_api::prelude::*;

/// The patch manager. Settings: `hot`, the faults that each patch of a site costs; `period-ms`, on the virtual machine's
/// clock; `cold`, the triggers of one period below which a site is unpatched; `trigger` and `then` as for
/// `patch-first-fault`.
pub struct PatchAdaptive {
    period: Duration,
    hot: u64,
    cold: u64,
    decision: Decision,
    warmed: AtomicU64,
    cooled: AtomicU64,
}

/// The form of the state: the two counters, little endian.
const STATE: u32 = 1;

impl Plugin for PatchAdaptive {
    const NAME: &'static str = "patch-adaptive";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const DESCRIPTION: &'static str = "patches what is hot now, unpatches what went cold";

    fn create(config: &str, _: &Host) -> Result<Self, String> {
        let mut settings = Settings::new(config)?;
        let period: u64 = settings.get("period-ms", 1000)?;
        let hot = settings.get("hot", 16)?;
        let cold = settings.get("cold", 1)?;
        let decision = settings.decision()?;
        settings.done()?;
        if period == 0 || hot == 0 {
            return Err("period-ms and hot must be at least 1".to_owned());
        }
        let (warmed, cooled) = (AtomicU64::new(0), AtomicU64::new(0));
        Ok(PatchAdaptive { period: Duration::from_millis(period), hot, cold, decision, warmed, cooled })
    }

    fn export_state(&self) -> Option<State> {
        let counters = [&self.warmed, &self.cooled].map(|counter| counter.load(Ordering::Relaxed).to_le_bytes());
        Some(State::new(STATE, counters.concat()))
    }

    fn import_state(&mut self, state: &State) -> Result<(), String> {
        let (counters, rest) = state.bytes().as_chunks();
        match (state.version(), counters, rest) {
            (STATE, &[warmed, cooled], []) => {
                self.warmed = u64::from_le_bytes(warmed).into();
                self.cooled = u64::from_le_bytes(cooled).into();
                Ok(())
            }
            (version, ..) => Err(format!("state of version {version} and {} bytes is not known", state.bytes().len())),
        }
    }

    fn counters(&self) -> Vec<Counter> {
        vec![
            Counter::new("sites that became hot", self.warmed.load(Ordering::Relaxed)),
            Counter::new("sites that went cold", self.cooled.load(Ordering::Relaxed)),
        ]
    }

    fn tunables() -> Vec<Tunable> {
        let own = [
            Tunable::new("period-ms", [10, 100, 1000]),
            Tunable::new("hot", [4, 16, 64]),
            Tunable::new("cold", [1, 16]),
        ];
        own.into_iter().chain(Tunable::decision()).collect()
    }
}

impl PatchManager for PatchAdaptive {
    fn decide(&self, fault: &SiteFault) -> Decision {
        if !fault.faults.is_multiple_of(self.hot) {
            return Decision::LEAVE;
        }
        self.warmed.fetch_add(1, Ordering::Relaxed);
        self.decision
    }

    fn review_period(&self) -> Option<Duration> {
        Some(self.period)
    }

    /// A site that faulted often in one period and is not patched could not be when that was decided.
    fn review(&self, site: &SiteStatistics) -> Review {
        if site.trigger != Trigger::NONE {
            if site.triggers >= self.cold {
                return Review::KEEP;
            }
            self.cooled.fetch_add(1, Ordering::Relaxed);
            return Review::UNPATCH;
        }
        match self.decision.trigger() {
            Some(trigger) if site.faults >= self.hot => {
                self.warmed.fetch_add(1, Ordering::Relaxed);
                Review::patch(trigger)
            }
            _ => Review::KEEP,
        }
    }
}

patchbay_plugin_api::export_plugins! {
    statics: none,
    patch_managers: [PatchAdaptive],
}
