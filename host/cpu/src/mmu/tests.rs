use std::sync::Arc;
use std::sync::atomic::Ordering;

use proptest::prelude::*;

use super::Side;
use super::translation::Pte;
use crate::bus::PhysicalAddress;
use crate::domain::Purge;
use crate::flat::{FlatMemory, processor};
use crate::interruption::{Interruption, Vector};
use crate::op::Stop;
use crate::processor::Processor;
use crate::psr::Psr;
use crate::registers::{ar, cr};

/// A present, accessed, dirty page that all may read, write and execute.
const GOOD: Pte = Pte::new().with_p(true).with_a(true).with_d(true).with_ar(3).with_pl(3);

/// A machine with 2 MiB and translation on; region n has identifier 0x100 + n and 16 KiB pages, and its walker is off.
fn machine() -> (Arc<FlatMemory>, Processor) {
    machine_with(2 << 20)
}

/// The same with some bytes of memory.
fn machine_with(size: u64) -> (Arc<FlatMemory>, Processor) {
    let memory = Arc::new(FlatMemory::new(size));
    let mut p = processor(memory.clone());
    for region in 0..8 {
        p.write_rr(region, (0x100 + region as u64) << 8 | 14 << 2);
    }
    p.set_psr(Psr::new().with_ic(true).with_dt(true).with_it(true).with_rt(true));
    (memory, p)
}

/// Inserts a translation of 2^`ps` bytes at `va` to `pa`.
fn map_sized(p: &mut Processor, side: Side, va: u64, pa: u64, ps: u8, key: u64, pte: Pte) {
    p.registers.cr[cr::IFA] = va;
    p.registers.cr[cr::ITIR] = u64::from(ps) << 2 | key << 8;
    p.insert_tc(side, pte.with_ppn(pa >> 12).into()).unwrap();
}

fn map(p: &mut Processor, va: u64, pa: u64, pte: Pte) {
    map_sized(p, Side::Data, va, pa, 14, 0x55, pte);
}

const VA: u64 = 0x4000_0000_0012_3448;
const RR_ITIR: u64 = 0x102 << 8 | 14 << 2;

/// What a fault reports.
#[derive(Debug, PartialEq)]
struct Report {
    vector: Vector,
    isr: u64,
    ifa: Option<u64>,
    itir: Option<u64>,
    iha: Option<u64>,
}

fn report<T: std::fmt::Debug>(p: &Processor, result: Result<T, Stop>) -> Report {
    assert_eq!(result.expect_err("a fault"), Stop::Fault);
    let Interruption { vector, isr, ifa, itir, iha, .. } = p.raised;
    Report { vector, isr: isr.into(), ifa, itir, iha }
}

const X: u64 = 1 << 32;
const W: u64 = 1 << 33;
const R: u64 = 1 << 34;
const NA: u64 = 1 << 35;
const SP: u64 = 1 << 36;
const RS: u64 = 1 << 37;
const ED: u64 = 1 << 43;

/// A fault that sets IFA and ITIR.
fn with_itir(vector: Vector, isr: u64) -> Report {
    Report { vector, isr, ifa: Some(VA), itir: Some(RR_ITIR), iha: None }
}

/// A fault that sets IFA.
fn with_ifa(vector: Vector, isr: u64) -> Report {
    Report { vector, isr, ifa: Some(VA), itir: None, iha: None }
}

fn load(p: &mut Processor, va: u64) -> Result<u64, Stop> {
    p.load::<u64>(va, Ordering::Relaxed)
}

fn store(p: &mut Processor, va: u64) -> Result<(), Stop> {
    p.store::<u64>(va, 1, Ordering::Relaxed).map(|_| ())
}

