//! The block interpreter: one indirect call an instruction.

use patchbay_isa::Slot;

use super::Engine;
use super::block::{Block, Entry};
use super::cache::{BlockCache, Place};
use crate::exit::{Exit, Stuck};
use crate::interruption::{Interruption, Isr, MOST_FAULTS, SINGLE_STEP, Vector};
use crate::op::{Op, Stop};
use crate::processor::Processor;
use crate::psr::Psr;

/// Instructions between two looks at the interval timer.
const TIMER_INTERVAL: u64 = 4096;
/// An exit takes about as long as so many instructions.
const EXIT: u64 = 32;
/// No bundle has this address.
const NO_STOP: u64 = 1;

/// The interpreter of one processor.
#[derive(Debug)]
pub struct Interpreter {
    cache: BlockCache,
    stop: u64,
    /// The instruction count of the next look at the interval timer. Each run brings it nearer.
    look: u64,
    progress: Progress,
}

/// What the last instructions did.
#[derive(Debug, Default)]
struct Progress {
    /// Faults delivered since an instruction completed.
    faults: u32,
    /// Whether the last instruction set PSR as `rfi` does: the bits for one instruction are then those of the next.
    returned: bool,
    /// Whether PSR.ic was 1 before the block: only then what completes is the last instruction of cr.iipa (SDM 2:40).
    /// Instructions that change PSR.ic end their block.
    collecting: bool,
}

impl Default for Interpreter {
    fn default() -> Interpreter {
        Interpreter { cache: BlockCache::default(), stop: NO_STOP, look: 0, progress: Progress::default() }
    }
}

impl Engine for Interpreter {
    fn set_stop(&mut self, ip: Option<u64>) {
        self.stop = ip.unwrap_or(NO_STOP);
        self.cache = BlockCache::default();
    }

