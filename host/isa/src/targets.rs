//! Which registers an instruction writes, read off the syntax of its row once.

use std::sync::LazyLock;

use crate::decode::Instruction;
use crate::field::{Field, Kind};
use crate::row::{Row, Token};
use crate::rows::{self, Opcode};

/// What stands before `=` is written, but for an address in brackets; an address register is where it is updated.
fn targets(row: &Row) -> Box<[Field]> {
    let equals = row.syntax.iter().any(|token| matches!(token, Token::Text(text) if text.contains('=')));
    let mut targets = Vec::new();
    let (mut before_equals, mut in_brackets) = (equals, false);
    for token in row.syntax {
        match *token {
            Token::Text(text) => {
                for character in text.chars() {
                    match character {
                        '=' => before_equals = false,
                        '[' => in_brackets = true,
                        ']' => in_brackets = false,
                        _ => {}
                    }
                }
            }
            Token::Field(field) => {
                if before_equals && !in_brackets && field.is_register() {
                    targets.push(field);
                }
            }
        }
    }
    if row.updates_base() {
        targets.push(Field::R3);
    }
    targets.into()
}

impl Row {
    /// Whether it adds to its address register (formats M2, M3, M5, M7, M8, M10, M12, M14 and M15).
    #[must_use]
    pub const fn updates_base(&self) -> bool {
        const M: u64 = 1 << 36;
        match (self.opcode, self.fixed.value >> 37) {
            (Opcode::M(_), 5 | 7) => true,
            (Opcode::M(_), 4 | 6) => self.fixed.value & M != 0,
            _ => false,
        }
    }
}

static TARGETS: LazyLock<[Vec<Box<[Field]>>; 6]> = LazyLock::new(|| {
    [rows::a::ROWS, rows::i::ROWS, rows::m::ROWS, rows::f::ROWS, rows::b::ROWS, rows::x::ROWS]
        .map(|rows| rows.iter().map(targets).collect())
});

impl Opcode {
    /// The fields of its syntax that name registers it writes.
    #[must_use]
    pub fn targets(self) -> &'static [Field] {
        let (unit, index) = match self {
            Opcode::A(a) => (0, a as usize),
            Opcode::I(i) => (1, i as usize),
            Opcode::M(m) => (2, m as usize),
            Opcode::F(f) => (3, f as usize),
            Opcode::B(b) => (4, b as usize),
            Opcode::X(x) => (5, x as usize),
        };
        &TARGETS[unit][index]
    }
}

impl Field {
    /// Whether it names a register.
    #[must_use]
    pub const fn is_register(self) -> bool {
        matches!(self.kind(), Kind::Gr | Kind::Fr | Kind::Pr | Kind::Br | Kind::Ar | Kind::Cr)
    }
}

impl Instruction {
    /// The general registers it writes.
    pub fn gr_targets(&self) -> impl Iterator<Item = u8> {
        self.targets(Kind::Gr)
    }

    /// The floating-point registers it writes.
    pub fn fr_targets(&self) -> impl Iterator<Item = u8> {
        self.targets(Kind::Fr)
    }

    fn targets(&self, kind: Kind) -> impl Iterator<Item = u8> {
        let fields = self.opcode.targets().iter();
        fields.filter(move |field| field.kind() == kind).map(|field| self.field(*field) as u8)
    }

    /// The floating-point registers it reads or writes.
    pub fn frs(&self) -> impl Iterator<Item = u8> {
        let fields = self.row().fields();
        fields.filter(|field| field.kind() == Kind::Fr).map(|field| self.field(field) as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::M;

    #[test]
    fn targets_follow_from_syntax() {
        let targets = |opcode: Opcode| opcode.targets().to_vec();
        assert_eq!(targets(Opcode::M(M::Ld8)), [Field::R1]);
        assert_eq!(targets(Opcode::M(M::Ld8Imm)), [Field::R1, Field::R3]);
        assert_eq!(targets(Opcode::M(M::Ld8Reg)), [Field::R1, Field::R3]);
        assert_eq!(targets(Opcode::M(M::St8)), []);
        assert_eq!(targets(Opcode::M(M::St8Imm)), [Field::R3]);
        assert_eq!(targets(Opcode::M(M::LdfpsImm)), [Field::F1, Field::F2, Field::R3]);
        assert_eq!(targets(Opcode::M(M::ChkANcGr)), []);
        assert_eq!(targets(Opcode::M(M::Xchg8)), [Field::R1]);
        assert_eq!(targets(Opcode::M(M::LfetchImm)), [Field::R3]);
        assert_eq!(targets(Opcode::M(M::MovToRr)), []);
        assert_eq!(targets(Opcode::M(M::MovToCr)), [Field::Cr3]);
    }
}
