//! Random instructions in random states.

use patchbay_cpu::fp::Fr;
use patchbay_cpu::mmu::Side;
use patchbay_cpu::processor::Processor;
use patchbay_cpu::psr::{Cfm, Psr};
use patchbay_cpu::registers::{ar, cr};
use patchbay_isa::row::Flags;
use patchbay_isa::{Bundle, Field, Instruction, Opcode, Slot, Template, Unit, rows};
use patchbay_plugin_api::instruction::Mnemonic;
use patchbay_vmm::emulate::decode::mnemonic;

use crate::subject::CODE;

/// Any sequence will do (Marsaglia's xorshift).
#[derive(Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        for _ in 0..8 {
            random.next();
        }
        random
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 16) % limit
    }

    pub(crate) fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }
}

/// An instruction in its bundle, and what it starts from.
pub(crate) struct Case {
    pub(crate) mnemonic: Mnemonic,
    pub(crate) instruction: Instruction,
    pub(crate) slot: Slot,
    pub(crate) code: Bundle,
    /// Its target; 0 if it has none.
    pub(crate) r1: u8,
    register: u8,
    random: Random,
}

const NOP: u64 = 1 << 27;
/// `nop.b`
const NOP_B: u64 = 2 << 37;
const TARGETS: &[i64] = &[1, 8, 14, 16, 17, 24, 31, 32, 37, 0, 127];
const SOURCES: &[i64] = &[2, 9, 13, 18, 21, 30, 33, 40];
const CONTROL: &[i64] = &[0, 1, 2, 8, 16, 17, 19, 20, 21, 22, 23, 24, 25, 64, 65, 66, 67, 68, 72, 73, 74, 80, 81, 3];
/// Addresses that are mapped, and some that are not.
pub(crate) const ADDRESSES: &[u64] = &[
    0x1_0000,
    0x1_5678,
    0x2000_0000_0001_2340,
    0x4000_0000_0001_8000,
    0x4000_0000_0002_1000,
    0x6000_0000_0000_8010,
    0xe000_0000_0001_1110,
    0x87ff_ffff_ffff_8000,
];

impl Case {
    pub(crate) fn new(mnemonic_wanted: Mnemonic, seed: u64) -> Case {
        let mut random = Random::new(seed << 8 | mnemonic_wanted as u64);
        let row = rows::all().find(|row| mnemonic(row.opcode) == Some(mnemonic_wanted)).expect("a row");
        let qp = if row.predicated() { random.pick(&[0, 0, 6, 20, 63]) } else { 0 };
        let (mut r1, mut register) = (0, 0);
        let operands: Vec<i64> = row
            .fields()
            .map(|field| match field {
                Field::R1 => {
                    r1 = random.pick(TARGETS) as u8;
                    r1.into()
                }
                Field::R2 => random.pick(SOURCES),
                Field::R3 => random.pick(SOURCES),
                Field::Ar3 => ar::ITC as i64,
                Field::Cr3 => {
                    register = random.pick(CONTROL) as u8;
                    register.into()
                }
                Field::Imm24 => {
                    let mask = 0xfe_e03e & random.next() & random.next();
                    (if random.one_in(10) { mask | 1 } else { mask }) as i64
                }
                Field::Imm2 => random.below(4) as i64,
                _ => (random.next() as i8).into(),
            })
            .collect();
        let instruction = Instruction::encode(row.opcode, qp, &operands).expect("operands that fit");
        let last = row.facts.flags.contains(Flags::LAST_IN_GROUP);
        let (template, slot) = match row.opcode {
            Opcode::B(_) if last => (0x17, Slot::Two),
            Opcode::B(_) => (0x17, random.pick(&Slot::ALL)),
            // MMI with a stop after slot 0, and without.
            _ if last => (0x0b, Slot::Zero),
            _ => (0x09, random.pick(&[Slot::Zero, Slot::One])),
        };
        let template = Template::new(template);
        let nops = template.units().expect("units").map(|unit| if unit == Unit::B { NOP_B } else { NOP });
        let code = Bundle::new(template, nops).with_slot(slot, instruction.slot());
        Case { mnemonic: mnemonic_wanted, instruction, slot, code, r1, register, random }
    }

