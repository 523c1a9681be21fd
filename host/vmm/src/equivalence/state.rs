//! Random states of a virtual processor, and how two of them differ.

use std::sync::Arc;

use patchbay_cpu::flat_machine::{self, FlatMemory};
use patchbay_cpu::mmu::Side;
use patchbay_cpu::mmu::translation::Pte;
use patchbay_cpu::processor::Processor;
use patchbay_cpu::processor::control_registers::{accepts, is_reserved, written};
use patchbay_cpu::psr::{Cfm, Psr};
use patchbay_cpu::registers::{Registers, ar, cr};
use patchbay_plugin_api::instruction::{Instruction, Mnemonic};
use patchbay_plugin_api::vpd::{Vpd, vpsr};

use super::random::{Placed, Random};
use crate::guest::take_over;

/// RAM, in bytes.
const RAM: u64 = 0x2000;
/// Where the bundle is.
const CODE: u64 = 0x1000;

/// A virtual processor and all it works on.
pub(super) struct Machine {
    pub(super) p: Processor,
    pub(super) vpd: Vpd,
    memory: Arc<FlatMemory>,
}

/// A state of a virtual processor that is about to execute an instruction.
pub(super) struct State {
    registers: Registers,
    vpd: Vpd,
    bundle: u128,
    /// Where a page of data is, and its translation.
    data: (u64, Pte, u64),
}

impl State {
    /// A state in which an instruction's qualifying predicate is true.
    pub(super) fn random(random: &mut Random, placed: &Placed) -> State {
        let mut r = Registers::new();
        let page = random.below(8) << 61 | (random.next() & 0xf_ffff_c000);
        let pte = Pte::new()
            .with_p(!random.once_in(8))
            .with_ma(random.one_of(&[0, 0, 0, 4, 7]))
            .with_a(!random.once_in(8))
            .with_d(!random.once_in(8))
            .with_pl(random.below(4) as u8)
            .with_ar(random.below(8) as u8)
            .with_ed(random.once_in(2));
        for gr in &mut r.gr[1..] {
            *gr = value(random, page);
        }
        for word in &mut r.nat {
            *word = random.next() & random.next() & random.next() & random.next();
        }
        r.nat[0] &= !1;
        if !random.once_in(4) {
            let instruction = &placed.instruction;
            for (register, value) in [
                (instruction.r2, operand(random, instruction, page)),
                (instruction.r3, address(random, instruction, page)),
            ] {
                if register != 0 {
                    r.gr[usize::from(register)] = value;
                    r.set_gr_nat(register, false);
                }
            }
        }
        r.pr = random.next() | 1 | 1 << placed.instruction.qp;
        r.br = std::array::from_fn(|_| random.next());
        r.bank = std::array::from_fn(|_| value(random, page));
        r.bank_nat = (random.next() & random.next()) as u16;
        r.cfm = frame(random);
        for region in &mut r.rr {
            *region = random.below(1 << 24) << 8 | 14 << 2 | random.below(2);
        }
        for (index, key) in r.pkr.iter_mut().enumerate() {
            *key = (index as u64) << 8 | random.below(16);
        }
        // The key of the code and of the data.
        r.pkr[0] = 1;
        for register in r.dbr.iter_mut().chain(&mut r.ibr).chain(&mut r.pmc).chain(&mut r.pmd) {
            *register = random.next();
        }
        r.ar[ar::UNAT] = random.next();
        r.ar[ar::CCV] = random.next();
        r.ar[ar::LC] = random.next();
        r.ar[ar::EC] = random.below(64);
        r.ar[ar::RSC] = random.below(4);
        for (number, register) in r.cr.iter_mut().enumerate() {
            *register = control_register(random, number, page);
        }
        let mut psr = Psr::from(random.next() & Psr::SYSTEM_MASK);
        psr.set_cpl(if random.once_in(4) { random.below(4) as u8 } else { 0 });
        psr.set_it(random.once_in(2));
        psr.set_mc(random.once_in(2));
        psr.set_bn(random.once_in(2));
        psr.set_ri(placed.instruction.slot);
        r.psr = psr;
        r.ip = if psr.it() { random.below(8) << 61 | 0x8000_0000 | CODE } else { CODE };
        let vpd = Vpd {
            vpsr: 0,
            vcr: r.cr,
            vbank: r.bank,
            vbank_nat: r.bank_nat.into(),
            vcpuid: std::array::from_fn(|_| random.next()),
            vitc_offset: random.next(),
            virr: std::array::from_fn(|_| random.next() & random.next() & random.next() & random.next()),
            vin_service: std::array::from_fn(|_| if random.once_in(8) { 1 << random.below(64) } else { 0 }),
        };
        State { registers: r, vpd, bundle: placed.bundle.0, data: (page, pte, 14 << 2) }
    }

