//! What a processor at PSR.vm = 1 tells the virtual machine monitor without leaving its run loop.

use std::any::Any;

use crate::code_view::Trigger;
use crate::outcome::{Leave, Outcome};
use crate::processor::Processor;

/// The monitor's side of one processor. Its functions run on the processor's thread; while they do, the processor has
/// no hook.
pub trait Hook: Any + Send {
    /// A trigger in the bundle at `ip`. The outcome is that of the instruction for which it stands.
    ///
    /// # Errors
    /// As for an instruction.
    fn trigger(&mut self, p: &mut Processor, trigger: &Trigger, ip: u64) -> Outcome;
}

impl Processor {
    /// Executes a trigger in the bundle at `ip`: gives it to the hook.
    ///
    /// # Errors
    /// As for the instruction for which it stands.
    #[inline]
    pub(crate) fn execute_trigger(&mut self, trigger: &Trigger, ip: u64) -> Outcome {
        // Whoever takes the hook away takes PSR.vm with it; without one, the instruction is virtualized.
        let Some(mut hook) = self.hook.take() else { return Err(Leave::Virtualized) };
        let outcome = hook.trigger(self, trigger, ip);
        self.hook = Some(hook);
        outcome
    }

    /// The hook as what it is, where it is a `T`.
    #[must_use]
    pub fn take_hook<T: Hook>(&mut self) -> Option<Box<T>> {
        let hook: Box<dyn Any> = self.hook.take_if(|hook| (&**hook as &dyn Any).is::<T>())?;
        hook.downcast().ok()
    }
}
