//! Numbers for what translations of a region depend on: its region identifier and some PSR bits.

use super::soft::Context;

/// The PSR bits that, besides the privilege level, decide what translations permit: pk, vm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mode(u8);

impl Mode {
    const COUNT: u8 = 4;

    pub(crate) const fn new(pk: bool, vm: bool) -> Mode {
        Mode(pk as u8 | (vm as u8) << 1)
    }
}

/// The contexts in use. Numbers stay until too many are in use.
#[derive(Clone, Debug)]
pub(crate) struct Contexts {
    slots: Vec<Slot>,
    used: usize,
    /// The last number given to a state of the instruction TLB.
    code: u64,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    /// The region identifier and the mode.
    key: u32,
    /// Changes when code of the region is mapped differently.
    code: u64,
}

const SLOTS: usize = 512;
/// The slot of physical addresses.
const PHYSICAL: u16 = 0;
const FREE: u32 = u32::MAX;

impl Contexts {
    pub(crate) fn new() -> Contexts {
        Contexts { slots: vec![Slot { key: FREE, code: 0 }; SLOTS], used: 0, code: 0 }
    }

    /// The slot of a region identifier; `None` if there is no room: all must be forgotten first.
    pub(crate) fn slot(&mut self, rid: u32, mode: Mode) -> Option<u16> {
        let key = key(rid, mode);
        let mut index = hash(key);
        while self.slots[index].key != key {
            if self.slots[index].key == FREE {
                if self.used > SLOTS * 3 / 4 {
                    return None;
                }
                self.used += 1;
                self.code += 1;
                self.slots[index] = Slot { key, code: self.code };
                break;
            }
            index = after(index);
        }
        Some(index as u16)
    }

    /// Forgets all slots. Numbers of code states are never used again.
    pub(crate) fn forget(&mut self) {
        self.slots.fill(Slot { key: FREE, code: 0 });
        self.used = 0;
    }

    /// The contexts that a region identifier has, at all privilege levels.
    pub(crate) fn of(&self, rid: u32) -> impl Iterator<Item = Context> {
        let slots = (0..Mode::COUNT).filter_map(move |mode| self.find(key(rid, Mode(mode))));
        slots.flat_map(|slot| (0..4).map(move |cpl| context(slot as u16, cpl)))
    }

    /// Says that code of a region is mapped differently from now on.
    pub(crate) fn change_code(&mut self, rid: u32) {
        for mode in 0..Mode::COUNT {
            if let Some(slot) = self.find(key(rid, Mode(mode))) {
                self.code += 1;
                self.slots[slot].code = self.code;
            }
        }
    }

    /// The number of the state of code in a slot at a privilege level.
    pub(crate) fn code(&self, slot: u16, cpl: u8) -> u64 {
        self.slots[usize::from(slot)].code << 2 | u64::from(cpl)
    }

    fn find(&self, key: u32) -> Option<usize> {
        let mut index = hash(key);
        while self.slots[index].key != key {
            if self.slots[index].key == FREE {
                return None;
            }
            index = after(index);
        }
        Some(index)
    }
}

/// The context of a slot at a privilege level.
pub(crate) const fn context(slot: u16, cpl: u8) -> Context {
    Context::new(slot << 2 | cpl as u16 & 3)
}

/// The context of a region of physical addresses: those with bit 63 are uncacheable.
pub(crate) const fn physical_context(region: usize) -> Context {
    match region {
        0 => context(PHYSICAL, 0),
        4 => context(PHYSICAL, 1),
        _ => Context::NEVER,
    }
}

const fn key(rid: u32, mode: Mode) -> u32 {
    rid << 2 | mode.0 as u32
}

const fn hash(key: u32) -> usize {
    1 + (key.wrapping_mul(0x9e37_79b1) >> 16) as usize % (SLOTS - 1)
}

const fn after(index: usize) -> usize {
    if index + 1 < SLOTS { index + 1 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_return_and_change_only_for_their_region() {
        let mut contexts = Contexts::new();
        let (user, kernel) = (Mode::new(false, false), Mode::new(true, false));
        let slots: Vec<u16> = (0..100).map(|rid| contexts.slot(rid, user).unwrap()).collect();
        let codes: Vec<u64> = slots.iter().map(|slot| contexts.code(*slot, 3)).collect();
        let other = contexts.slot(5, kernel).unwrap();
        assert_eq!(contexts.of(5).count(), 8);
        let before = contexts.code(other, 0);
        contexts.change_code(5);
        for rid in 0..100u32 {
            let slot = contexts.slot(rid, user).unwrap();
            assert_eq!(slot, slots[rid as usize]);
            assert_eq!(contexts.code(slot, 3) == codes[rid as usize], rid != 5);
        }
        assert_ne!(contexts.code(other, 0), before);
        assert!((1000..2000).any(|rid| contexts.slot(rid, user).is_none()));
        contexts.forget();
        let slot = contexts.slot(7, user).unwrap();
        assert!(!codes.contains(&contexts.code(slot, 3)));
    }
}
