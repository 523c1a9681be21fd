//! The Processor Abstraction Layer (SDM 2:279), of a Dual-Core Itanium 2 9000 (Montecito).
//!
//! To add a procedure: its number here and a line in [`call`].

mod cache;
mod features;
mod mmu;

use crate::clock::{BASE_FREQUENCY, ITC_FREQUENCY};
use crate::layout::{INTERRUPT_BLOCK, PORT_SPACE};

use super::call::{Answer, Call};

/// Bit 8 of a procedure's number says that it takes its arguments on the register stack (SDM 2:355).
const STACKED: u64 = 1 << 8;

const CACHE_FLUSH: u64 = 1;
const CACHE_INFO: u64 = 2;
const CACHE_INIT: u64 = 3;
const CACHE_SUMMARY: u64 = 4;
const MEM_ATTRIB: u64 = 5;
const PTCE_INFO: u64 = 6;
const VM_INFO: u64 = 7;
const VM_SUMMARY: u64 = 8;
const BUS_GET_FEATURES: u64 = 9;
const BUS_SET_FEATURES: u64 = 10;
const DEBUG_INFO: u64 = 11;
const FIXED_ADDR: u64 = 12;
const FREQ_BASE: u64 = 13;
const FREQ_RATIOS: u64 = 14;
const PERF_MON_INFO: u64 = 15;
const PLATFORM_ADDR: u64 = 16;
const PROC_GET_FEATURES: u64 = 17;
const PROC_SET_FEATURES: u64 = 18;
const RSE_INFO: u64 = 19;
const VERSION: u64 = 20;
const MC_CLEAR_LOG: u64 = 21;
const MC_DRAIN: u64 = 22;
const MC_EXPECTED: u64 = 23;
const MC_DYNAMIC_STATE: u64 = 24;
const MC_ERROR_INFO: u64 = 25;
const MC_REGISTER_MEM: u64 = 27;
const HALT: u64 = 28;
const HALT_LIGHT: u64 = 29;
const CACHE_LINE_INIT: u64 = 31;
const PMI_ENTRYPOINT: u64 = 32;
const VM_PAGE_SIZE: u64 = 34;
const MEM_FOR_TEST: u64 = 37;
const CACHE_PROT_INFO: u64 = 38;
const REGISTER_INFO: u64 = 39;
const PREFETCH_VISIBILITY: u64 = 41;
const LOGICAL_TO_PHYSICAL: u64 = 42;
const CACHE_SHARED_INFO: u64 = 43;
const MC_HW_TRACKING: u64 = 51;
const HALT_INFO: u64 = 257;
const TEST_PROC: u64 = 258;
const VP_ENV_INFO: u64 = 266;
const BRAND_INFO: u64 = 274;

const OK: u64 = 0;
const UNIMPLEMENTED: u64 = -1_i64 as u64;
const INVALID_ARGUMENT: u64 = -2_i64 as u64;
const ERROR: u64 = -3_i64 as u64;
const NO_INFORMATION: u64 = -6_i64 as u64;

/// The return values of a procedure that has nothing to tell.
const DONE: [u64; 4] = [OK, 0, 0, 0];

/// Whether a procedure takes its arguments on the register stack, not in r28-r31.
#[must_use]
pub fn is_stacked(procedure: u64) -> bool {
    procedure & STACKED != 0
}

