//! What a processor at PSR.vm = 1 tells the virtual machine monitor without leaving its run loop.

use std::any::Any;

use crate::bus::PhysicalAddress;
use crate::engine::interpreter::Op;
use crate::outcome::Outcome;
use crate::processor::Processor;

/// The monitor's side of one processor. Its functions run on the processor's thread; while they do, the processor has
/// no hook.
pub trait Hook: Any + Send {
    /// A `break` with this cr.iim, 0 for `break.b`, before its fault is raised. `None` raises it; otherwise the outcome is
    /// that of the instruction for which the `break` stands.
    fn break_instruction(&mut self, p: &mut Processor, op: &Op, iim: u64) -> Option<Outcome>;

    /// `fc` of the line around this address, before what follows is fetched anew.
    fn flush(&mut self, p: &Processor, line: PhysicalAddress);
}

impl Processor {
    /// Gives a `break` at PSR.vm = 1 to the hook.
    #[inline]
    pub(crate) fn offer_break(&mut self, op: &Op, iim: u64) -> Option<Outcome> {
        if !self.registers.psr.vm() {
            return None;
        }
        let mut hook = self.hook.take()?;
        let outcome = hook.break_instruction(self, op, iim);
        self.hook = Some(hook);
        outcome
    }

    /// Tells the hook of an `fc` at PSR.vm = 1.
    pub(crate) fn tell_flush(&mut self, line: PhysicalAddress) {
        if self.registers.psr.vm()
            && let Some(mut hook) = self.hook.take()
        {
            hook.flush(self, line);
            self.hook = Some(hook);
        }
    }

    /// The hook as what it is, where it is a `T`.
    #[must_use]
    pub fn take_hook<T: Hook>(&mut self) -> Option<Box<T>> {
        let hook: Box<dyn Any> = self.hook.take_if(|hook| (&**hook as &dyn Any).is::<T>())?;
        hook.downcast().ok()
    }
}
