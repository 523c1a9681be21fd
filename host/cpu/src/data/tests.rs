use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use proptest::prelude::*;

use super::{Datum, Extended, Place, Sixteen, Spill};
use crate::bus::{Bus, BusError, PhysicalAddress, RamPage};
use crate::coherence_domain::CoherenceDomain;
use crate::flat_machine::{FlatMemory, StoppedClock};
use crate::interruption::Vector;
use crate::outcome::Leave;
use crate::processor::{Configuration, Processor};
use crate::psr::Psr;
use crate::registers::ar;

/// Where the device is: eight bytes of it, a register of each size; behind it nothing answers.
const DEVICE: u64 = 0x1000_0000;
/// The page of RAM that ignores writes.
const ROM: u64 = 0x3000;

/// RAM, a ROM and a device that records what it is asked.
struct Board {
    ram: FlatMemory,
    log: Mutex<Vec<(u64, u8, Option<u64>)>>,
}

impl Bus for Board {
    fn ram(&self, address: PhysicalAddress) -> Option<RamPage<'_>> {
        let page = self.ram.ram(address)?;
        Some(if address.0 >> 12 == ROM >> 12 { page.read_only() } else { page })
    }

    fn read(&self, address: PhysicalAddress, size: u8) -> Result<u64, BusError> {
        if address.0 >> 12 != DEVICE >> 12 {
            return Err(BusError);
        }
        self.log.lock().unwrap().push((address.0, size, None));
        Ok(0x1122_3344_5566_7788 & u64::MAX >> (64 - u32::from(size) * 8))
    }

    fn write(&self, address: PhysicalAddress, size: u8, value: u64) -> Result<(), BusError> {
        if address.0 >> 12 != DEVICE >> 12 {
            return Err(BusError);
        }
        self.log.lock().unwrap().push((address.0, size, Some(value)));
        Ok(())
    }

    fn portal(&self, _: PhysicalAddress) -> bool {
        false
    }
}

/// A processor in physical mode.
fn machine() -> (Arc<Board>, Processor) {
    let board = Arc::new(Board { ram: FlatMemory::new(0x4000), log: Mutex::default() });
    let domain = Arc::new(CoherenceDomain::new(1, false));
    let mut p = Processor::new(Configuration { domain, index: 0, bus: board.clone(), clock: Arc::new(StoppedClock) });
    p.set_psr(Psr::new().with_ic(true));
    (board, p)
}

fn bytes(board: &Board, address: u64, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    board.ram.read_bytes(address, &mut bytes).unwrap();
    bytes
}

/// Loads a datum made of the bytes 1, 2, 3 … and stores it elsewhere, at both byte orders, aligned or not.
fn round_trip<T: Datum + PartialEq + std::fmt::Debug>(little: T, big: T, misaligned: bool) {
    let (board, mut p) = machine();
    let size = usize::from(T::SIZE);
    let numbers: Vec<u8> = (1..=size as u8).collect();
    for offset in if misaligned { 0..16 } else { 0..1 } {
        for (be, expected) in [(false, little), (true, big)] {
            for _ in 0..2 {
                p.set_psr(p.registers.psr.with_be(be));
                board.ram.write_bytes(0x100 + offset, &numbers).unwrap();
                board.ram.write_bytes(0x200, &[0xee; 64]).unwrap();
                assert_eq!(p.load::<T>(0x100 + offset, Acquire), Ok(expected));
                assert_eq!(p.load_advanced::<T>(0x100 + offset).unwrap().0, expected);
                assert_eq!(p.load_speculative::<T>(0x100 + offset).unwrap().unwrap().0, expected);
                p.store(0x210 + offset, expected, Release).unwrap();
                assert_eq!(bytes(&board, 0x210 + offset, size), numbers);
                assert_eq!(bytes(&board, 0x210 + offset + size as u64, 1), [0xee]);
                assert_eq!(bytes(&board, 0x210 + offset - 1, 1), [0xee]);
            }
        }
    }
}

/// The byte orders of memory formats (SDM 1:34 and 1:88): pairs keep their order, 10 and 16 bytes turn as a whole.
#[test]
fn sizes_and_byte_orders() {
    round_trip(1u8, 1, true);
    round_trip(0x0201u16, 0x0102, true);
    round_trip(0x0403_0201u32, 0x0102_0304, true);
    round_trip(0x0807_0605_0403_0201u64, 0x0102_0304_0506_0708, true);
    round_trip([0x0403_0201u32, 0x0807_0605], [0x0102_0304, 0x0506_0708], true);
    let little = [0x0807_0605_0403_0201u64, 0x100f_0e0d_0c0b_0a09];
    let big = [0x0102_0304_0506_0708, 0x090a_0b0c_0d0e_0f10];
    round_trip(little, big, true);
    round_trip(Sixteen(little), Sixteen(big), false);
    let (low, high) = (0x100f_0e0d_0c0b_0a09_0807_0605_0403_0201, 0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10);
    round_trip(Spill(low), Spill(high), true);
    round_trip(Extended(low & ((1 << 80) - 1)), Extended(0x0102_0304_0506_0708_090a), true);
}

