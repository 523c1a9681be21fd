//! What a processor at PSR.vm = 1 tells the virtual machine monitor without leaving its run loop.

use std::any::Any;

use crate::code_view::Trigger;
use crate::op::{Op, Outcome, Stop};
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

/// Executes a trigger: gives it to the hook. The operation's immediate is the address of its [`Trigger`].
pub(crate) fn trigger(p: &mut Processor, op: &Op) -> Outcome {
    let trigger = op.imm as usize as *const Trigger;
    // SAFETY: the block that the operation is of has the trigger, and stays as long as one of its operations executes.
    let trigger = unsafe { &*trigger };
    // Whoever takes the hook away takes PSR.vm with it; without one, the instruction is virtualized.
    let Some(mut hook) = p.hook.take() else { return Err(Stop::Virtualized) };
    let ip = p.ip(op);
    let outcome = hook.trigger(p, trigger, ip);
    p.hook = Some(hook);
    outcome
}

impl Processor {
    /// The hook as what it is, where it is a `T`.
    #[must_use]
    pub fn take_hook<T: Hook>(&mut self) -> Option<Box<T>> {
        let hook: Box<dyn Any> = self.hook.take_if(|hook| (&**hook as &dyn Any).is::<T>())?;
        hook.downcast().ok()
    }
}
