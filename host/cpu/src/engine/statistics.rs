//! What engines count.

use std::ops::AddAssign;
use std::time::Duration;

/// Counts of what a translator did; all 0 of an engine that does not compile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Regions compiled.
    pub regions: u64,
    /// Guest instructions in them, but for nops.
    pub steps: u64,
    /// Bytes of host code made.
    pub bytes: u64,
    /// Time spent compiling.
    pub compiling: Duration,
    /// How often all code was thrown away because there was no room.
    pub flushes: u64,
    /// Entries into compiled code from the run loop.
    pub entries: u64,
    /// Entries refused because the state was not one for which the code was compiled.
    pub refusals: u64,
    /// Exits into the interpreter in the middle of a block.
    pub rests: u64,
    /// Exits because an instruction did not simply complete.
    pub leaves: u64,
    /// Guest instructions executed in compiled code.
    pub instructions: u64,
    /// Those of them that were calls of the instruction's own function.
    pub helped: u64,
}

impl AddAssign for Statistics {
    fn add_assign(&mut self, other: Statistics) {
        self.regions += other.regions;
        self.steps += other.steps;
        self.bytes += other.bytes;
        self.compiling += other.compiling;
        self.flushes += other.flushes;
        self.entries += other.entries;
        self.refusals += other.refusals;
        self.rests += other.rests;
        self.leaves += other.leaves;
        self.instructions += other.instructions;
        self.helped += other.helped;
    }
}