    /// A virtual processor in this state.
    pub(super) fn machine(&self) -> Machine {
        let memory = Arc::new(FlatMemory::new(RAM));
        // The memory has the place.
        let _ = memory.write_bytes(CODE, &self.bundle.to_le_bytes());
        let mut p = flat_machine::processor(Arc::clone(&memory));
        p.registers = self.registers.clone();
        p.registers_changed();
        let (page, pte, itir) = self.data;
        let code = Pte::new().with_p(true).with_a(true).with_d(true).with_pl(3).with_ar(3);
        // Neither is refused: the fields are as they should be.
        p.registers.cr[cr::ITIR] = itir;
        p.registers.cr[cr::IFA] = page;
        let _ = p.insert_tc(Side::Data, pte.into());
        p.registers.cr[cr::IFA] = self.registers.ip & !0x3fff;
        let _ = p.insert_tr(Side::Instruction, 0, code.into());
        p.registers.cr = self.registers.cr;
        let taken = take_over(&mut p);
        let vpd = Vpd { vpsr: taken.vpsr, ..self.vpd.clone() };
        Machine { p, vpd, memory }
    }
}

/// A frame that instructions can make.
fn frame(random: &mut Random) -> Cfm {
    let limit = random.one_of(&[97, 17]);
    let sof = random.below(limit) as u8;
    let sol = random.below(u64::from(sof) + 1) as u8;
    let sor = random.below(u64::from(sof) / 8 + 1) as u8;
    Cfm::new().with_sof(sof).with_sol(sol).with_sor(sor)
}

/// A value that means something somewhere: an address, an index, the contents of a system register.
fn value(random: &mut Random, page: u64) -> u64 {
    match random.below(12) {
        0 | 1 => page | random.below(0x4000),
        2 => random.below(24),
        3 => random.below(8) << 61 | random.below(256),
        4 => random.below(1 << 24) << 8 | 14 << 2 | random.below(2),
        5 => random.below(1 << 24) << 8 | random.below(16),
        6 => random.next() & Psr::SYSTEM_MASK,
        7 => 14 << 2,
        8 => random.below(1 << 24) << 12 | 0x661,
        9 => random.below(0x1_0000),
        10 => random.one_of(&[0, u64::MAX, 1 << 63, 1 << 16 | 0xf0, 0xef]),
        _ => random.next(),
    }
}

/// A value that an instruction takes from r2.
fn operand(random: &mut Random, instruction: &Instruction, page: u64) -> u64 {
    match instruction.mnemonic() {
        Some(Mnemonic::MovToCr) => control_register(random, instruction.register.into(), page),
        Some(Mnemonic::MovToPsr) => random.next() & Psr::SYSTEM_MASK,
        Some(Mnemonic::MovToRr) => random.below(1 << 24) << 8 | 14 << 2 | random.below(2),
        Some(Mnemonic::MovToPkr) => random.below(1 << 24) << 8 | random.below(16),
        Some(Mnemonic::ItcD | Mnemonic::ItcI | Mnemonic::ItrD | Mnemonic::ItrI) => random.below(4) << 12 | 0x661,
        Some(Mnemonic::PtcL | Mnemonic::PtcG | Mnemonic::PtcGa | Mnemonic::PtrD | Mnemonic::PtrI) => 14 << 2,
        _ => value(random, page),
    }
}

