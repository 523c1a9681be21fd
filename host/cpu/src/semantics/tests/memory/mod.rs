//! M-unit instructions on memory, in physical mode on flat memory: r1 is r10, r2 r11, r3 r12, f1 f6, f2 f7.

mod floating_point;
mod semaphore;
mod speculation;

use std::sync::Arc;
use std::thread;

use patchbay_isa::rows::M;
use patchbay_isa::{Instruction, Opcode};

use crate::bus::{Bus, PhysicalAddress};
use crate::coherence_domain::CoherenceDomain;
use crate::engine::interpreter::{Op, lower};
use crate::flat_machine::{self, FlatMemory};
use crate::fp::Fr;
use crate::interruption::{Isr, Vector};
use crate::outcome::{Leave, Outcome};
use crate::processor::{Configuration, Processor};
use crate::psr::Cfm;
use crate::registers::ar;

const R1: u8 = 10;
const R2: u8 = 11;
const R3: u8 = 12;
const F1: u8 = 6;
const F2: u8 = 7;
const AT: u64 = 0x1_0040;
const BYTES: [u8; 16] =
    [0x81, 0x92, 0xa3, 0xb4, 0xc5, 0xd6, 0xe7, 0xf8, 0x19, 0x2a, 0x3b, 0x4c, 0x5d, 0x6e, 0x7f, 0x08];

fn machine() -> (Processor, Arc<FlatMemory>) {
    let memory = Arc::new(FlatMemory::new(1 << 20));
    memory.write_bytes(AT, &BYTES).expect("memory");
    let mut p = flat_machine::processor(memory.clone());
    p.set_gr(R3, AT, false);
    (p, memory)
}

fn op(row: M, numbers: &[i64]) -> Op {
    let mut numbers = numbers.iter().copied();
    let operands: Vec<i64> = Opcode::M(row)
        .row()
        .fields()
        .map(|field| match field.name() {
            "r1" => R1.into(),
            "r2" => R2.into(),
            "r3" => R3.into(),
            "f1" => F1.into(),
            "f2" => F2.into(),
            "ldhint" | "ldhintu" | "sthint" | "sthintu" | "lfhint" => 0,
            _ => numbers.next().expect("a number a field"),
        })
        .collect();
    lower::instruction(&Instruction::encode(Opcode::M(row), 0, &operands).expect("operands fit"))
}

/// Executes an instruction with these numbers as its other operands.
fn execute(p: &mut Processor, row: M, numbers: &[i64]) -> Outcome {
    let op = op(row, numbers);
    (op.execute)(p, &op)
}

/// Its result, where it completes.
fn result(p: &mut Processor, row: M, numbers: &[i64]) -> (u64, bool) {
    execute(p, row, numbers).expect("completes");
    (p.gr(R1), p.nat(R1))
}

fn fault(p: &mut Processor, row: M, numbers: &[i64]) -> (Vector, Isr) {
    assert_eq!(execute(p, row, numbers), Err(Leave::Fault), "{row:?}");
    (p.raised.vector, p.raised.isr)
}

fn bytes<const N: usize>(memory: &FlatMemory, address: u64) -> [u8; N] {
    let mut bytes = [0; N];
    memory.read_bytes(address, &mut bytes).expect("memory");
    bytes
}

#[test]
fn loads_extend_with_zeros_in_both_byte_orders() {
    let (mut p, _) = machine();
    let rows = [
        (M::Ld1, 0x81, 0x81),
        (M::Ld2, 0x9281, 0x8192),
        (M::Ld4Acq, 0xb4a3_9281, 0x8192_a3b4),
        (M::Ld8Bias, 0xf8e7_d6c5_b4a3_9281, 0x8192_a3b4_c5d6_e7f8),
    ];
    for (row, little, big) in rows {
        p.set_gr(R1, u64::MAX, true);
        p.set_psr(p.registers.psr.with_be(false));
        assert_eq!(result(&mut p, row, &[]), (little, false));
        p.set_psr(p.registers.psr.with_be(true));
        assert_eq!(result(&mut p, row, &[]), (big, false));
    }
    // ld16: each of the two is in the byte order.
    assert_eq!(result(&mut p, M::Ld16, &[]), (0x8192_a3b4_c5d6_e7f8, false));
    assert_eq!(p.registers.ar[ar::CSD], 0x192a_3b4c_5d6e_7f08);
}

