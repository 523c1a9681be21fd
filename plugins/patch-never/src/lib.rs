//! A patch manager that patches nothing: what a monitor without patches does, and a way to find out whether a patch is to
//! blame.

use patchbay_plugin_api::prelude::*;

/// The patch manager. It has no settings.
pub struct PatchNever;

impl Plugin for PatchNever {
    const NAME: &'static str = "patch-never";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const DESCRIPTION: &'static str = "patches nothing: every instruction takes the conventional path";

    fn create(config: &str, _: &Host) -> Result<Self, String> {
        Settings::new(config)?.done()?;
        Ok(PatchNever)
    }
}

impl PatchManager for PatchNever {
    fn decide(&self, _: &SiteFault) -> Decision {
        Decision::LEAVE
    }
}

patchbay_plugin_api::export_plugins! {
    statics: none,
    patch_managers: [PatchNever],
}
