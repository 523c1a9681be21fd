//! From bits to instructions and back.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::bundle::{Bundle, SLOT_MASK, Slot, Unit};
use crate::field::{Field, OutOfRange};
use crate::row::Row;
use crate::rows::{self, Opcode};

/// An instruction and its operands, still in their encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Instruction {
    /// Which instruction it is.
    pub opcode: Opcode,
    /// The slot in bits 0-40; of an X-unit instruction, the L slot in bits 64-104.
    pub bits: u128,
}

/// What an encoding that no row has does when it is executed (SDM 3:294).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reserved {
    /// Raises an Illegal Operation fault.
    Always,
    /// Raises an Illegal Operation fault if its qualifying predicate is 1, and does nothing otherwise.
    IfPredicated,
    /// Does nothing.
    Ignored,
}

/// What a slot holds.
pub type Decoded = Result<Instruction, Reserved>;

impl Instruction {
    /// Its row in the instruction table.
    #[must_use]
    pub fn row(&self) -> &'static Row {
        self.opcode.row()
    }

    /// The value of one of its fields.
    #[must_use]
    pub const fn field(&self, field: Field) -> i64 {
        field.extract(self.bits)
    }

    /// Its qualifying predicate; p0 where it has none.
    #[must_use]
    pub fn qp(&self) -> u8 {
        if self.row().predicated() { self.bits as u8 & 0x3f } else { 0 }
    }

    /// The 41 bits of its slot.
    #[must_use]
    pub const fn slot(&self) -> u64 {
        self.bits as u64 & SLOT_MASK
    }

    /// The 41 bits of its L slot, zero but for X-unit instructions.
    #[must_use]
    pub const fn long(&self) -> u64 {
        (self.bits >> 64) as u64
    }

    /// Encodes an instruction from its operands in the order of its syntax. Ignored bits become zero.
    ///
    /// # Errors
    /// If a field cannot hold its value.
    ///
    /// # Panics
    /// If there are more or fewer operands than fields.
    pub fn encode(opcode: Opcode, qp: u8, operands: &[i64]) -> Result<Instruction, OutOfRange> {
        let row = opcode.row();
        let mut bits = u128::from(row.fixed.value);
        if row.predicated() {
            Field::Qp.insert(&mut bits, i64::from(qp))?;
        }
        let mut operands = operands.iter();
        for field in row.fields() {
            field.insert(&mut bits, *operands.next().expect("an operand a field"))?;
        }
        assert!(operands.next().is_none(), "more operands than fields");
        Ok(Instruction { opcode, bits })
    }
}

/// A row that may match a slot.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Candidate {
    mask: u64,
    value: u64,
    opcode: Opcode,
    /// Whether a field has reserved encodings.
    checked: bool,
}

/// The candidates for each value of bits 27-40 of a slot. Equal lists are stored once.
struct Index {
    lists: Box<[(u16, u16)]>,
    candidates: Vec<Candidate>,
}

const INDEX_BITS: u32 = 14;
const INDEX_SHIFT: u32 = 41 - INDEX_BITS;

impl Index {
    fn of(unit: Unit) -> Index {
        let mut by_major = vec![Vec::new(); 16];
        for row in rows::all().filter(|row| row.units.contains(&unit)) {
            by_major[(row.fixed.value >> 37) as usize].push(Candidate {
                mask: row.fixed.mask,
                value: row.fixed.value,
                opcode: row.opcode,
                checked: row.fields().any(Field::has_reserved),
            });
        }
        let mut candidates = Vec::new();
        let mut stored = HashMap::new();
        let list = |key: u64| {
            let slot = key << INDEX_SHIFT;
            let possible = |row: &Candidate| (slot ^ row.value) & row.mask & (!0 << INDEX_SHIFT) == 0;
            let list: Vec<_> = by_major[(slot >> 37) as usize].iter().copied().filter(possible).collect();
            let length = list.len() as u16;
            let start = *stored.entry(list).or_insert_with_key(|list| {
                candidates.extend_from_slice(list);
                candidates.len() as u16 - length
            });
            (start, start + length)
        };
        Index { lists: (0..1 << INDEX_BITS).map(list).collect(), candidates }
    }

    fn find(&self, slot: u64) -> Option<Opcode> {
        let (start, end) = self.lists[(slot >> INDEX_SHIFT) as usize];
        let candidates = &self.candidates[start.into()..end.into()];
        let found = candidates.iter().find(|candidate| slot & candidate.mask == candidate.value)?;
        let reserved = found.checked && found.opcode.row().fields().any(|field| field.is_reserved(slot.into()));
        (!reserved).then_some(found.opcode)
    }
}

static INDICES: LazyLock<[Index; 5]> = LazyLock::new(|| [Unit::M, Unit::I, Unit::F, Unit::B, Unit::X].map(Index::of));

/// Decodes a slot for the unit that its template names. For an X unit, `long` is the L slot.
///
/// # Errors
/// What a reserved encoding does; the L slot alone is one.
pub fn decode(unit: Unit, slot: u64, long: u64) -> Decoded {
    let slot = slot & SLOT_MASK;
    let index = match unit {
        Unit::M => 0,
        Unit::I => 1,
        Unit::F => 2,
        Unit::B => 3,
        Unit::X => 4,
        Unit::L => return Err(Reserved::Always),
    };
    match INDICES[index].find(slot) {
        Some(opcode) => {
            let long = if unit == Unit::X { long & SLOT_MASK } else { 0 };
            Ok(Instruction { opcode, bits: u128::from(slot) | u128::from(long) << 64 })
        }
        None => Err(reserved(unit, slot)),
    }
}

/// What a slot without a row does (SDM 3:294, and the shading of tables 4-3 and 4-47 to 4-55).
fn reserved(unit: Unit, slot: u64) -> Reserved {
    if unit != Unit::B {
        return Reserved::IfPredicated;
    }
    match (slot >> 37, slot >> 27 & 0x3f) {
        (0, 0x01) | (2 | 3 | 6, _) => Reserved::Ignored,
        (0, 0x00..0x20) => Reserved::IfPredicated,
        _ => Reserved::Always,
    }
}

impl Bundle {
    /// Its instructions by slot, or `None` for a reserved template. The instruction of an L and an X slot stands
    /// in slot 1, and slot 2 is empty.
    #[must_use]
    pub fn decode(self) -> Option<[Option<Decoded>; 3]> {
        let units = self.template().units()?;
        let [zero, one, two] = Slot::ALL.map(|slot| self.slot(slot));
        let first = Some(decode(units[0], zero, 0));
        Some(if units[1] == Unit::L {
            [first, Some(decode(units[2], two, one)), None]
        } else {
            [first, Some(decode(units[1], one, 0)), Some(decode(units[2], two, 0))]
        })
    }
}
