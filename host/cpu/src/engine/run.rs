//! The run loop that all engines share.

use std::sync::Arc;

use patchbay_isa::Slot;

use super::block::{Block, Entry};
use super::cache::{BlockCache, Place, Prepared};
use super::interpreter::execute::execute;
use super::leave::{Progress, clear_one_instruction_bits, finish, interrupt};
use crate::exit::{Exit, Stuck};
use crate::interruption::{Interruption, Isr, SINGLE_STEP, Vector};
use crate::outcome::Leave;
use crate::processor::Processor;
use crate::processor::debugger::DebuggerStop;
use crate::psr::Psr;

/// Instructions between two looks at the interval timer.
const TIMER_INTERVAL: u64 = 4096;
/// An exit takes about as long as so many instructions.
const EXIT: u64 = 32;
/// Bytes of decoded code that the processors of a machine keep at most.
const DECODED: usize = 256 << 20;
/// No bundle has this address.
const NO_BREAKPOINT: u64 = 1;

/// The run loop of one processor, whatever executes its blocks: budget, interval timer, attention, breakpoint, steps of
/// one instruction.
#[derive(Debug)]
pub(crate) struct RunLoop {
    cache: BlockCache,
    /// The address of the bundle to stop at.
    breakpoint: u64,
    /// The version of what the debugger wants that the blocks are decoded for.
    debugger: u32,
    /// The instruction count of the next look at the interval timer. Each run brings it nearer.
    look: u64,
    progress: Progress,
}

/// What executes blocks.
pub(crate) trait Execution {
    /// Executes a block that is current, from its first instruction on, and perhaps others after it, but none that
    /// begins after the instruction count `look` was reached or while attention is asked for. IP is that of the block.
    fn execute(&mut self, p: &mut Processor, entered: &Entered, progress: &mut Progress) -> Option<Exit>;
}

/// A block that is to be executed.
pub(crate) struct Entered<'a> {
    /// The block.
    pub(crate) prepared: &'a Arc<Prepared>,
    /// Where it is.
    pub(crate) place: Place,
    /// All blocks.
    pub(crate) cache: &'a BlockCache,
    /// The instruction count at which the run loop is to look at the budget and the timer.
    pub(crate) look: u64,
    /// The address that no block but one that begins there may reach.
    pub(crate) breakpoint: u64,
}

impl Default for RunLoop {
    fn default() -> RunLoop {
        RunLoop {
            cache: BlockCache::default(),
            breakpoint: NO_BREAKPOINT,
            debugger: 0,
            look: 0,
            progress: Progress::default(),
        }
    }
}

impl RunLoop {
    pub(crate) fn set_breakpoint(&mut self, ip: Option<u64>) {
        self.breakpoint = ip.unwrap_or(NO_BREAKPOINT);
        self.cache = BlockCache::default();
    }

    /// Begins to run a processor that others may have changed since.
    fn begin(&mut self, p: &mut Processor) -> Option<Exit> {
        // Memory may have been written.
        p.alat.clear();
        if self.debugger != p.debugger.version {
            self.debugger = p.debugger.version;
            self.cache = BlockCache::default();
        }
        match p.complete_frame() {
            Ok(()) => None,
            Err(leave) => finish(p, None, leave, p.registers.ip, &mut self.progress),
        }
    }

    /// Takes a pending interrupt, or executes one instruction, or delivers its fault.
    pub(crate) fn step_for_debugger(&mut self, p: &mut Processor) -> Exit {
        let delivered: u64 = p.delivered.iter().sum();
        if let Some(exit) = self.begin(p) {
            return exit;
        }
        p.check_timer();
        p.mailbox().request_attention();
        if let Some(exit) = self.attend(p) {
            return exit;
        }
        if delivered == p.delivered.iter().sum::<u64>()
            && let Some(exit) = self.step(p)
        {
            return exit;
        }
        p.debugger.take_hit().map_or(Exit::Budget, |hit| Exit::Debugger(DebuggerStop::Watchpoint(hit)))
    }

    pub(crate) fn run(&mut self, p: &mut Processor, budget: u64, execution: &mut impl Execution) -> Exit {
        let end = p.instructions.saturating_add(budget);
        if let Some(exit) = self.begin(p) {
            return exit;
        }
        p.mailbox().request_attention();
        self.look = self.look.saturating_sub(EXIT);
        let mut look = end.min(self.look);
        let watched = if p.debugger.watches() { CAREFUL } else { 0 };
        loop {
            if p.instructions >= look {
                if p.instructions >= end {
                    self.look = 0;
                    return Exit::Budget;
                }
                p.check_timer();
                self.look = p.instructions + TIMER_INTERVAL;
                look = end.min(self.look);
            }
            if p.mailbox().attention()
                && let Some(exit) = self.attend(p)
            {
                return exit;
            }
            let psr = u64::from(p.registers.psr);
            if (psr | watched) & CAREFUL != 0 {
                if let Some(exit) = self.step_unless_stopped(p) {
                    return exit;
                }
                continue;
            }
            let place = Place {
                ip: p.registers.ip | (psr >> 41 & 3) | (psr >> 18 & 3) << 2,
                context: p.code_context(p.registers.ip),
            };
            let sof = p.registers.cfm.sof();
            let exit = match self.cache.recent(place) {
                Some(prepared) if prepared.block.is_current(sof) && p.registers.ip != self.breakpoint => {
                    let entered = Entered { prepared, place, cache: &self.cache, look, breakpoint: self.breakpoint };
                    execution.execute(p, &entered, &mut self.progress)
                }
                _ => {
                    if p.registers.ip == self.breakpoint && p.registers.psr.ri() == 0 {
                        return Exit::Breakpoint;
                    }
                    if p.debugger.breaks_in(p.registers.ip) {
                        if let Some(exit) = self.step_unless_stopped(p) {
                            return exit;
                        }
                        continue;
                    }
                    match self.enter(p, place, sof) {
                        Ok(prepared) => {
                            let entered = Entered {
                                prepared: &prepared,
                                place,
                                cache: &self.cache,
                                look,
                                breakpoint: self.breakpoint,
                            };
                            execution.execute(p, &entered, &mut self.progress)
                        }
                        Err(leave) => finish(p, None, leave, p.registers.ip, &mut self.progress),
                    }
                }
            };
            if let Some(exit) = exit {
                return exit;
            }
        }
    }
}