    /// Puts a processor into a state in which no check precedes the virtualization fault, if there is one: the
    /// `attempt`th.
    pub(crate) fn prepare_benign(&self, p: &mut Processor, attempt: u64) {
        let random = Random::new(attempt);
        self.prepare_with(p, random.clone());
        // The largest frame that fits beside those before it.
        assert!((24..=96).rev().any(|sof| p.set_cfm(Cfm::new().with_sof(sof))));
        let r = &mut p.registers;
        r.set_physical_predicates(!0);
        r.nat = [0; 2];
        let psr = r.psr.with_cpl(0).with_ic(false).with_ss(false).with_it(true).with_ri(self.slot as u8);
        p.set_psr(psr);
        self.operands(p, &mut random.clone());
    }

    /// Puts a processor into the state that the case starts from, the same each time.
    pub(crate) fn prepare(&self, p: &mut Processor) {
        self.prepare_with(p, self.random.clone());
    }

    fn prepare_with(&self, p: &mut Processor, mut random: Random) {
        self.map(p);
        let r = &mut p.registers;
        for (number, value) in r.gr.iter_mut().enumerate().skip(1) {
            *value = random.next() ^ number as u64;
        }
        r.bank = std::array::from_fn(|_| random.next());
        r.bank_nat = (random.next() & random.next()) as u16;
        r.br = std::array::from_fn(|_| random.next());
        for f in 2..128 {
            r.fr[f] = Fr::from_double(random.next());
        }
        p.set_bspstore(0x1_8000 + random.below(64) * 8);
        for _ in 0..random.below(3) {
            assert!(p.set_cfm(frame(&mut random)));
            p.cover_frame();
        }
        assert!(p.set_cfm(frame(&mut random).with_sof(24 + random.below(24) as u8).with_sol(20)));
        p.registers.set_physical_predicates(random.next());
        for index in [0, 1] {
            let nats = if random.one_in(3) { random.next() & random.next() & random.next() } else { 0 };
            p.registers.nat[index] = nats & !u64::from(index == 0);
        }
        let control = [cr::IPSR, cr::ISR, cr::IIP, cr::IFA, cr::ITIR, cr::IFS, cr::IIM, cr::IHA, cr::TPR, cr::DCR];
        for number in control {
            p.registers.cr[number] = self.control_value(&mut random, number);
        }
        p.registers.cr[cr::IVA] = 0x8000;
        p.registers.cr[cr::LID] = 0x0500_0000;
        for number in [cr::ITV, cr::PMV, cr::CMCV, cr::LRR0, cr::LRR1] {
            p.registers.cr[number] = 1 << 16 | 0x30;
        }
        p.registers.cr[cr::PTA] = 0x1000_0000 | 15 << 2;
        for _ in 0..random.below(3) {
            p.mailbox().raise(random.pick(&[2, 0x30, 0x55, 0xef]));
        }
        p.last_ip = 0x1_4440;
        p.registers.ip = CODE;
        let start = if random.one_in(2) { 0 } else { self.slot as u8 };
        p.set_psr(psr(&mut random).with_ri(start));
        self.operands(p, &mut random);
    }

    /// Region 0 is mapped to itself by translation registers; others have pages of their own.
    fn map(&self, p: &mut Processor) {
        for region in 0..8 {
            p.write_rr(region, (0x100 + region as u64) << 8 | 12 << 2);
        }
        let present = 1 << 0 | 1 << 5 | 1 << 6;
        p.registers.cr[cr::ITIR] = 20 << 2;
        p.registers.cr[cr::IFA] = 0;
        for side in [Side::Data, Side::Instruction] {
            p.insert_tr(side, 3, present | 3 << 9).expect("a translation");
        }
        let mut random = self.random.clone();
        for address in ADDRESSES.iter().filter(|address| **address >> 61 != 0) {
            if random.one_in(3) {
                continue;
            }
            p.registers.cr[cr::ITIR] = 12 << 2 | random.below(8) << 8;
            p.registers.cr[cr::IFA] = *address;
            let pte = present & (!0 << random.below(8)) | 1 | random.below(8) << 9 | random.below(4) << 7;
            for side in [Side::Data, Side::Instruction] {
                p.insert_tc(side, pte | random.below(16) << 12).expect("a translation");
            }
        }
    }