/// Each condition in turn, the highest priority first, while all lower ones hold (SDM 2:109).
#[test]
fn faults_of_a_store_have_their_priority() {
    let (_, mut p) = machine();
    let bad = Pte::new().with_ma(7).with_ar(0).with_pl(0);
    p.set_psr(p.registers.psr.with_cpl(3).with_pk(true).with_db(true).with_ac(true));
    p.write_dbr(0, VA + 1);
    p.write_dbr(1, 3 << 62 | 8 << 56 | ((1 << 56) - 1));
    let unaligned = VA + 1;
    let expect = |p: &mut Processor, vector, itir: bool| {
        let result = p.store::<u32>(unaligned, 1, Ordering::Relaxed);
        let got = report(p, result);
        let isr = W | if vector == Vector::NatConsumption { 0x20 } else { 0 };
        let itir = itir.then_some(RR_ITIR);
        assert_eq!(got, Report { vector, isr, ifa: Some(unaligned), itir, iha: None });
    };
    expect(&mut p, Vector::AlternateDataTlb, true);
    map(&mut p, VA, 0x10_0000, bad);
    expect(&mut p, Vector::PageNotPresent, true);
    map(&mut p, VA, 0x10_0000, bad.with_p(true));
    expect(&mut p, Vector::NatConsumption, false);
    map(&mut p, VA, 0x10_0000, bad.with_p(true).with_ma(4));
    expect(&mut p, Vector::DataKeyMiss, true);
    p.write_pkr(3, 0x55 << 8 | 1 << 1 | 1);
    expect(&mut p, Vector::KeyPermission, true);
    p.write_pkr(4, 0x55 << 8 | 1);
    assert_eq!(p.registers.pkr[3] & 1, 0, "a valid key leaves other registers");
    expect(&mut p, Vector::DataAccessRights, true);
    map(&mut p, VA, 0x10_0000, bad.with_p(true).with_ma(4).with_ar(2).with_pl(3));
    expect(&mut p, Vector::DirtyBit, true);
    map(&mut p, VA, 0x10_0000, bad.with_p(true).with_ma(4).with_ar(2).with_pl(3).with_d(true));
    expect(&mut p, Vector::DataAccessBit, true);
    map(&mut p, VA, 0x10_0000, GOOD.with_ma(4));
    expect(&mut p, Vector::Debug, false);
    p.write_dbr(1, 0);
    expect(&mut p, Vector::UnalignedReference, false);
    let result = p.exchange::<u64>(VA, 1);
    assert_eq!(report(&p, result), with_ifa(Vector::UnsupportedDataReference, R | W));
    p.store::<u64>(VA, 1, Ordering::Relaxed).unwrap();
}

#[test]
fn psr_da_and_dd_let_one_access_through() {
    let (_, mut p) = machine();
    map(&mut p, VA, 0x10_0000, GOOD.with_a(false).with_d(false));
    p.write_dbr(0, VA);
    p.write_dbr(1, 3 << 62 | 1 << 56 | ((1 << 56) - 1));
    p.set_psr(p.registers.psr.with_da(true).with_dd(true).with_db(true));
    store(&mut p, VA).unwrap();
    p.set_psr(p.registers.psr.with_da(false).with_dd(false));
    let result = store(&mut p, VA);
    assert_eq!(report(&p, result), with_itir(Vector::DirtyBit, W));
    let result = load(&mut p, VA);
    assert_eq!(report(&p, result), with_itir(Vector::DataAccessBit, R));
    map(&mut p, VA, 0x10_0000, GOOD);
    let result = load(&mut p, VA);
    assert_eq!(report(&p, result), with_ifa(Vector::Debug, R));
}

/// ISR of references that are not plain loads and stores (SDM 2:168).
#[test]
fn isr_says_who_refers() {
    let (_, mut p) = machine();
    let va = VA;
    p.registers.ar[ar::RSC] = 3 << 2;
    let result = p.rse_load(va);
    assert_eq!(report(&p, result), with_itir(Vector::AlternateDataTlb, R | RS));
    let result = p.rse_store(va, 0);
    assert_eq!(report(&p, result), with_itir(Vector::AlternateDataTlb, W | RS));
    let result = p.tpa(va);
    assert_eq!(report(&p, result), with_itir(Vector::AlternateDataTlb, NA));
    let result = p.flush_cache(va);
    assert_eq!(report(&p, result), with_itir(Vector::AlternateDataTlb, R | NA | 1));
    let result = p.probe(va, false, 0);
    assert_eq!(report(&p, result), with_itir(Vector::AlternateDataTlb, R | NA | 2));
    let result = p.probe(va, true, 0);
    assert_eq!(report(&p, result), with_itir(Vector::AlternateDataTlb, W | NA | 2));
    let result = p.lfetch_fault(va);
    assert_eq!(report(&p, result), with_itir(Vector::AlternateDataTlb, R | NA | 4));
    let result = p.probe_fault(va, true, true, 0);
    assert_eq!(report(&p, result), with_itir(Vector::AlternateDataTlb, R | W | NA | 5));
    let result = p.fetch_add::<u32>(va, 1, Ordering::Acquire);
    assert_eq!(report(&p, result), with_itir(Vector::AlternateDataTlb, R | W));
    let result = p.load_speculative::<u8>(va);
    assert_eq!(report(&p, result), with_itir(Vector::AlternateDataTlb, R | SP));
    map_sized(&mut p, Side::Instruction, 0, 0, 14, 0, GOOD.with_ed(true));
    let result = load(&mut p, va);
    assert_eq!(report(&p, result), with_itir(Vector::AlternateDataTlb, R | ED));
    map(&mut p, va, 0x10_0000, GOOD.with_ma(7));
    let result = p.tpa(va);
    assert_eq!(report(&p, result), with_ifa(Vector::NatConsumption, NA | ED | 0x20));
    assert_eq!(p.tak(va), Ok(0x5500));
    p.set_psr(p.registers.psr.with_ic(false));
    let result = load(&mut p, va + 0x10_0000);
    let nested = Report { vector: Vector::DataNestedTlb, isr: R | ED, ifa: None, itir: None, iha: None };
    assert_eq!(report(&p, result), nested);
    p.registers.cr[cr::ISR] = 77;
    p.deliver(&{ p.raised });
    assert_eq!(p.registers.cr[cr::ISR], 77);
}

