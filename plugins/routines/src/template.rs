//! A code template and how a class customizes it.

use patchbay_plugin_api::prelude::*;

use crate::operands::fixups;

/// A row of the code template map.
pub(crate) struct Entry {
    /// What it is for.
    pub(crate) template: Template,
    /// The routine for a class that fixes all operands.
    pub(crate) fixed: Routine,
    /// The routine for any class.
    pub(crate) at_site: Routine,
    /// A better routine for some of the classes that fix all operands.
    pub(crate) special: fn(&ClassKey) -> Option<Routine>,
}

impl Entry {
    /// The routine for a class of this mnemonic.
    pub(crate) fn customize(&self, class: &ClassKey, mnemonic: Mnemonic) -> Routine {
        if !class.fixed().contains(mnemonic.operands()) {
            return self.at_site;
        }
        (self.special)(class).unwrap_or(self.fixed).with_fixups(fixups(class))
    }
}

/// A row: mnemonic, function, what it does, and maybe what finds a special routine.
macro_rules! entry {
    ($mnemonic:ident, $function:ident, $description:literal) => {
        entry!($mnemonic, $function, $description, |_| None)
    };
    ($mnemonic:ident, $function:ident, $description:literal, $special:expr) => {
        $crate::template::Entry {
            template: Template::new(Mnemonic::$mnemonic, $description),
            fixed: Routine::new($function::<$crate::operands::Fixed>, Fixups([0; 4])),
            at_site: Routine::new($function::<$crate::operands::AtSite>, Fixups([0; 4])).with_site(),
            special: $special,
        }
    };
}

pub(crate) use entry;