    /// A value for a control register, mostly one that it accepts.
    fn control_value(&self, random: &mut Random, number: usize) -> u64 {
        let value = random.next();
        match number {
            cr::DCR => value & 0x7f07 & !2,
            cr::PTA => value & !0x7fff & !0x8000_0000_0000_0100 | (15 + random.below(20)) << 2,
            cr::IPSR => u64::from(psr(random)) | random.below(3) << 41,
            cr::ISR => value & 0x0000_0eff_00ff_ffff,
            cr::IIP => 0x1_0000 + random.below(0x4000),
            cr::IFA => random.pick(ADDRESSES),
            cr::ITIR => {
                let reserved = if random.one_in(6) { value & 0x8000_0001_0000_0003 } else { 0 };
                random.pick(&[12, 14, 16, 12, 12, 13, 15]) << 2 | random.below(8) << 8 | reserved
            }
            cr::LID => (value & !0xffff) | (random.below(4) / 3),
            cr::IFS => random.below(2) << 63 | u64::from(frame(random)),
            cr::TPR => value & 0x1_00f0,
            cr::ITV | cr::PMV | cr::CMCV | cr::LRR0 | cr::LRR1 => value & 0x1_00ff | 1 << 16,
            cr::IVA => random.pick(&[0x8000, 0x1_0000, 0x1_8000]),
            _ => value,
        }
    }

    /// Gives the sources values that mean something.
    fn operands(&self, p: &mut Processor, random: &mut Random) {
        use Mnemonic as M;
        let field = |field| self.instruction.field(field) as usize;
        let has = |field| self.instruction.row().fields().any(|own| own == field);
        let (value, selector) = match self.mnemonic {
            M::MovToAr => (random.next(), 0),
            M::MovToCr => (self.control_value(random, self.register.into()), 0),
            M::MovToPsr => (random.next() & Psr::SYSTEM_MASK & !(7 << 24), 0),
            M::MovToRr | M::MovFromRr => (
                random.below(1 << 20) << 8 | random.pick(&[12, 14, 16, 28, 11]) << 2,
                random.pick(ADDRESSES[2..].as_ref()),
            ),
            M::MovToPkr => (random.next() & 0xffff_ff0f, random.below(18)),
            M::MovToDbr | M::MovToIbr | M::MovFromDbr | M::MovFromIbr | M::MovFromPkr => {
                (random.next(), random.below(18))
            }
            M::MovToPmc | M::MovToPmd | M::MovFromPmc => (random.next(), random.below(66)),
            M::MovFromCpuid => (0, random.below(6)),
            M::ItcD | M::ItcI | M::ItrD | M::ItrI => {
                let present = random.below(6).min(1);
                let pte = present | 1 << 5 | random.below(32) << 12 | random.below(8) << 9 | random.below(4) << 2;
                (pte, random.below(34))
            }
            M::PtcL | M::PtcG | M::PtcGa | M::PtrD | M::PtrI => {
                (random.pick(&[12, 13, 16, 24]) << 2, random.pick(&ADDRESSES[2..]))
            }
            M::ProbeR | M::ProbeW => (random.below(4), random.pick(ADDRESSES)),
            _ => (random.next(), random.pick(ADDRESSES)),
        };
        let wild = random.one_in(10);
        if has(Field::R2) {
            p.registers.gr[field(Field::R2)] = if wild { random.next() } else { value };
        }
        if has(Field::R3) {
            p.registers.gr[field(Field::R3)] = selector;
        }
    }
}

fn frame(random: &mut Random) -> Cfm {
    let sof = random.below(24) as u8;
    Cfm::new().with_sof(sof).with_sol(random.below(u64::from(sof) + 1) as u8)
}

/// A guest's PSR: one without breakpoints, branch traps or protection keys.
fn psr(random: &mut Random) -> Psr {
    let any = Psr::from(random.next() & 0x0000_0810_00fe_603e);
    let cpl = if random.one_in(12) { random.below(4) as u8 } else { 0 };
    let bn = random.one_in(2);
    let ss = random.one_in(20);
    let it = random.one_in(2);
    any.with_cpl(cpl).with_bn(bn).with_ss(ss).with_it(it).with_be(false).with_pk(false).with_db(false)
}
