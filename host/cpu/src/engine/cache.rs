//! The decoded blocks of a processor, by physical address, and in front of them the recently used ones by virtual
//! address.

use rustc_hash::FxHashMap;

use crate::engine::block::{Block, Entry};

/// Where a block stands in its cache.
pub type BlockIndex = u32;

const RECENT: usize = 8192;
/// The cache starts anew with this many blocks.
const CAPACITY: usize = 1 << 17;

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

#[derive(Clone, Copy, Debug)]
struct Recent {
    place: Place,
    block: BlockIndex,
}

/// Decoded blocks.
#[derive(Debug)]
pub struct BlockCache {
    blocks: Vec<Block>,
    by_entry: FxHashMap<Entry, BlockIndex>,
    recent: Box<[Recent]>,
}

const NOWHERE: Recent = Recent { place: Place { ip: u64::MAX, context: u64::MAX }, block: 0 };

impl Default for BlockCache {
    fn default() -> BlockCache {
        BlockCache { blocks: Vec::new(), by_entry: FxHashMap::default(), recent: vec![NOWHERE; RECENT].into() }
    }
}

impl BlockCache {
    /// A block of the cache.
    #[inline]
    #[must_use]
    pub fn block(&self, index: BlockIndex) -> &Block {
        &self.blocks[index as usize]
    }

    /// The block last used at this place, if it is still known. It may be stale.
    #[inline]
    #[must_use]
    pub fn recent(&self, place: Place) -> Option<&Block> {
        let recent = &self.recent[place.index()];
        if recent.place == place { self.blocks.get(recent.block as usize) } else { None }
    }

    /// The block decoded for this entry, if there is one. It may be stale.
    #[must_use]
    pub fn find(&self, entry: &Entry) -> Option<BlockIndex> {
        self.by_entry.get(entry).copied()
    }

    /// Keeps a block, in place of the one for the same entry.
    pub fn insert(&mut self, block: Block) -> BlockIndex {
        if let Some(&index) = self.by_entry.get(&block.entry) {
            self.blocks[index as usize] = block;
            return index;
        }
        if self.blocks.len() >= CAPACITY {
            *self = BlockCache::default();
        }
        let index = self.blocks.len() as BlockIndex;
        self.by_entry.insert(block.entry, index);
        self.blocks.push(block);
        index
    }

    /// Makes a block the recent one at this place.
    pub fn remember(&mut self, place: Place, block: BlockIndex) {
        self.recent[place.index()] = Recent { place, block };
    }
}
