//! What the `patchbay` command does, as functions that tests and benches call, too.

pub mod exec;
#[allow(clippy::cast_possible_truncation, reason = "gdb's numbers and files are small, and registers have 64 bits")]
pub mod gdb;
pub mod monitor;
pub mod number;
pub mod output;
