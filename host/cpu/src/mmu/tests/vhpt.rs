//! The VHPT and its walker.

use proptest::prelude::*;

use super::*;
use crate::bus::PhysicalAddress;

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
    assert_eq!(report(&p, result), with_itir(Vector::PageNotPresent, R));
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
    p.set_psr(p.registers.psr.with_pk(false).with_db(true));
    // A data breakpoint on the last byte of the entry, for reads.
    p.write_dbr(0, iha + 7);
    p.write_dbr(1, 1 << 63 | 0xf << 56 | ((1 << 56) - 1));
    let result = load(&mut p, VA);
    assert_eq!(report(&p, result), miss(Vector::DataTlb, R));
    let result = p.translate_instruction(VA);
    assert_eq!(report(&p, result), Report { ifa: Some(VA & !0xf), ..miss(Vector::InstructionTlb, X) });
    assert_eq!(p.tak(VA), Ok(0x102 << 8), "tak searches the table, too");
    p.set_psr(p.registers.psr.with_db(false));
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