#[test]
fn stores_write_the_low_bytes() {
    let (mut p, memory) = machine();
    p.set_gr(R2, 0x1122_3344_5566_7788, false);
    execute(&mut p, M::St2Rel, &[]).expect("completes");
    assert_eq!(bytes(&memory, AT), [0x88, 0x77, 0xa3, 0xb4]);
    p.set_psr(p.registers.psr.with_be(true));
    execute(&mut p, M::St4, &[]).expect("completes");
    assert_eq!(bytes(&memory, AT), [0x55, 0x66, 0x77, 0x88, 0xc5]);
    execute(&mut p, M::St1Imm, &[-256]).expect("completes");
    assert_eq!(bytes(&memory, AT), [0x88, 0x66]);
    assert_eq!(p.gr(R3), AT - 256);
    p.set_gr(R3, AT, false);
    p.registers.ar[ar::CSD] = 0x0102_0304_0506_0708;
    execute(&mut p, M::St16, &[]).expect("completes");
    assert_eq!(bytes(&memory, AT), [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 1, 2, 3, 4, 5, 6, 7, 8]);
}

#[test]
fn address_registers_are_updated_after_the_access() {
    let (mut p, _) = machine();
    assert_eq!(result(&mut p, M::Ld4Imm, &[-3]), (0xb4a3_9281, false));
    assert_eq!((p.gr(R3), p.nat(R3)), (AT - 3, false));
    p.set_gr(R3, AT, false);
    p.set_gr(R2, 24, false);
    assert_eq!(result(&mut p, M::Ld1Reg, &[]), (0x81, false));
    assert_eq!((p.gr(R3), p.nat(R3)), (AT + 24, false));
    // A NaT increment makes the address NaT, and nothing else (SDM 3:151).
    p.set_gr(R3, AT, false);
    p.set_gr(R2, 8, true);
    assert_eq!(result(&mut p, M::Ld1Reg, &[]), (0x81, false));
    assert_eq!((p.gr(R3), p.nat(R3)), (AT + 8, true));
    // An increment in the target is the one before the load.
    p.set_gr(R3, AT, false);
    p.set_gr(R1, 0x40, false);
    let op = Op { r2: R1, ..op(M::Ld1Reg, &[]) };
    (op.execute)(&mut p, &op).expect("completes");
    assert_eq!((p.gr(R1), p.gr(R3)), (0x81, AT + 0x40));
}

#[test]
fn nat_addresses_and_values_are_consumed_with_the_access_in_isr() {
    let (mut p, _) = machine();
    let (read, write) = (Isr::new().with_r(true), Isr::new().with_w(true));
    let both = read.with_w(true);
    let non_access = read.with_na(true);
    let rows = [
        (M::Ld8, read.with_code(0x10), &[][..]),
        (M::Ld4AImm, read.with_code(0x10), &[4]),
        (M::Ld4CClr, read.with_code(0x10), &[]),
        (M::Ld8Fill, read.with_code(0x10), &[]),
        (M::Ld16, read.with_code(0x10), &[]),
        (M::Ldfd, read.with_code(0x10), &[]),
        (M::LdfpsA, read.with_code(0x10), &[]),
        (M::St8, write.with_code(0x10), &[]),
        (M::St8Spill, write.with_code(0x10), &[]),
        (M::Stfe, write.with_code(0x10), &[]),
        (M::Xchg4, both.with_code(0x10), &[]),
        (M::Cmpxchg1Acq, both.with_code(0x10), &[]),
        (M::Fetchadd8Rel, both.with_code(0x10), &[1]),
        (M::Fc, non_access.with_code(0x11), &[]),
        (M::LfetchFault, non_access.with_code(0x14), &[]),
    ];
    for (row, isr, numbers) in rows {
        p.set_gr(R3, AT, true);
        assert_eq!(fault(&mut p, row, numbers), (Vector::NatConsumption, isr), "{row:?}");
        assert_eq!((p.gr(R3), p.nat(R3)), (AT, true));
    }
    p.set_gr(R3, AT, false);
    p.set_gr(R2, 0, true);
    for (row, isr) in [(M::St1, write), (M::Xchg8, both), (M::Cmpxchg8Rel, both), (M::Cmp8xchg16Acq, both)] {
        assert_eq!(fault(&mut p, row, &[]), (Vector::NatConsumption, isr.with_code(0x10)), "{row:?}");
    }
    p.registers.fr[usize::from(F2)] = Fr::NATVAL;
    assert_eq!(fault(&mut p, M::Stfs, &[]), (Vector::NatConsumption, write.with_code(0x10)));
}