#[test]
fn probes_grant_by_level_and_key() {
    let (_, mut p) = machine();
    map(&mut p, VA, 0x10_0000, GOOD.with_ar(4).with_pl(3).with_d(false).with_a(false));
    let granted = |p: &mut Processor| {
        [(false, 3), (true, 3), (true, 2)].map(|(write, privilege)| p.probe(VA, write, privilege).unwrap())
    };
    assert_eq!(granted(&mut p), [true, false, true]);
    p.set_psr(p.registers.psr.with_dt(false));
    assert_eq!(granted(&mut p), [true, false, true]);
    let result = p.probe(VA + 0x10_0000, false, 0);
    assert_eq!(report(&p, result).vector, Vector::AlternateDataTlb);
    p.set_psr(p.registers.psr.with_dt(true).with_pk(true));
    let result = p.probe(VA, false, 0);
    assert_eq!(report(&p, result), with_itir(Vector::DataKeyMiss, R | NA | 2));
    p.write_pkr(0, 0x55 << 8 | 1 << 2 | 1);
    assert_eq!(granted(&mut p), [false, false, true]);
    let result = p.probe_fault(VA, true, false, 3);
    assert_eq!(report(&p, result), with_itir(Vector::KeyPermission, R | NA | 5));
    p.write_pkr(0, 0);
    p.flush_cache(VA).unwrap();
    p.set_psr(p.registers.psr.with_cpl(1));
    map(&mut p, VA, 0x10_0000, GOOD.with_ar(0).with_pl(0));
    let result = p.flush_cache(VA);
    assert_eq!(report(&p, result), with_itir(Vector::DataAccessRights, R | NA | 1));
}

#[test]
fn unimplemented_addresses() {
    let (_, mut p) = machine();
    p.set_psr(p.registers.psr.with_vm(true));
    let va = VA | 1 << 60;
    let result = load(&mut p, va);
    assert_eq!(report(&p, result), Report { ifa: Some(va), ..with_ifa(Vector::GeneralException, R | 0x30) });
    assert_eq!(p.load_speculative::<u8>(va), Ok(None));
    assert_eq!((p.probe(va, true, 0), p.tak(va)), (Ok(false), Ok(1)));
    p.set_psr(Psr::new().with_ic(true));
    for physical in [1 << 50, 1 << 62] {
        let result = p.store::<u8>(physical, 0, Ordering::Relaxed);
        assert_eq!(report(&p, result), Report { ifa: Some(physical), ..with_ifa(Vector::GeneralException, W | 0x30) });
        let result = p.translate_instruction(physical);
        assert_eq!((report(&p, result).vector, p.raised.isr.code()), (Vector::LowerPrivilegeTransferTrap, 16));
    }
    p.store::<u8>(1 << 63 | 5, 9, Ordering::Relaxed).unwrap();
    assert_eq!(p.load::<u8>(5, Ordering::Relaxed), Ok(9));
}

#[test]
fn faults_of_an_instruction_fetch() {
    let (_, mut p) = machine();
    let (ip, itir) = (VA & !0xf, Some(RR_ITIR));
    p.set_psr(p.registers.psr.with_cpl(2).with_pk(true));
    let expect = |p: &mut Processor, vector, isr, itir| {
        let result = p.translate_instruction(ip);
        assert_eq!(report(p, result), Report { vector, isr: X | isr, ifa: Some(ip), itir, iha: None });
    };
    let map = |p: &mut Processor, pte| map_sized(p, Side::Instruction, VA, 0x10_0000, 14, 0x55, pte);
    let bad = Pte::new().with_ma(7).with_ar(2).with_pl(3);
    expect(&mut p, Vector::AlternateInstructionTlb, 0, itir);
    map(&mut p, bad);
    expect(&mut p, Vector::PageNotPresent, 0, itir);
    map(&mut p, bad.with_p(true));
    expect(&mut p, Vector::NatConsumption, 0x20, None);
    map(&mut p, bad.with_p(true).with_ma(0));
    expect(&mut p, Vector::InstructionKeyMiss, 0, itir);
    p.write_pkr(15, 0x55 << 8 | 1 << 3 | 1);
    expect(&mut p, Vector::KeyPermission, 0, itir);
    p.write_pkr(15, 0x55 << 8 | 1);
    expect(&mut p, Vector::InstructionAccessRights, 0, itir);
    map(&mut p, bad.with_p(true).with_ma(0).with_ar(1));
    expect(&mut p, Vector::InstructionAccessBit, 0, itir);
    p.set_psr(p.registers.psr.with_ia(true));
    assert_eq!(p.translate_instruction(ip), Ok(PhysicalAddress(0x10_3440)));
}