/// An address or an index that an instruction takes from r3.
fn address(random: &mut Random, instruction: &Instruction, page: u64) -> u64 {
    match instruction.mnemonic() {
        Some(Mnemonic::MovToRr | Mnemonic::MovFromRr) => random.next(),
        Some(mnemonic) if (Mnemonic::MovToDbr..=Mnemonic::MovToPmd).contains(&mnemonic) => index(random),
        Some(mnemonic) if (Mnemonic::ItrD..=Mnemonic::MovFromPmc).contains(&mnemonic) => index(random),
        Some(Mnemonic::MovFromCpuid) => random.below(6),
        _ if random.once_in(4) => value(random, page),
        _ => page | random.below(0x4000),
    }
}

/// The number of a register, whose bits from 8 on are ignored.
fn index(random: &mut Random) -> u64 {
    random.below(17) | random.below(2) << 40
}

/// A value that a control register of a guest may hold.
fn control_register(random: &mut Random, number: usize, page: u64) -> u64 {
    let any = random.next();
    let value = match number {
        number if is_reserved(number) => 0,
        cr::DCR => any & 0x7f07,
        cr::PTA => any & !0x7fff | 15 << 2 | any & 1 | any & 1 << 8,
        // The instruction set of IA-32 is refused, now and then.
        cr::IPSR => any & 0x7ff7_0fff_ffff & if random.once_in(8) { u64::MAX } else { !(1 << 34) },
        cr::IFS => (any & 1 << 63) | u64::from(frame(random)),
        cr::ITIR => random.below(1 << 24) << 8 | 14 << 2,
        cr::IFA => {
            if random.once_in(2) {
                page
            } else {
                any & !0x3fff
            }
        }
        cr::TPR => any & 0x1_00f0,
        cr::ITV | cr::PMV | cr::CMCV => any & 0x1_00ff,
        _ => any,
    };
    [value, written(number, value) & 0xff, 0]
        .into_iter()
        .find(|&value| accepts(number, value))
        .map_or(0, |value| written(number, value))
}

impl Machine {
    /// How this one differs from what it should be, in a few words.
    pub(super) fn difference(&mut self, expected: &mut Machine) -> Option<String> {
        let found = registers(&self.p.registers, &expected.p.registers)
            .or_else(|| descriptor(&self.vpd, &expected.vpd))
            .or_else(|| self.rest(expected));
        found.or_else(|| self.translations(expected))
    }

    fn rest(&self, expected: &Machine) -> Option<String> {
        let of = |machine: &Machine| {
            let p = &machine.p;
            [p.bsp(), p.bspstore(), u64::from(p.frame_is_incomplete()), u64::from(p.guest_ic)]
        };
        let names = ["ar.bsp", "ar.bspstore", "the incompleteness of the frame", "the monitor's copy of vpsr.ic"];
        if let Some(found) = array(&of(self), &of(expected), |index| names[index].to_owned()) {
            return Some(found);
        }
        if self.p.mailbox().take_exit() != expected.p.mailbox().take_exit() {
            return Some("an interrupt that can be delivered now waits in one case only".to_owned());
        }
        let bytes = |machine: &Machine| {
            let mut bytes = vec![0; RAM as usize];
            let _ = machine.memory.read_bytes(0, &mut bytes);
            bytes
        };
        let (ours, theirs) = (bytes(self), bytes(expected));
        let at = ours.iter().zip(&theirs).position(|(ours, theirs)| ours != theirs)?;
        Some(format!("guest memory at {at:#x} holds {:#x}, not {:#x}", ours[at], theirs[at]))
    }

