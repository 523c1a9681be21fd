//! The sites that a virtual processor has met, by where it met them: IP, slot and region identifier. In the place of the
//! last stands the processor's code context, which besides changes when code is mapped differently.

use std::sync::Arc;

use crate::patch::site::PatchSite;

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
        let place = self.place >> 4 ^ self.place << 5 ^ self.place >> 16;
        place as usize % ENTRIES
    }
}

struct Cached {
    at: At,
    site: Option<Arc<PatchSite>>,
    /// Triggers of the site not yet added to it.
    triggers: u64,
}

/// The cache.
pub struct SiteCache(Box<[Cached]>);

impl Default for SiteCache {
    fn default() -> SiteCache {
        let nowhere = At { place: u64::MAX, context: u64::MAX };
        SiteCache((0..ENTRIES).map(|_| Cached { at: nowhere, site: None, triggers: 0 }).collect())
    }
}

impl SiteCache {
    /// The site met there.
    #[inline]
    #[must_use]
    pub fn find(&self, at: At) -> Option<&Arc<PatchSite>> {
        let cached = &self.0[at.index()];
        if cached.at == at { cached.site.as_ref() } else { None }
    }

    /// The site met there, and its triggers that are not yet added to it.
    #[inline]
    pub fn find_mut(&mut self, at: At) -> Option<(&PatchSite, &mut u64)> {
        let cached = &mut self.0[at.index()];
        if cached.at == at { Some((cached.site.as_deref()?, &mut cached.triggers)) } else { None }
    }

    /// The site met at the same IP and slot, maybe while code was mapped differently.
    #[must_use]
    pub fn find_anywhere(&self, at: At) -> Option<Arc<PatchSite>> {
        let cached = &self.0[at.index()];
        if cached.at.place == at.place { cached.site.clone() } else { None }
    }

    /// Remembers a site, and so many triggers of it.
    pub fn remember(&mut self, at: At, site: Arc<PatchSite>, triggers: u64) {
        let cached = &mut self.0[at.index()];
        cached.add();
        *cached = Cached { at, site: Some(site), triggers };
    }

    /// Adds all triggers to their sites.
    pub fn add(&mut self) {
        self.0.iter_mut().for_each(Cached::add);
    }
}

impl Cached {
    fn add(&mut self) {
        let count = std::mem::take(&mut self.triggers);
        if let Some(site) = &self.site
            && count > 0
        {
            site.add_triggers(count);
        }
    }
}
