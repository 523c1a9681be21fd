//! Class ids: the numbers that triggers carry, one number space for all virtual machines.

use std::collections::HashMap;
use std::sync::Mutex;

use patchbay_plugin_api::class::ClassKey;

use crate::fast::lock;

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

#[derive(Debug, Default)]
struct Classes {
    ids: HashMap<ClassKey, ClassId>,
    free: Vec<ClassId>,
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

    /// The id of a class, a new one if it has none; `None` if all are in use.
    #[must_use]
    pub fn assign(&self, class: &ClassKey) -> Option<ClassId> {
        let mut classes = lock(&self.classes);
        if let Some(id) = classes.ids.get(class) {
            return Some(*id);
        }
        let next = classes.ids.len() as u32;
        let id = classes.free.pop().or((next < self.count).then_some(ClassId(next)))?;
        classes.ids.insert(*class, id);
        Some(id)
    }

    /// Takes the id of a class out of use. No trigger with it is left, and every virtual processor has passed a
    /// quiescent point since.
    pub fn release(&self, class: &ClassKey) {
        let mut classes = lock(&self.classes);
        if let Some(id) = classes.ids.remove(class) {
            classes.free.push(id);
        }
    }

    /// The classes that have ids.
    #[must_use]
    pub fn classes(&self) -> Vec<(ClassId, ClassKey)> {
        let mut classes: Vec<_> = lock(&self.classes).ids.iter().map(|(class, id)| (*id, *class)).collect();
        classes.sort_unstable();
        classes
    }
}

#[cfg(test)]
mod tests {
    use patchbay_plugin_api::class::Attributes;
    use patchbay_plugin_api::instruction::{Instruction, Mnemonic};

    use super::*;

    fn class(mnemonic: Mnemonic) -> ClassKey {
        let instruction = Instruction {
            bits: 0,
            immediate: 0,
            mnemonic: mnemonic as u16,
            cause: 0,
            unit: 0,
            slot: 0,
            template: 0,
            qp: 0,
            r1: 0,
            r2: 0,
            r3: 0,
            register: 0,
            reserved: 0,
        };
        ClassKey::new(&instruction, Attributes::NONE)
    }

    #[test]
    fn ids_are_shared_given_until_none_is_left_and_given_again() {
        let ids = Ids::new(0x10_0800, 2).expect("a range");
        let [first, second, third] = [Mnemonic::Ssm, Mnemonic::Rsm, Mnemonic::Rfi].map(class);
        assert_eq!(ids.assign(&first), Some(ClassId(0)));
        assert_eq!(ids.assign(&second), Some(ClassId(1)));
        assert_eq!(ids.assign(&first), Some(ClassId(0)));
        assert_eq!(ids.assign(&third), None);
        ids.release(&first);
        assert_eq!(ids.assign(&third), Some(ClassId(0)));
        assert_eq!(ids.immediate(ClassId(1)), 0x10_0801);
        assert_eq!(ids.classes(), [(ClassId(0), third), (ClassId(1), second)]);
    }

    #[test]
    fn ids_are_immediates_of_break() {
        assert!(Ids::new(1, 0x1f_ffff).is_ok());
        assert!(
            [(0, 1), (1, 0), (1, 0x20_0000), (u32::MAX, 2)].iter().all(|range| Ids::new(range.0, range.1).is_err())
        );
    }
}
