//! What the `patchbay` command does, as functions that tests and benches call, too.

pub mod exec;
pub mod monitor;
pub mod number;
pub mod output;
