//! The translator: hot code is compiled to host code, the rest is interpreted.
//!
//! What is compiled together is a `region::Region`: blocks as the interpreter executes them, so that both look at the
//! budget, the timer and what others ask for before the same instructions. `lower` makes host code of it, which
//! relies on `layout` and calls `helpers`; `code` keeps it, `stubs` lead into it, and `links` from one region
//! to the next. Where a region is left inside a block, the interpreter executes the rest of the block.
//!
//! Compiled code holds for a state in which no general register is NaT, the code is unchanged and the frame has a size
//! for which the blocks were decoded. It sees to that when it is entered; after instructions that can make a NaT; and, as
//! to the code, at loops.

mod code;
mod helpers;
mod layout;
mod links;
#[expect(clippy::useless_conversion, reason = "numbers of registers are converted to numbers where they are assembled")]
mod lower;
mod region;
mod stubs;

use std::time::Instant;

use code::CodeMemory;
pub(crate) use layout::Compiled;
use links::{Links, Mode};
use region::Region;
use stubs::{AT_AN_EDGE, BEFORE, Enter, NOT_ENTERED, Stubs};

use super::Engine;
use super::cache::Prepared;
use super::interpreter::execute::{execute, execute_from};
use super::leave::{Progress, branch, finish, serialize};
use super::run::{Entered, Execution, RunLoop};
use super::statistics::Statistics;
use crate::bus::PAGE_SIZE;
use crate::exit::Exit;
use crate::outcome::Leave;
use crate::processor::Processor;

/// Bytes of host code that the processors of a machine have at most, unless that is too few for each.
const CODE: usize = 128 << 20;
/// Bytes of host code that a processor has at least and at most.
const CODE_OF_PROCESSOR: (usize, usize) = (4 << 20, 32 << 20);
/// Blocks that were entered less often than this part of the others are left out of their regions.
const COLD_PART: u32 = 16;
/// A block whose code was so often not for the state is compiled anew.
const REFUSALS: u32 = 1000;

/// In the last page of the address space, what follows does not have a greater address; it is not compiled.
const LAST_PAGE: u64 = PAGE_SIZE.wrapping_neg();

/// The translator of one processor.
#[derive(Debug)]
pub struct Translator {
    run: RunLoop,
    translation: Translation,
    /// The version of what the debugger wants that code is compiled for.
    debugger: u32,
}

/// What is compiled.
#[derive(Debug)]
struct Translation {
    /// `None` until something is compiled, and if the host allows no code.
    host: Option<Host>,
    refused: bool,
    hot: u32,
    statistics: Statistics,
}

/// The host's side.
#[derive(Debug)]
struct Host {
    memory: CodeMemory,
    /// The bytes of `memory` that the stubs take.
    stubs_end: usize,
    stubs: Stubs,
    links: Links,
    /// What was compiled. Its blocks live as long as its code.
    regions: Vec<Region>,
}

impl Host {
    /// The host's side for one of so many processors.
    fn new(processors: usize) -> Option<Host> {
        if !std::arch::is_x86_feature_detected!("popcnt") {
            return None;
        }
        let size = (CODE / processors).clamp(CODE_OF_PROCESSOR.0, CODE_OF_PROCESSOR.1);
        let (mut memory, links) = (CodeMemory::new(size)?, Links::new());
        let stubs = Stubs::new(&mut memory, &links)?;
        Some(Host { stubs_end: memory.used(), memory, stubs, links, regions: Vec::new() })
    }

    /// Throws away all that was compiled.
    fn clear(&mut self) {
        for region in self.regions.drain(..) {
            for block in &region.blocks {
                block.prepared.set_code(0, 0, 0);
            }
        }
        self.links.clear();
        self.memory.truncate(self.stubs_end);
    }
}

impl Translator {
    /// A translator that has compiled nothing yet and compiles blocks when they were entered `hot` times.
    #[must_use]
    pub fn with_threshold(hot: u32) -> Translator {
        let translation = Translation { host: None, refused: false, hot, statistics: Statistics::default() };
        Translator { run: RunLoop::default(), translation, debugger: 0 }
    }
}

impl Engine for Translator {
    fn run(&mut self, processor: &mut Processor, budget: u64) -> Exit {
        self.follow_debugger(processor);
        self.run.run(processor, budget, &mut self.translation)
    }

    fn step(&mut self, processor: &mut Processor) -> Exit {
        self.follow_debugger(processor);
        self.run.step_for_debugger(processor)
    }

    fn statistics(&self) -> Statistics {
        self.translation.statistics
    }

    fn set_breakpoint(&mut self, ip: Option<u64>) {
        self.run.set_breakpoint(ip);
        if let Some(host) = &mut self.translation.host {
            host.clear();
        }
    }
}

impl Translator {
    /// The run loop forgets all blocks when the debugger wants something else: no compiled code may point at them.
    fn follow_debugger(&mut self, p: &Processor) {
        if self.debugger != p.debugger.version {
            self.debugger = p.debugger.version;
            if let Some(host) = &mut self.translation.host {
                host.clear();
            }
        }
    }
}

