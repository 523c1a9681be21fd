//! The sites at which a virtual processor has last met virtualization faults, by where it met them: IP, slot and region
//! identifier. In the place of the last stands the processor's code context, which besides changes when code is mapped
//! differently. Triggers need no cache: they carry their site.

use std::sync::Arc;

use super::site::PatchSite;

const ENTRIES: usize = 1024;

/// Where a virtual processor executes an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// The bundle, with the slot in its low bits.
    place: u64,
    /// See [`Processor::code_context`](patchbay_cpu::processor::Processor::code_context).
    context: u64,
}

impl At {
    /// A slot of a bundle in a context.
    #[inline]
    #[must_use]
    pub fn new(ip: u64, slot: u8, context: u64) -> At {
        At { place: ip & !0xf | u64::from(slot), context }
    }

    #[inline]
    fn index(self) -> usize {
        // Sites at any regular distance spread (Knuth's multiplicative hash, by the golden ratio).
        (self.place.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - ENTRIES.ilog2())) as usize
    }
}

/// The cache.
pub struct SiteCache(Box<[Option<(At, Arc<PatchSite>)>]>);

impl Default for SiteCache {
    fn default() -> SiteCache {
        SiteCache((0..ENTRIES).map(|_| None).collect())
    }
}

impl SiteCache {
    /// The site met there.
    #[inline]
    #[must_use]
    pub fn find(&self, at: At) -> Option<&Arc<PatchSite>> {
        self.0[at.index()].as_ref().filter(|(other, _)| *other == at).map(|(_, site)| site)
    }

    /// Remembers a site.
    pub fn remember(&mut self, at: At, site: Arc<PatchSite>) {
        self.0[at.index()] = Some((at, site));
    }
}