fn fault<T: std::fmt::Debug>(p: &Processor, result: Result<T, Leave>) -> Vector {
    assert_eq!(result.expect_err("a fault"), Leave::Fault);
    p.raised.vector
}

#[test]
fn unaligned_accesses() {
    let (_, mut p) = machine();
    for (ac, va, allowed) in [(false, 0x1001, true), (false, 0x1ff9, false), (true, 0x1001, false)] {
        p.set_psr(p.registers.psr.with_ac(ac));
        for _ in 0..2 {
            let results = [
                p.load::<u64>(va, Relaxed).map(|_| ()),
                p.store::<u64>(va, 0, Relaxed).map(|_| ()),
                p.load_advanced::<[u32; 2]>(va).map(|_| ()),
            ];
            for result in results {
                assert_eq!(result.is_ok(), allowed, "{ac} {va:#x}");
                assert!(allowed || p.raised.vector == Vector::UnalignedReference && p.raised.ifa == Some(va));
            }
            p.load::<u64>(0x1008, Relaxed).unwrap();
        }
    }
    p.set_psr(p.registers.psr.with_ac(false));
    let results = [
        p.load::<Sixteen>(0x1008, Relaxed).map(|_| ()),
        p.store(0x1008, Sixteen::default(), Relaxed).map(|_| ()),
        p.exchange::<u16>(0x1001, 0).map(|_| ()),
        p.compare_exchange::<u64>(0x1004, 0, 0, Acquire).map(|_| ()),
        p.fetch_add::<u32>(0x1002, 1, Acquire).map(|_| ()),
        p.compare_exchange_16(0x1004, 0, [0; 2], Acquire).map(|_| ()),
        p.load::<u32>(DEVICE + 2, Relaxed).map(|_| ()),
    ];
    for result in results {
        assert_eq!(fault(&p, result), Vector::UnalignedReference);
    }
}

#[test]
fn devices_see_each_access_once() {
    let (board, mut p) = machine();
    let (device, log) = (DEVICE | 1 << 63, || std::mem::take(&mut *board.log.lock().unwrap()));
    assert_eq!(p.load::<u8>(device + 3, Relaxed), Ok(0x88));
    assert_eq!(p.load::<u64>(device + 8, Relaxed), Ok(0x1122_3344_5566_7788));
    p.store::<u16>(device + 2, 0xabcd, Relaxed).unwrap();
    assert_eq!(p.load::<[u64; 2]>(device, Relaxed), Ok([0x1122_3344_5566_7788; 2]));
    p.store(device, Spill(5 << 64 | 6), Relaxed).unwrap();
    let expected = [
        (DEVICE + 3, 1, None),
        (DEVICE + 8, 8, None),
        (DEVICE + 2, 2, Some(0xabcd)),
        (DEVICE, 8, None),
        (DEVICE + 8, 8, None),
        (DEVICE, 8, Some(6)),
        (DEVICE + 8, 8, Some(5)),
    ];
    assert_eq!(log(), expected);
    p.set_psr(p.registers.psr.with_be(true));
    assert_eq!(p.load::<u32>(device, Relaxed), Ok(0x8877_6655));
    p.store::<u32>(device, 0x8877_6655, Relaxed).unwrap();
    assert_eq!(log(), [(DEVICE, 4, None), (DEVICE, 4, Some(0x5566_7788))]);
    p.set_psr(p.registers.psr.with_be(false));
    // Not speculatively, not atomically, and not 10 or 16 bytes at once.
    assert_eq!(p.load_speculative::<u32>(device), Ok(None));
    assert_eq!(p.load_advanced::<u32>(device), Ok((0, Place::NONE)));
    let results = [
        p.exchange::<u8>(device, 0).map(|_| ()),
        p.load::<Sixteen>(device, Relaxed).map(|_| ()),
        p.store(device, Extended(0), Relaxed).map(|_| ()),
        p.fetch_add::<u32>(DEVICE, 1, Acquire).map(|_| ()),
    ];
    for result in results {
        assert_eq!(fault(&p, result), Vector::UnsupportedDataReference);
    }
    assert_eq!(log(), []);
    // Where nothing answers.
    assert_eq!(p.load::<u32>(device + 0x1000, Relaxed), Ok(u32::MAX));
    assert_eq!(p.store::<u32>(device + 0x1000, 0, Relaxed), Ok(Place::NONE));
}