/// The deferral of exceptions of speculative loads (SDM 2:107): by PSR.ic = 0, by PSR.it, ITLB.ed and a bit of DCR,
/// always, or never otherwise.
#[test]
fn deferral_of_speculative_loads() {
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum By {
        Always,
        Ed,
        Dcr(u64),
    }
    let data_miss = |_: &mut Processor| {};
    let page = |pte: Pte| move |p: &mut Processor| map(p, VA & !7, 0x10_0000, pte);
    let key_miss = |p: &mut Processor| {
        map(p, VA, 0x10_0000, GOOD);
        p.set_psr(p.registers.psr.with_pk(true));
    };
    let key_permission = |p: &mut Processor| {
        map(p, VA, 0x10_0000, GOOD);
        p.write_pkr(0, 0x55 << 8 | 1 << 2 | 1);
        p.set_psr(p.registers.psr.with_pk(true));
    };
    let debug = |p: &mut Processor| {
        map(p, VA, 0x10_0000, GOOD);
        p.write_dbr(2, VA);
        p.write_dbr(3, 1 << 63 | 1 << 56 | ((1 << 56) - 1));
        p.set_psr(p.registers.psr.with_db(true));
    };
    let unaligned = |p: &mut Processor| {
        map(p, VA, 0x10_0000, GOOD);
        p.set_psr(p.registers.psr.with_ac(true));
    };
    let unimplemented = |p: &mut Processor| p.set_psr(p.registers.psr.with_dt(false));
    type Setup<'a> = &'a dyn Fn(&mut Processor);
    let cases: [(By, Vector, u64, Setup); 11] = [
        (By::Dcr(8), Vector::AlternateDataTlb, VA, &data_miss),
        (By::Dcr(9), Vector::PageNotPresent, VA, &page(Pte::new())),
        (By::Always, Vector::NatConsumption, VA, &page(GOOD.with_ma(7))),
        (By::Always, Vector::UnsupportedDataReference, VA, &page(GOOD.with_ma(4))),
        (By::Dcr(10), Vector::DataKeyMiss, VA, &key_miss),
        (By::Dcr(11), Vector::KeyPermission, VA, &key_permission),
        (By::Dcr(12), Vector::DataAccessRights, VA, &page(GOOD.with_ar(7))),
        (By::Dcr(13), Vector::DataAccessBit, VA, &page(GOOD.with_a(false))),
        (By::Dcr(14), Vector::Debug, VA, &debug),
        (By::Ed, Vector::UnalignedReference, VA + 1, &unaligned),
        (By::Always, Vector::GeneralException, VA, &unimplemented),
    ];
    for (by, vector, va, setup) in cases {
        for (ic, ed) in [(true, true), (true, false), (false, true), (false, false)] {
            for bit in 8..=14 {
                let (_, mut p) = machine();
                p.registers.cr[cr::DCR] = 1 << bit;
                map_sized(&mut p, Side::Instruction, 0, 0, 14, 0, GOOD.with_ed(ed));
                setup(&mut p);
                let cpl = if vector == Vector::DataAccessRights { 1 } else { 0 };
                p.set_psr(p.registers.psr.with_ic(ic).with_cpl(cpl));
                let deferred = match by {
                    By::Always => true,
                    By::Ed => !ic || ed,
                    By::Dcr(needed) => !ic || ed && needed == bit,
                };
                let result = p.load_speculative::<u32>(va);
                let context = format!("{vector:?} ic {ic} ed {ed} DCR bit {bit}");
                if deferred {
                    assert_eq!(result, Ok(None), "{context}");
                } else {
                    assert_eq!(result, Err(Stop::Fault), "{context}");
                    assert_eq!(p.raised.vector, vector, "{context}");
                    assert_eq!((p.raised.isr.sp(), p.raised.isr.ed()), (true, ed));
                }
                p.set_psr(p.registers.psr.with_ed(true));
                assert_eq!(p.load_speculative::<u32>(va), Ok(None));
            }
        }
    }
}

/// A condition that is not deferred is raised though a higher one is deferred (SDM 2:106).
#[test]
fn a_deferred_exception_does_not_hide_lower_ones() {
    let (_, mut p) = machine();
    map_sized(&mut p, Side::Instruction, 0, 0, 14, 0, GOOD.with_ed(true));
    map(&mut p, VA, 0x10_0000, GOOD.with_a(false));
    p.set_psr(p.registers.psr.with_pk(true));
    p.registers.cr[cr::DCR] = 1 << 10;
    let result = p.load_speculative::<u8>(VA);
    assert_eq!(report(&p, result), with_itir(Vector::DataAccessBit, R | SP | ED));
    p.registers.cr[cr::DCR] = 1 << 10 | 1 << 13;
    assert_eq!(p.load_speculative::<u8>(VA), Ok(None));
}

