//! What is compiled together: a block that is hot, and the blocks of its page that follow it or that it branches to.

use std::sync::Arc;

use patchbay_isa::rows::{B, M};
use patchbay_isa::{Opcode, Slot};

use crate::bus::{PAGE_SIZE, PhysicalAddress};
use crate::engine::block::{Action, Entry, always_leaves};
use crate::engine::cache::{BlockCache, Prepared};

/// The most blocks in a region.
const MOST_BLOCKS: usize = 64;
/// The most steps in a region.
const MOST_STEPS: usize = 400;

/// A block of a region.
#[derive(Debug)]
pub(super) struct RegionBlock {
    /// Its address.
    pub(super) ip: u64,
    /// The size of the frame at its entry, as it was seen.
    pub(super) sof: u8,
    pub(super) prepared: Arc<Prepared>,
    /// By step, the block that it branches to.
    pub(super) taken: Box<[Option<usize>]>,
    /// The block that follows.
    pub(super) follows: Option<usize>,
    /// Whether other code may come in here: the first block, and those that calls return to.
    pub(super) is_entry: bool,
}

/// A region.
#[derive(Debug)]
pub(super) struct Region {
    /// Its blocks, by address.
    pub(super) blocks: Vec<RegionBlock>,
}

/// The address that a step branches to, if it is known and the step may be followed.
pub(super) fn target(prepared: &Prepared, step: usize, ip: u64) -> Option<u64> {
    let (step, op) = (&prepared.block.steps[step], &prepared.ops[step]);
    let Action::Executes(instruction) = step.action else { return None };
    let Opcode::B(b) = instruction.opcode else { return None };
    let direct = matches!(b, B::Cond | B::Cloop | B::Ctop | B::Cexit | B::Wtop | B::Wexit);
    direct.then(|| (ip + (u64::from(step.bundle) << 4)).wrapping_add(op.imm as u64) & !0xf)
}

/// Where a call comes back to.
fn return_address(prepared: &Prepared, step: usize, ip: u64) -> Option<u64> {
    let step = &prepared.block.steps[step];
    let Action::Executes(instruction) = step.action else { return None };
    let calls =
        matches!(instruction.opcode, Opcode::B(B::Call | B::CallIndirect) | Opcode::X(patchbay_isa::rows::X::BrlCall));
    calls.then(|| ip + (u64::from(step.bundle) << 4) + 16)
}

/// The size of the frame after a step.
fn frame_after(prepared: &Prepared, step: usize, sof: u8) -> u8 {
    match prepared.block.steps[step].action {
        Action::Executes(instruction) if instruction.opcode == Opcode::M(M::Alloc) => prepared.ops[step].r2,
        _ => sof,
    }
}

/// Finds regions.
struct Finder<'a> {
    cache: &'a BlockCache,
    /// The page, and what else the entries of its blocks have in common.
    entry: Entry,
    page: u64,
    breakpoint: u64,
    /// Blocks that were entered less often are not compiled.
    least_heat: u32,
    blocks: Vec<RegionBlock>,
    steps: usize,
}

impl Region {
    /// The region that begins with a block at an address, where the frame has `sof` registers.
    pub(super) fn find(
        cache: &BlockCache,
        first: &Arc<Prepared>,
        ip: u64,
        sof: u8,
        breakpoint: u64,
        least_heat: u32,
    ) -> Region {
        let entry = Entry { slot: Slot::Zero, ..first.block.entry };
        let mut finder =
            Finder { cache, entry, page: ip & !(PAGE_SIZE - 1), breakpoint, least_heat, blocks: Vec::new(), steps: 0 };
        finder.add(Arc::clone(first), ip, sof, true);
        let mut next = 0;
        while next < finder.blocks.len() {
            finder.follow(next);
            next += 1;
        }
        Region { blocks: finder.blocks }
    }
}

impl Finder<'_> {
    fn add(&mut self, prepared: Arc<Prepared>, ip: u64, sof: u8, is_entry: bool) -> usize {
        self.steps += prepared.ops.len();
        let taken = vec![None; prepared.ops.len()].into();
        self.blocks.push(RegionBlock { ip, sof, prepared, taken, follows: None, is_entry });
        self.blocks.len() - 1
    }

    /// The block at an address, if it belongs to the region.
    fn block(&mut self, ip: u64, sof: u8, is_entry: bool) -> Option<usize> {
        if ip & !(PAGE_SIZE - 1) != self.page || ip == self.breakpoint {
            return None;
        }
        let known =
            self.blocks.iter().position(|block| block.ip == ip && block.prepared.block.entry.slot == Slot::Zero);
        if let Some(index) = known {
            let block = &mut self.blocks[index];
            if block.sof != sof {
                return None;
            }
            block.is_entry |= is_entry;
            return Some(index);
        }
        if self.blocks.len() >= MOST_BLOCKS || self.steps >= MOST_STEPS {
            return None;
        }
        let address = PhysicalAddress((self.entry.address.0 & !(PAGE_SIZE - 1)) | (ip % PAGE_SIZE));
        let prepared = self.cache.find(&Entry { address, ..self.entry }, sof)?;
        if prepared.heat() < self.least_heat {
            return None;
        }
        let prepared = Arc::clone(prepared);
        Some(self.add(prepared, ip, sof, is_entry))
    }

    fn follow(&mut self, index: usize) {
        let block = &self.blocks[index];
        let (prepared, ip, mut sof) = (Arc::clone(&block.prepared), block.ip, block.sof);
        for step in 0..prepared.ops.len() {
            if let Some(target) = target(&prepared, step, ip) {
                let taken = self.block(target, sof, false);
                self.blocks[index].taken[step] = taken;
            }
            if let Some(returns) = return_address(&prepared, step, ip) {
                self.block(returns, sof, true);
            }
            sof = frame_after(&prepared, step, sof);
        }
        let block = &prepared.block;
        let leaves = block.steps.last().is_some_and(|step| {
            step.qp == 0 && matches!(step.action, Action::Executes(instruction) if always_leaves(instruction.opcode))
        });
        if block.resume_slot == Slot::Zero && !leaves {
            let follows = self.block(ip + (u64::from(block.bundles) << 4), sof, false);
            self.blocks[index].follows = follows;
        }
    }
}
