//! What is remembered of translations follows every change of them.

use std::sync::atomic::Ordering;

use proptest::prelude::*;

use super::*;
use crate::bus::PhysicalAddress;
use crate::coherence_domain::Purge;

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
                            prop_assert_eq!(result, Err(Leave::Fault));
                            prop_assert_eq!(p.raised.vector, Vector::AlternateDataTlb);
                        }
                    }
                }
            }
        }
    }
}

/// Stores the number of the page, which memory holds already.
fn store_number(p: &mut Processor, va: u64, pa: PhysicalAddress) -> Result<u64, Leave> {
    let page = pa.0 >> 12;
    p.store::<u64>(va, page, Ordering::Relaxed)?;
    Ok(page)
}
