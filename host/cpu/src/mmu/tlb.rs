//! One side's translations: 32 translation registers and a translation cache.

use super::translation::{OFFSET, Translation};

/// The translation registers of a side.
pub(crate) const REGISTERS: usize = 32;

const WAYS: usize = 4;
/// Sets for pages below and from 1 MiB on: small pages that come and go do not displace large ones.
const SMALL_SETS: usize = 128;
const LARGE_SETS: usize = 16;
const LARGE: u8 = 20;

/// A TLB. A page has at most one translation in the cache, and those in the cache do not overlap.
#[derive(Clone, Debug)]
pub(crate) struct Tlb {
    registers: [Translation; REGISTERS],
    /// The registers in use, a bit each.
    used: u32,
    cache: Vec<[Translation; WAYS]>,
    /// The way of each set that is replaced next.
    next: Vec<u8>,
    /// How many translations of each page size the cache holds.
    counts: [u16; 64],
    /// The page sizes of which it holds any, a bit each.
    sizes: u64,
}

impl Tlb {
    pub(crate) fn new() -> Tlb {
        Tlb {
            registers: [Translation::NONE; REGISTERS],
            used: 0,
            cache: vec![[Translation::NONE; WAYS]; SMALL_SETS + LARGE_SETS],
            next: vec![0; SMALL_SETS + LARGE_SETS],
            counts: [0; 64],
            sizes: 0,
        }
    }

    /// The translation of an address.
    #[inline]
    pub(crate) fn find(&self, rid: u32, va: u64) -> Option<&Translation> {
        for index in bits(u64::from(self.used)) {
            let register = &self.registers[usize::from(index)];
            if register.covers(rid, va) {
                return Some(register);
            }
        }
        for ps in bits(self.sizes) {
            let place = Translation::place(va, ps);
            for translation in &self.cache[set(rid, place)] {
                if translation.is(rid, place) {
                    return Some(translation);
                }
            }
        }
        None
    }

    /// Whether a translation register holds some of a page.
    pub(crate) fn overlaps_register(&self, page: &Translation) -> bool {
        let overlaps = |index| self.registers[usize::from(index)].overlaps(page.rid, page.start(), page.ps());
        bits(u64::from(self.used)).any(overlaps)
    }

    /// Puts a translation into the cache. Whatever leaves it, because it overlaps or for want of space, goes to
    /// `removed`.
    pub(crate) fn insert(&mut self, translation: Translation, removed: &mut dyn FnMut(&Translation)) {
        self.purge_cache(translation.rid, translation.start(), translation.ps(), removed);
        let place = Translation::place(translation.start(), translation.ps());
        let index = set(translation.rid, place);
        let way = match self.cache[index].iter().position(|old| !old.is_some()) {
            Some(free) => free,
            None => {
                let way = usize::from(self.next[index]);
                self.next[index] = (self.next[index] + 1) % WAYS as u8;
                self.remove(index, way, removed);
                way
            }
        };
        self.cache[index][way] = translation;
        self.counts[usize::from(translation.ps())] += 1;
        self.sizes |= 1 << translation.ps();
    }

    /// Puts a translation into a register. Whatever it replaces or overlaps goes to `removed`; another register that
    /// it overlaps, which is a machine check on a real processor, is among that.
    pub(crate) fn insert_register(
        &mut self,
        register: usize,
        translation: Translation,
        removed: &mut dyn FnMut(&Translation),
    ) {
        self.purge(translation.rid, translation.start(), translation.ps(), removed);
        let register = register % REGISTERS;
        if self.registers[register].is_some() {
            removed(&self.registers[register]);
        }
        self.registers[register] = translation;
        self.used |= 1 << register;
    }

    /// Removes what overlaps the 2^`ps` bytes around `va`, registers too.
    pub(crate) fn purge(&mut self, rid: u32, va: u64, ps: u8, removed: &mut dyn FnMut(&Translation)) {
        for index in bits(u64::from(self.used)) {
            let register = &mut self.registers[usize::from(index)];
            if register.overlaps(rid, va, ps) {
                removed(register);
                *register = Translation::NONE;
                self.used &= !(1 << index);
            }
        }
        self.purge_cache(rid, va, ps, removed);
    }

    /// Removes what overlaps the 2^`ps` bytes around `va` from the cache.
    pub(crate) fn purge_cache(&mut self, rid: u32, va: u64, ps: u8, removed: &mut dyn FnMut(&Translation)) {
        /// Up to so many pages are looked for one by one.
        const FEW: u64 = 32;
        let ps = ps.min(61);
        let start = va & OFFSET & (u64::MAX << ps);
        let smallest = self.sizes.trailing_zeros() as u8;
        if ps > smallest && 1u64 << (ps - smallest) > FEW {
            for index in 0..self.cache.len() {
                for way in 0..WAYS {
                    if self.cache[index][way].overlaps(rid, start, ps) {
                        self.remove(index, way, removed);
                    }
                }
            }
            return;
        }
        for size in bits(self.sizes) {
            for page in 0..1u64 << ps.saturating_sub(size) {
                let place = Translation::place(start + (page << size), size);
                let index = set(rid, place);
                for way in 0..WAYS {
                    if self.cache[index][way].is(rid, place) {
                        self.remove(index, way, removed);
                    }
                }
            }
        }
    }

    /// Empties the cache.
    pub(crate) fn purge_all(&mut self) {
        if self.sizes == 0 {
            return;
        }
        self.cache.fill([Translation::NONE; WAYS]);
        self.counts = [0; 64];
        self.sizes = 0;
    }

