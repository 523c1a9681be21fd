//! The standard emulation routines: all virtualized instructions.

use patchbay_plugin_api::prelude::*;

/// The set of routines. It has no settings.
pub struct RoutinesStandard;

impl Plugin for RoutinesStandard {
    const NAME: &'static str = "routines-standard";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const DESCRIPTION: &'static str = "all virtualized instructions, specialised as far as the class says";

    fn create(config: &str, _: &Host) -> Result<Self, String> {
        Settings::new(config)?.done()?;
        Ok(RoutinesStandard)
    }

    fn self_test(&self) -> Result<(), String> {
        match self.templates().len() {
            templates if templates == Mnemonic::ALL.len() => Ok(()),
            templates => Err(format!("there are {templates} templates for {} mnemonics", Mnemonic::ALL.len())),
        }
    }
}

impl Routines for RoutinesStandard {
    fn templates(&self) -> Vec<Template> {
        patchbay_routines::templates()
    }

    fn build(&self, class: &ClassKey) -> Option<Routine> {
        patchbay_routines::build(class)
    }
}

patchbay_plugin_api::export_plugins! {
    statics: none,
    routines: [RoutinesStandard],
}
