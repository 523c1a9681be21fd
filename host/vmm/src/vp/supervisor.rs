//! The owner of the exits of a machine's processor whose guest is virtualized.

use std::sync::Arc;

use patchbay_cpu::exit::Exit;
use patchbay_cpu::processor::Processor;
use patchbay_cpu::psr::Psr;
use patchbay_cpu::registers::cr;
use patchbay_machine::platform::Platform;
use patchbay_machine::supervisor::{Executor, Native, Reaction, Supervisor, crash};
use patchbay_plugin_api::vpd::vpsr;

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

/// Does something to a processor that has the guest's control registers and PSR, so that reports show them. PSR.vm stays:
/// the firmware looks at it.
fn with_guest_registers(
    vp: &VirtualProcessor,
    executor: &mut Executor,
    work: impl FnOnce(&mut Executor) -> Reaction,
) -> Reaction {
    let registers = &mut executor.processor.registers;
    let (machine, psr) = (registers.cr, registers.psr);
    registers.cr = vp.vpd.vcr;
    registers.cr[cr::PTA] = machine[cr::PTA];
    registers.psr = Psr::from(u64::from(psr) & !vpsr::ALL | vp.vpd.vpsr).with_vm(true);
    let reaction = work(executor);
    let registers = &mut executor.processor.registers;
    (registers.cr, registers.psr) = (machine, psr);
    reaction
}

impl Supervisor for Virtual {
    fn start(&mut self, processor: &mut Processor, platform: &Platform) {
        self.vm.view.grace().belongs_to(&platform.domain);
        processor.hook = Some(match processor.take_hook::<VirtualProcessor>() {
            Some(mut vp) => {
                vp.restart(processor);
                vp
            }
            None => {
                let mut vp = Box::new(VirtualProcessor::new(Arc::clone(&self.vm), self.index, processor));
                vp.survey(processor);
                vp
            }
        });
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
