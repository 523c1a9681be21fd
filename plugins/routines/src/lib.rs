//! Emulation routines for all virtualized instructions, for plugins that export or wrap them.
//!
//! The code template map is a table a family: `status`, `control`, `application`, `indexed`, `hash`, `branch_unit`, and
//! `whole` for instructions that the host emulates. A template holds a routine that finds its operands in the fix-up
//! values, one that finds them in the instruction at the site, and maybe special ones for some operands. To add one, write
//! its function and its row.
//!
//! A routine makes the checks of its instruction in the processor's order: PSR.ic, which is vpsr's, target register,
//! privilege, NaT, reserved fields.

mod application;
mod branch_unit;
mod control;
mod hash;
mod indexed;
mod operands;
mod status;
mod template;
mod whole;

use patchbay_plugin_api::prelude::*;
use template::Entry;

const FAMILIES: &[&[Entry]] = &[
    status::TEMPLATES,
    control::TEMPLATES,
    application::TEMPLATES,
    indexed::TEMPLATES,
    hash::TEMPLATES,
    branch_unit::TEMPLATES,
    whole::TEMPLATES,
];

/// The code template map.
#[must_use]
pub fn templates() -> Vec<Template> {
    FAMILIES.iter().copied().flatten().map(|entry| entry.template).collect()
}

/// The customization program: the routine for a class.
#[must_use]
pub fn build(class: &ClassKey) -> Option<Routine> {
    let mnemonic = class.mnemonic()?;
    let entry = FAMILIES.iter().copied().flatten().find(|entry| entry.template.mnemonic() == Some(mnemonic))?;
    Some(entry.customize(class, mnemonic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mnemonic_has_one_template() {
        let mut mnemonics: Vec<_> = templates().iter().map(|template| template.mnemonic().unwrap()).collect();
        mnemonics.sort();
        assert_eq!(mnemonics, Mnemonic::ALL);
    }
}