/// The figure of SDM 2:66, bit by bit.
fn short_vhpt_address(pta: u64, ps: u64, va: u64) -> u64 {
    let size = pta >> 2 & 63;
    let offset = (u128::from(va & ((1 << 61) - 1)) >> ps) << 3;
    let bit = |index: u64| match index {
        61.. => va >> index & 1,
        15.. if index >= size => pta >> index & 1,
        _ => (offset >> index) as u64 & 1,
    };
    (0..64).map(|index| bit(index) << index).sum()
}

proptest! {
    #[test]
    fn thash_of_the_short_format(base: u64, size in 15u64..=52, va: u64, ps in prop::sample::select(vec![12u64, 13, 14, 16, 24, 28, 32])) {
        let (_, mut p) = machine_with(0);
        let pta = base & !0x7fff | size << 2 | 1;
        p.registers.cr[cr::PTA] = pta;
        p.write_rr((va >> 61) as usize, 5 << 8 | ps << 2);
        prop_assert_eq!(p.thash(va), short_vhpt_address(pta, ps, va));
    }

    /// In the smallest table the index and the tag together name one page of one region, wherever the table is.
    #[test]
    fn thash_and_ttag_of_the_long_format(base: u64, va: u64, rid in 0u64..1 << 24, bit in 0u64..49 + 24) {
        let (_, mut p) = machine_with(0);
        let pta = base & !0x7fff | 15 << 2 | 1 << 8 | 1;
        p.registers.cr[cr::PTA] = pta;
        p.write_rr((va >> 61) as usize, rid << 8 | 12 << 2);
        let name = (p.thash(va), p.ttag(va));
        prop_assert_eq!(name.0 & !0x7fff, pta & !0x7fff);
        prop_assert_eq!((name.0 & 31, name.1 >> 63), (0, 0));
        let (va, rid) = if bit < 49 { (va ^ 1 << (12 + bit), rid) } else { (va, rid ^ 1 << (bit - 49)) };
        p.write_rr((va >> 61) as usize, rid << 8 | 12 << 2);
        prop_assert_ne!((p.thash(va), p.ttag(va)), name);
        prop_assert_eq!(p.ttag(va ^ 0xfff), p.ttag(va));
    }
}

/// Turns the walker on for region 2 and maps the table, in region 5.
fn with_table(p: &mut Processor, long: bool) {
    p.registers.cr[cr::PTA] = 0xa000_0000_0080_0000 | u64::from(long) << 8 | 16 << 2 | 1;
    p.write_rr(2, 0x102 << 8 | 14 << 2 | 1);
    map_sized(p, Side::Data, 0xa000_0000_0080_0000, 0x4_0000, 16, 0, GOOD.with_pl(0));
    map_sized(p, Side::Data, 0x4000_0000_0080_0000, 0x4_0000, 16, 0, GOOD.with_pl(0));
}

fn write(memory: &FlatMemory, address: u64, words: &[u64]) {
    for (index, word) in words.iter().enumerate() {
        memory.write_bytes(address + index as u64 * 8, &word.to_le_bytes()).unwrap();
    }
}

#[test]
fn the_walker_reads_the_short_format() {
    let (memory, mut p) = machine();
    with_table(&mut p, false);
    let iha = p.thash(VA);
    assert_eq!(iha, 0x4000_0000_0080_0000 + (0x12_3448 >> 14) * 8);
    let entry = 0x4_0000 + (iha & 0xffff);
    write(&memory, entry, &[GOOD.with_ppn(0x104).into()]);
    write(&memory, 0x10_7448, &[42]);
    assert_eq!(p.debug_translate(VA), Some(PhysicalAddress(0x10_7448)));
    assert_eq!(load(&mut p, VA), Ok(42));
    assert_eq!(p.tak(VA), Ok(0x10200), "the key is the region identifier");
    assert_eq!(p.translate_instruction(VA & !0xf), Ok(PhysicalAddress(0x10_7440)));
    // A page that is not present is entered all the same.
    p.purge_tc(VA, 14);
    write(&memory, entry, &[0]);
    let result = load(&mut p, VA);
    assert_eq!(report(&p, result), with_itir(Vector::PageNotPresent, R).with_rr_ve());
    write(&memory, entry, &[GOOD.with_ppn(0x104).into()]);
    assert!(load(&mut p, VA).is_err());
    p.purge_tc(VA, 14);
    assert_eq!(load(&mut p, VA), Ok(42));
    // The byte order of the table is DCR.be.
    p.purge_tc(VA, 14);
    p.registers.cr[cr::DCR] = 1 << 1;
    write(&memory, entry, &[u64::from(GOOD.with_ppn(0x104)).swap_bytes()]);
    assert_eq!(load(&mut p, VA), Ok(42));
}

