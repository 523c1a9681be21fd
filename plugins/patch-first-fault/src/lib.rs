//! A patch manager that patches every site at its first fault.

use patchbay_plugin_api::prelude::*;

/// The patch manager. Settings: `trigger` (break, pseudo, branch, jmp or check), and `then`: whether the guest resumes at the trigger
/// (resume) or the routine runs at once on its behalf (run).
pub struct PatchFirstFault {
    decision: Decision,
}

impl Plugin for PatchFirstFault {
    const NAME: &'static str = "patch-first-fault";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const DESCRIPTION: &'static str = "patches at the first fault";

    fn create(config: &str, _: &Host) -> Result<Self, String> {
        let mut settings = Settings::new(config)?;
        let decision = settings.decision()?;
        settings.done()?;
        Ok(PatchFirstFault { decision })
    }

    fn tunables() -> Vec<Tunable> {
        Tunable::decision().into()
    }
}

impl PatchManager for PatchFirstFault {
    fn decide(&self, _: &SiteFault) -> Decision {
        self.decision
    }
}

patchbay_plugin_api::export_plugins! {
    statics: none,
    patch_managers: [PatchFirstFault],
}
