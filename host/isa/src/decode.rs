//! From bits to instructions and back.

use std::sync::LazyLock;

use crate::bundle::{SLOT_MASK, Unit};
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

/// For each value of bits 27-40 of a slot, the rows that may match.
struct Index {
    starts: Vec<u32>,
    candidates: Vec<&'static Row>,
}

const INDEX_BITS: u32 = 14;
const INDEX_SHIFT: u32 = 41 - INDEX_BITS;

impl Index {
    fn of(unit: Unit) -> Index {
        let mut by_major = vec![Vec::new(); 16];
        for row in rows::all().filter(|row| row.units.contains(&unit)) {
            by_major[(row.fixed.value >> 37) as usize].push(row);
        }
        let mut index = Index { starts: vec![0], candidates: Vec::new() };
        for key in 0..1u64 << INDEX_BITS {
            let slot = key << INDEX_SHIFT;
            let high = !0u64 << INDEX_SHIFT;
            let rows = by_major[(slot >> 37) as usize].iter().copied();
            index.candidates.extend(rows.filter(|row: &&Row| (slot ^ row.fixed.value) & row.fixed.mask & high == 0));
            index.starts.push(index.candidates.len() as u32);
        }
        index
    }

    fn find(&self, slot: u64) -> Option<&'static Row> {
        let key = (slot >> INDEX_SHIFT) as usize;
        let range = self.starts[key] as usize..self.starts[key + 1] as usize;
        self.candidates[range].iter().copied().find(|row| row.fixed.matches(slot))
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
        Some(row) => {
            let long = if unit == Unit::X { long & SLOT_MASK } else { 0 };
            Ok(Instruction { opcode: row.opcode, bits: u128::from(slot) | u128::from(long) << 64 })
        }
        None => Err(reserved(unit, slot)),
    }
}

fn reserved(_unit: Unit, _slot: u64) -> Reserved {
    Reserved::IfPredicated
}
