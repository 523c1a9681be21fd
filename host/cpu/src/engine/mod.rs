//! Engines: what executes instructions. All of them run decoded [`block::Block`]s that [`cache::BlockCache`] keeps,
//! and end at the same exits with the same state.

pub mod block;
pub mod cache;
pub mod interpreter;
mod leave;
mod run;
pub mod statistics;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub mod translator;

pub use interpreter::Interpreter;

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use statistics::Statistics;

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
}

/// An engine, as it is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineChoice {
    /// Its kind.
    pub kind: EngineKind,
    /// A translator compiles what was entered so often.
    pub hot: u32,
}

impl EngineChoice {
    /// Every kind; those that compile do so before they execute anything for the first time. For tests.
    pub const ALL: &[EngineChoice] = &[
        EngineChoice { kind: EngineKind::Interpreter, hot: 1 },
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        EngineChoice { kind: EngineKind::Translator, hot: 1 },
    ];

    /// The engine, for one processor.
    #[must_use]
    pub fn engine(self) -> Box<dyn Engine + Send> {
        match self.kind {
            EngineKind::Interpreter => Box::new(Interpreter::default()),
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            EngineKind::Translator => Box::new(translator::Translator::with_threshold(self.hot)),
        }
    }
}

impl Default for EngineChoice {
    fn default() -> EngineChoice {
        EngineKind::Interpreter.into()
    }
}

impl From<EngineKind> for EngineChoice {
    fn from(kind: EngineKind) -> EngineChoice {
        EngineChoice { kind, hot: HOT }
    }
}

/// Blocks are compiled when they were entered so often, unless something else is chosen.
const HOT: u32 = 300;

/// An engine that does not exist, or a setting that it does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no engine {0:?}; there are interpreter and, on some hosts, translator[,hot=N]")]
pub struct NoEngine(String);

impl FromStr for EngineChoice {
    type Err = NoEngine;

    fn from_str(text: &str) -> Result<EngineChoice, NoEngine> {
        let (name, setting) = text.split_once(',').map_or((text, None), |(name, setting)| (name, Some(setting)));
        let kind = EngineKind::ALL.iter().find(|kind| kind.to_string() == name);
        let mut choice = EngineChoice::from(*kind.ok_or_else(|| NoEngine(text.to_owned()))?);
        if let Some(setting) = setting {
            let hot = setting.strip_prefix("hot=").filter(|_| choice.kind != EngineKind::Interpreter);
            let hot = hot.and_then(|hot| hot.parse().ok()).filter(|hot| *hot > 0);
            choice.hot = hot.ok_or_else(|| NoEngine(text.to_owned()))?;
        }
        Ok(choice)
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

    /// Executes one instruction, whatever the debugger of the processor wants, or delivers an interruption instead: a
    /// pending interrupt, or the instruction's fault. Leaves with [`Exit::Budget`] if nothing else is to be told.
    fn step(&mut self, processor: &mut Processor) -> Exit;

    /// What it has counted.
    fn statistics(&self) -> Statistics {
        Statistics::default()
    }
}
