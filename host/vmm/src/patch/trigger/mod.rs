//! Emulation triggers: what takes the place of a patched instruction in the code view.
//!
//! To add a kind of trigger: its file, its line in [`TRIGGERS`], and its number in `patchbay_plugin_api`.

mod branch;
mod break_immediate;
mod check;
mod decline;
mod long_branch;
mod pseudo_instruction;

pub use break_immediate::break_slot;
pub use decline::Decline;

use patchbay_isa::{Bundle, Slot};
use patchbay_plugin_api::instruction::Instruction;
use patchbay_plugin_api::patch_manager::Trigger;

/// A kind of trigger.
#[derive(Debug)]
pub struct TriggerKind {
    /// Its name in settings, statistics and listings.
    pub name: &'static str,
    /// Its number for plugins.
    pub trigger: Trigger,
    /// What stands in the view, and how the monitor gets control.
    pub help: &'static str,
    /// How it is placed.
    pub form: Form,
    /// Whether its instruction goes down the conventional path: the baseline that other kinds are measured against.
    pub conventional: bool,
}

/// How a trigger is placed.
#[derive(Debug)]
pub enum Form {
    /// Another instruction in the site's slot, which says the number of the class if it has room for it.
    InSlot(fn(instruction: &Instruction, number: u32) -> Result<u64, Decline>),
    /// A branch to a stub in the window.
    Detour(Detour),
}

/// A way into the window.
#[derive(Debug)]
pub struct Detour {
    /// Where the stub is placed.
    pub reach: Reach,
    /// How many slots of the bundle stay in front of the branch for a site in a slot. The stub has copies of the others.
    pub kept: fn(bundle: Bundle, site: Slot) -> usize,
    /// The bundle with the branch in it, from a site's slot to a distance in bytes.
    pub enter: fn(bundle: Bundle, site: &Instruction, distance: i64) -> Result<Bundle, Decline>,
    /// Whether the slots after the site stay in the bundle: those execute that the branch, if it has the site's predicate
    /// and that is 0, falls through to.
    pub falls_through: bool,
}

/// How far the branch into a stub goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reach {
    /// Within 16 MiB, what an IP-relative `br` or `chk` can encode (SDM 3:345).
    Near,
    /// Any distance, what `brl` can encode.
    Far,
}

/// All kinds, in the order in which they are shown. The first takes the place of every one that cannot be placed.
pub static TRIGGERS: [&TriggerKind; 5] =
    [&break_immediate::KIND, &pseudo_instruction::KIND, &branch::KIND, &long_branch::KIND, &check::KIND];

/// The number of kinds.
pub const KINDS: usize = TRIGGERS.len();

/// A kind, by its place in [`TRIGGERS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KindIndex(u8);

impl KindIndex {
    /// The kind that can be placed at every site.
    pub const FALLBACK: KindIndex = KindIndex(0);

    /// All kinds.
    pub fn all() -> impl Iterator<Item = KindIndex> {
        (0..KINDS as u8).map(KindIndex)
    }

    /// The kind that a plugin means; `None` for one that is newer than this host, and for no trigger.
    #[must_use]
    pub fn of(trigger: Trigger) -> Option<KindIndex> {
        KindIndex::all().find(|kind| kind.kind().trigger == trigger)
    }

    /// The kind of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<KindIndex> {
        KindIndex::all().find(|kind| kind.kind().name == name)
    }

    /// The kind of this number.
    #[must_use]
    pub fn new(number: u8) -> Option<KindIndex> {
        (usize::from(number) < KINDS).then_some(KindIndex(number))
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Its row.
    #[inline]
    #[must_use]
    pub fn kind(self) -> &'static TriggerKind {
        TRIGGERS[usize::from(self.0)]
    }

    /// Its place in arrays of something a kind.
    #[inline]
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The names of all kinds.
#[must_use]
pub fn names() -> String {
    TRIGGERS.map(|kind| kind.name).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_number_and_a_name_of_the_plugin_api() {
        for kind in TRIGGERS {
            assert_eq!(Trigger::named(kind.name), Some(kind.trigger));
        }
        assert_eq!(Trigger::ALL.len(), KINDS);
        assert!(!TRIGGERS[KindIndex::FALLBACK.index()].conventional);
    }
}
