//! Class ids: the numbers that triggers carry, one number space for all virtual machines.
//!
//! A virtual machine holds the ids of its classes. With each swap it gives those up whose class no site has: first it
//! retires an id, and after a grace period, when no virtual processor can have it in hand, the id is done with. An id that
//! nobody holds and that all are done with may be given again. But the guest may have copied a trigger: those ids are
//! given last, the one that has been free longest first.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Mutex;

use patchbay_plugin_api::class::ClassKey;
use serde::Serialize;

use crate::fast_path::lock;

/// The lowest immediate that is used for triggers unless another is asked for: above what operating systems, debuggers
/// and compilers use.
pub const BASE_ID: u32 = 0x18_0000;
/// How many ids there are unless another number is asked for.
pub const RESERVED_NUM: u32 = 0x4000;
/// The immediates of `break` that reach cr.iim.
const IMMEDIATES: u32 = 1 << 21;

/// The number of a class among the ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClassId(pub u32);

/// The range is not one of immediates of `break`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{count} ids from {base:#x} on are not immediates of break: they are 1 to 0x1fffff")]
pub struct RangeError {
    base: u32,
    count: u32,
}

/// The ids, BASE_ID to BASE_ID + RESERVED_NUM.
#[derive(Debug)]
pub struct Ids {
    base: u32,
    count: u32,
    classes: Mutex<Classes>,
}

/// Who holds ids: a virtual machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder(u64);

#[derive(Debug, Default)]
struct Classes {
    ids: HashMap<ClassKey, ClassId>,
    used: HashMap<ClassId, Use>,
    /// The ids that were never given begin here.
    fresh: u32,
    /// Those that may be given again.
    free: VecDeque<ClassId>,
    holders: u64,
}

#[derive(Debug)]
struct Use {
    class: ClassKey,
    holders: Vec<Holder>,
    /// The holders that have retired it, and are not done with it.
    retired: u32,
}

/// The ids of the monitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct IdStatistics {
    /// BASE_ID.
    pub base: u32,
    /// RESERVED_NUM.
    pub count: u32,
    /// Those that are in use.
    pub used: u32,
    /// Those that were in use.
    pub free_again: u32,
}

impl Ids {
    /// A range of ids.
    ///
    /// # Errors
    /// If some of them are not immediates of `break`, or 0, which is that of every `break.b`.
    pub fn new(base: u32, count: u32) -> Result<Ids, RangeError> {
        if base == 0 || count == 0 || base.checked_add(count).is_none_or(|end| end > IMMEDIATES) {
            return Err(RangeError { base, count });
        }
        Ok(Ids { base, count, classes: Mutex::default() })
    }

    /// BASE_ID.
    #[must_use]
    pub fn base(&self) -> u32 {
        self.base
    }

    /// RESERVED_NUM.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The immediate of triggers of a class.
    #[must_use]
    pub fn immediate(&self, id: ClassId) -> u32 {
        self.base + id.0
    }

    /// Somebody who is to hold ids.
    #[must_use]
    pub fn holder(&self) -> Holder {
        let mut classes = lock(&self.classes);
        classes.holders += 1;
        Holder(classes.holders)
    }

    /// The id of a class, a new one if it has none, which `holder` holds from now on; `None` if all are in use.
    #[must_use]
    pub fn assign(&self, holder: Holder, class: &ClassKey) -> Option<ClassId> {
        let classes = &mut *lock(&self.classes);
        if let Some(id) = classes.ids.get(class) {
            if let Some(used) = classes.used.get_mut(id)
                && !used.holders.contains(&holder)
            {
                used.holders.push(holder);
            }
            return Some(*id);
        }
        let id = if classes.fresh < self.count {
            classes.fresh += 1;
            ClassId(classes.fresh - 1)
        } else {
            classes.free.pop_front()?
        };
        classes.ids.insert(*class, id);
        classes.used.insert(id, Use { class: *class, holders: vec![holder], retired: 0 });
        Some(id)
    }

    /// The ids that somebody holds, and their classes.
    #[must_use]
    pub fn held(&self, holder: Holder) -> Vec<(ClassId, ClassKey)> {
        let classes = lock(&self.classes);
        let held = classes.used.iter().filter(|(_, used)| used.holders.contains(&holder));
        let mut held: Vec<_> = held.map(|(id, used)| (*id, used.class)).collect();
        held.sort_unstable();
        held
    }

    /// A holder gives ids up: no site of its has them. `gone` is told of those that nobody holds any more and nobody else
    /// has in hand, before one of them can be given again.
    pub fn retire(&self, holder: Holder, ids: &[ClassId], gone: impl FnOnce(&HashSet<ClassId>)) {
        let classes = &mut *lock(&self.classes);
        for id in ids {
            let Some(used) = classes.used.get_mut(id) else { continue };
            let before = used.holders.len();
            used.holders.retain(|other| *other != holder);
            used.retired += u32::from(used.holders.len() < before);
            if used.holders.is_empty() {
                classes.ids.remove(&used.class);
            }
        }
        let is_gone =
            |id: &&ClassId| classes.used.get(id).is_some_and(|used| used.holders.is_empty() && used.retired <= 1);
        gone(&ids.iter().filter(is_gone).copied().collect());
    }

