//! The owner of the exits of a machine's processor whose guest is virtualized.

use std::sync::Arc;

use patchbay_cpu::exit::Exit;
use patchbay_cpu::processor::Processor;
use patchbay_cpu::registers::cr;
use patchbay_machine::memory::Overlay;
use patchbay_machine::platform::Platform;
use patchbay_machine::supervisor::{Executor, Native, Reaction, Supervisor, crash};

use crate::vm::Vm;
use crate::vp::VirtualProcessor;

/// The monitor's side of one processor's exits.
pub struct Virtual {
    vm: Arc<Vm>,
    index: usize,
}

impl Virtual {
    /// The owner of the exits of a virtual machine's processor.
    #[must_use]
    pub fn new(vm: Arc<Vm>, index: usize) -> Virtual {
        Virtual { vm, index }
    }
}

/// Does something to a processor that has the guest's control registers, so that reports show them.
fn with_guest_registers(
    vp: &VirtualProcessor,
    executor: &mut Executor,
    work: impl FnOnce(&mut Executor) -> Reaction,
) -> Reaction {
    let machine = executor.processor.registers.cr;
    executor.processor.registers.cr = vp.vpd.vcr;
    executor.processor.registers.cr[cr::PTA] = machine[cr::PTA];
    let reaction = work(executor);
    executor.processor.registers.cr = machine;
    reaction
}

impl Supervisor for Virtual {
    fn start(&mut self, processor: &mut Processor, platform: &Platform) {
        let vm: Arc<dyn Overlay> = self.vm.clone();
        platform.memory.set_overlay(Arc::downgrade(&vm));
        processor.hook = Some(Box::new(VirtualProcessor::new(Arc::clone(&self.vm), self.index, processor)));
    }

    fn react(&mut self, executor: &mut Executor, exit: Exit, platform: &Platform) -> Reaction {
        let p = &mut executor.processor;
        let Some(mut vp) = p.take_hook::<VirtualProcessor>() else {
            return crash("the processor has no virtual processor".into(), executor, platform);
        };
        let exit = vp.react(p, exit);
        let failure = vp.failure.take();
        let ip = p.registers.ip;
        let reaction = if let Some(failure) = failure {
            with_guest_registers(&vp, executor, |executor| crash(failure.to_string(), executor, platform))
        } else if vp.is_stuck() {
            let reason = format!("an interruption handler at {ip:#x} faults on its first instruction");
            with_guest_registers(&vp, executor, |executor| crash(reason, executor, platform))
        } else if let Some(exit) = exit {
            with_guest_registers(&vp, executor, |executor| Native.react(executor, exit, platform))
        } else {
            Reaction::Continue
        };
        executor.processor.hook = Some(vp);
        reaction
    }

    fn is_ready(&mut self, p: &mut Processor) -> bool {
        p.check_timer();
        let Some(mut vp) = p.take_hook::<VirtualProcessor>() else { return true };
        let mut guest = vp.guest(p);
        guest.take_interrupts();
        // It waits in the VPD now: only an exit delivers it.
        let ready = guest.ask_for_interrupt();
        p.hook = Some(vp);
        ready
    }
}
