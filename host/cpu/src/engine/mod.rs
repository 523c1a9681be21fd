//! Engines: what executes instructions. All of them run decoded [`block::Block`]s that [`cache::BlockCache`] keeps,
//! and end at the same exits with the same state.

pub mod block;
pub mod cache;
pub mod interpreter;
mod leave;
mod run;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub mod translator;

pub use interpreter::Interpreter;

#[cfg(test)]
mod tests;

use std::fmt;

use crate::exit::Exit;
use crate::processor::Processor;

/// The engines there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineKind {
    /// [`Interpreter`].
    Interpreter,
    /// Hot code as host code, the rest as the interpreter.
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    Translator,
}

impl EngineKind {
    /// All of them.
    pub const ALL: &[EngineKind] = &[
        EngineKind::Interpreter,
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        EngineKind::Translator,
    ];

    /// An engine of this kind, for one processor.
    #[must_use]
    pub fn engine(self) -> Box<dyn Engine + Send> {
        match self {
            EngineKind::Interpreter => Box::new(Interpreter::default()),
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            EngineKind::Translator => Box::new(translator::Translator::new()),
        }
    }
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            EngineKind::Interpreter => "interpreter",
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            EngineKind::Translator => "translator",
        })
    }
}

/// Executes a processor.
pub trait Engine {
    /// Runs until an exit, or until at least `budget` instructions have completed. The budget is tested between
    /// blocks, so that up to [`block::MAX_INSTRUCTIONS`] more may have.
    fn run(&mut self, processor: &mut Processor, budget: u64) -> Exit;

    /// Makes `run` leave with [`Exit::Breakpoint`] when the next bundle is the one at this address.
    fn set_breakpoint(&mut self, ip: Option<u64>);
}
