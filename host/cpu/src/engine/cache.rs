//! The decoded blocks of a processor, by physical address, and in front of them the recently used ones by virtual
//! address.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU32, AtomicU64};

use patchbay_isa::Instruction;
use rustc_hash::FxHashMap;

use super::block::{Action, Block, Entry, Step};
use super::interpreter::{Op, lower};

const RECENT: usize = 8192;
/// Blocks of one entry, each for other sizes of the frame.
const FRAMES: usize = 8;

/// What decides which block execution continues in: the address with PSR.ri, .dfl, .dfh in its low bits, and the
/// code context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The address of the bundle, and PSR bits below it.
    pub ip: u64,
    /// See [`Processor::code_context`](crate::processor::Processor::code_context).
    pub context: u64,
}

impl Place {
    /// Where it stands among the recent ones. Code that serializes enters one bundle at several slots.
    #[inline]
    fn index(self) -> usize {
        (self.ip >> 4 ^ (self.ip & 3) << 10) as usize % RECENT
    }
}

/// A block and what the engines made of it. It stays where it is for as long as anything points at it.
#[derive(Debug)]
pub struct Prepared {
    /// The block.
    pub block: Block,
    /// Its steps as operations, in the same order.
    pub ops: Box<[Op]>,
    /// How often it was entered, as far as an engine counts that.
    heat: AtomicU32,
    /// Where its compiled code begins, 0 if there is none.
    code: AtomicU64,
    /// The address and the state of the processor that the code is for.
    code_ip: AtomicU64,
    code_mode: AtomicU64,
}

impl Prepared {
    /// Lowers a block.
    #[must_use]
    pub fn new(block: Block) -> Prepared {
        let ops = block.steps.iter().map(|step| lower::step(step, &block)).collect();
        Prepared {
            block,
            ops,
            heat: AtomicU32::new(0),
            code: AtomicU64::new(0),
            code_ip: AtomicU64::new(0),
            code_mode: AtomicU64::new(0),
        }
    }

    /// The bytes that it takes.
    fn bytes(&self) -> usize {
        let step = size_of::<Step>() + size_of::<Op>();
        size_of::<Prepared>() + self.ops.len() * step + size_of_val(&*self.block.triggers)
    }

    /// How often it was entered.
    #[inline]
    #[must_use]
    pub fn heat(&self) -> u32 {
        self.heat.load(Relaxed)
    }

    /// Says how often it was entered.
    #[inline]
    pub fn set_heat(&self, heat: u32) {
        self.heat.store(heat, Relaxed);
    }

    /// Its compiled code for an address and a state of the processor.
    #[inline]
    #[must_use]
    pub fn code(&self, ip: u64, mode: u64) -> Option<u64> {
        let code = self.code.load(Relaxed);
        (code != 0 && self.code_ip.load(Relaxed) == ip && self.code_mode.load(Relaxed) == mode).then_some(code)
    }

    /// Sets its compiled code; 0 is none. Only the engine that has the block does so.
    pub fn set_code(&self, ip: u64, mode: u64, code: u64) {
        self.code.store(code, Relaxed);
        self.code_ip.store(ip, Relaxed);
        self.code_mode.store(mode, Relaxed);
    }

    /// The instruction of one of its operations.
    #[must_use]
    pub fn instruction(&self, op: &Op) -> Option<Instruction> {
        let index = self.ops.iter().position(|other| std::ptr::eq(other, op))?;
        match self.block.steps[index].action {
            Action::Executes(instruction) => Some(instruction),
            Action::Trigger(number) => Some(self.block.triggers[usize::from(number)].instruction),
            Action::Raises(_) | Action::Portal(_) | Action::Detour => None,
        }
    }
}

/// A block that was used lately, and where.
#[derive(Clone, Debug)]
struct Recent {
    place: Place,
    block: Option<Arc<Prepared>>,
}

const NOWHERE: Recent = Recent { place: Place { ip: u64::MAX, context: u64::MAX }, block: None };

/// Decoded blocks.
#[derive(Debug)]
pub struct BlockCache {
    by_entry: FxHashMap<Entry, Vec<Arc<Prepared>>>,
    recent: Box<[Recent]>,
    /// The bytes that the blocks take.
    bytes: usize,
}

impl Default for BlockCache {
    fn default() -> BlockCache {
        BlockCache { by_entry: FxHashMap::default(), recent: vec![NOWHERE; RECENT].into(), bytes: 0 }
    }
}

impl BlockCache {
    /// The block last used at this place, if it is still known. It may be stale.
    #[inline]
    #[must_use]
    pub fn recent(&self, place: Place) -> Option<&Arc<Prepared>> {
        let recent = &self.recent[place.index()];
        if recent.place == place { recent.block.as_ref() } else { None }
    }

    /// The block for this entry and a frame of `sof` registers, if there is one.
    #[must_use]
    pub fn find(&self, entry: &Entry, sof: u8) -> Option<&Arc<Prepared>> {
        self.by_entry.get(entry)?.iter().find(|prepared| prepared.block.is_current(sof))
    }

    /// Keeps a block. With more than `limit` bytes, stale blocks are forgotten, and if that does not help, all.
    pub fn insert(&mut self, block: Block, limit: usize) -> Arc<Prepared> {
        if self.bytes > limit {
            self.forget_stale();
            if self.bytes > limit / 2 {
                *self = BlockCache::default();
            }
        }
        let prepared = Arc::new(Prepared::new(block));
        self.bytes += prepared.bytes();
        let same = self.by_entry.entry(prepared.block.entry).or_default();
        let before: usize = same.iter().map(|prepared| prepared.bytes()).sum();
        same.retain(|prepared| prepared.block.is_unchanged());
        if same.len() == FRAMES {
            same.remove(0);
        }
        self.bytes -= before - same.iter().map(|prepared| prepared.bytes()).sum::<usize>();
        same.push(Arc::clone(&prepared));
        prepared
    }

    fn forget_stale(&mut self) {
        self.recent.fill(NOWHERE);
        self.bytes = 0;
        self.by_entry.retain(|_, same| {
            same.retain(|prepared| prepared.block.is_unchanged());
            self.bytes += same.iter().map(|prepared| prepared.bytes()).sum::<usize>();
            !same.is_empty()
        });
    }

    /// Makes a block the recent one at this place.
    pub fn remember(&mut self, place: Place, block: &Arc<Prepared>) {
        self.recent[place.index()] = Recent { place, block: Some(Arc::clone(block)) };
    }
}
