//! Decoded code is what memory, the translations and the frame say, and exits are exact.

use patchbay_isa::rows::{I, M};

use super::*;
use crate::engine::block::MAX_INSTRUCTIONS;
use crate::psr::Cfm;

const TRANSLATED: Psr = Psr::new().with_ic(true).with_it(true);

/// Runs from `from` to `to` and returns how much r8 has grown.
fn grown(guest: &mut Guest, from: u64, to: u64) -> u64 {
    let before = guest.p.gr(8);
    guest.go(from);
    guest.run_through(to);
    guest.p.gr(8) - before
}

impl Guest {
    /// Runs up to a bundle without forgetting what is decoded.
    fn run_through(&mut self, ip: u64) {
        for _ in 0..1000 {
            if self.p.registers.ip == ip {
                return;
            }
            assert_eq!(self.engine.run(&mut self.p, 1), Exit::Budget);
        }
        panic!("{ip:#x} is not reached");
    }
}

/// Stores of the program change its code when fc says so (SDM 2:533).
#[test]
fn programs_change_their_code() {
    let mut guest = Guest::new();
    let site = CODE + 0x40;
    let program = [
        encode(Opcode::M(M::St8), &[0, 9, 10]),
        encode(Opcode::M(M::FcI), &[9]),
        encode(Opcode::M(M::SyncI), &[]),
        encode(Opcode::M(M::SrlzI), &[]),
        add(8, 1),
        branch(0x100),
    ];
    guest.program(CODE, &program);
    let new = alone(add(8, 0x10)).0.to_bytes();
    guest.p.set_gr(9, site, false);
    guest.p.set_gr(10, u64::from_le_bytes(new[..8].try_into().unwrap()), false);
    // The site is in the block that is being executed, and was decoded before.
    assert_eq!(grown(&mut guest, site, CODE + 0x150), 1);
    assert_eq!(grown(&mut guest, CODE, CODE + 0x150), 0x10);
    assert_eq!(grown(&mut guest, site, CODE + 0x150), 0x10);
}

#[test]
fn code_written_from_outside_is_decoded_again() {
    let mut guest = Guest::new();
    for value in [1, 2, 3] {
        guest.program(CODE, &[add(8, value), branch(0x40)]);
        assert_eq!(grown(&mut guest, CODE, CODE + 0x50), value as u64);
        guest.program(CODE + 16, &[branch(0x80)]);
        assert_eq!(grown(&mut guest, CODE, CODE + 0x90), value as u64);
        let bytes = alone(add(8, 100)).0.to_bytes();
        guest.p.write_physical(crate::bus::PhysicalAddress(CODE), &bytes).expect("RAM");
        assert_eq!(grown(&mut guest, CODE, CODE + 0x90), 100);
    }
}

/// A block ends with its page: the next page is somewhere else.
#[test]
fn code_goes_on_in_the_next_page() {
    let mut guest = Guest::new();
    let end = CODE + 0x4000;
    guest.program(end - 16, &[add(8, 1)]);
    guest.program(end, &[add(8, 2), branch(0x40)]);
    guest.program(0x4_0000, &[add(8, 0x10), branch(0x40)]);
    assert_eq!(grown(&mut guest, end - 16, end + 0x50), 3);
    guest.set_psr(TRANSLATED);
    for (physical, sum) in [(end, 3), (0x4_0000, 0x11), (end, 3)] {
        guest.map(Side::Instruction, CODE, page(CODE));
        guest.map(Side::Instruction, end, page(physical));
        assert_eq!(grown(&mut guest, end - 16, end + 0x50), sum);
    }
}

/// The same address with other region identifiers, at other privilege levels, and after purges.
#[test]
fn code_follows_its_translation() {
    let mut guest = Guest::new();
    for (index, physical) in [0x4_0000u64, 0x5_0000].into_iter().enumerate() {
        guest.program(physical, &[add(8, 1 << index), branch(0x40)]);
        guest.p.write_rr(0, (index as u64) << 8 | 14 << 2);
        guest.map(Side::Instruction, CODE, page(physical));
    }
    guest.set_psr(TRANSLATED);
    for index in [1, 0, 1, 1, 0] {
        guest.p.write_rr(0, index << 8 | 14 << 2);
        assert_eq!(grown(&mut guest, CODE, CODE + 0x50), 1 << index);
    }
    // Only privilege level 0 may execute it now.
    guest.map(Side::Instruction, CODE, page(0x4_0000) & !(3 << 7));
    assert_eq!(grown(&mut guest, CODE, CODE + 0x50), 1);
    guest.set_psr(TRANSLATED.with_cpl(3));
    guest.go(CODE);
    guest.p.registers.cr[cr::IVA] = 0;
    guest.engine.run(&mut guest.p, 0);
    let stopped = guest.engine.run(&mut guest.p, 1);
    assert!(matches!(stopped, Exit::Stuck(_)));
    assert_eq!(guest.p.delivered[Vector::InstructionAccessRights as usize >> 8], 1);
    guest.set_psr(TRANSLATED);
    guest.p.purge_tc(CODE, 14);
    guest.go(CODE);
    let misses = guest.p.delivered[Vector::AlternateInstructionTlb as usize >> 8];
    guest.engine.run(&mut guest.p, 1);
    assert!(guest.p.delivered[Vector::AlternateInstructionTlb as usize >> 8] > misses);
    assert_eq!(guest.cr(cr::IIP), CODE);
}

