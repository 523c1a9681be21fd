//! The IA-64 instruction set: one row an instruction gives its encoding, its assembly syntax and the facts
//! that the processor, the classifier and the patch manager need. No processor state lives here.
//!
//! Read [`row`] first, then any file of [`rows`]. To add an instruction, add a row to the file of its unit and,
//! in the processor, the function that the row's opcode names.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "fields are cut out of instruction words, and immediates are extended by their sign, by casts that mean just that"
)]

mod alias;
pub mod bundle;
pub mod cause;
pub mod decode;
pub mod disassemble;
pub mod field;
pub mod operands;
pub mod register;
pub mod row;
pub mod rows;
pub mod targets;

pub use bundle::{Bundle, Slot, Template, Unit};
pub use cause::Cause;
pub use decode::{Decoded, Instruction, Reserved, decode};
pub use field::Field;
pub use row::{Facts, Row};
pub use rows::Opcode;