    fn remove(&mut self, index: usize, way: usize, removed: &mut dyn FnMut(&Translation)) {
        let translation = std::mem::replace(&mut self.cache[index][way], Translation::NONE);
        let count = &mut self.counts[usize::from(translation.ps())];
        *count -= 1;
        if *count == 0 {
            self.sizes &= !(1 << translation.ps());
        }
        removed(&translation);
    }
}

/// The set of a page.
#[inline]
fn set(rid: u32, place: u64) -> usize {
    let ps = (place & 63) as u8;
    let page = (place >> ps) ^ u64::from(rid).wrapping_mul(0x9e37_79b9);
    let hash = page ^ page >> 7 ^ page >> 14;
    if ps < LARGE { hash as usize % SMALL_SETS } else { SMALL_SETS + hash as usize % LARGE_SETS }
}

/// The numbers of the bits that are 1.
#[inline]
pub(super) fn bits(mut word: u64) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        let bit = word.trailing_zeros() as u8;
        (word != 0).then(|| {
            word &= word - 1;
            bit
        })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::mmu::translation::Pte;

    #[derive(Clone, Debug)]
    enum Step {
        Insert(u32, u64, u8),
        Register(usize, u32, u64, u8),
        Purge(u32, u64, u8),
        PurgeCache(u32, u64, u8),
        Find(u32, u64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let sizes = prop::sample::select(vec![12u8, 13, 14, 16, 18, 20, 24, 26]);
        let at = (1u32..3, (0u64..1 << 16).prop_map(|page| page << 12 | 0x123), sizes);
        let step = prop_oneof![
            4 => at.clone().prop_map(|(rid, va, ps)| Step::Insert(rid, va, ps)),
            1 => (0usize..4, at.clone()).prop_map(|(register, (rid, va, ps))| Step::Register(register, rid, va, ps)),
            1 => at.clone().prop_map(|(rid, va, ps)| Step::Purge(rid, va, ps)),
            2 => at.clone().prop_map(|(rid, va, ps)| Step::PurgeCache(rid, va, ps)),
            8 => at.prop_map(|(rid, va, _)| Step::Find(rid, va)),
        ];
        prop::collection::vec(step, 1..60)
    }

    fn overlap(a: (u64, u8), b: (u64, u8)) -> bool {
        let range = |(va, ps): (u64, u8)| (va & (u64::MAX << ps), (va & (u64::MAX << ps)) + (1 << ps));
        let ((a, a_end), (b, b_end)) = (range(a), range(b));
        a < b_end && b < a_end
    }

    proptest! {
        /// Against a list: what overlaps is gone, and what the list lost without that was said to be removed.
        #[test]
        fn insertions_and_purges_remove_what_overlaps(steps in steps()) {
            let mut tlb = Tlb::new();
            let mut list: Vec<(Option<usize>, u32, u64, u8, u64)> = Vec::new();
            for (number, step) in steps.into_iter().enumerate() {
                let number = number as u64;
                let mut gone = Vec::new();
                let removed = &mut |t: &Translation| gone.push(t.pte.ppn());
                let before: Vec<u64> = list.iter().map(|entry| entry.4).collect();
                match step {
                    Step::Insert(rid, va, ps) => {
                        tlb.insert(Translation::new(rid, va, ps, 0, Pte::new().with_ppn(number)), removed);
                        list.retain(|e| e.0.is_some() || e.1 != rid || !overlap((e.2, e.3), (va, ps)));
                        let evicted = |e: &(Option<usize>, u32, u64, u8, u64)| gone.contains(&e.4);
                        list.retain(|e| !evicted(e));
                        list.push((None, rid, va, ps, number));
                    }
                    Step::Register(register, rid, va, ps) => {
                        let new = Translation::new(rid, va, ps, 0, Pte::new().with_ppn(number));
                        tlb.insert_register(register, new, removed);
                        list.retain(|e| e.0 != Some(register) && (e.1 != rid || !overlap((e.2, e.3), (va, ps))));
                        list.push((Some(register), rid, va, ps, number));
                    }
                    Step::Purge(rid, va, ps) => {
                        tlb.purge(rid, va, ps, removed);
                        list.retain(|e| e.1 != rid || !overlap((e.2, e.3), (va, ps)));
                    }
                    Step::PurgeCache(rid, va, ps) => {
                        tlb.purge_cache(rid, va, ps, removed);
                        list.retain(|e| e.0.is_some() || e.1 != rid || !overlap((e.2, e.3), (va, ps)));
                    }
                    Step::Find(rid, va) => {
                        let expected: Vec<u64> = list
                            .iter()
                            .filter(|e| e.1 == rid && overlap((e.2, e.3), (va, 0)))
                            .map(|e| e.4)
                            .collect();
                        match tlb.find(rid, va) {
                            Some(found) => prop_assert!(expected.contains(&found.pte.ppn())),
                            None => prop_assert!(expected.is_empty()),
                        }
                    }
                }
                let mut lost: Vec<u64> =
                    before.into_iter().filter(|number| !list.iter().any(|entry| entry.4 == *number)).collect();
                lost.sort_unstable();
                gone.sort_unstable();
                prop_assert_eq!(lost, gone);
            }
        }
    }

    #[test]
    fn a_full_set_replaces_its_oldest() {
        let mut tlb = Tlb::new();
        let mut removed = 0;
        for page in 0..4 * (SMALL_SETS * WAYS) as u64 {
            tlb.insert(Translation::new(1, page << 14, 14, 0, Pte::new()), &mut |_| removed += 1);
            assert!(tlb.find(1, page << 14).is_some());
        }
        assert_eq!(removed, 3 * SMALL_SETS * WAYS);
        tlb.purge_all();
        assert!(tlb.find(1, 0x3000 << 14).is_none() && tlb.sizes == 0);
    }
}
