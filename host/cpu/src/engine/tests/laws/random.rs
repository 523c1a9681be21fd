//! No guest panics the host: random bundles in random states of the processor, PSR.vm among them.

use std::sync::Arc;

use patchbay_isa::row::Row;
use patchbay_isa::{Bundle, Template, Unit, rows};

use super::engine;
use crate::exit::Exit;
use crate::flat_machine::{self, FlatMemory};
use crate::fp::Fr;
use crate::mmu::Side;
use crate::processor::Processor;
use crate::psr::{Cfm, Psr};
use crate::registers::{ar, cr};

pub(super) const MEMORY: u64 = 0x2_0000;

/// Any sequence will do (Marsaglia's xorshift).
#[derive(Clone)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 32) % bound
    }

    /// One time in so many.
    pub(super) fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// An address or a number, often one at which something ends.
    fn value(&mut self) -> u64 {
        let small = self.below(MEMORY + 0x1000);
        match self.below(8) {
            0 => self.next() >> (self.below(2) * 44),
            1 => self.next() >> self.below(64),
            2 => u64::MAX << self.below(64),
            3 => self.below(8) << 61 | 0x1fff_ffff_ffff_f000 | small & 0xff8,
            4 => self.below(8) << 61 | small | 0xff0,
            5 => self.below(8) << 61 | small & !7,
            6 => small & !7,
            _ => small & !15,
        }
    }

    /// A slot: an instruction of the unit with random operands, or anything.
    fn slot(&mut self, rows: &[&Row]) -> u64 {
        let bits = self.next() & ((1 << 41) - 1);
        if rows.is_empty() || self.once_in(8) {
            return bits;
        }
        let row = rows[self.below(rows.len() as u64) as usize];
        // Mostly without a predicate and with registers that every frame has.
        let bits = if self.once_in(2) { bits & !(0x60 << 6 | 0x60 << 13 | 0x60 << 20 | 0x3f) } else { bits };
        bits & !row.fixed.mask | row.fixed.value
    }

    pub(super) fn bundle(&mut self, rows: &[Vec<&Row>; 6]) -> Bundle {
        let template = Template::new(self.below(32) as u8);
        let units = template.units().unwrap_or([Unit::M, Unit::I, Unit::B]);
        Bundle::new(template, units.map(|unit| self.slot(&rows[unit as usize])))
    }

    fn psr(&mut self) -> Psr {
        const DEFINED: u64 = 0x7ff8_0ffe_e03e;
        const RARE: u64 = Psr::ONE_INSTRUCTION | 1 << 24 | 1 << 25 | 1 << 26 | 1 << 40;
        let rare = if self.once_in(8) { self.next() & RARE } else { 0 };
        let psr = Psr::from(self.next() & DEFINED & !RARE | rare);
        let psr = if self.once_in(2) { psr } else { psr.with_dfl(false).with_dfh(false) };
        psr.with_cpl(if self.once_in(4) { self.below(4) as u8 } else { 0 }).with_vm(self.once_in(3))
    }

    fn translation(&mut self, p: &mut Processor, side: Side) {
        let sizes = [12, 13, 14, 16, 18, 24, 32];
        p.registers.cr[cr::IFA] = self.value();
        p.registers.cr[cr::ITIR] = sizes[self.below(7) as usize] << 2 | self.below(4) << 8;
        let rights = if self.once_in(4) { self.next() & 0xfff } else { 0x661 | self.below(2) << 11 };
        let pte = rights | self.below(MEMORY) & !0xfff | self.below(2) << 52;
        if self.once_in(4) {
            let _ = p.insert_tr(side, self.below(32), pte);
        } else {
            let _ = p.insert_tc(side, pte);
        }
    }

    /// Sets whatever a guest can set.
    pub(super) fn state(&mut self, p: &mut Processor) {
        p.set_psr(Psr::new());
        for r in 1..128 {
            p.registers.gr[r] = self.value();
        }
        let nat = if self.once_in(2) { 0 } else { self.next() & self.next() & self.next() };
        p.registers.nat = [nat & !1, nat.rotate_left(7)];
        p.registers.pr = self.next() | 1;
        p.registers.br = std::array::from_fn(|_| self.value());
        for f in 2..128 {
            let fr = Fr::from_spill(self.next(), self.next());
            p.registers.fr[f] = if self.once_in(2) { fr } else { Fr::from_double(self.next()) };
        }
        for region in 0..8 {
            p.write_rr(region, self.below(4) << 8 | (12 + self.below(3)) << 2 | self.below(2));
        }
        p.write_pkr(self.below(16) as usize, self.below(4) << 8 | self.below(16));
        for index in 0..8 {
            (p.registers.ibr[index], p.registers.dbr[index]) = (self.value(), self.value());
        }
        let pta = self.value() & !0x7fff | (15 + self.below(47)) << 2 | self.below(2) << 8 | self.below(2);
        p.write_cr(cr::PTA, pta);
        for number in [cr::IIP, cr::IFS, cr::IIPA, cr::IFA, cr::ITM, cr::IHA] {
            p.write_cr(number, self.value());
        }
        p.write_cr(cr::DCR, self.next() & 0x7f07);
        p.write_cr(cr::IPSR, self.psr().into());
        p.write_cr(cr::IVA, self.below(MEMORY));
        p.write_cr(cr::TPR, self.next() & 0x1_00f0);
        p.write_cr(cr::ITV, self.next() & 0x1_00ff);
        p.registers.ar[ar::RSC] = self.next() & 0x3fff_001f;
        p.registers.ar[ar::FPSR] = 0x0009_804c_0270_033f ^ self.next() & 0x3f;
        p.registers.ar[ar::PFS] = self.next() & !0x3c0f_ffc0_0000_0000;
        p.registers.ar[ar::LC] = self.value();
        p.registers.ar[ar::EC] = self.below(64);
        p.registers.ar[ar::CCV] = self.value();
        let sof = self.below(97) as u8;
        let sol = self.below(u64::from(sof) + 1) as u8;
        p.set_cfm(Cfm::new().with_sof(sof).with_sol(sol).with_sor(self.below(u64::from(sof) / 8 + 1) as u8));
        p.set_bspstore(self.value());
        for side in [Side::Instruction, Side::Data] {
            for rid in 0..4 * self.below(2) {
                // All of memory, so that most accesses succeed.
                p.write_rr(0, rid << 8 | 14 << 2);
                (p.registers.cr[cr::IFA], p.registers.cr[cr::ITIR]) = (0, 28 << 2 | rid << 8);
                let _ = p.insert_tr(side, rid, 0x661 | self.below(2) << 11);
            }
            for _ in 0..self.below(8) {
                self.translation(p, side);
            }
        }
        p.registers.ip = if self.once_in(8) { self.value() } else { self.below(4) << 61 | self.below(MEMORY) } & !0xf;
        (p.guest_ic, p.vmsw_disabled) = (self.once_in(2), self.once_in(2));
        p.set_psr(self.psr());
        if self.once_in(16) {
            p.mailbox().raise(self.next() as u8);
        }
    }
}

