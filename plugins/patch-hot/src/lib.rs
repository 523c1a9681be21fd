//! A patch manager that patches a site when it has faulted often enough to pay for the patch.

use patchbay_plugin_api::prelude::*;

/// The patch manager. Settings: `threshold`, the fault that patches, counted from 1; `trigger` and `then` as for
/// `patch-first-fault`.
pub struct PatchHot {
    threshold: u64,
    decision: Decision,
}

impl Plugin for PatchHot {
    const NAME: &'static str = "patch-hot";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const DESCRIPTION: &'static str = "patches a site at its fault number `threshold`";

    fn create(config: &str, _: &Host) -> Result<Self, String> {
        let mut settings = Settings::new(config)?;
        let threshold = settings.get("threshold", 16)?;
        let decision = settings.decision()?;
        settings.done()?;
        Ok(PatchHot { threshold, decision })
    }

    fn tunables() -> Vec<Tunable> {
        [Tunable::new("threshold", [1, 4, 16, 64])].into_iter().chain(Tunable::decision()).collect()
    }
}

impl PatchManager for PatchHot {
    fn decide(&self, fault: &SiteFault) -> Decision {
        if fault.faults >= self.threshold { self.decision } else { Decision::LEAVE }
    }
}

patchbay_plugin_api::export_plugins! {
    statics: none,
    patch_managers: [PatchHot],
}
