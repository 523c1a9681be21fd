//! Engines: what executes instructions. All of them run decoded [`block::Block`]s that [`cache::BlockCache`] keeps,
//! and end at the same exits with the same state.

pub mod block;
pub mod cache;
pub mod interpreter;
mod leave;
mod run;

pub use interpreter::Interpreter;

#[cfg(test)]
mod tests;

use crate::exit::Exit;
use crate::processor::Processor;

/// The engines there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineKind {
    /// [`Interpreter`].
    Interpreter,
}

impl EngineKind {
    /// All of them.
    pub const ALL: [EngineKind; 1] = [EngineKind::Interpreter];

    /// An engine of this kind, for one processor.
    #[must_use]
    pub fn engine(self) -> Box<dyn Engine + Send> {
        match self {
            EngineKind::Interpreter => Box::new(Interpreter::default()),
        }
    }
}

/// Executes a processor.
pub trait Engine {
    /// Runs until an exit, or until at least `budget` instructions have completed. The budget is tested between
    /// blocks, so that up to [`block::MAX_INSTRUCTIONS`] more may have.
    fn run(&mut self, processor: &mut Processor, budget: u64) -> Exit;

    /// Makes `run` leave with [`Exit::Breakpoint`] when the next bundle is the one at this address.
    fn set_breakpoint(&mut self, ip: Option<u64>);

    /// Executes one instruction, whatever the debugger of the processor wants, or delivers an interruption instead: a
    /// pending interrupt, or the instruction's fault. Leaves with [`Exit::Budget`] if nothing else is to be told.
    fn step(&mut self, processor: &mut Processor) -> Exit;
}
