//! IA-64 floating point: pure functions on the 82-bit register format, with one rounding each.
//!
//! Read [`register`] for the format and [`control`] for what FPSR decides, then the family
//! wanted.

pub mod control;
pub mod register;

pub use control::{Completer, Control, Fault, Flags, Outcome, Rounding, StatusField, Trap};
pub use register::Fr;
