//! The state in which the firmware hands a processor over.

use patchbay_cpu::processor::Processor;
use patchbay_cpu::psr::Psr;
use patchbay_cpu::registers::{Registers, ar, cr};

use crate::firmware::boot;
use crate::firmware::portal::Portal;
use crate::firmware::sal::procedures::Vector;
use crate::layout::{PORT_SPACE, STACK_SIZE, STACKS};

/// A vector register whose interrupt is masked.
const MASKED: u64 = 1 << 16;
/// A region register's preferred page size of 4 KiB.
const RR_4_KIB: u64 = 12 << 2;
/// The scratch area at the top of a memory stack, in bytes.
const SCRATCH: u64 = 16;

/// Processor 0 at the entry of a guest: physical mode, r28 is the boot parameters, b0 leads back to the firmware.
pub(crate) fn boot_processor(processor: &mut Processor, entry: u64) {
    hand_over(processor, 0, entry, 0);
    processor.registers.gr[28] = boot::PARAMETERS;
}

/// An application processor at the entry that the operating system gave SAL.
pub(crate) fn application_processor(processor: &mut Processor, index: usize, vector: Vector) {
    hand_over(processor, index, vector.entry, vector.global_pointer);
}

fn hand_over(processor: &mut Processor, index: usize, entry: u64, global_pointer: u64) {
    let stack = STACKS.start + STACK_SIZE * index as u64;
    processor.registers = Registers::new();
    processor.set_psr(Psr::new().with_bn(true).with_ic(true));
    for region in 0..8 {
        processor.write_rr(region, RR_4_KIB);
    }
    processor.set_bspstore(stack);
    let registers = &mut processor.registers;
    registers.ip = entry & !0xf;
    registers.br[0] = Portal::Firmware.address();
    registers.gr[1] = global_pointer;
    registers.gr[12] = stack + STACK_SIZE - SCRATCH;
    registers.ar[ar::K0] = PORT_SPACE.start;
    registers.cr[cr::LID] = (index as u64) << 24;
    for register in [cr::ITV, cr::PMV, cr::CMCV, cr::LRR0, cr::LRR1] {
        registers.cr[register] = MASKED;
    }
}
