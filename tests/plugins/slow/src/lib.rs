//! A patch manager that patches nothing and takes its time about it: what it costs an event is known, so that a measurement can
//! be checked.

use std::time::{Duration, Instant};

use patchbay_plugin_api::prelude::*;

/// The patch manager. Setting: `nanoseconds`, the processor time of each decision.
pub struct PatchSlow(Duration);

impl Plugin for PatchSlow {
    const NAME: &'static str = "patch-slow";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const DESCRIPTION: &'static str = "patches nothing, slowly";

    fn create(config: &str, _: &Host) -> Result<Self, String> {
        let mut settings = Settings::new(config)?;
        let nanoseconds = settings.get("nanoseconds", 1000)?;
        settings.done()?;
        Ok(PatchSlow(Duration::from_nanos(nanoseconds)))
    }
}

impl PatchManager for PatchSlow {
    fn decide(&self, _: &SiteFault) -> Decision {
        let start = Instant::now();
        while start.elapsed() < self.0 {
            std::hint::spin_loop();
        }
        Decision::LEAVE
    }
}

patchbay_plugin_api::export_plugins! {
    patch_managers: [PatchSlow],
}
