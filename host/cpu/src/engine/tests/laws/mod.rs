//! Guest programs, and what must come of them under every engine.

mod blocks;
mod breakpoints;
mod debugger;
mod delivery;
mod external;
mod illegal;
mod random;
mod stepped;
mod system;
mod traps;
mod virtualization;

use std::sync::Arc;

use patchbay_isa::rows::{B, F, I, M};
use patchbay_isa::{Bundle, Instruction, Opcode, Slot, Template};

use super::engine;
use crate::engine::Engine;
use crate::exit::Exit;
use crate::flat_machine::{self, FlatMemory};
use crate::interruption::{Interruption, Isr, Vector};
use crate::mmu::Side;
use crate::processor::Processor;
use crate::psr::Psr;
use crate::registers::cr;

/// Where programs start.
const CODE: u64 = 0x1_0000;
/// The interruption vector table. Its handlers do nothing, for ever.
const IVT: u64 = 0x2_0000;

const MMI: u8 = 0x09;
const M_MI: u8 = 0x0b;
const MFI: u8 = 0x0d;
const MII: u8 = 0x01;
const MLX: u8 = 0x05;
const BBB: u8 = 0x17;

/// An instruction without a predicate.
fn encode(opcode: Opcode, operands: &[i64]) -> Instruction {
    predicated(opcode, 0, operands)
}

fn predicated(opcode: Opcode, qp: u8, operands: &[i64]) -> Instruction {
    Instruction::encode(opcode, qp, operands).expect("operands fit")
}

fn nop(unit: char) -> Instruction {
    match unit {
        'm' => encode(Opcode::M(M::Nop), &[0]),
        'i' => encode(Opcode::I(I::Nop), &[0]),
        'f' => encode(Opcode::F(F::Nop), &[0]),
        _ => encode(Opcode::B(B::Nop), &[0]),
    }
}

/// `br.cond` to a bundle so many bytes away.
fn branch(distance: i64) -> Instruction {
    encode(Opcode::B(B::Cond), &[0, 0, 0, distance])
}

/// `adds r1 = imm, r1`.
fn add(r1: i64, imm: i64) -> Instruction {
    encode(Opcode::A(patchbay_isa::rows::A::Adds), &[r1, imm, r1])
}

fn bundle(template: u8, slots: [Instruction; 3]) -> Bundle {
    Bundle::new(Template::new(template), slots.map(|slot| slot.slot()))
}

/// A bundle of an M-unit and an X-unit instruction.
fn long(m: Instruction, x: Instruction) -> Bundle {
    Bundle::new(Template::new(MLX), [m.slot(), x.long(), x.slot()])
}

fn nops() -> Bundle {
    bundle(MMI, [nop('m'), nop('m'), nop('i')])
}

/// A bundle with an instruction, nops, and stops on both sides of the instruction; and its slot.
fn alone(instruction: Instruction) -> (Bundle, Slot) {
    match instruction.opcode {
        Opcode::A(_) | Opcode::M(_) => (bundle(M_MI, [instruction, nop('m'), nop('i')]), Slot::Zero),
        Opcode::I(_) => (bundle(MMI, [nop('m'), nop('m'), instruction]), Slot::Two),
        Opcode::F(_) => (bundle(MFI, [nop('m'), instruction, nop('i')]), Slot::One),
        Opcode::B(_) => (bundle(BBB, [nop('b'), nop('b'), instruction]), Slot::Two),
        Opcode::X(_) => (long(nop('m'), instruction), Slot::One),
    }
}

/// What an instruction did.
#[derive(Debug, PartialEq)]
enum Done {
    Completed,
    Raised(Interruption),
    Left(Exit),
}

/// A processor with 1 MiB of memory at PSR.ic = 1, at the start of its program.
struct Guest {
    p: Processor,
    memory: Arc<FlatMemory>,
    engine: Box<dyn Engine + Send>,
}

impl Guest {
    fn new() -> Guest {
        let memory = Arc::new(FlatMemory::new(0x10_0000));
        let p = flat_machine::processor(memory.clone());
        Guest::of(p, memory)
    }

    fn of(p: Processor, memory: Arc<FlatMemory>) -> Guest {
        let mut guest = Guest { p, memory, engine: engine() };
        for vector in (0..0x8000).step_by(0x100) {
            guest.put(IVT + vector, &[bundle(BBB, [nop('b'), nop('b'), branch(0)])]);
        }
        guest.p.registers.cr[cr::IVA] = IVT;
        guest.p.registers.ip = CODE;
        guest.p.set_psr(Psr::new().with_ic(true));
        guest
    }

    /// Puts bundles into memory.
    fn put(&mut self, address: u64, bundles: &[Bundle]) {
        for (bundle, at) in bundles.iter().zip((address..).step_by(16)) {
            self.memory.write_bytes(at, &bundle.to_bytes()).expect("RAM");
        }
    }

    /// Puts instructions into memory, a bundle each.
    fn program(&mut self, address: u64, instructions: &[Instruction]) {
        let bundles: Vec<Bundle> = instructions.iter().map(|instruction| alone(*instruction).0).collect();
        self.put(address, &bundles);
    }

    fn set_psr(&mut self, psr: Psr) {
        self.p.set_psr(psr);
    }

    /// Continues at slot 0 of a bundle.
    fn go(&mut self, ip: u64) {
        self.p.registers.ip = ip;
        self.p.set_psr(self.p.registers.psr.with_ri(0));
    }

    /// Runs up to a bundle.
    fn run_to(&mut self, ip: u64) {
        self.engine.set_breakpoint(Some(ip));
        assert_eq!(self.engine.run(&mut self.p, 10_000), Exit::Breakpoint, "at {:#x}", self.p.registers.ip);
        self.engine.set_breakpoint(None);
    }

    /// Runs until an interruption is delivered.
    fn run_to_handler(&mut self, vector: Vector) {
        self.run_to(IVT + vector as u64);
    }

    /// Executes one instruction.
    fn execute(&mut self, instruction: Instruction) -> Done {
        let (bundle, slot) = alone(instruction);
        self.put(CODE, &[bundle, alone(branch(0)).0]);
        self.p.registers.ip = CODE;
        self.p.set_psr(self.p.registers.psr.with_ri(slot as u8));
        let delivered = self.delivered();
        match self.engine.run(&mut self.p, 1) {
            Exit::Budget if self.delivered() == delivered => Done::Completed,
            Exit::Budget => Done::Raised(self.p.raised),
            exit => Done::Left(exit),
        }
    }

    fn delivered(&self) -> u64 {
        self.p.delivered.iter().sum()
    }

    /// Maps a page of 16 KiB.
    fn map(&mut self, side: Side, va: u64, pte: u64) {
        (self.p.registers.cr[cr::IFA], self.p.registers.cr[cr::ITIR]) = (va, 14 << 2);
        assert_eq!(self.p.insert_tc(side, pte), Ok(()));
    }

    fn cr(&self, number: usize) -> u64 {
        self.p.registers.cr[number]
    }

    fn isr(&self) -> Isr {
        Isr::from(self.cr(cr::ISR))
    }

    fn ipsr(&self) -> Psr {
        Psr::from(self.cr(cr::IPSR))
    }
}

/// A present, accessed, dirty page at a physical address that all may read, write and execute.
const fn page(physical: u64) -> u64 {
    physical | 3 << 9 | 3 << 7 | 1 << 6 | 1 << 5 | 1
}
