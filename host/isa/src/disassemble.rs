//! Assembly text of instructions.

use std::fmt::{self, Display};

use crate::decode::Instruction;
use crate::field::{Field, Kind};
use crate::row::Token;

/// An instruction as assembly, without its predicate. Branch targets are absolute.
pub struct Assembly<'a> {
    /// The instruction.
    pub instruction: &'a Instruction,
    /// The address of its bundle.
    pub ip: u64,
}

impl Display for Assembly<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.instruction.row().tokens().try_for_each(|token| match token {
            Token::Text(text) => f.write_str(text),
            Token::Field(field) => self.operand(field, f),
        })
    }
}

impl Assembly<'_> {
    fn operand(&self, field: Field, f: &mut fmt::Formatter) -> fmt::Result {
        let value = self.instruction.field(field);
        match field.kind() {
            Kind::Gr => write!(f, "r{value}"),
            Kind::Fr => write!(f, "f{value}"),
            Kind::Pr => write!(f, "p{value}"),
            Kind::Br => write!(f, "b{value}"),
            Kind::Ar => write!(f, "ar{value}"),
            Kind::Cr => write!(f, "cr{value}"),
            Kind::Dahr => write!(f, "dahr{value}"),
            Kind::Decimal => write!(f, "{value}"),
            Kind::Hexadecimal => write!(f, "{value:#x}"),
            Kind::Target => write!(f, "{:x}", self.ip.wrapping_add_signed(value)),
            Kind::Completer(texts) => f.write_str(texts[value as usize].unwrap_or("")),
        }
    }
}
