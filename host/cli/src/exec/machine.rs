//! The machine a program runs on: one processor and its memory.

use std::sync::Arc;

use patchbay_cpu::engine::{Engine, EngineChoice};
use patchbay_cpu::exit::{Exit, Stuck};
use patchbay_cpu::flat_machine;
use patchbay_cpu::processor::Processor;
use patchbay_vmm::guest::hand_back;
use patchbay_vmm::plugins::Failed;
use patchbay_vmm::vm::Vm;
use patchbay_vmm::vp::VirtualProcessor;

use super::memory::SparseMemory;
use super::program::Program;

/// Why a program did not reach its stop.
#[derive(Clone, Debug, thiserror::Error)]
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
    /// A plugin failed.
    #[error(transparent)]
    Plugin(#[from] Failed),
    /// Its handlers interrupt themselves.
    #[error("an interruption handler at {0:#x} faults on its first instruction")]
    Handler(u64),
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
    /// RAM.
    pub memory: Arc<SparseMemory>,
    /// The processor.
    pub processor: Processor,
    engine: Box<dyn Engine + Send>,
}

impl Machine {
    /// A machine in a program's initial state.
    #[must_use]
    pub fn new(program: &Program, engine: EngineChoice) -> Machine {
        let memory = Arc::new(SparseMemory::default());
        for (address, bytes) in &program.memory {
            memory.write_bytes(*address, bytes).expect("programs are checked against what memory holds");
        }
        let mut processor = flat_machine::processor(memory.clone());
        for (register, value) in &program.initial {
            register.write(&mut processor, *value);
        }
        Machine { memory, processor, engine: engine.engine() }
    }

    /// Runs until the next bundle is the one at `stop`: in a virtual machine if there is one, and the guest's registers
    /// are in the processor again afterwards.
    ///
    /// # Errors
    /// If that does not happen within `limit` instructions, or can never happen.
    pub fn run_to(&mut self, stop: u64, limit: u64, vm: Option<Arc<Vm>>) -> Result<(), Unfinished> {
        self.engine.set_breakpoint(Some(stop));
        let Some(vm) = vm else {
            let exit = self.engine.run(&mut self.processor, limit);
            return self.ended(exit, limit);
        };
        let p = &mut self.processor;
        let vp = VirtualProcessor::new(vm, 0, p);
        p.hook = Some(Box::new(vp));
        let exit = self.run_virtual(limit);
        if let Some(vp) = self.processor.take_hook::<VirtualProcessor>() {
            hand_back(&mut self.processor, &vp.vpd);
        }
        self.ended(exit?, limit)
    }

    /// Runs until an exit that is not the monitor's.
    fn run_virtual(&mut self, limit: u64) -> Result<Exit, Unfinished> {
        let p = &mut self.processor;
        let end = p.instructions.saturating_add(limit);
        while p.instructions < end {
            let exit = self.engine.run(p, end - p.instructions);
            let Some(mut vp) = p.take_hook::<VirtualProcessor>() else { return Ok(exit) };
            let exit = vp.react(p, exit);
            let (failure, stuck) = (vp.failure.take(), vp.is_stuck());
            p.hook = Some(vp);
            match (exit, failure) {
                (_, Some(failure)) => return Err(failure.into()),
                (Some(exit), _) => return Ok(exit),
                _ if stuck => return Err(Unfinished::Handler(p.registers.ip)),
                _ => {}
            }
        }
        Ok(Exit::Budget)
    }

    fn ended(&self, exit: Exit, limit: u64) -> Result<(), Unfinished> {
        let ip = self.processor.registers.ip;
        match exit {
            Exit::Breakpoint => Ok(()),
            Exit::Budget => Err(Unfinished::Limit { limit, ip }),
            Exit::Stuck(stuck) => Err(stuck.into()),
            exit => Err(Unfinished::Left { ip, exit }),
        }
    }
}
