//! Instruction breakpoints (SDM 2:151-153).

use super::*;
use crate::processor::breakpoints::matches;

const X: u64 = 1 << 63;
const ALL_BITS: u64 = (1 << 56) - 1;
const ALL_LEVELS: u64 = 0xf << 56;

/// SDM 2:153, table 7-1.
#[test]
fn matching() {
    let all = ALL_BITS | ALL_LEVELS;
    assert!(matches(0x1234, all, 0x1230, 8, 0) && !matches(0x1238, all, 0x1230, 8, 0));
    assert!(matches(0x1000, all & !0xfff, 0x1ff8, 8, 0) && !matches(0x1000, all & !0xfff, 0x2000, 8, 0));
    // Address bits above the mask are always compared.
    assert!(!matches(1 << 61, ALL_LEVELS, 0, 1, 0) && matches(1 << 61, ALL_LEVELS, 1 << 61 | 1 << 40, 1, 0));
    for cpl in 0..4 {
        for plm in 0..16 {
            assert_eq!(matches(8, ALL_BITS | plm << 56, 8, 1, cpl), plm >> cpl & 1 != 0);
        }
    }
    assert!(matches(2, all, u64::MAX, 4, 0));
}

fn guest(mask: u64) -> Guest {
    let mut guest = Guest::new();
    guest.put(CODE, &[nops(), nops(), nops()]);
    // The low four bits of the address do not count.
    (guest.p.registers.ibr[6], guest.p.registers.ibr[7]) = (CODE + 16 + 5, mask);
    guest.set_psr(Psr::new().with_ic(true).with_db(true));
    guest
}

#[test]
fn breakpoints_fault_before_the_bundle() {
    let mut guest = guest(X | ALL_BITS | ALL_LEVELS);
    guest.run_to_handler(Vector::Debug);
    assert_eq!((guest.cr(cr::IIP), guest.cr(cr::IFA), guest.p.instructions), (CODE + 16, CODE + 16, 3));
    assert_eq!(guest.isr(), Isr::new().with_x(true));
    // PSR.id lets one instruction pass; the next one is in the same bundle.
    guest.go(CODE + 16);
    guest.set_psr(Psr::new().with_ic(true).with_db(true).with_id(true));
    guest.run_to_handler(Vector::Debug);
    assert_eq!((guest.isr(), guest.ipsr().ri(), guest.p.instructions), (Isr::new().with_x(true).with_ei(1), 1, 4));
}

#[test]
fn breakpoints_that_are_off() {
    let cases = [guest(ALL_BITS | ALL_LEVELS), guest(X | ALL_BITS), guest(X | ALL_BITS | 0xe << 56), {
        let mut guest = guest(X | ALL_BITS | ALL_LEVELS);
        guest.set_psr(Psr::new().with_ic(true));
        guest
    }];
    for mut guest in cases {
        guest.run_to(CODE + 32);
    }
}

/// SDM 2:109: every fault of the translation comes first.
#[test]
fn breakpoints_follow_translation() {
    let mut guest = guest(X | ALL_LEVELS);
    guest.set_psr(Psr::new().with_ic(true).with_db(true).with_it(true));
    guest.engine.set_breakpoint(None);
    guest.p.registers.cr[cr::IVA] = IVT;
    assert_eq!(guest.p.translate_instruction(CODE), Err(crate::outcome::Leave::Fault));
    guest.engine.run(&mut guest.p, 1);
    assert_eq!(guest.cr(cr::IIP), CODE);
    assert!(guest.p.delivered[Vector::AlternateInstructionTlb as usize >> 8] > 0);
    assert_eq!(guest.p.delivered[Vector::Debug as usize >> 8], 0);
}