    /// A holder is done with ids that it has retired: every virtual processor has passed a quiescent point since.
    pub fn done(&self, ids: &[ClassId]) {
        let classes = &mut *lock(&self.classes);
        for id in ids {
            let Some(used) = classes.used.get_mut(id) else { continue };
            used.retired = used.retired.saturating_sub(1);
            if used.retired == 0 && used.holders.is_empty() {
                classes.used.remove(id);
                classes.free.push_back(*id);
            }
        }
    }

    /// How many classes that have no id can get one.
    #[must_use]
    pub fn left(&self) -> u32 {
        self.count.saturating_sub(lock(&self.classes).used.len() as u32)
    }

    /// How many ids there are and are in use.
    #[must_use]
    pub fn statistics(&self) -> IdStatistics {
        let classes = lock(&self.classes);
        let (used, free_again) = (classes.used.len() as u32, classes.free.len() as u32);
        IdStatistics { base: self.base, count: self.count, used, free_again }
    }
}

#[cfg(test)]
mod tests {
    use patchbay_plugin_api::class::Attributes;
    use patchbay_plugin_api::instruction::Mnemonic;
    use patchbay_plugin_api::testing::instruction;

    use super::*;

    fn class(mnemonic: Mnemonic) -> ClassKey {
        ClassKey::new(&instruction(mnemonic), Attributes::NONE)
    }

    #[test]
    fn ids_are_shared_given_until_none_is_left_and_given_again() {
        let ids = Ids::new(0x10_0800, 2).expect("a range");
        let holder = ids.holder();
        let [first, second, third] = [Mnemonic::Ssm, Mnemonic::Rsm, Mnemonic::Rfi].map(class);
        assert_eq!(ids.assign(holder, &first), Some(ClassId(0)));
        assert_eq!(ids.assign(holder, &second), Some(ClassId(1)));
        assert_eq!(ids.assign(holder, &first), Some(ClassId(0)));
        assert_eq!(ids.assign(holder, &third), None);
        ids.retire(holder, &[ClassId(0)], |_| ());
        assert_eq!(ids.assign(holder, &third), None, "a virtual processor may have it in hand");
        ids.done(&[ClassId(0)]);
        assert_eq!(ids.assign(holder, &third), Some(ClassId(0)));
        assert_eq!(ids.immediate(ClassId(1)), 0x10_0801);
        assert_eq!(ids.held(holder), [(ClassId(0), third), (ClassId(1), second)]);
    }

    /// Ids that were in use are given when no other is left, in the order in which they became free.
    #[test]
    fn ids_are_given_again_last() {
        let ids = Ids::new(1, 3).expect("a range");
        let holder = ids.holder();
        let [first, second, third, fourth] = [Mnemonic::Ssm, Mnemonic::Rsm, Mnemonic::Rfi, Mnemonic::Cover].map(class);
        assert_eq!([first, second].map(|class| ids.assign(holder, &class)), [Some(ClassId(0)), Some(ClassId(1))]);
        ids.retire(holder, &[ClassId(1), ClassId(0)], |_| ());
        ids.done(&[ClassId(1), ClassId(0)]);
        let given = [third, fourth, first, second].map(|class| ids.assign(holder, &class));
        assert_eq!(given, [Some(ClassId(2)), Some(ClassId(1)), Some(ClassId(0)), None]);
    }

    /// An id is free when no virtual machine holds it, and each that held it is done with it.
    #[test]
    fn ids_are_held_by_several() {
        let ids = Ids::new(1, 1).expect("a range");
        let [one, other] = [ids.holder(), ids.holder()];
        let [first, second] = [Mnemonic::Ssm, Mnemonic::Rsm].map(class);
        assert_eq!(ids.assign(one, &first), Some(ClassId(0)));
        assert_eq!(ids.assign(other, &first), Some(ClassId(0)));
        ids.retire(one, &[ClassId(0)], |_| ());
        assert_eq!((ids.held(one), ids.held(other)), (Vec::new(), vec![(ClassId(0), first)]));
        ids.retire(other, &[ClassId(0)], |_| ());
        ids.done(&[ClassId(0)]);
        assert_eq!(ids.assign(other, &second), None, "the first is not done with it");
        ids.done(&[ClassId(0)]);
        assert_eq!(ids.assign(other, &second), Some(ClassId(0)));
    }

    #[test]
    fn ids_are_immediates_of_break() {
        assert!(Ids::new(1, 0x1f_ffff).is_ok());
        assert!(
            [(0, 1), (1, 0), (1, 0x20_0000), (u32::MAX, 2)].iter().all(|range| Ids::new(range.0, range.1).is_err())
        );
    }
}
