//! Emulation triggers: what takes the place of a patched instruction.

pub mod break_immediate;