impl Execution for Translation {
    fn execute(&mut self, p: &mut Processor, entered: &Entered, progress: &mut Progress) -> Option<Exit> {
        // Compiled code passes from block to block, and knows one breakpoint only.
        if p.debugger.is_active() {
            return execute(p, entered.prepared, progress);
        }
        let mode = Mode::of(p.registers.psr, p.guest_ic);
        let (prepared, ip) = (entered.prepared, p.registers.ip);
        match prepared.code(ip, mode.number()) {
            Some(code) => self.enter(p, entered, mode, code, progress),
            None => {
                let heat = prepared.heat() + 1;
                prepared.set_heat(heat);
                if heat >= self.hot && mode.is_compiled() && !self.refused {
                    prepared.set_heat(0);
                    self.compile(p, entered, mode);
                    if let Some(code) = prepared.code(ip, mode.number()) {
                        return self.enter(p, entered, mode, code, progress);
                    }
                }
                execute(p, prepared, progress)
            }
        }
    }
}

impl Translation {
    /// Compiles the region that begins with a block.
    #[cold]
    fn compile(&mut self, p: &Processor, entered: &Entered, mode: Mode) {
        if self.host.is_none() {
            self.host = Host::new(p.configuration.domain.processors());
        }
        let Some(host) = &mut self.host else {
            self.refused = true;
            return;
        };
        let start = Instant::now();
        let (prepared, ip) = (entered.prepared, p.registers.ip);
        if ip >= LAST_PAGE {
            return;
        }
        let least_heat = self.hot / COLD_PART;
        let region = Region::find(entered.cache, prepared, ip, p.registers.cfm.sof(), entered.breakpoint, least_heat);
        let collecting = p.interruption_collection();
        let mut tries = 0;
        let emitted = loop {
            let address = host.memory.next();
            let page = self.statistics.regions as u8 % layout::PAGES as u8;
            let Some(emitted) = lower::emit(&region, &host.stubs, address, collecting, p.alat.is_enabled(), page)
            else {
                return;
            };
            if host.memory.add(&emitted.code).is_some() {
                break (emitted, address);
            }
            tries += 1;
            if tries > 1 {
                return;
            }
            self.statistics.flushes += 1;
            host.clear();
        };
        let (emitted, address) = emitted;
        for entrance in &emitted.entrances {
            let block = &region.blocks[entrance.block];
            let mode = if entrance.block == 0 { mode } else { mode.in_slot_zero() };
            let code = address as u64 + entrance.offset.0 as u64;
            if entrance.block == 0 || block.prepared.code(block.ip, mode.number()).is_none() {
                block.prepared.set_code(block.ip, mode.number(), code);
            }
        }
        self.statistics.regions += 1;
        self.statistics.steps += region.blocks.iter().map(|block| block.prepared.ops.len() as u64).sum::<u64>();
        self.statistics.bytes += emitted.code.len() as u64;
        host.regions.push(region);
        self.statistics.compiling += start.elapsed();
    }

    /// Executes compiled code.
    #[inline]
    fn enter(
        &mut self,
        p: &mut Processor,
        entered: &Entered,
        mode: Mode,
        code: u64,
        progress: &mut Progress,
    ) -> Option<Exit> {
        let Some(host) = &mut self.host else { return execute(p, entered.prepared, progress) };
        let ip = p.registers.ip;
        host.links.enter(ip, mode, entered.place.context, code);
        let before = p.instructions;
        // What changes this leaves compiled code.
        let collecting = p.interruption_collection();
        p.compiled.attention = p.mailbox().attention_address() as u64;
        p.compiled.soft = p.mmu.soft.address() as u64;
        p.compiled.look = entered.look;
        p.compiled.helped = 0;
        p.compiled.follow(p.mmu.soft.epoch);
        let left = entered.look.wrapping_sub(before) as i64;
        // SAFETY: the stub has this type and leads to code of a region, which lives. What that code relies on stands in
        // `layout`; it is entered with the processor for which this engine compiled it.
        let returned = unsafe {
            let enter = std::mem::transmute::<usize, Enter>(host.stubs.enter);
            enter(p, left, code)
        };
        p.instructions = entered.look.wrapping_sub(p.compiled.left as u64);
        self.statistics.entries += 1;
        self.statistics.helped += p.compiled.helped;
        self.statistics.instructions += p.instructions - before;
        if p.instructions != before {
            progress.faults = 0;
        }
        match returned.block {
            AT_AN_EDGE => None,
            NOT_ENTERED => {
                self.statistics.refusals += 1;
                if p.instructions == before && p.registers.ip == ip {
                    let prepared = entered.prepared;
                    prepared.set_heat(prepared.heat() + 1);
                    if prepared.heat() >= REFUSALS {
                        prepared.set_heat(0);
                        prepared.set_code(0, 0, 0);
                    }
                    return execute(p, prepared, progress);
                }
                None
            }
            block => {
                // SAFETY: compiled code names only blocks of its region, which live as long as it; no code is thrown
                // away before this is done.
                let prepared = unsafe { &*std::ptr::with_exposed_provenance::<Prepared>(block as usize) };
                let step = (returned.detail >> 16 & 0xffff) as usize;
                if returned.detail & 0xff == BEFORE {
                    self.statistics.rests += 1;
                    return execute_from(p, prepared, step, progress);
                }
                self.statistics.leaves += 1;
                let op = &prepared.ops[step];
                let ip = p.compiled.block_ip;
                progress.collecting = collecting;
                match helpers::leave((returned.detail >> 8) as u8) {
                    Leave::Branch => branch(p, op, ip, progress),
                    Leave::Serialize => serialize(p, op, ip, progress),
                    leave => return finish(p, Some((prepared, op)), leave, ip, progress),
                }
                None
            }
        }
    }
}
