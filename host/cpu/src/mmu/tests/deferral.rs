//! Deferral of the faults of speculative loads.

use super::*;

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
                    assert_eq!(result, Err(Leave::Fault), "{context}");
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