#[test]
fn spills_keep_nat_bits_in_unat() {
    let (mut p, memory) = machine();
    let at = 0x1_01a8;
    let bit = 1 << (0x1a8 >> 3);
    p.set_gr(R3, at, false);
    p.set_gr(R2, 0x1234, true);
    p.registers.ar[ar::UNAT] = 1;
    execute(&mut p, M::St8SpillImm, &[8]).expect("completes");
    assert_eq!(p.registers.ar[ar::UNAT], bit | 1);
    assert_eq!(p.gr(R3), at + 8);
    memory.write_bytes(at, &[7, 0, 0, 0, 0, 0, 0, 0]).expect("memory");
    p.set_gr(R3, at, false);
    assert_eq!(result(&mut p, M::Ld8Fill, &[]), (7, true));
    p.set_gr(R2, 0x1234, false);
    execute(&mut p, M::St8Spill, &[]).expect("completes");
    assert_eq!(p.registers.ar[ar::UNAT], 1);
    assert_eq!(result(&mut p, M::Ld8FillImm, &[-8]), (0x1234, false));
    assert_eq!(p.gr(R3), at - 8);
}

#[test]
fn unaligned_accesses_fault_where_psr_ac_is_set() {
    let (mut p, _) = machine();
    p.set_gr(R3, AT + 1, false);
    assert_eq!(result(&mut p, M::Ld2, &[]), (0xa392, false));
    p.set_psr(p.registers.psr.with_ac(true));
    assert_eq!(fault(&mut p, M::Ld2, &[]), (Vector::UnalignedReference, Isr::new().with_r(true)));
    assert_eq!(p.raised.ifa, Some(AT + 1));
    assert_eq!(fault(&mut p, M::St8, &[]), (Vector::UnalignedReference, Isr::new().with_w(true)));
    assert_eq!(fault(&mut p, M::Ldfd, &[]), (Vector::UnalignedReference, Isr::new().with_r(true)));
}

#[test]
fn line_prefetches_update_and_do_no_more() {
    let (mut p, _) = machine();
    p.set_gr(R3, 0x1000_0000_0000, true);
    execute(&mut p, M::LfetchImm, &[64]).expect("completes");
    assert_eq!((p.gr(R3), p.nat(R3)), (0x1000_0000_0040, true));
    execute(&mut p, M::LfetchExcl, &[]).expect("completes");
    // PSR.ed suppresses the prefetch and its faults (SDM 3:165).
    p.set_psr(p.registers.psr.with_ed(true));
    p.set_gr(R2, 8, false);
    execute(&mut p, M::LfetchFaultReg, &[]).expect("completes");
    assert_eq!((p.gr(R3), p.nat(R3)), (0x1000_0000_0048, true));
}

#[test]
fn flushed_lines_make_decoded_code_stale() {
    let (mut p, memory) = machine();
    let generation = || {
        let page = memory.ram(PhysicalAddress(AT)).expect("memory");
        page.generation().load(std::sync::atomic::Ordering::Acquire)
    };
    let before = generation();
    execute(&mut p, M::FcI, &[]).expect("completes");
    assert_ne!(generation(), before);
    assert_eq!(execute(&mut p, M::SyncI, &[]), Err(Leave::Serialize));
    assert_eq!(execute(&mut p, M::Mf, &[]), Ok(()));
}