    fn run(&mut self, p: &mut Processor, budget: u64) -> Exit {
        // Memory may have been written since the last run.
        p.alat.clear();
        let end = p.instructions.saturating_add(budget);
        if let Err(stop) = p.complete_frame()
            && let Some(exit) = finish(p, None, stop, p.registers.ip, &mut self.progress)
        {
            return exit;
        }
        p.port().request_attention();
        self.look = self.look.saturating_sub(EXIT);
        let mut look = end.min(self.look);
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
            if p.port().attention()
                && let Some(exit) = self.attend(p)
            {
                return exit;
            }
            let psr = u64::from(p.registers.psr);
            if psr & CAREFUL != 0 {
                if let Some(exit) = self.step(p) {
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
                Some(block) if block.is_current(sof) && p.registers.ip != self.stop => {
                    execute(p, block, &mut self.progress)
                }
                _ => {
                    if p.registers.ip == self.stop && p.registers.psr.ri() == 0 {
                        return Exit::Stop;
                    }
                    match self.enter(p, place, sof) {
                        Ok(block) => execute(p, self.cache.block(block), &mut self.progress),
                        Err(stop) => finish(p, None, stop, p.registers.ip, &mut self.progress),
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
const CAREFUL: u64 = Psr::ONE_INSTRUCTION | 1 << 40 | 1 << 24;

impl Interpreter {
    /// Attends to what other threads asked for; takes a pending external interrupt.
    fn attend(&mut self, p: &mut Processor) -> Option<Exit> {
        p.port().take_attention();
        p.perform_purges();
        if p.port().take_exit() {
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
    fn enter(&mut self, p: &mut Processor, place: Place, sof: u8) -> Result<u32, Stop> {
        let psr = p.registers.psr;
        let Some(slot) = Slot::new(psr.ri()) else {
            return Err(p.raise(Interruption::ILLEGAL_OPERATION));
        };
        let address = p.translate_instruction(p.registers.ip)?;
        let entry = Entry { address, slot, dfl: psr.dfl(), dfh: psr.dfh(), vm: psr.vm() };
        if let Some(block) = self.cache.find(&entry)
            && self.cache.block(block).is_current(sof)
        {
            self.cache.remember(place, block);
            return Ok(block);
        }
        let block = decode(p, entry, sof, u64::MAX, self.stop)?;
        let block = self.cache.insert(block);
        self.cache.remember(place, block);
        Ok(block)
    }

    /// Executes one instruction while PSR asks for something after each (SDM 2:26).
    fn step(&mut self, p: &mut Processor) -> Option<Exit> {
        let before = p.registers.psr;
        let (ip, sof) = (p.registers.ip, p.registers.cfm.sof());
        if ip == self.stop && before.ri() == 0 {
            return Some(Exit::Stop);
        }
        let block = Slot::new(before.ri()).ok_or_else(|| p.raise(Interruption::ILLEGAL_OPERATION)).and_then(|slot| {
            let address = p.translate_instruction(ip)?;
            p.check_instruction_breakpoints(ip)?;
            let entry = Entry { address, slot, dfl: before.dfl(), dfh: before.dfh(), vm: before.vm() };
            decode(p, entry, sof, 1, self.stop)
        });
        let block = match block {
            Ok(block) => block,
            Err(stop) => return finish(p, None, stop, ip, &mut self.progress),
        };
        self.progress.returned = false;
        let exit = execute(p, &block, &mut self.progress);
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

/// What completing an instruction does to PSR.
fn clear_one_instruction_bits(p: &mut Processor) {
    let psr = u64::from(p.registers.psr);
    if psr & Psr::ONE_INSTRUCTION != 0 {
        p.set_psr(Psr::from(psr & !Psr::ONE_INSTRUCTION));
    }
}

fn decode(p: &mut Processor, entry: Entry, sof: u8, limit: u64, stop: u64) -> Result<Block, Stop> {
    let Some(page) = p.configuration.bus.ram(entry.address) else {
        p.exit = Some(Exit::Stuck(Stuck::NoMemory(p.registers.ip)));
        return Err(Stop::Exit);
    };
    let to_stop = stop.wrapping_sub(p.registers.ip) >> 4;
    Ok(Block::decode(p, entry, &page, sof, limit, to_stop))
}

/// Executes a block from its first instruction on.
#[inline]
fn execute(p: &mut Processor, block: &Block, progress: &mut Progress) -> Option<Exit> {
    let ip = p.registers.ip;
    progress.collecting = p.interruption_collection();
    p.registers.psr.set_ri(0);
    for op in &block.ops {
        if p.registers.pr >> (op.qp & 63) & 1 != 0
            && let Err(stop) = (op.execute)(p, op)
        {
            if stop == Stop::Branch {
                p.instructions += u64::from(op.before) + 1;
                if progress.collecting {
                    p.last_ip = ip.wrapping_add(u64::from(op.bundle) << 4);
                }
                progress.faults = 0;
                return None;
            }
            if stop == Stop::Serialize {
                serialize(p, op, ip, progress);
                return None;
            }
            return finish(p, Some((block, op)), stop, ip, progress);
        }
    }
    progress.faults = 0;
    p.instructions += u64::from(block.length);
    let end = ip.wrapping_add(u64::from(block.bundles) << 4);
    let last = end.wrapping_sub(16);
    if progress.collecting {
        p.last_ip = last;
    }
    if block.next == Slot::Zero {
        p.registers.ip = end;
    } else {
        p.registers.ip = last;
        p.registers.psr.set_ri(block.next as u8);
    }
    None
}

/// Leaves a block that began at `ip` behind an instruction that serializes.
#[inline]
fn serialize(p: &mut Processor, op: &Op, ip: u64, progress: &mut Progress) {
    let bundle = ip.wrapping_add(u64::from(op.bundle) << 4);
    p.instructions += u64::from(op.before) + 1;
    if progress.collecting {
        p.last_ip = bundle;
    }
    progress.faults = 0;
    progress.returned = false;
    clear_one_instruction_bits(p);
    p.go_behind(bundle, op.slot, op.long);
}

/// Leaves a block that began at `ip` at an instruction; `None` is the fetch of its first.
#[cold]
fn finish(p: &mut Processor, at: Option<(&Block, &Op)>, stop: Stop, ip: u64, progress: &mut Progress) -> Option<Exit> {
    let op = at.map(|(_, op)| op);
    let (bundle, slot) =
        op.map_or((ip, p.registers.psr.ri()), |op| (ip.wrapping_add(u64::from(op.bundle) << 4), op.slot));
    let completed = !matches!(stop, Stop::Fault | Stop::Virtualized | Stop::Exit);
    if let Some(op) = op {
        p.instructions += u64::from(op.before) + u64::from(completed);
        let last_ip = if completed || slot > 0 { bundle } else { bundle.wrapping_sub(16) };
        if progress.collecting && (completed || op.before > 0) {
            p.last_ip = last_ip;
        }
        if completed {
            progress.faults = 0;
            progress.returned = stop == Stop::Return;
            if !progress.returned {
                clear_one_instruction_bits(p);
            }
        } else if op.before > 0 {
            progress.faults = 0;
        }
    }
    match stop {
        Stop::Branch | Stop::Serialize | Stop::Return | Stop::BranchTrap | Stop::IncompleteFrame => {}
        Stop::Trap => p.go_behind(bundle, slot, op.is_some_and(|op| op.long)),
        Stop::Fault | Stop::Virtualized | Stop::Exit => {
            p.registers.ip = bundle;
            p.registers.psr.set_ri(slot);
        }
    }
    match stop {
        Stop::Branch | Stop::Serialize => None,
        Stop::Return => match p.complete_frame() {
            Ok(()) => None,
            Err(stop) => finish(p, None, stop, p.registers.ip, progress),
        },
        Stop::Fault | Stop::Trap | Stop::BranchTrap => {
            p.raised.isr.set_ei(slot);
            if stop != Stop::Fault && p.registers.psr.ss() {
                p.raised.isr.set_code(p.raised.isr.code() | SINGLE_STEP);
            }
            interrupt(p, progress)
        }
        Stop::IncompleteFrame => {
            p.raised.isr.set_ei(p.registers.psr.ri());
            interrupt(p, progress)
        }
        Stop::Virtualized => at.and_then(|(block, op)| block.instruction(op)).map(Exit::Virtualization),
        Stop::Exit => p.exit.take(),
    }
}

/// Delivers `raised`, or leaves with it at PSR.vm = 1.
fn interrupt(p: &mut Processor, progress: &mut Progress) -> Option<Exit> {
    p.raised.isr.set_ir(p.rse.is_incomplete());
    if p.registers.psr.vm() {
        return Some(Exit::Interruption(p.raised));
    }
    progress.faults += 1;
    if progress.faults > MOST_FAULTS {
        progress.faults = 0;
        return Some(Exit::Stuck(Stuck::DoubleFault(p.registers.ip)));
    }
    let raised = p.raised;
    p.deliver(&raised);
    None
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::flat::{self, FlatMemory};
    use crate::registers::cr;

    /// `adds r8=1,r8` in slots 0 and 2, between them a nop (MII).
    const CODE: u128 = 0x01 | ADD_ONE << 5 | 0x8000000 << 46 | ADD_ONE << 87;
    const ADD_ONE: u128 = 0x8 << 37 | 2 << 34 | 8 << 20 | 1 << 13 | 8 << 6;

    /// Each instruction traps, and execution goes on at the next slot (SDM 2:26).
    #[test]
    fn single_steps_slot_by_slot() {
        let memory = Arc::new(FlatMemory::new(0x10000));
        memory.write_bytes(0x1000, &CODE.to_le_bytes()).expect("RAM");
        let mut p = flat::processor(memory);
        p.registers.cr[cr::IVA] = 0x8000;
        let mut engine = Interpreter::default();
        for (slot, next, r8) in [(0, (0x1000, 1), 1), (1, (0x1000, 2), 1), (2, (0x1010, 0), 2)] {
            p.registers.ip = 0x1000;
            p.set_psr(Psr::new().with_ic(true).with_ss(true).with_ri(slot));
            engine.set_stop(Some(0x8000 + Vector::SingleStepTrap as u64));
            assert_eq!(engine.run(&mut p, 10), Exit::Stop);
            let ri = Psr::from(p.registers.cr[cr::IPSR]).ri();
            assert_eq!((p.registers.cr[cr::IIP], ri), next);
            assert_eq!(Isr::from(p.registers.cr[cr::ISR]).ei(), slot);
            assert_eq!(p.gr(8), r8);
        }
    }
}