impl Report {
    /// ITIR does not hold RR.ve.
    fn with_rr_ve(self) -> Report {
        assert_eq!(self.itir, Some(RR_ITIR));
        self
    }
}

#[test]
fn the_walker_gives_up() {
    let (memory, mut p) = machine();
    with_table(&mut p, false);
    let iha = p.thash(VA);
    let miss = |vector, isr| Report { iha: Some(iha), ..with_itir(vector, isr) };
    let table = |p: &mut Processor, pte: Pte| {
        map_sized(p, Side::Data, 0x4000_0000_0080_0000, 0x4_0000, 16, 0x77, pte);
    };
    for reserved in [1 << 1, 1 << 50, 1 << 51, 1 << 2, 2 << 2, 3 << 2] {
        write(&memory, 0x4_0000 + (iha & 0xffff), &[u64::from(GOOD) | reserved]);
        let result = load(&mut p, VA);
        assert_eq!(report(&p, result), miss(Vector::DataTlb, R));
    }
    write(&memory, 0x4_0000 + (iha & 0xffff), &[GOOD.into()]);
    for bad in [GOOD.with_p(false), GOOD.with_ma(7), GOOD.with_ma(4), GOOD.with_a(false), GOOD.with_ar(7).with_p(false)]
    {
        table(&mut p, bad);
        let result = load(&mut p, VA);
        assert_eq!(report(&p, result), miss(Vector::DataTlb, R));
        let result = p.translate_instruction(VA);
        assert_eq!(report(&p, result), Report { ifa: Some(VA & !0xf), ..miss(Vector::InstructionTlb, X) });
    }
    table(&mut p, GOOD);
    p.set_psr(p.registers.psr.with_pk(true));
    let result = load(&mut p, VA);
    assert_eq!(report(&p, result), miss(Vector::DataTlb, R));
    p.set_psr(p.registers.psr.with_pk(false));
    p.purge_tc(iha, 12);
    let result = load(&mut p, VA);
    assert_eq!(report(&p, result), miss(Vector::VhptTranslation, R));
    let result = p.translate_instruction(VA);
    assert_eq!(report(&p, result), Report { ifa: Some(VA & !0xf), ..miss(Vector::VhptTranslation, X) });
    p.set_psr(p.registers.psr.with_ic(false));
    let result = load(&mut p, VA);
    assert_eq!(report(&p, result).vector, Vector::DataNestedTlb);
    let result = p.translate_instruction(VA);
    assert_eq!(report(&p, result).vector, Vector::AlternateInstructionTlb);
    table(&mut p, GOOD);
    assert!(load(&mut p, VA).is_ok(), "the walker serves data at PSR.ic = 0");
    p.purge_tc(VA, 14);
    p.set_psr(p.registers.psr.with_ic(true).with_rt(false));
    p.set_psr(p.registers.psr.with_rt(true).with_dt(false));
    let result = p.rse_load(VA);
    assert_eq!(report(&p, result), with_itir(Vector::AlternateDataTlb, R | RS), "the walker needs PSR.dt");
    p.set_psr(p.registers.psr.with_dt(true));
    p.registers.cr[cr::PTA] &= !1;
    let result = load(&mut p, VA);
    assert_eq!(report(&p, result), with_itir(Vector::AlternateDataTlb, R));
}

#[test]
fn the_walker_reads_the_long_format() {
    let (memory, mut p) = machine();
    with_table(&mut p, true);
    let (iha, tag) = (p.thash(VA), p.ttag(VA));
    let entry = 0x4_0000 + (iha & 0xffff);
    let word = u64::from(GOOD.with_ppn(0x140));
    write(&memory, 0x15_3448, &[43]);
    for bad in
        [[word, 16 << 2, tag ^ 1 << 63], [word, 16 << 2, tag ^ 1], [word, 15 << 2, tag], [word | 2, 16 << 2, tag]]
    {
        write(&memory, entry, &bad);
        let result = load(&mut p, VA);
        assert_eq!(report(&p, result), Report { iha: Some(iha), ..with_itir(Vector::DataTlb, R) });
    }
    write(&memory, entry, &[word, 16 << 2 | 0x99 << 8, tag]);
    assert_eq!(load(&mut p, VA), Ok(0));
    write(&memory, 0x14_3448, &[43]);
    assert_eq!(load(&mut p, VA), Ok(43), "64 KiB pages: the low 4 bits of the page number do not count");
    assert_eq!(p.tak(VA), Ok(0x9900));
    assert_eq!(load(&mut p, VA ^ 0xffff & !7), Ok(0));
}