#[test]
fn rom_ignores_writes() {
    let (board, mut p) = machine();
    board.ram.write_bytes(ROM, &[7]).unwrap();
    for _ in 0..2 {
        assert_eq!(p.load::<u8>(ROM, Relaxed), Ok(7));
        assert_eq!(p.store::<u8>(ROM, 8, Relaxed), Ok(Place::NONE));
        assert_eq!(p.exchange::<u8>(ROM, 8), Ok((7, Place::NONE)));
        p.rse_store(ROM, 1).unwrap();
        p.write_physical(PhysicalAddress(ROM), &[1]).unwrap();
    }
    assert_eq!(bytes(&board, ROM, 1), [7]);
}

#[test]
fn semaphores() {
    let (board, mut p) = machine();
    for be in [false, true] {
        p.set_psr(p.registers.psr.with_be(be));
        p.store::<u32>(0x1010, 0x0102_0304, Relaxed).unwrap();
        assert_eq!(p.fetch_add::<u32>(0x1010, 0xff, Acquire).unwrap().0, 0x0102_0304);
        assert_eq!(p.compare_exchange::<u32>(0x1010, 0x0102_0304, 0, Release).unwrap().0, 0x0102_0403);
        assert_eq!(p.compare_exchange::<u32>(0x1010, 1 << 32 | 0x0102_0403, 0, Release).unwrap().0, 0x0102_0403);
        assert_eq!(p.compare_exchange::<u32>(0x1010, 0x0102_0403, 5, Acquire).unwrap().0, 0x0102_0403);
        assert_eq!(p.exchange::<u32>(0x1010, 6).unwrap().0, 5);
        assert_eq!(p.load::<u32>(0x1010, Relaxed), Ok(6));
        for (at, other) in [(0x1020, 0x1028), (0x1028, 0x1020)] {
            p.store::<u64>(at, 3, Relaxed).unwrap();
            p.store::<u64>(other, 4, Relaxed).unwrap();
            assert_eq!(p.compare_exchange_16(at, 4, [8, 9], Acquire).unwrap().0, 3);
            let (old, place) = p.compare_exchange_16(at, 3, [8, 9], Release).unwrap();
            assert_eq!((old, place), (3, p.load_advanced::<u64>(0x1020).unwrap().1));
            assert_eq!(p.load::<[u64; 2]>(0x1020, Relaxed), Ok([8, 9]));
        }
    }
    assert_eq!(bytes(&board, 0x1010, 4), [0, 0, 0, 6]);
}

/// The RSE has its own byte order and privilege level.
#[test]
fn register_stack_accesses() {
    let (board, mut p) = machine();
    p.set_psr(p.registers.psr.with_be(true));
    p.rse_store(0x1000, 1).unwrap();
    p.registers.ar[ar::RSC] = 1 << 4;
    p.rse_store(0x1008, 1).unwrap();
    assert_eq!(bytes(&board, 0x1000, 16), [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    assert_eq!((p.rse_load(0x1000), p.rse_load(0x1008)), (Ok(1 << 56), Ok(1)));
    p.set_psr(Psr::new().with_ic(true).with_rt(true));
    p.insert_tc(crate::mmu::Side::Data, 0).unwrap_err();
    p.registers.cr[crate::registers::cr::ITIR] = 12 << 2;
    p.registers.cr[crate::registers::cr::IFA] = 0x1000;
    // Present, accessed, dirty, read and write at level 0 only.
    p.insert_tc(crate::mmu::Side::Data, 0x1000 | 2 << 9 | 1 << 6 | 1 << 5 | 1).unwrap();
    assert_eq!(p.rse_load(0x1008), Ok(1));
    p.registers.ar[ar::RSC] = 1 << 4 | 3 << 2;
    let result = p.rse_load(0x1008);
    assert_eq!(fault(&p, result), Vector::DataAccessRights);
    p.registers.ar[ar::RSC] = 1 << 4;
    p.rse_store(0x1008, 2).unwrap();
}

#[test]
fn flushing_makes_decoded_copies_stale() {
    let (board, mut p) = machine();
    let generation = || board.ram(PhysicalAddress(0x1000)).unwrap().generation().load(Acquire);
    let before = generation();
    p.store::<u64>(0x1ff8, 1, Relaxed).unwrap();
    assert_eq!(generation(), before);
    p.flush_cache(0x1ff8).unwrap();
    assert_ne!(generation(), before);
}

proptest! {
    #[test]
    fn physical_memory_is_copied_across_pages(start in 0u64..0x2f00, data in prop::collection::vec(any::<u8>(), 0..0x1200)) {
        let (board, p) = machine();
        prop_assume!(start + data.len() as u64 <= ROM);
        p.write_physical(PhysicalAddress(start), &data).unwrap();
        prop_assert_eq!(&bytes(&board, start, data.len()), &data);
        let mut back = vec![0; data.len()];
        p.read_physical(PhysicalAddress(start), &mut back).unwrap();
        prop_assert_eq!(back, data);
        prop_assert_eq!(p.read_physical(PhysicalAddress(0x3fff), &mut [0; 2]), Err(BusError));
    }
}
