//! Which fields an instruction has and which of them it writes, read off the syntax of its row once.

use std::sync::LazyLock;

use crate::decode::Instruction;
use crate::field::{Field, Kind};
use crate::row::{Flags, Row, Token};
use crate::rows::{self, Opcode};

/// The fields of a row.
#[derive(Debug)]
pub struct Layout {
    /// Its fields in the order of its syntax, the qualifying predicate not among them.
    pub fields: Box<[Field]>,
    /// Those that name registers it writes.
    pub targets: Box<[Field]>,
}

impl Layout {
    /// What stands before `=` is written, but for an address in brackets; a base register is written where something
    /// is added to it (`=[r3],r2`, `[r3]=r2,imm9`).
    fn of(row: &Row) -> Layout {
        let equals = row.syntax.iter().any(|token| matches!(token, Token::Text(text) if text.contains('=')));
        let mut fields = Vec::new();
        let mut targets = Vec::new();
        let (mut before_equals, mut in_brackets, mut base) = (equals, false, None);
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
                    fields.push(field);
                    if in_brackets {
                        base = Some(field);
                    } else if before_equals && field.is_register() {
                        targets.push(field);
                    }
                }
            }
        }
        if let Some(base) = base.filter(|_| post_increments(row)) {
            targets.push(base);
        }
        Layout { fields: fields.into(), targets: targets.into() }
    }
}

/// Whether the base register is written as well.
fn post_increments(row: &Row) -> bool {
    let Some(Token::Text(mnemonic)) = row.syntax.first() else { return false };
    let memory = ["ld", "st", "lfetch"].iter().any(|prefix| mnemonic.starts_with(prefix));
    let behind = row.syntax.iter().rposition(|token| matches!(token, Token::Text(text) if text.contains(']')));
    let increment = |token: &Token| match token {
        Token::Field(field) => matches!(field, Field::R2 | Field::Imm9Load | Field::Imm9Store),
        Token::Text(text) => text.ends_with(",8") || text.ends_with(",16"),
    };
    // The value of a store stands behind the bracket as well, but after `=`.
    let stored = |index: usize| matches!(row.syntax.get(index), Some(Token::Text(text)) if text.ends_with('='));
    memory
        && behind.is_some_and(|behind| {
            let tail = behind..row.syntax.len();
            tail.clone().any(|index| increment(&row.syntax[index]) && !(index > 0 && stored(index - 1)))
        })
}

static LAYOUTS: LazyLock<[Vec<Layout>; 6]> = LazyLock::new(|| {
    [rows::a::ROWS, rows::i::ROWS, rows::m::ROWS, rows::f::ROWS, rows::b::ROWS, rows::x::ROWS]
        .map(|rows| rows.iter().map(Layout::of).collect())
});

impl Opcode {
    /// See [`Layout`].
    #[must_use]
    pub fn layout(self) -> &'static Layout {
        let (unit, index) = match self {
            Opcode::A(a) => (0, a as usize),
            Opcode::I(i) => (1, i as usize),
            Opcode::M(m) => (2, m as usize),
            Opcode::F(f) => (3, f as usize),
            Opcode::B(b) => (4, b as usize),
            Opcode::X(x) => (5, x as usize),
        };
        &LAYOUTS[unit][index]
    }
}

impl Field {
    /// Whether it names a general, floating-point, predicate or branch register.
    #[must_use]
    pub const fn is_register(self) -> bool {
        matches!(self.kind(), Kind::Gr | Kind::Fr | Kind::Pr | Kind::Br)
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
        let fields = self.opcode.layout().targets.iter();
        fields.filter(move |field| field.kind() == kind).map(|field| self.field(*field) as u8)
    }

    /// The floating-point registers it reads or writes.
    pub fn frs(&self) -> impl Iterator<Item = u8> {
        let fields = self.opcode.layout().fields.iter();
        fields.filter(|field| field.kind() == Kind::Fr).map(|field| self.field(*field) as u8)
    }

    /// Whether its registers are allowed together: r0, f0 and f1 are no targets (SDM 1:24), and two targets must not
    /// be the same register. Frame sizes are the processor's to check.
    #[must_use]
    pub fn is_legal(&self) -> bool {
        let mut grs = [None; 2];
        for (place, gr) in grs.iter_mut().zip(self.gr_targets()) {
            *place = Some(gr);
        }
        let frs: Vec<u8> = self.fr_targets().collect();
        if grs.contains(&Some(0)) || frs.iter().any(|&f| f < 2) {
            return false;
        }
        if self.row().facts.flags.contains(Flags::TARGETS_DIFFER) && grs[0].is_some() && grs[0] == grs[1] {
            return false;
        }
        // A pair load writes one even and one odd register (SDM 3:161).
        if let [first, second] = frs[..]
            && first & 1 == second & 1
        {
            return false;
        }
        let predicates: Vec<u8> = self.targets(Kind::Pr).collect();
        !matches!(predicates[..], [first, second] if first == second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::M;

    #[test]
    fn targets_follow_from_syntax() {
        let targets = |opcode: Opcode| opcode.layout().targets.to_vec();
        assert_eq!(targets(Opcode::M(M::Ld8)), [Field::R1]);
        assert_eq!(targets(Opcode::M(M::Ld8Imm)), [Field::R1, Field::R3]);
        assert_eq!(targets(Opcode::M(M::Ld8Reg)), [Field::R1, Field::R3]);
        assert_eq!(targets(Opcode::M(M::St8)), []);
        assert_eq!(targets(Opcode::M(M::St8Imm)), [Field::R3]);
        assert_eq!(targets(Opcode::M(M::LdfpsImm)), [Field::F1, Field::F2, Field::R3]);
        assert_eq!(targets(Opcode::M(M::ChkANcGr)), []);
        assert_eq!(targets(Opcode::M(M::Xchg8)), [Field::R1]);
    }
}
