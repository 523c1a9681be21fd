//! M-unit instructions on memory, in physical mode on flat memory: r1 is r10, r2 r11, r3 r12, f1 f6, f2 f7.

use std::sync::Arc;
use std::thread;

use patchbay_isa::rows::M;
use patchbay_isa::{Instruction, Opcode};

use crate::bus::{Bus, PhysicalAddress};
use crate::domain::Domain;
use crate::flat::{self, FlatMemory};
use crate::fp::Fr;
use crate::interruption::{Isr, Vector};
use crate::op::{Op, Outcome, Stop};
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
    let mut p = flat::processor(memory.clone());
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
    Op::new(&Instruction::encode(Opcode::M(row), 0, &operands).expect("operands fit"))
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
    assert_eq!(execute(p, row, numbers), Err(Stop::Fault), "{row:?}");
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
fn speculative_loads_defer_nat_addresses() {
    let (mut p, _) = machine();
    p.set_gr(R3, AT, true);
    assert!(result(&mut p, M::Ld8S, &[]).1);
    assert!(result(&mut p, M::Ld2SaImm, &[4]).1);
    assert_eq!((p.gr(R3), p.nat(R3)), (AT + 4, true));
    execute(&mut p, M::LdfdS, &[]).expect("completes");
    assert_eq!(p.fr(F1), Fr::NATVAL);
    execute(&mut p, M::LdfpsSaImm, &[]).expect("completes");
    assert_eq!((p.fr(F1), p.fr(F2)), (Fr::NATVAL, Fr::NATVAL));
    assert_eq!((p.gr(R3), p.nat(R3)), (AT + 12, true));
    // So does PSR.ed, whatever the address.
    p.set_gr(R3, AT, false);
    p.set_psr(p.registers.psr.with_ed(true));
    assert!(result(&mut p, M::Ld8S, &[]).1);
}

#[test]
fn speculative_loads_defer_faults_where_the_sdm_says_so() {
    let (mut p, _) = machine();
    p.set_psr(p.registers.psr.with_dt(true).with_ic(true));
    // SDM 2:107: at PSR.ic = 1 and ITLB.ed = 0 a TLB miss is raised, at PSR.ic = 0 it is deferred.
    let isr = Isr::new().with_r(true).with_sp(true);
    assert_eq!(fault(&mut p, M::Ld4SImm, &[4]), (Vector::AlternateDataTlb, isr));
    assert_eq!((p.gr(R3), p.nat(R1)), (AT, false));
    p.set_psr(p.registers.psr.with_ic(false));
    assert!(result(&mut p, M::Ld4SImm, &[4]).1);
    assert_eq!((p.gr(R3), p.nat(R3)), (AT + 4, false));
    execute(&mut p, M::Ldfp8S, &[]).expect("completes");
    assert_eq!((p.fr(F1), p.fr(F2)), (Fr::NATVAL, Fr::NATVAL));
    assert_eq!(fault(&mut p, M::Ld4A, &[]).0, Vector::DataNestedTlb);
}

