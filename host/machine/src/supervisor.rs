//! What happens when a processor leaves its run loop: the seam between the machine and whoever owns its processors.

use std::cell::Cell;

use patchbay_cpu::bus::PhysicalAddress;
use patchbay_cpu::engine::Engine;
use patchbay_cpu::exit::Exit;
use patchbay_cpu::processor::Processor;

use crate::firmware::call::{Answer, Call};
use crate::firmware::pal;
use crate::firmware::portal::{self, Portal};
use crate::outcome::Outcome;
use crate::platform::Platform;
use crate::report::Report;

/// What a processor does after an exit.
#[derive(Clone, Debug)]
pub enum Reaction {
    /// It goes on.
    Continue,
    /// It sleeps until [`Supervisor::is_ready`].
    Halt,
    /// It waits in the firmware for the wake-up interrupt.
    Rendezvous,
    /// The machine ends.
    End(Outcome),
}

/// A processor and the engine that executes it.
pub struct Executor {
    /// Which processor of its machine it is.
    pub index: usize,
    /// The processor.
    pub processor: Processor,
    /// Its engine.
    pub engine: Box<dyn Engine + Send>,
}

/// Owns one processor's exits.
pub trait Supervisor: Send {
    /// Takes a processor over from the firmware, which has just put it where its guest starts.
    fn start(&mut self, _processor: &mut Processor, _platform: &Platform) {}

    /// Reacts to an exit. Called on the processor's thread; may block only as long as every other processor can
    /// wait for a purge.
    fn react(&mut self, executor: &mut Executor, exit: Exit, platform: &Platform) -> Reaction;

    /// Whether a halted processor goes on.
    fn is_ready(&mut self, processor: &mut Processor) -> bool {
        processor.check_timer();
        processor.external_interrupt_pending()
    }

    /// Ticks until a halted processor goes on by itself, if it does.
    fn ticks_to_timer(&self, processor: &Processor) -> Option<u64> {
        processor.ticks_to_timer()
    }
}

/// The guest owns the machine: only firmware calls leave the processor.
#[derive(Clone, Copy, Debug, Default)]
pub struct Native;

impl Supervisor for Native {
    fn react(&mut self, executor: &mut Executor, exit: Exit, platform: &Platform) -> Reaction {
        match exit {
            Exit::Budget | Exit::Attention | Exit::Debugger(_) => Reaction::Continue,
            Exit::Portal(address) => call_firmware(executor, address, platform),
            Exit::Breakpoint => {
                executor.engine.set_breakpoint(None);
                platform.panicked(report("the guest has panicked".into(), executor, platform));
                Reaction::Continue
            }
            Exit::Stuck(stuck) => crash(stuck.to_string(), executor, platform),
            Exit::Interruption(_) | Exit::Virtualization(_) | Exit::Hook => {
                crash("PSR.vm is 1 and there is no virtual machine monitor".into(), executor, platform)
            }
        }
    }
}

/// The end of a machine whose processor cannot go on.
#[must_use]
pub fn crash(reason: String, executor: &Executor, platform: &Platform) -> Reaction {
    Reaction::End(Outcome::Crash(Box::new(report(reason, executor, platform))))
}

fn report(reason: String, executor: &Executor, platform: &Platform) -> Report {
    Report::new(reason, executor.index, &executor.processor, &platform.symbols)
}

/// Performs the firmware procedure behind a portal that the processor is at.
pub fn call_firmware(executor: &mut Executor, address: PhysicalAddress, platform: &Platform) -> Reaction {
    let Some(portal) = Portal::at(address) else {
        return crash(format!("no firmware procedure is at {:#x}", address.0), executor, platform);
    };
    let processor = &executor.processor;
    let gr = &processor.registers.gr;
    let static_call = portal == Portal::Pal && !pal::is_stacked(gr[28]);
    let arguments = match portal {
        Portal::Firmware => return leave(executor),
        Portal::Pal if static_call => [gr[28], gr[29], gr[30], gr[31], 0, 0, 0, 0],
        Portal::Pal => [gr[28], gr[33], gr[34], gr[35], 0, 0, 0, 0],
        Portal::Sal | Portal::Efi(_) => std::array::from_fn(|index| gr[32 + index]),
    };
    let missed = Cell::new(None);
    let translate = |address| {
        let translated = processor.debug_translate(address);
        if translated.is_none() {
            missed.set(missed.get().or(Some(address)));
        }
        translated
    };
    let call = Call {
        arguments,
        processor: executor.index,
        is_virtual: processor.registers.psr.vm(),
        memory: &platform.memory,
        translate: &translate,
    };
    let answer = platform.firmware.call(portal, &call);
    let registers = &mut executor.processor.registers;
    if let Some(missed) = missed.get() {
        // The operating system shall provide the translation; the call is made again then.
        registers.gr[portal::TOUCHED] = missed;
        registers.set_gr_nat(portal::TOUCHED as u8, false);
        registers.ip = registers.ip.wrapping_add(portal::TOUCH);
        return Reaction::Continue;
    }
    let (values, reaction) = match answer {
        Answer::Return(values) => (values, Reaction::Continue),
        Answer::Halt => ([0; 4], Reaction::Halt),
        Answer::End(outcome) => return Reaction::End(outcome),
    };
    for (register, value) in (8..).zip(values) {
        registers.gr[usize::from(register)] = value;
        registers.set_gr_nat(register, false);
    }
    let way_back = if static_call { portal::BRANCH_BACK } else { portal::RETURN };
    registers.ip = registers.ip.wrapping_add(way_back);
    reaction
}

/// The guest returned to the firmware: processor 0 ends the machine with r8 as its status.
fn leave(executor: &Executor) -> Reaction {
    match executor.index {
        0 => Reaction::End(Outcome::PowerOff(Some(executor.processor.registers.gr[8]))),
        _ => Reaction::Rendezvous,
    }
}