/// Performs a procedure.
#[must_use]
pub fn call(call: &Call) -> Answer {
    let [procedure, first, second, third, ..] = call.arguments;
    Answer::Return(match procedure {
        CACHE_FLUSH => cache::flush(call.memory, first),
        CACHE_INFO => cache::info(first, second),
        CACHE_SUMMARY => cache::SUMMARY,
        CACHE_PROT_INFO => cache::protection(first, second),
        CACHE_SHARED_INFO => cache::shared(first, second, third, call.processor),
        MEM_ATTRIB => [OK, mmu::ATTRIBUTES, 0, 0],
        PTCE_INFO => mmu::PTCE,
        VM_INFO => mmu::info(first, second),
        VM_SUMMARY => mmu::summary(call.is_virtual),
        VM_PAGE_SIZE => [OK, mmu::PAGE_SIZES, mmu::PAGE_SIZES, 0],
        BUS_GET_FEATURES => DONE,
        PROC_GET_FEATURES => features::processor(second),
        DEBUG_INFO => features::DEBUG,
        PERF_MON_INFO => features::performance_monitors(call, first),
        RSE_INFO => features::RSE,
        REGISTER_INFO => features::registers(first),
        VERSION => features::VERSION,
        BRAND_INFO => features::brand(call, first, second),
        LOGICAL_TO_PHYSICAL => features::logical_to_physical(first, call.processor),
        VP_ENV_INFO => features::VIRTUAL_ENVIRONMENT,
        FIXED_ADDR => [OK, call.processor as u64, 0, 0],
        FREQ_BASE => [OK, BASE_FREQUENCY, 0, 0],
        FREQ_RATIOS => [OK, ratio(4, 1), ratio(1, 1), ratio(ITC_FREQUENCY, BASE_FREQUENCY)],
        PLATFORM_ADDR => platform_address(first, second),
        HALT | HALT_LIGHT => return Answer::Halt,
        HALT_INFO => features::halt(call, first),
        // No machine check happens.
        MC_ERROR_INFO => [NO_INFORMATION, 0, 0, 0],
        MC_REGISTER_MEM => [OK, 4096, 0, 0],
        MC_CLEAR_LOG | MC_DRAIN | MC_EXPECTED | MC_DYNAMIC_STATE | MC_HW_TRACKING => DONE,
        CACHE_INIT | CACHE_LINE_INIT | BUS_SET_FEATURES | PROC_SET_FEATURES | PMI_ENTRYPOINT => DONE,
        MEM_FOR_TEST => [OK, 0, 1, 0],
        TEST_PROC => DONE,
        // 1: other processors need not call it.
        PREFETCH_VISIBILITY => [1, 0, 0, 0],
        _ => [UNIMPLEMENTED, 0, 0, 0],
    })
}

/// A ratio in lowest terms: the numerator in the upper half.
const fn ratio(numerator: u64, denominator: u64) -> u64 {
    let (mut divisor, mut rest) = (numerator, denominator);
    while rest != 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    ((numerator / divisor) << 32) | (denominator / divisor)
}

/// `PAL_PLATFORM_ADDR(type, address)`: the interrupt block and the port space stay where they are.
fn platform_address(kind: u64, address: u64) -> [u64; 4] {
    match (kind, address & !(1 << 63)) {
        (0, address) if address == INTERRUPT_BLOCK.start => DONE,
        (1, address) if address == PORT_SPACE.start => DONE,
        (0 | 1, _) => [ERROR, 0, 0, 0],
        _ => [INVALID_ARGUMENT, 0, 0, 0],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::firmware::call::tests::call as make;
    use crate::memory::Memory;

    pub(super) fn answer(arguments: &[u64]) -> [u64; 4] {
        let memory = Memory::new(64 << 20).unwrap();
        match call(&make(&memory, arguments)) {
            Answer::Return(values) => values,
            answer => panic!("{answer:?}"),
        }
    }

    /// What Linux 6.1 computes from it in arch/ia64/kernel/time.c.
    #[test]
    fn the_interval_time_counter_runs_at_1_ghz() {
        let [_, base, ..] = answer(&[FREQ_BASE]);
        let [_, processor, _, itc] = answer(&[FREQ_RATIOS]);
        assert_eq!(base * (itc >> 32) / (itc & 0xffff_ffff), 1_000_000_000);
        assert_eq!(base * (processor >> 32) / (processor & 0xffff_ffff), 1_600_000_000);
    }

    #[test]
    fn procedures_256_to_511_are_stacked() {
        for (procedure, stacked) in [(29, false), (255, false), (256, true), (511, true), (512, false), (768, true)] {
            assert_eq!(is_stacked(procedure), stacked, "{procedure}");
        }
    }

    #[test]
    fn halting_waits_and_the_unknown_is_unimplemented() {
        let memory = Memory::new(64 << 20).unwrap();
        assert!(matches!(call(&make(&memory, &[HALT_LIGHT])), Answer::Halt));
        assert_eq!(answer(&[255])[0] as i64, -1);
    }

    #[test]
    fn the_interrupt_block_cannot_be_moved() {
        assert_eq!(answer(&[PLATFORM_ADDR, 0, 0xfee0_0000])[0], 0);
        assert_eq!(answer(&[PLATFORM_ADDR, 0, 0xfed0_0000])[0] as i64, -3);
        assert_eq!(answer(&[PLATFORM_ADDR, 2, 0])[0] as i64, -2);
    }
}