/// PSR bits that need one instruction at a time: db, id, da, dd, ss, ed, ia.
pub(crate) const CAREFUL: u64 = Psr::ONE_INSTRUCTION | 1 << 40 | 1 << 24;

impl RunLoop {
    /// Attends to what other threads asked for; takes a pending external interrupt.
    fn attend(&mut self, p: &mut Processor) -> Option<Exit> {
        p.mailbox().take_attention();
        p.perform_purges();
        if p.mailbox().take_exit() {
            return Some(Exit::Attention);
        }
        if p.registers.psr.i() && p.external_interrupt_pending() {
            let isr = Isr::new().with_ei(p.registers.psr.ri());
            p.raised = Interruption { isr, ..Interruption::fault(Vector::ExternalInterrupt, 0) };
            return interrupt(p, &mut self.progress);
        }
        None
    }

    /// Finds or decodes the block at IP.
    fn enter(&mut self, p: &mut Processor, place: Place, sof: u8) -> Result<Arc<Prepared>, Leave> {
        let psr = p.registers.psr;
        let Some(slot) = Slot::new(psr.ri()) else {
            return Err(p.raise(Interruption::ILLEGAL_OPERATION));
        };
        let address = p.translate_instruction(p.registers.ip)?;
        let entry = Entry { address, slot, dfl: psr.dfl(), dfh: psr.dfh(), vm: psr.vm() };
        let known = self.cache.find(&entry, sof).map(Arc::clone);
        let prepared = match known {
            Some(prepared) => prepared,
            None => {
                // No block reaches into a bundle with a breakpoint.
                let ip = p.registers.ip;
                let stops = [Some(self.breakpoint), p.debugger.next_bundle(ip)].into_iter().flatten();
                let nearest = stops.min_by_key(|stop| stop.wrapping_sub(ip)).unwrap_or(NO_BREAKPOINT);
                let limit = DECODED / p.configuration.domain.processors();
                self.cache.insert(decode(p, entry, sof, u64::MAX, nearest)?, limit)
            }
        };
        self.cache.remember(place, &prepared);
        Ok(prepared)
    }

    /// Executes one instruction, unless the processor is to stop before it: for the last access, or at a breakpoint.
    fn step_unless_stopped(&mut self, p: &mut Processor) -> Option<Exit> {
        let (ip, slot) = (p.registers.ip, p.registers.psr.ri());
        if let Some(hit) = p.debugger.take_hit() {
            return Some(Exit::Debugger(DebuggerStop::Watchpoint(hit)));
        }
        if p.debugger.breaks_at(ip, slot) {
            return Some(Exit::Debugger(DebuggerStop::Breakpoint));
        }
        if ip == self.breakpoint && slot == 0 {
            return Some(Exit::Breakpoint);
        }
        self.step(p)
    }

    /// Executes one instruction while PSR asks for something after each (SDM 2:26).
    fn step(&mut self, p: &mut Processor) -> Option<Exit> {
        let before = p.registers.psr;
        let (ip, sof) = (p.registers.ip, p.registers.cfm.sof());
        let block = Slot::new(before.ri()).ok_or_else(|| p.raise(Interruption::ILLEGAL_OPERATION)).and_then(|slot| {
            let address = p.translate_instruction(ip)?;
            p.check_instruction_breakpoints(ip)?;
            let entry = Entry { address, slot, dfl: before.dfl(), dfh: before.dfh(), vm: before.vm() };
            decode(p, entry, sof, 1, self.breakpoint)
        });
        let block = match block {
            Ok(block) => block,
            Err(leave) => return finish(p, None, leave, ip, &mut self.progress),
        };
        self.progress.returned = false;
        let exit = execute(p, &Prepared::new(block), &mut self.progress);
        if exit.is_some() || self.progress.faults > 0 || self.progress.returned {
            return exit;
        }
        clear_one_instruction_bits(p);
        if before.ss() {
            let isr = Isr::new().with_code(SINGLE_STEP).with_ei(before.ri());
            p.raised = Interruption { isr, ..Interruption::fault(Vector::SingleStepTrap, 0) };
            return interrupt(p, &mut self.progress);
        }
        None
    }
}

fn decode(p: &mut Processor, entry: Entry, sof: u8, limit: u64, breakpoint: u64) -> Result<Block, Leave> {
    let Some(page) = p.configuration.bus.ram(entry.address) else {
        p.exit = Some(Exit::Stuck(Stuck::NoMemory(p.registers.ip)));
        return Err(Leave::Exit);
    };
    let bundles = breakpoint.wrapping_sub(p.registers.ip) >> 4;
    Ok(Block::decode(p, entry, &page, sof, limit, bundles))
}
