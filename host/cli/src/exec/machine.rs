//! The machine a program runs on: one processor and flat memory.

use std::sync::Arc;

use patchbay_cpu::engine::{Engine, Interpreter};
use patchbay_cpu::exit::{Exit, Stuck};
use patchbay_cpu::flat::{self, FlatMemory};
use patchbay_cpu::processor::Processor;

use super::program::Program;

/// The size of memory, in bytes from address 0.
pub const MEMORY: u64 = 64 << 20;

/// Why a program did not reach its stop.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Unfinished {
    /// It executed as many instructions as it may.
    #[error("not at the stop after {limit} instructions: ip is {ip:#x}")]
    Limit {
        /// The limit.
        limit: u64,
        /// Where it is.
        ip: u64,
    },
    /// No code can run.
    #[error("{0}")]
    Stuck(#[from] Stuck),
    /// It left the processor otherwise.
    #[error("left at {ip:#x}: {exit:?}")]
    Left {
        /// Where it is.
        ip: u64,
        /// How.
        exit: Exit,
    },
}

/// One processor and its memory.
pub struct Machine {
    /// RAM from address 0 on.
    pub memory: Arc<FlatMemory>,
    /// The processor.
    pub processor: Processor,
    engine: Interpreter,
}

impl Machine {
    /// A machine in a program's initial state.
    #[must_use]
    pub fn new(program: &Program) -> Machine {
        let memory = Arc::new(FlatMemory::new(MEMORY));
        for (address, bytes) in &program.memory {
            memory.write_bytes(*address, bytes).expect("programs are checked against the size of memory");
        }
        let mut processor = flat::processor(memory.clone());
        for (register, value) in &program.initial {
            register.write(&mut processor, *value);
        }
        Machine { memory, processor, engine: Interpreter::default() }
    }

    /// Runs until the next bundle is the one at `stop`.
    ///
    /// # Errors
    /// If that does not happen within `limit` instructions, or can never happen.
    pub fn run_to(&mut self, stop: u64, limit: u64) -> Result<(), Unfinished> {
        self.engine.set_stop(Some(stop));
        let exit = self.engine.run(&mut self.processor, limit);
        let ip = self.processor.registers.ip;
        match exit {
            Exit::Stop => Ok(()),
            Exit::Budget => Err(Unfinished::Limit { limit, ip }),
            Exit::Stuck(stuck) => Err(stuck.into()),
            exit => Err(Unfinished::Left { ip, exit }),
        }
    }
}
