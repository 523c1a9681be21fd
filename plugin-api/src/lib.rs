//! What a Patchbay plugin is: everything that crosses the boundary between the host and a plugin, and the macro that
//! exports one.
//!
//! A plugin takes one of three parts in emulating the privileged instructions of a virtual machine:
//!
//! * a [`Classifier`](classifier::Classifier) says which instructions share an emulation routine;
//! * a [`PatchManager`](patch_manager::PatchManager) says which sites are patched, when, and with which trigger;
//! * [`Routines`](routines::Routines) build the emulation routine of a class from a code template.
//!
//! A plugin is one `impl` of [`Plugin`](plugin::Plugin) and of one of these traits, and one line of [`export_plugins!`].
//! It sees instructions as plain data ([`instruction::Instruction`]) and works on a virtual processor through
//! [`vp::Vp`]. Start with the [guide]; the bundled plugins under `plugins/` are meant as examples.

pub mod class;
pub mod classifier;
pub mod conditions;
pub mod export;
pub mod host;
pub mod instruction;
pub mod loading;
pub mod patch_manager;
pub mod plugin;
pub mod routines;
pub mod services;
pub mod settings;
pub mod site;
pub mod testing;
pub mod vp;
pub mod vpd;

/// What plugins use, to be imported at once.
pub mod prelude {
    pub use crate::class::{Attributes, ClassKey};
    pub use crate::classifier::Classifier;
    pub use crate::conditions::Conditions;
    pub use crate::host::{Host, Level};
    pub use crate::instruction::{Instruction, Mnemonic, Unit};
    pub use crate::patch_manager::{Decision, PatchManager, Review, Trigger};
    pub use crate::plugin::{Counter, Plugin, State, Tunable};
    pub use crate::routines::{Fixups, Routine, Routines, Template};
    pub use crate::settings::Settings;
    pub use crate::site::{Site, SiteFault, SiteStatistics};
    pub use crate::vp::{Emulated, Fault, File, Outcome, Vp};
}

#[doc = include_str!("guide.md")]
pub mod guide {}

/// The version of the plugin API.
///
/// A plugin loads if it was built against the same major version and no newer minor version than the host's. A minor
/// version appends: functions to the tables of this crate, mnemonics, values of the open sets. Everything else is a new
/// major version.
pub const API_VERSION: &str = env!("CARGO_PKG_VERSION");

#[doc(hidden)]
pub use export::private as __private;