    /// Compares what the TLBs say of the addresses that may matter. The machines are of no use afterwards.
    fn translations(&mut self, expected: &mut Machine) -> Option<String> {
        let addresses: Vec<u64> = [self.vpd.vcr[cr::IFA], self.p.registers.ip]
            .into_iter()
            .chain(self.p.registers.gr[1..40].iter().copied())
            .collect();
        let looks = |machine: &mut Machine, address: u64| {
            let psr = Psr::from(u64::from(machine.p.registers.psr) | vpsr::IC).with_dt(true).with_it(true).with_cpl(0);
            machine.p.set_psr(psr.with_pk(false));
            (machine.p.debug_translate(address), machine.p.translate_instruction(address).ok())
        };
        let differs = |&address: &u64| looks(self, address) != looks(expected, address);
        let address = addresses.into_iter().find(differs)?;
        Some(format!("the translation of {address:#x} is another one"))
    }
}

/// The first of an array's elements that differs.
fn array(ours: &[u64], theirs: &[u64], name: impl Fn(usize) -> String) -> Option<String> {
    let index = ours.iter().zip(theirs).position(|(ours, theirs)| ours != theirs)?;
    Some(format!("{} is {:#x}, not {:#x}", name(index), ours[index], theirs[index]))
}

fn registers(ours: &Registers, theirs: &Registers) -> Option<String> {
    let one = |name: &str, ours: u64, theirs: u64| array(&[ours], &[theirs], |_| name.to_owned());
    let numbered = |name: &'static str| move |number: usize| format!("{name}{number}");
    let indexed = |name: &'static str| move |number: usize| format!("{name}[{number}]");
    let nats = |registers: &Registers| -> [u64; 128] { std::array::from_fn(|r| registers.gr_nat(r as u8).into()) };
    array(&ours.gr, &theirs.gr, numbered("r"))
        .or_else(|| array(&nats(ours), &nats(theirs), numbered("the NaT bit of r")))
        .or_else(|| one("pr", ours.pr, theirs.pr))
        .or_else(|| one("ip", ours.ip, theirs.ip))
        .or_else(|| one("the machine's psr", ours.psr.into(), theirs.psr.into()))
        .or_else(|| one("cfm", ours.cfm.into(), theirs.cfm.into()))
        .or_else(|| array(&ours.br, &theirs.br, numbered("b")))
        .or_else(|| array(&ours.ar, &theirs.ar, numbered("ar")))
        .or_else(|| array(&ours.cr, &theirs.cr, numbered("the machine's cr")))
        .or_else(|| array(&ours.bank, &theirs.bank, numbered("the machine's bank 0 r")))
        .or_else(|| array(&ours.rr, &theirs.rr, indexed("rr")))
        .or_else(|| array(&ours.pkr, &theirs.pkr, indexed("pkr")))
        .or_else(|| array(&ours.dbr, &theirs.dbr, indexed("dbr")))
        .or_else(|| array(&ours.ibr, &theirs.ibr, indexed("ibr")))
        .or_else(|| array(&ours.pmc, &theirs.pmc, indexed("pmc")))
        .or_else(|| array(&ours.pmd, &theirs.pmd, indexed("pmd")))
        .or_else(|| (ours.fr != theirs.fr).then(|| "a floating-point register is another one".to_owned()))
}

fn descriptor(ours: &Vpd, theirs: &Vpd) -> Option<String> {
    let one = |name: &str, ours: u64, theirs: u64| array(&[ours], &[theirs], |_| name.to_owned());
    one("vpsr", ours.vpsr, theirs.vpsr)
        .or_else(|| array(&ours.vcr, &theirs.vcr, |number| format!("the guest's cr{number}")))
        .or_else(|| array(&ours.vbank, &theirs.vbank, |number| format!("r{} of the other bank", number + 16)))
        .or_else(|| one("vbank_nat", ours.vbank_nat, theirs.vbank_nat))
        .or_else(|| array(&ours.vcpuid, &theirs.vcpuid, |number| format!("cpuid[{number}]")))
        .or_else(|| one("vitc_offset", ours.vitc_offset, theirs.vitc_offset))
        .or_else(|| array(&ours.virr, &theirs.virr, |number| format!("the guest's cr.irr{number}")))
        .or_else(|| array(&ours.vin_service, &theirs.vin_service, |number| format!("vin_service[{number}]")))
}
