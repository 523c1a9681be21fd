//! IA-64 floating point: pure functions on the 82-bit register format, with one rounding each.
//!
//! Read [`register`] for the format, [`control`] for what FPSR decides and what an operation gives
//! back, then the family wanted. Every result is rounded in `round`; `host` is the fast path of multiply and add. To add
//! an operation: one function in its family's file.

pub mod bits;
pub mod compare;
pub mod control;
pub mod convert;
pub mod fma;
mod host;
mod memory;
mod operand;
pub mod parallel;
pub mod reciprocal;
pub mod register;
mod round;

#[cfg(test)]
mod tests;

pub use compare::Relation;
pub use control::{Completer, Control, Fault, Flags, Outcome, Rounding, StatusField, Trap};
pub use convert::Integer;
pub use register::Fr;