/// The instructions of each unit.
pub(super) fn rows_of_units() -> [Vec<&'static Row>; 6] {
    [Unit::M, Unit::I, Unit::F, Unit::B, Unit::L, Unit::X]
        .map(|unit| rows::all().filter(|row| row.units.contains(&unit)).collect())
}

/// Goes on behind an instruction that left, as if it had been emulated.
fn skip(p: &mut Processor) {
    let psr = p.registers.psr;
    if psr.ri() < 2 {
        p.set_psr(psr.with_ri(psr.ri() + 1));
    } else {
        p.set_psr(psr.with_ri(0));
        p.registers.ip = p.registers.ip.wrapping_add(16);
    }
}

/// Executes about `count` instructions.
fn run(seed: u64, count: u64) {
    let mut random = Random::new(seed);
    let rows = rows_of_units();
    let memory = Arc::new(FlatMemory::new(MEMORY));
    let mut p = flat_machine::processor(memory.clone());
    let mut engine = engine();
    while p.instructions < count {
        for address in (0..MEMORY).step_by(16) {
            memory.write_bytes(address, &random.bundle(&rows).0.to_le_bytes()).expect("RAM");
        }
        for _ in 0..64 {
            random.state(&mut p);
            loop {
                match engine.run(&mut p, 200) {
                    Exit::Budget if !random.once_in(4) => {}
                    Exit::Virtualization(_) | Exit::Interruption(_) if !random.once_in(16) => skip(&mut p),
                    _ => break,
                }
            }
        }
    }
}

#[test]
fn random_bundles_do_not_panic() {
    run(1, 300_000);
}

/// Long because every instruction is to meet many states.
#[test]
#[ignore = "a minute"]
fn many_random_bundles_do_not_panic() {
    for seed in 2..102 {
        run(seed, 300_000);
    }
}