/// Whether a register is a legal target is a matter of the frame at hand (SDM 1:24).
#[test]
fn targets_are_in_the_frame() {
    let mut guest = Guest::new();
    guest.program(CODE, &[add(40, 1), branch(0x40)]);
    for sof in [9, 8, 96, 0, 9, 8] {
        assert!(guest.p.set_cfm(Cfm::new().with_sof(sof)));
        guest.set_psr(Psr::new().with_ic(true));
        guest.go(CODE);
        let delivered = guest.delivered();
        guest.engine.run(&mut guest.p, 1);
        assert_eq!(guest.delivered() == delivered, sof > 8, "{sof}");
    }
    // Behind an alloc it is the frame that it makes.
    let alloc = |r1, sof| encode(Opcode::M(M::Alloc), &[r1, sof, 0, 0]);
    for (sof, target, legal) in [(9, 40, true), (8, 40, false), (96, 127, true), (1, 32, true), (0, 32, false)] {
        for before in [0, 96] {
            let mut guest = Guest::new();
            assert!(guest.p.set_cfm(Cfm::new().with_sof(before)));
            guest.program(CODE, &[alloc(1, sof), add(target, 1), branch(0x40)]);
            if legal {
                guest.run_to(CODE + 0x60);
            } else {
                guest.run_to_handler(Vector::GeneralException);
                assert_eq!(guest.cr(cr::IIP), CODE + 16);
            }
            assert_eq!(guest.p.registers.cfm.sof(), sof as u8);
        }
    }
}

#[test]
fn runs_stop_at_the_stop_address() {
    let mut guest = Guest::new();
    guest.put(CODE, &[nops(); 8]);
    for stop in [CODE, CODE + 16, CODE + 16 * 7] {
        guest.go(CODE);
        let before = guest.p.instructions;
        guest.run_to(stop);
        assert_eq!((guest.p.registers.ip, guest.p.instructions - before), (stop, (stop - CODE) / 16 * 3));
    }
}

/// The count is that of the instructions completed, and a budget is exceeded by less than a block.
#[test]
fn budgets_and_counts() {
    let mut guest = Guest::new();
    // 100 bundles with one addition each, and one whose predicate is false.
    let never = predicated(Opcode::I(I::Break), 6, &[7]);
    guest.put(CODE, &[bundle(MII, [add(8, 1), never, nop('i')]); 100]);
    guest.program(CODE + 1600, &[branch(-1600)]);
    for budget in [0, 1, 3, 95, 96, 97, 1000, 12345] {
        let before = guest.p.instructions;
        assert_eq!(guest.engine.run(&mut guest.p, budget), Exit::Budget);
        let spent = guest.p.instructions - before;
        assert!(spent >= budget && spent < budget + MAX_INSTRUCTIONS, "{budget}: {spent}");
        let rounds = guest.p.instructions / 303;
        let additions = guest.p.instructions % 303 / 3 + rounds * 100;
        assert_eq!(guest.p.gr(8), additions);
    }
}

/// Code may end at the end of the address space.
#[test]
fn the_last_bundle() {
    let mut guest = Guest::new();
    let last = !0xf;
    guest.program(0x4_3ff0, &[add(8, 1)]);
    guest.program(0x4_0000, &[branch(0)]);
    guest.p.write_rr(7, 14 << 2);
    guest.p.write_rr(0, 14 << 2);
    guest.set_psr(TRANSLATED);
    guest.map(Side::Instruction, last, page(0x4_0000));
    guest.map(Side::Instruction, 0, page(0x4_0000));
    guest.p.registers.ip = last;
    guest.run_to(0);
    assert_eq!((guest.p.gr(8), guest.p.last_ip), (1, last));
}