#[test]
fn insertions_check_their_fields() {
    let (_, mut p) = machine();
    p.registers.cr[cr::IFA] = VA;
    let refused = |p: &mut Processor, itir, register, pte: u64| {
        p.registers.cr[cr::ITIR] = itir;
        let stop = p.check_insertion(register, pte);
        stop.is_err() && p.raised == Interruption::RESERVED_REGISTER_FIELD
    };
    for ps in 0..64u64 {
        let supported = [12, 13, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32].contains(&ps);
        assert_eq!(refused(&mut p, ps << 2, None, GOOD.into()), !supported, "{ps}");
    }
    assert!(refused(&mut p, 12 << 2 | 1, None, GOOD.into()) && refused(&mut p, 12 << 2 | 1 << 32, None, GOOD.into()));
    assert!(refused(&mut p, 12 << 2, None, u64::from(GOOD) | 2) && !refused(&mut p, 12 << 2, None, 1 << 1));
    assert!(refused(&mut p, 12 << 2, Some(32), 0) && !refused(&mut p, 12 << 2, Some(0xffff_ff1f), 0));
}

#[test]
fn regions_switch_back_and_forth() {
    let (memory, mut p) = machine();
    write(&memory, 0x10_0000, &[1]);
    write(&memory, 0x11_0000, &[2]);
    let va = 0x4000_0000_0000_0000;
    let rr = |process: u64| (0x200 + process) << 8 | 14 << 2;
    for process in [1, 2] {
        p.write_rr(2, rr(process));
        map(&mut p, va, 0xf_0000 + 0x1_0000 * process, GOOD);
        map_sized(&mut p, Side::Instruction, va, 0xf_0000 + 0x1_0000 * process, 14, 0, GOOD);
    }
    let mut contexts = Vec::new();
    for round in 0..4 {
        for process in [1, 2] {
            p.write_rr(2, rr(process));
            assert_eq!(load(&mut p, va), Ok(process));
            assert_eq!(p.translate_instruction(va), Ok(PhysicalAddress(0xf_0000 + 0x1_0000 * process)));
            for cpl in [0, 3] {
                p.set_psr(p.registers.psr.with_cpl(cpl));
                contexts.push(p.code_context(va));
            }
        }
        assert_eq!(contexts[round * 4..], contexts[..4]);
    }
    p.apply_purge(Purge { rid: 0x201, address: va, page_size: 12 });
    p.write_rr(2, rr(1));
    assert_ne!(p.code_context(va), contexts[1]);
    assert!(load(&mut p, va).is_err() && p.translate_instruction(va).is_err());
    p.write_rr(2, rr(2));
    assert_eq!(p.code_context(va), contexts[3]);
    assert_eq!(load(&mut p, va), Ok(2));
    // More regions than there are numbers for.
    for process in 3..3000 {
        p.write_rr(2, rr(process));
        assert!(load(&mut p, va).is_err());
    }
    p.write_rr(2, rr(2));
    assert_eq!(load(&mut p, va), Ok(2));
    assert!(!contexts.contains(&p.code_context(va)));
}

#[derive(Clone, Debug)]
enum Step {
    Insert(u64, u8, u64, u8),
    Register(u64, u64, u8, u64),
    Purge(u64, u8),
    PurgeRegister(u64, u8),
    PurgeAll,
    Region(u64, u64),
    Level(u8),
    Access(u64, bool),
}

/// Page offsets in one of two regions, close together.
fn addresses() -> impl Strategy<Value = u64> {
    (0u64..2, 0u64..256).prop_map(|(region, page)| region << 61 | page << 12)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let size = || prop::sample::select(vec![12u8, 13, 14, 16, 18, 20]);
    let step = prop_oneof![
        6 => (addresses(), size(), 0u64..16, 0u8..4).prop_map(|(va, ps, pa, pl)| Step::Insert(va, ps, pa, pl)),
        1 => (0u64..3, addresses(), size(), 0u64..16).prop_map(|(r, va, ps, pa)| Step::Register(r, va, ps, pa)),
        2 => (addresses(), size()).prop_map(|(va, ps)| Step::Purge(va, ps)),
        1 => (addresses(), size()).prop_map(|(va, ps)| Step::PurgeRegister(va, ps)),
        1 => Just(Step::PurgeAll),
        2 => (0u64..2, 0u64..3).prop_map(|(region, rid)| Step::Region(region, rid)),
        2 => prop::sample::select(vec![0u8, 3]).prop_map(Step::Level),
        20 => (addresses(), any::<bool>()).prop_map(|(va, write)| Step::Access(va, write)),
    ];
    prop::collection::vec(step, 1..120)
}

