//! What PAL tells of caches. The guest sees Montecito's; the host has its own.

use super::{DONE, INVALID_ARGUMENT, OK};
use crate::memory::Memory;

const INSTRUCTION: u64 = 1;
const DATA: u64 = 2;

struct Cache {
    level: u64,
    kind: u64,
    unified: bool,
    write_back: bool,
    ways: u64,
    /// As a power of two, in bytes.
    line: u64,
    size: u64,
    load_latency: u64,
}

const CACHES: [Cache; 5] = [
    Cache {
        level: 0,
        kind: INSTRUCTION,
        unified: false,
        write_back: false,
        ways: 4,
        line: 6,
        size: 16 << 10,
        load_latency: 1,
    },
    Cache {
        level: 0,
        kind: DATA,
        unified: false,
        write_back: false,
        ways: 4,
        line: 6,
        size: 16 << 10,
        load_latency: 1,
    },
    Cache {
        level: 1,
        kind: INSTRUCTION,
        unified: false,
        write_back: false,
        ways: 8,
        line: 7,
        size: 1 << 20,
        load_latency: 7,
    },
    Cache {
        level: 1,
        kind: DATA,
        unified: false,
        write_back: true,
        ways: 8,
        line: 7,
        size: 256 << 10,
        load_latency: 5,
    },
    Cache {
        level: 2,
        kind: DATA,
        unified: true,
        write_back: true,
        ways: 12,
        line: 7,
        size: 12 << 20,
        load_latency: 14,
    },
];

/// `PAL_CACHE_SUMMARY`: levels, unique caches.
pub(super) const SUMMARY: [u64; 4] = [OK, 3, CACHES.len() as u64, 0];

fn find(level: u64, kind: u64) -> Option<&'static Cache> {
    CACHES.iter().find(|cache| (cache.level, cache.kind) == (level, kind))
}

/// `PAL_CACHE_FLUSH(type, …)`: no vector, no progress to continue from. Data caches are coherent anyway.
pub(super) fn flush(memory: &Memory, kind: u64) -> [u64; 4] {
    match kind {
        DATA => {}
        INSTRUCTION | 3 | 4 => memory.flush(),
        _ => return [INVALID_ARGUMENT, 0, 0, 0],
    }
    DONE
}

/// `PAL_CACHE_INFO(level, type)`
pub(super) fn info(level: u64, kind: u64) -> [u64; 4] {
    let Some(cache) = find(level, kind) else { return [INVALID_ARGUMENT, 0, 0, 0] };
    // Latencies in cycles; stores of 1 cycle, or none in an instruction cache (0xff).
    let store_latency = if cache.kind == INSTRUCTION { 0xff } else { 1 };
    let first = u64::from(cache.unified)
        | u64::from(cache.write_back) << 1
        | cache.ways << 8
        | cache.line << 16
        | cache.line << 24
        | store_latency << 32
        | cache.load_latency << 40;
    let sets = (cache.size / cache.ways) >> cache.line;
    let tag_low = cache.line + u64::from(sets.next_power_of_two().trailing_zeros());
    let second = cache.size | tag_low << 40 | 49 << 48;
    [OK, first, second, 0]
}

/// `PAL_CACHE_PROT_INFO(level, type)`: parity in the first level, ECC behind it; element 0 is data, 1 is tags.
pub(super) fn protection(level: u64, kind: u64) -> [u64; 4] {
    const EVEN_PARITY: u64 = 2;
    const ECC: u64 = 3;
    let Some(cache) = find(level, kind) else { return [INVALID_ARGUMENT, 0, 0, 0] };
    let (method, bits) = if cache.level == 0 { (EVEN_PARITY, 1) } else { (ECC, 8) };
    let data = 64 | bits << 20 | method << 26;
    let tag = 12 << 8 | 49 << 14 | bits << 20 | method << 26 | 1 << 30;
    [OK, tag << 32 | data, 0, 0]
}

/// `PAL_CACHE_SHARED_INFO(level, type, processor)`: no cache is shared.
pub(super) fn shared(level: u64, kind: u64, processor: u64, own: usize) -> [u64; 4] {
    if find(level, kind).is_none() || (processor != 0 && processor != u64::MAX) {
        return [INVALID_ARGUMENT, 0, 0, 0];
    }
    [OK, 1, 0, own as u64]
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use patchbay_cpu::bus::PhysicalAddress;

    use super::*;

    /// Fields as Linux 6.1 reads them (pal_cache_config_info_1_s, pal_cache_config_info_2_s).
    #[test]
    fn the_third_level_is_unified() {
        let [status, first, second, _] = info(2, DATA);
        assert_eq!((status, first & 1, first >> 1 & 3), (0, 1, 1));
        assert_eq!((first >> 8 & 0xff, 1 << (first >> 16 & 0xff)), (12, 128));
        assert_eq!(second & 0xffff_ffff, 12 << 20);
        assert_eq!(info(2, INSTRUCTION)[0] as i64, -2);
        assert_eq!(info(3, DATA)[0] as i64, -2);
    }

    #[test]
    fn the_summary_counts_the_caches() {
        let count = (0..SUMMARY[1]).flat_map(|level| [info(level, 1), info(level, 2)]).filter(|info| info[0] == 0);
        assert_eq!(count.count() as u64, SUMMARY[2]);
    }

    #[test]
    fn flushing_instructions_makes_decoded_code_stale() {
        let memory = Memory::new(64 << 20).unwrap();
        let page = memory.page(PhysicalAddress(0x20_0000)).unwrap();
        let generation = page.generation();
        for (kind, status, stale) in [(1, 0, 1), (2, 0, 1), (3, 0, 2), (4, 0, 3), (5, -2, 3), (0, -2, 3)] {
            assert_eq!(flush(&memory, kind)[0] as i64, status);
            assert_eq!(generation.load(Ordering::Acquire), stale, "{kind}");
        }
    }
}
