//! Why a processor stops running.

use patchbay_isa::Instruction;

use crate::bus::PhysicalAddress;
use crate::interruption::Interruption;
use crate::processor::debugger::DebuggerStop;

/// Why [`Engine::run`](crate::engine::Engine::run) returned. IP, PSR.ri and the instruction count are exact.
#[derive(Clone, Debug, PartialEq)]
pub enum Exit {
    /// The budget of instructions is spent.
    Budget,
    /// The next bundle is at the breakpoint.
    Breakpoint,
    /// The next bundle is a portal; IP is at it.
    Portal(PhysicalAddress),
    /// Another thread asked for attention.
    Attention,
    /// At PSR.vm = 1, an interruption other than a virtualization fault. Nothing was delivered: IP, PSR and the
    /// control registers are those of the interrupted instruction.
    Interruption(Interruption),
    /// At PSR.vm = 1, an instruction that is virtualized; its row says the cause.
    Virtualization(Instruction),
    /// The hook asked to leave; it knows why.
    Hook,
    /// The debugger of the processor wants to know.
    Debugger(DebuggerStop),
    /// An interruption cannot be delivered: there is no code that could run.
    Stuck(Stuck),
}

/// Why no code can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stuck {
    /// The instruction address is not memory.
    #[error("no memory answers at the instruction address {0:#x}")]
    NoMemory(u64),
    /// A fault was raised while delivering one to the same address.
    #[error("an interruption handler at {0:#x} faults on its first instruction")]
    DoubleFault(u64),
}
