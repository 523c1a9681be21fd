//! The System Abstraction Layer 3.2: its system table and its procedures.

pub mod procedures;
pub mod table;

/// The interrupt vector that wakes application processors.
pub const WAKE_UP_VECTOR: u8 = 0xff;
