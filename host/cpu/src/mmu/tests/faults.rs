//! The faults of references, their priority and what they report.

use std::sync::atomic::Ordering;

use super::*;
use crate::bus::PhysicalAddress;
use crate::registers::ar;

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
    for dt in [false, true] {
        p.set_psr(p.registers.psr.with_dt(dt).with_pk(true));
        p.write_pkr(0, 0);
        let result = p.probe(VA, false, 0);
        assert_eq!(report(&p, result), with_itir(Vector::DataKeyMiss, R | NA | 2));
        p.write_pkr(0, 0x55 << 8 | 1 << 2 | 1);
        assert_eq!(granted(&mut p), [false, false, true]);
    }
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

#[test]
fn insertions_check_their_fields() {
    let (_, mut p) = machine();
    p.registers.cr[cr::IFA] = VA;
    let refused = |p: &mut Processor, itir, register, pte: u64| {
        p.registers.cr[cr::ITIR] = itir;
        let leave = p.check_insertion(register, pte);
        leave.is_err() && p.raised == Interruption::RESERVED_REGISTER_FIELD
    };
    for ps in 0..64u64 {
        let supported = [12, 13, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32].contains(&ps);
        assert_eq!(refused(&mut p, ps << 2, None, GOOD.into()), !supported, "{ps}");
    }
    assert!(refused(&mut p, 12 << 2 | 1, None, GOOD.into()) && refused(&mut p, 12 << 2 | 1 << 32, None, GOOD.into()));
    assert!(refused(&mut p, 12 << 2, None, u64::from(GOOD) | 2) && !refused(&mut p, 12 << 2, None, 1 << 1));
    assert!(refused(&mut p, 12 << 2, Some(32), 0) && !refused(&mut p, 12 << 2, Some(0xffff_ff1f), 0));
}
