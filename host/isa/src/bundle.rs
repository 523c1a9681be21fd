//! Bundles, templates and slots (SDM 1:38, 3:293).

/// The number of bits in an instruction slot.
pub const SLOT_BITS: u32 = 41;
/// A mask of the bits of one slot.
pub const SLOT_MASK: u64 = (1 << SLOT_BITS) - 1;

/// One of the three instruction slots of a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Slot {
    /// Bits 5 to 45.
    Zero = 0,
    /// Bits 46 to 86.
    One = 1,
    /// Bits 87 to 127.
    Two = 2,
}

impl Slot {
    /// The three slots in order.
    pub const ALL: [Slot; 3] = [Slot::Zero, Slot::One, Slot::Two];

    /// The slot with this number (0 to 2).
    #[must_use]
    pub const fn new(number: u8) -> Option<Slot> {
        match number {
            0 => Some(Slot::Zero),
            1 => Some(Slot::One),
            2 => Some(Slot::Two),
            _ => None,
        }
    }

    const fn shift(self) -> u32 {
        5 + SLOT_BITS * self as u32
    }
}

/// The unit that executes a slot. `L` is the slot that holds the upper part of an `X` instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the SDM's names")]
pub enum Unit {
    M,
    I,
    F,
    B,
    L,
    X,
}

/// The five template bits of a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Template(u8);

use Unit::{B, F, I, L, M, X};

/// Units and the stops behind slots, of the even template and of the odd one, which adds a stop at the end
/// (SDM 1:38, table 3-10).
const TEMPLATES: [Option<([Unit; 3], [bool; 2])>; 16] = [
    Some(([M, I, I], [false, false])),
    Some(([M, I, I], [false, true])),
    Some(([M, L, X], [false, false])),
    None,
    Some(([M, M, I], [false, false])),
    Some(([M, M, I], [true, false])),
    Some(([M, F, I], [false, false])),
    Some(([M, M, F], [false, false])),
    Some(([M, I, B], [false, false])),
    Some(([M, B, B], [false, false])),
    None,
    Some(([B, B, B], [false, false])),
    Some(([M, M, B], [false, false])),
    None,
    Some(([M, F, B], [false, false])),
    None,
];

impl Template {
    /// The template with this number; only the low five bits count.
    #[must_use]
    pub const fn new(number: u8) -> Template {
        Template(number & 0x1f)
    }

    /// Its number, 0 to 31.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The units of the three slots, or `None` for a reserved template.
    #[must_use]
    pub const fn units(self) -> Option<[Unit; 3]> {
        match TEMPLATES[(self.0 >> 1) as usize] {
            Some((units, _)) => Some(units),
            None => None,
        }
    }

    /// Whether an instruction group ends behind this slot.
    #[must_use]
    pub const fn stop_after(self, slot: Slot) -> bool {
        match (TEMPLATES[(self.0 >> 1) as usize], slot) {
            (Some(_), Slot::Two) => self.0 & 1 != 0,
            (Some((_, stops)), slot) => stops[slot as usize],
            (None, _) => false,
        }
    }
}

/// A 16-byte bundle: template and three slots, little-endian whatever PSR.be says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bundle(pub u128);

impl Bundle {
    /// The bundle with this template and these slots.
    #[must_use]
    pub const fn new(template: Template, slots: [u64; 3]) -> Bundle {
        let mut bits = template.0 as u128;
        let mut slot = 0;
        while slot < 3 {
            bits |= ((slots[slot] & SLOT_MASK) as u128) << Slot::ALL[slot].shift();
            slot += 1;
        }
        Bundle(bits)
    }

    /// The bundle in these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Bundle {
        Bundle(u128::from_le_bytes(bytes))
    }

    /// Its bytes in memory.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_le_bytes()
    }

    /// Its template.
    #[must_use]
    pub const fn template(self) -> Template {
        Template::new(self.0 as u8)
    }

    /// The 41 bits of a slot.
    #[must_use]
    pub const fn slot(self, slot: Slot) -> u64 {
        (self.0 >> slot.shift()) as u64 & SLOT_MASK
    }

    /// The bundle with the 41 bits of one slot replaced.
    #[must_use]
    pub const fn with_slot(self, slot: Slot, bits: u64) -> Bundle {
        let cleared = self.0 & !((SLOT_MASK as u128) << slot.shift());
        Bundle(cleared | ((bits & SLOT_MASK) as u128) << slot.shift())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_four_templates_are_defined() {
        let defined = (0..32).filter(|&n| Template::new(n).units().is_some());
        assert_eq!(defined.count(), 24);
    }

    #[test]
    fn slots_replace_without_touching_neighbours() {
        let bundle = Bundle::new(Template::new(0x1d), [1, SLOT_MASK, 0x155_5555_5555]);
        assert_eq!(bundle.slot(Slot::One), SLOT_MASK);
        let changed = bundle.with_slot(Slot::One, 7);
        assert_eq!(Slot::ALL.map(|slot| changed.slot(slot)), [1, 7, 0x155_5555_5555]);
        assert_eq!(changed.template(), Template::new(0x1d));
    }
}
