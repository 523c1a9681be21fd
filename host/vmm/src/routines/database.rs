//! The emulation routine database: what has been built for each class.

use patchbay_plugin_api::class::ClassKey;
use patchbay_plugin_api::instruction::Instruction;
use patchbay_plugin_api::routines::Routine;

/// What the table has for a class.
#[derive(Debug)]
pub struct Entry {
    /// The routine; `None` where the plugin builds none, and the host emulates the instruction at the site.
    pub routine: Option<Routine>,
    /// The class.
    pub class: ClassKey,
    /// The instruction that was met first.
    pub instruction: Instruction,
}