/// A translation of the model: register, region identifier, offset, page size, physical address, privilege level.
type Entry = (Option<u64>, u64, u64, u8, u64, u8);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    /// What an access finds is what a list of translations says, whatever was remembered of earlier ones.
    #[test]
    fn accesses_follow_the_translations(steps in steps()) {
        let (memory, mut p) = machine();
        for page in 0..512u64 {
            write(&memory, page << 12, &[page]);
        }
        let mut list: Vec<Entry> = Vec::new();
        let mut rids = [0u64, 1];
        for (region, rid) in rids.iter().enumerate() {
            p.write_rr(region, rid << 8 | 14 << 2);
        }
        let overlaps = |entry: &Entry, rid: u64, va: u64, ps: u8| {
            let larger = ps.max(entry.3);
            entry.1 == rid && (entry.2 ^ va & ((1 << 61) - 1)) >> larger == 0
        };
        for step in steps {
            match step {
                Step::Insert(va, ps, pa, pl) => {
                    let rid = rids[(va >> 61) as usize];
                    map_sized(&mut p, Side::Data, va, pa << 16, ps, 0, GOOD.with_pl(pl).with_ar(2));
                    list.retain(|entry| entry.0.is_some() || !overlaps(entry, rid, va, ps));
                    list.push((None, rid, va & ((1 << 61) - 1), ps, pa << 16, pl));
                }
                Step::Register(register, va, ps, pa) => {
                    let rid = rids[(va >> 61) as usize];
                    p.registers.cr[cr::IFA] = va;
                    p.registers.cr[cr::ITIR] = u64::from(ps) << 2;
                    p.insert_tr(Side::Data, register, GOOD.with_ar(2).with_ppn(pa << 4).into()).unwrap();
                    list.retain(|entry| entry.0 != Some(register) && !overlaps(entry, rid, va, ps));
                    list.push((Some(register), rid, va & ((1 << 61) - 1), ps, pa << 16, 3));
                }
                Step::Purge(va, ps) => {
                    p.purge_tc(va, ps);
                    let rid = rids[(va >> 61) as usize];
                    list.retain(|entry| entry.0.is_some() || !overlaps(entry, rid, va, ps));
                }
                Step::PurgeRegister(va, ps) => {
                    p.purge_tr(Side::Data, va, ps);
                    let rid = rids[(va >> 61) as usize];
                    list.retain(|entry| !overlaps(entry, rid, va, ps));
                }
                Step::PurgeAll => {
                    p.purge_all();
                    list.retain(|entry| entry.0.is_some());
                }
                Step::Region(region, rid) => {
                    rids[region as usize] = rid;
                    p.write_rr(region as usize, rid << 8 | 14 << 2);
                }
                Step::Level(cpl) => p.set_psr(p.registers.psr.with_cpl(cpl)),
                Step::Access(va, write) => {
                    let rid = rids[(va >> 61) as usize];
                    let cpl = p.registers.psr.cpl();
                    let mut covering: Vec<Entry> =
                        list.iter().filter(|entry| overlaps(entry, rid, va, 0)).copied().collect();
                    // A register that a later cache entry overlaps, a machine check on a real processor, wins.
                    covering.sort_by_key(|entry| entry.0.is_none());
                    let result = if write {
                        p.tpa(va).and_then(|pa| store_number(&mut p, va, pa))
                    } else {
                        load(&mut p, va)
                    };
                    match (covering.first(), result) {
                        (Some(&(_, _, _, ps, pa, pl)), Ok(page)) => {
                            prop_assert!(cpl <= pl);
                            let inside = (1 << ps) - 1;
                            prop_assert_eq!(page, (pa & !inside | va & inside) >> 12);
                        }
                        (Some(&(_, _, _, _, _, pl)), Err(_)) if p.raised.vector == Vector::DataAccessRights => {
                            prop_assert!(cpl > pl);
                        }
                        // The cache may have had no room for it.
                        (Some(&(None, ..)), Err(_)) => {
                            prop_assert_eq!(p.raised.vector, Vector::AlternateDataTlb);
                            list.retain(|entry| !overlaps(entry, rid, va, 0));
                        }
                        (Some(_), Err(_)) => prop_assert!(false, "a register is not found"),
                        (None, result) => {
                            prop_assert_eq!(result, Err(Stop::Fault));
                            prop_assert_eq!(p.raised.vector, Vector::AlternateDataTlb);
                        }
                    }
                }
            }
        }
    }
}

/// Stores the number of the page, which memory holds already.
fn store_number(p: &mut Processor, va: u64, pa: PhysicalAddress) -> Result<u64, Stop> {
    let page = pa.0 >> 12;
    p.store::<u64>(va, page, Ordering::Relaxed)?;
    Ok(page)
}