#[test]
fn uncacheable_memory_is_not_loaded_speculatively() {
    let (mut p, _) = machine();
    p.set_gr(R3, AT | 1 << 63, false);
    assert!(result(&mut p, M::Ld4S, &[]).1);
    // SDM 3:154: an advanced load gives 0 and makes no entry.
    assert_eq!(result(&mut p, M::Ld4A, &[]), (0, false));
    assert!(!checks(&mut p, M::ChkANcGr));
    assert_eq!(result(&mut p, M::Ld4CNc, &[]), (0xb4a3_9281, false));
    execute(&mut p, M::Ldf8A, &[]).expect("completes");
    assert_eq!(p.fr(F1), Fr::integer(0));
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
fn semaphores_must_be_aligned() {
    let (mut p, _) = machine();
    p.set_gr(R3, AT + 2, false);
    let isr = Isr::new().with_r(true).with_w(true);
    for (row, numbers) in [(M::Xchg4, &[][..]), (M::Cmpxchg8Acq, &[]), (M::Fetchadd4Acq, &[1]), (M::Cmp8xchg16Acq, &[])]
    {
        assert_eq!(fault(&mut p, row, numbers), (Vector::UnalignedReference, isr), "{row:?}");
    }
    // They are supported in cacheable memory only: bit 63 of a physical address is the uncacheable attribute.
    p.set_gr(R3, AT | 1 << 63, false);
    assert_eq!(fault(&mut p, M::Xchg8, &[]), (Vector::UnsupportedDataReference, isr));
}

#[test]
fn cmpxchg_compares_all_of_ccv_with_the_zero_extended_value() {
    let (mut p, memory) = machine();
    p.set_gr(R2, 0x5555_5555_5555_5555, false);
    p.registers.ar[ar::CCV] = 1 << 32 | 0x9281;
    assert_eq!(result(&mut p, M::Cmpxchg2Acq, &[]), (0x9281, false));
    assert_eq!(bytes(&memory, AT), [0x81, 0x92]);
    p.registers.ar[ar::CCV] = 0x9281;
    assert_eq!(result(&mut p, M::Cmpxchg2Rel, &[]), (0x9281, false));
    assert_eq!(bytes(&memory, AT), [0x55, 0x55, 0xa3]);
    p.set_psr(p.registers.psr.with_be(true));
    p.registers.ar[ar::CCV] = 0x5555_a3b4;
    p.set_gr(R2, 0x0102_0304, false);
    assert_eq!(result(&mut p, M::Cmpxchg4Acq, &[]), (0x5555_a3b4, false));
    assert_eq!(bytes(&memory, AT), [1, 2, 3, 4, 0xc5]);
}

#[test]
fn cmp8xchg16_compares_8_bytes_and_stores_the_16_around_them() {
    let (mut p, memory) = machine();
    p.set_gr(R3, AT + 8, false);
    p.set_gr(R2, 0x11, false);
    p.registers.ar[ar::CSD] = 0x22;
    p.registers.ar[ar::CCV] = 0;
    assert_eq!(result(&mut p, M::Cmp8xchg16Acq, &[]), (0x087f_6e5d_4c3b_2a19, false));
    assert_eq!(bytes(&memory, AT), BYTES);
    p.registers.ar[ar::CCV] = 0x087f_6e5d_4c3b_2a19;
    assert_eq!(result(&mut p, M::Cmp8xchg16Rel, &[]), (0x087f_6e5d_4c3b_2a19, false));
    assert_eq!(bytes(&memory, AT), [0x11, 0, 0, 0, 0, 0, 0, 0, 0x22, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn xchg_and_fetchadd_return_the_old_value() {
    let (mut p, memory) = machine();
    p.set_gr(R2, 0x0102_0304, false);
    assert_eq!(result(&mut p, M::Xchg4, &[]), (0xb4a3_9281, false));
    assert_eq!(bytes(&memory, AT), [4, 3, 2, 1, 0xc5]);
    assert_eq!(result(&mut p, M::Fetchadd4Acq, &[-16]), (0x0102_0304, false));
    assert_eq!(bytes(&memory, AT), [0xf4, 2, 2, 1, 0xc5]);
    p.set_psr(p.registers.psr.with_be(true));
    assert_eq!(result(&mut p, M::Fetchadd8Rel, &[8]), (0xf402_0201_c5d6_e7f8, false));
    assert_eq!(bytes(&memory, AT), [0xf4, 2, 2, 1, 0xc5, 0xd6, 0xe8, 0]);
}

#[test]
fn semaphores_of_two_processors_lose_nothing() {
    const TIMES: u64 = 100_000;
    let memory = Arc::new(FlatMemory::new(1 << 20));
    let domain = Arc::new(Domain::new(2, false));
    let run = |index: usize| {
        let alone = flat::processor(memory.clone());
        let mut p = Processor::new(Configuration { domain: domain.clone(), index, ..alone.configuration.clone() });
        move || {
            // A counter by fetchadd, and one that a lock (cmpxchg.acq, st.rel) protects.
            for _ in 0..TIMES {
                p.set_gr(R3, AT, false);
                execute(&mut p, M::Fetchadd8Acq, &[1]).expect("completes");
                p.set_gr(R3, AT + 8, false);
                p.set_gr(R2, 1, false);
                p.registers.ar[ar::CCV] = 0;
                while result(&mut p, M::Cmpxchg4Acq, &[]).0 != 0 {
                    thread::yield_now();
                }
                p.set_gr(R3, AT + 16, false);
                let count = result(&mut p, M::Ld8, &[]).0;
                p.set_gr(R2, count + 1, false);
                execute(&mut p, M::St8, &[]).expect("completes");
                p.set_gr(R3, AT + 8, false);
                p.set_gr(R2, 0, false);
                execute(&mut p, M::St4Rel, &[]).expect("completes");
            }
        }
    };
    let (first, second) = (run(0), run(1));
    thread::scope(|scope| {
        scope.spawn(first);
        scope.spawn(second);
    });
    assert_eq!(u64::from_le_bytes(bytes(&memory, AT)), 2 * TIMES);
    assert_eq!(u64::from_le_bytes(bytes(&memory, AT + 16)), 2 * TIMES);
}

/// After an advanced load and a store of `size` bytes at `offset` from it, whether `ld.c` loaded again.
fn reloads_after_store(advanced: M, check: M, store: M, offset: i64) -> bool {
    let (mut p, _) = machine();
    execute(&mut p, advanced, &[]).expect("completes");
    p.set_gr(R3, AT.wrapping_add_signed(offset), false);
    execute(&mut p, store, &[]).expect("completes");
    p.set_gr(R3, AT, false);
    p.set_gr(R1, 0x5a5a, false);
    result(&mut p, check, &[]).0 != 0x5a5a
}

#[test]
fn stores_that_overlap_end_data_speculation() {
    for (store, offset, conflict) in
        [(M::St1, -1, false), (M::St2, -1, true), (M::St1, 3, true), (M::St1, 4, false), (M::St8, -8, false)]
    {
        for check in [M::Ld4CClr, M::Ld4CNc, M::Ld4CClrAcq] {
            assert_eq!(reloads_after_store(M::Ld4A, check, store, offset), conflict, "{store:?} at {offset}");
        }
    }
    assert!(reloads_after_store(M::Ld8A, M::Ld8CNc, M::Xchg4, 4));
    assert!(reloads_after_store(M::Ld8A, M::Ld8CNc, M::Stfs, 4));
    assert!(reloads_after_store(M::Ld8A, M::Ld8CNc, M::StfSpill, 0));
}

/// Whether chk.a goes on; otherwise it branches to the target.
fn checks(p: &mut Processor, row: M) -> bool {
    p.registers.ip = 0x4000;
    match execute(p, row, &[0x120]) {
        Ok(()) => true,
        stop => {
            assert_eq!((stop, p.registers.ip), (Err(Stop::Branch), 0x4120));
            false
        }
    }
}

#[test]
fn checks_of_data_speculation() {
    let (mut p, _) = machine();
    assert!(!checks(&mut p, M::ChkANcGr));
    execute(&mut p, M::Ld8A, &[]).expect("completes");
    assert!(checks(&mut p, M::ChkANcGr) && checks(&mut p, M::ChkAClrGr) && !checks(&mut p, M::ChkANcGr));
    // General and floating-point registers have entries of their own.
    let fr = |row| Op { r1: R1, ..op(row, &[0x120]) };
    execute(&mut p, M::Ld8A, &[]).expect("completes");
    let chk = fr(M::ChkANcFr);
    assert_eq!((chk.execute)(&mut p, &chk), Err(Stop::Branch));
    execute(&mut p, M::LdfsA, &[]).expect("completes");
    assert!(checks(&mut p, M::ChkANcFr));
    execute(&mut p, M::InvalaEFr, &[]).expect("completes");
    assert!(!checks(&mut p, M::ChkANcFr) && checks(&mut p, M::ChkANcGr));
    execute(&mut p, M::InvalaEGr, &[]).expect("completes");
    assert!(!checks(&mut p, M::ChkANcGr));
    execute(&mut p, M::LdfpdA, &[]).expect("completes");
    assert!(checks(&mut p, M::ChkANcFr));
    execute(&mut p, M::Invala, &[]).expect("completes");
    assert!(!checks(&mut p, M::ChkAClrFr));
    // A deferred ld.sa leaves no entry.
    execute(&mut p, M::Ld8A, &[]).expect("completes");
    p.set_gr(R3, AT, true);
    execute(&mut p, M::Ld8Sa, &[]).expect("completes");
    assert!(!checks(&mut p, M::ChkANcGr));
}

#[test]
fn checks_of_control_speculation() {
    let (mut p, _) = machine();
    assert!(checks(&mut p, M::ChkSGr) && checks(&mut p, M::ChkSFr));
    p.set_gr(R2, 0, true);
    p.registers.fr[usize::from(F2)] = Fr::NATVAL;
    assert!(!checks(&mut p, M::ChkSGr) && !checks(&mut p, M::ChkSFr));
}

#[test]
fn entries_follow_registers_through_renaming() {
    let (mut p, _) = machine();
    let frame = Cfm::new().with_sof(24).with_sol(16).with_sor(2);
    assert!(p.set_cfm(frame));
    let on = |row: M, r: u8| Op { r1: r, ..op(row, if row == M::Ld8A { &[] } else { &[0x120] }) };
    let passes = |p: &mut Processor, row: M, r: u8| {
        let op = on(row, r);
        (op.execute)(p, &op).is_ok()
    };
    assert!(passes(&mut p, M::Ld8A, 32) && passes(&mut p, M::Ld8A, 50));
    p.registers.rotate();
    assert!(passes(&mut p, M::ChkANcGr, 33) && !passes(&mut p, M::ChkANcGr, 32));
    p.registers.clear_rotation(false);
    p.call_frame();
    // r50 is the third output register.
    assert!(!passes(&mut p, M::ChkANcGr, 32) && passes(&mut p, M::ChkANcGr, 34));
    p.return_frame(frame);
    assert!(passes(&mut p, M::ChkANcGr, 32) && passes(&mut p, M::ChkANcGr, 50));
}

#[test]
fn beside_other_processors_data_speculation_always_fails() {
    let (alone, _) = machine();
    let domain = Arc::new(Domain::new(2, true));
    let mut p = Processor::new(Configuration { domain, ..alone.configuration.clone() });
    p.set_gr(R3, AT, false);
    execute(&mut p, M::Ld4A, &[]).expect("completes");
    assert!(!checks(&mut p, M::ChkANcGr));
    p.set_gr(R1, 0, false);
    assert_eq!(result(&mut p, M::Ld4CNc, &[]), (0xb4a3_9281, false));
}

#[test]
fn floating_point_loads_convert() {
    let (mut p, memory) = machine();
    memory.write_bytes(AT, &1.5f32.to_le_bytes()).expect("memory");
    memory.write_bytes(AT + 4, &(-0.25f32).to_le_bytes()).expect("memory");
    execute(&mut p, M::LdfsImm, &[4]).expect("completes");
    assert_eq!(p.fr(F1), Fr::new(false, 0xffff, 0xc000_0000_0000_0000));
    execute(&mut p, M::Ldfs, &[]).expect("completes");
    assert_eq!(p.fr(F1), Fr::new(true, 0xfffd, 0x8000_0000_0000_0000));
    p.set_gr(R3, AT, false);
    execute(&mut p, M::LdfpsImm, &[]).expect("completes");
    assert_eq!(p.fr(F1), Fr::new(false, 0xffff, 0xc000_0000_0000_0000));
    assert_eq!(p.fr(F2), Fr::new(true, 0xfffd, 0x8000_0000_0000_0000));
    assert_eq!(p.gr(R3), AT + 8);
    memory.write_bytes(AT, &3.0f64.to_be_bytes()).expect("memory");
    memory.write_bytes(AT + 8, &0x1234u64.to_be_bytes()).expect("memory");
    p.set_psr(p.registers.psr.with_be(true));
    p.set_gr(R3, AT, false);
    execute(&mut p, M::Ldfd, &[]).expect("completes");
    assert_eq!(p.fr(F1), Fr::new(false, 0x1_0000, 0xc000_0000_0000_0000));
    // The first register takes the lower address in both byte orders.
    execute(&mut p, M::Ldfp8Imm, &[]).expect("completes");
    assert_eq!((p.fr(F1), p.fr(F2)), (Fr::integer(3.0f64.to_bits()), Fr::integer(0x1234)));
    assert_eq!(p.gr(R3), AT + 16);
    // 10 bytes, sign and exponent first in big-endian order.
    memory.write_bytes(AT, &[0xc0, 0x00, 0x80, 0, 0, 0, 0, 0, 0, 1]).expect("memory");
    p.set_gr(R3, AT, false);
    execute(&mut p, M::Ldfe, &[]).expect("completes");
    assert_eq!(p.fr(F1), Fr::new(true, 0x1_0000, 0x8000_0000_0000_0001));
}

#[test]
fn floating_point_registers_spill_and_fill() {
    let (mut p, memory) = machine();
    let value = Fr::new(true, 0x1_2345, 0x0123_4567_89ab_cdef);
    for big in [false, true] {
        p.set_psr(p.registers.psr.with_be(big));
        for value in [value, Fr::NATVAL, Fr::INDEFINITE] {
            p.registers.fr[usize::from(F2)] = value;
            p.set_gr(R3, AT, false);
            execute(&mut p, M::StfSpillImm, &[16]).expect("completes");
            assert_eq!(p.gr(R3), AT + 16);
            p.set_gr(R3, AT, false);
            execute(&mut p, M::LdfFillImm, &[32]).expect("completes");
            assert_eq!((p.fr(F1), p.gr(R3)), (value, AT + 32));
        }
    }
    p.set_gr(R3, AT, false);
    p.registers.fr[usize::from(F2)] = value;
    execute(&mut p, M::StfSpill, &[]).expect("completes");
    let image = [0, 0, 0, 0, 0, 3, 0x23, 0x45, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];
    assert_eq!(bytes(&memory, AT), image);
}

#[test]
fn floating_point_stores_convert() {
    let (mut p, memory) = machine();
    p.registers.fr[usize::from(F2)] = Fr::new(true, 0x1_0000, 0xc000_0000_0000_0000);
    execute(&mut p, M::StfsImm, &[8]).expect("completes");
    assert_eq!(bytes(&memory, AT), (-3.0f32).to_le_bytes());
    assert_eq!(p.gr(R3), AT + 8);
    execute(&mut p, M::Stfd, &[]).expect("completes");
    assert_eq!(bytes(&memory, AT + 8), (-3.0f64).to_le_bytes());
    execute(&mut p, M::Stf8, &[]).expect("completes");
    assert_eq!(bytes(&memory, AT + 8), 0xc000_0000_0000_0000u64.to_le_bytes());
    p.set_gr(R3, AT, false);
    execute(&mut p, M::Stfe, &[]).expect("completes");
    assert_eq!(bytes(&memory, AT), [0, 0, 0, 0, 0, 0, 0, 0xc0, 0x00, 0xc0]);
}

#[test]
fn written_floating_point_registers_set_the_modified_bits() {
    let (mut p, _) = machine();
    execute(&mut p, M::Ldf8, &[]).expect("completes");
    assert!(p.registers.psr.mfl() && !p.registers.psr.mfh());
    let (mut p, _) = machine();
    let op = Op { r1: 32, ..op(M::SetfSig, &[]) };
    (op.execute)(&mut p, &op).expect("completes");
    assert!(!p.registers.psr.mfl() && p.registers.psr.mfh());
}

#[test]
fn pairs_need_an_odd_and_an_even_physical_register() {
    let (mut p, _) = machine();
    let pair = |f1: u8, f2: u8| Op { r1: f1, r2: f2, ..op(M::Ldfp8, &[]) };
    let loads = |p: &mut Processor, f1: u8, f2: u8| {
        let op = pair(f1, f2);
        (op.execute)(p, &op).is_ok()
    };
    assert!(loads(&mut p, 6, 33) && !loads(&mut p, 6, 32));
    p.registers.cfm.set_rrb_fr(95);
    assert!(!loads(&mut p, 6, 33) && loads(&mut p, 6, 32) && loads(&mut p, 32, 33));
    assert_eq!(p.raised.vector, Vector::GeneralException);
}

#[test]
fn transfers_between_register_files() {
    let (mut p, _) = machine();
    let cases = [
        (M::SetfSig, M::GetfSig, 0xfedc_ba98_7654_3210, Fr::integer(0xfedc_ba98_7654_3210)),
        (M::SetfExp, M::GetfExp, 0x2_fffe, Fr::new(true, 0xfffe, 1 << 63)),
        (M::SetfS, M::GetfS, 0xc040_0000, Fr::new(true, 0x1_0000, 0xc000_0000_0000_0000)),
        (M::SetfD, M::GetfD, 0x4008_0000_0000_0000, Fr::new(false, 0x1_0000, 0xc000_0000_0000_0000)),
    ];
    for (set, get, gr, fr) in cases {
        p.set_gr(R2, gr, false);
        execute(&mut p, set, &[]).expect("completes");
        assert_eq!(p.fr(F1), fr);
        p.registers.fr[usize::from(F2)] = fr;
        assert_eq!(result(&mut p, get, &[]), (gr, false));
        p.set_gr(R2, gr, true);
        execute(&mut p, set, &[]).expect("completes");
        assert_eq!(p.fr(F1), Fr::NATVAL);
        p.registers.fr[usize::from(F2)] = Fr::NATVAL;
        assert!(result(&mut p, get, &[]).1);
    }
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
        // SAFETY: the page is alive and its generation is only accessed atomically.
        unsafe { page.generation.as_ref() }.load(std::sync::atomic::Ordering::Acquire)
    };
    let before = generation();
    execute(&mut p, M::FcI, &[]).expect("completes");
    assert_ne!(generation(), before);
    assert_eq!(execute(&mut p, M::SyncI, &[]), Err(Stop::Serialize));
    assert_eq!(execute(&mut p, M::Mf, &[]), Ok(()));
}
