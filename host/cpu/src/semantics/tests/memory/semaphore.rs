//! Semaphores.

use super::*;

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
    let domain = Arc::new(CoherenceDomain::new(2, false));
    let run = |index: usize| {
        let alone = flat_machine::processor(memory.clone());
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
