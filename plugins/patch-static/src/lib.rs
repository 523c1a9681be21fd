//! A patch manager that patches statically: every site that the survey of the guest's code finds, before the guest executes
//! its first instruction.

use patchbay_plugin_api::prelude::*;

/// The patch manager. Settings: `trigger` and `then` as for `patch-first-fault`; `later`: what happens at a fault of an
/// instruction that the survey has not found, or that the guest has written since (patch or leave).
pub struct PatchStatic {
    decision: Decision,
    later: Decision,
}

impl Plugin for PatchStatic {
    const NAME: &'static str = "patch-static";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const DESCRIPTION: &'static str = "patches all that a survey finds before the guest starts";

    fn create(config: &str, _: &Host) -> Result<Self, String> {
        let mut settings = Settings::new(config)?;
        let decision = settings.decision()?;
        let later: String = settings.get("later", "patch".to_owned())?;
        settings.done()?;
        let later = match &*later {
            "patch" => decision,
            "leave" => Decision::LEAVE,
            _ => return Err(format!("setting later cannot be {later:?}: it is one of patch, leave")),
        };
        Ok(PatchStatic { decision, later })
    }

    fn tunables() -> Vec<Tunable> {
        Tunable::decision().into_iter().chain([Tunable::new("later", ["patch", "leave"])]).collect()
    }
}

impl PatchManager for PatchStatic {
    fn decide(&self, _: &SiteFault) -> Decision {
        self.later
    }

    fn survey(&self, _: &SiteFault, _: &Conditions) -> Option<Decision> {
        Some(self.decision)
    }
}

patchbay_plugin_api::export_plugins! {
    statics: none,
    patch_managers: [PatchStatic],
}
