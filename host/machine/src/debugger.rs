//! A machine under a debugger: which of its processors run when it goes on, and why they stopped.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};

use crossbeam_channel::{Receiver, Sender, unbounded};
use patchbay_cpu::processor::debugger::DebuggerStop;

/// What a processor does when its machine goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Go {
    /// It runs.
    Runs = 0,
    /// It executes one instruction, and stops.
    Steps = 1,
    /// It stands still.
    Stands = 2,
}

/// It has stopped by itself.
const STOPPED: u8 = 3;

/// Why a processor has stopped by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It has executed one instruction, or an interruption was delivered instead.
    Stepped,
    /// What its debugger wants to know of.
    Wanted(DebuggerStop),
}

/// A processor that has stopped by itself. The others run on until the machine is paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Which.
    pub processor: usize,
    /// Why.
    pub why: Why,
}

/// The debugger of a machine.
#[derive(Debug)]
pub(crate) struct Debugger {
    /// What each processor does: a [`Go`], or [`STOPPED`]. Written by its own thread, which stops, and by whoever lets
    /// the machine go on, while all processors stand.
    states: Vec<AtomicU8>,
    listener: Mutex<Option<Sender<Stopped>>>,
}

impl Debugger {
    pub(crate) fn new(processors: usize) -> Debugger {
        Debugger {
            states: (0..processors).map(|_| AtomicU8::new(Go::Runs as u8)).collect(),
            listener: Mutex::default(),
        }
    }

    /// Whoever listens from now on.
    pub(crate) fn listen(&self) -> Receiver<Stopped> {
        let (sender, receiver) = unbounded();
        *self.listener.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        receiver
    }

    /// Sets what each processor does when the machine goes on.
    pub(crate) fn set(&self, how: impl Fn(usize) -> Go) {
        for (processor, state) in self.states.iter().enumerate() {
            state.store(how(processor) as u8, Ordering::Release);
        }
    }

    /// Whether a processor does not execute, though the machine is not paused.
    pub(crate) fn stands(&self, processor: usize) -> bool {
        self.states[processor].load(Ordering::Acquire) >= Go::Stands as u8
    }

    /// Whether a processor is to execute one instruction.
    pub(crate) fn steps(&self, processor: usize) -> bool {
        self.states[processor].load(Ordering::Acquire) == Go::Steps as u8
    }

    /// Whether some processor has stopped by itself.
    pub(crate) fn has_stopped(&self) -> bool {
        self.states.iter().any(|state| state.load(Ordering::Acquire) == STOPPED)
    }

    /// Stops a processor, and tells the debugger; `false` if there is none any more, and the processor runs on.
    pub(crate) fn stop(&self, stopped: Stopped) -> bool {
        let listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &self.states[stopped.processor];
        state.store(STOPPED, Ordering::Release);
        let told = listener.as_ref().is_some_and(|listener| listener.send(stopped).is_ok());
        if !told {
            state.store(Go::Runs as u8, Ordering::Release);
        }
        told
    }
}
