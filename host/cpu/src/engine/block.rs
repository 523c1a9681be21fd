//! A block: the instructions from one entry on, decoded, up to a branch that is always taken.

use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use patchbay_isa::field::Kind;
use patchbay_isa::row::{Feature, Flags};
use patchbay_isa::rows::{B, F, I, M, X};
use patchbay_isa::{Bundle, Field, Instruction, Opcode, Reserved, Slot, Unit, decode};

use crate::bus::{PAGE_SIZE, PhysicalAddress, RamPage};
use crate::code_view::{Trigger, ViewedBundle, What};
use crate::exit::Exit;
use crate::hook;
use crate::interruption::{Interruption, Vector};
use crate::op::{Execute, Op, Stop};
use crate::processor::Processor;

/// The largest number of bundles in a block.
pub const MAX_BUNDLES: u64 = 32;
/// The largest number of instructions in a block.
pub const MAX_INSTRUCTIONS: u64 = 3 * MAX_BUNDLES;

/// What a block's decoding depends on besides the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// The first bundle.
    pub address: PhysicalAddress,
    /// The first slot.
    pub slot: Slot,
    /// PSR.dfl.
    pub dfl: bool,
    /// PSR.dfh.
    pub dfh: bool,
    /// PSR.vm: whether what memory holds is shown through the code view.
    pub vm: bool,
}

/// Decoded instructions.
#[derive(Debug)]
pub struct Block {
    /// What it was decoded for.
    pub entry: Entry,
    /// What it executes, nops left out.
    pub ops: Box<[Op]>,
    /// The instructions, in the order of `ops`.
    pub instructions: Box<[Option<Instruction>]>,
    /// The instructions that complete when execution falls through its end.
    pub length: u8,
    /// Its bundles.
    pub bundles: u8,
    /// The slot of the last bundle at which execution goes on; slot 0 is that of the bundle behind it.
    pub next: Slot,
    /// Its decoding holds for frames of `least` to `most` registers.
    least: u8,
    most: u8,
    generation: NonNull<AtomicU32>,
    stamp: u32,
    #[expect(dead_code, reason = "operations have the addresses of these triggers")]
    triggers: Box<[Arc<Trigger>]>,
}

// SAFETY: the generation word lives as long as the bus, which the processor that runs the block keeps alive,
// and is only accessed atomically.
unsafe impl Send for Block {}

/// Bytes of code in a RAM page.
struct Code<'a> {
    page: &'a RamPage,
}

impl Code<'_> {
    fn bundle(&self, address: u64) -> Bundle {
        let offset = (address % PAGE_SIZE) as usize;
        // SAFETY: the page has PAGE_SIZE bytes, and a bundle is aligned to 16. A 16-byte atomic read never sees half
        // of a patch.
        let bits = unsafe { self.page.bytes.add(offset).cast::<portable_atomic::AtomicU128>().as_ref() }
            .load(portable_atomic::Ordering::Acquire);
        Bundle(u128::from_le(bits))
    }
}

impl Block {
    /// Decodes a block from the page that holds its entry: up to a branch that is always taken, the end of the page,
    /// `limit` instructions, or `stop` bundles. `sof` is the size of the frame.
    #[must_use]
    pub fn decode(p: &Processor, entry: Entry, page: &RamPage, sof: u8, limit: u64, stop: u64) -> Block {
        // SAFETY: see RamPage.
        let stamp = unsafe { page.generation.as_ref() }.load(Ordering::Acquire);
        let mut builder = Builder {
            ops: Vec::new(),
            instructions: Vec::new(),
            entry,
            frame: sof,
            entry_frame: true,
            least: 0,
            most: 96,
            count: 0,
            group_start: true,
            next: Slot::Zero,
            triggers: Vec::new(),
        };
        let view = p.code_view.as_ref().filter(|view| entry.vm && view.covers(entry.address));
        let code = Code { page };
        let to_page_end = (PAGE_SIZE - entry.address.0 % PAGE_SIZE) / 16;
        let most = MAX_BUNDLES.min(to_page_end).min(stop.max(1));
        let mut bundles = 0;
        let mut ended = false;
        while bundles < most && !ended && builder.count < limit {
            let address = PhysicalAddress(entry.address.0 + bundles * 16);
            if p.configuration.bus.portal(address) {
                if bundles == 0 {
                    builder.special(leave_by_portal, 0, 0, Slot::Zero, None);
                    builder.ops[0].imm = address.0 as i64;
                    bundles = 1;
                }
                break;
            }
            let first = if bundles == 0 { entry.slot } else { Slot::Zero };
            let bundle = code.bundle(address.0);
            ended = match view.and_then(|view| view.bundle(page, address, bundle)) {
                Some(viewed) => builder.viewed(&viewed, bundles as u8, first, limit),
                None => builder.bundle(bundle, bundles as u8, first, limit),
            };
            bundles += 1;
        }
        Block {
            entry,
            ops: builder.ops.into(),
            instructions: builder.instructions.into(),
            length: builder.count as u8,
            bundles: bundles as u8,
            next: builder.next,
            least: builder.least,
            most: builder.most,
            generation: page.generation,
            stamp,
            triggers: builder.triggers.into(),
        }
    }

    /// The instruction of one of its operations.
    #[must_use]
    pub fn instruction(&self, op: &Op) -> Option<Instruction> {
        let index = self.ops.iter().position(|other| std::ptr::eq(other, op))?;
        self.instructions[index]
    }

    /// Whether the code is unchanged and the decoding holds for a frame of this size.
    #[inline]
    #[must_use]
    pub fn is_current(&self, sof: u8) -> bool {
        // SAFETY: see RamPage.
        let now = unsafe { self.generation.as_ref() }.load(Ordering::Acquire);
        now == self.stamp && self.least <= sof && sof <= self.most
    }
}

struct Builder {
    ops: Vec<Op>,
    instructions: Vec<Option<Instruction>>,
    entry: Entry,
    /// The size of the frame at the instruction being decoded.
    frame: u8,
    /// Whether that frame is the one at entry, and not one made by an `alloc` of the block.
    entry_frame: bool,
    least: u8,
    most: u8,
    count: u64,
    /// Whether the instruction being decoded may be the first of its group: it is in slot 0, or a stop precedes it. A
    /// group that goes on from the bundle before is not looked at: a block may begin with it.
    group_start: bool,
    next: Slot,
    triggers: Vec<Arc<Trigger>>,
}

impl Builder {
    /// Decodes a bundle from slot `first` on, and says whether the block ends in it.
    fn bundle(&mut self, bundle: Bundle, number: u8, first: Slot, limit: u64) -> bool {
        let Some(units) = bundle.template().units() else {
            self.special(illegal_operation, 0, number, first, None);
            return true;
        };
        self.group_start = true;
        for slot in Slot::ALL {
            let unit = units[slot as usize];
            let stop = bundle.template().stop_after(slot);
            if slot < first || unit == Unit::X {
                self.group_start = stop;
                continue;
            }
            if self.count == limit {
                self.next = slot;
                return true;
            }
            let (unit, bits, long) = match unit {
                Unit::L => (Unit::X, bundle.slot(Slot::Two), bundle.slot(Slot::One)),
                unit => (unit, bundle.slot(slot), 0),
            };
            // An X-unit instruction is reported in slot 1; resuming at slot 2 of its bundle is illegal.
            let ended = self.slot(unit, bits, long, number, slot, stop);
            self.group_start = stop;
            if ended {
                return true;
            }
        }
        if units[2] == Unit::X && first == Slot::Two {
            self.special(illegal_operation, 0, number, first, None);
            return true;
        }
        false
    }

    /// Decodes a slot, and says whether the block ends in it.
    fn slot(&mut self, unit: Unit, bits: u64, long: u64, bundle: u8, slot: Slot, stop: bool) -> bool {
        match decode(unit, bits, long) {
            Ok(instruction) => self.instruction(&instruction, bundle, slot, stop),
            Err(Reserved::Always) => {
                self.special(illegal_operation, 0, bundle, slot, None);
                true
            }
            Err(Reserved::IfPredicated) => {
                self.special(illegal_operation, bits as u8 & 0x3f, bundle, slot, None);
                false
            }
            Err(Reserved::Ignored) => {
                self.count += 1;
                false
            }
        }
    }

    /// Decodes a bundle that executes otherwise than memory holds it.
    fn viewed(&mut self, viewed: &ViewedBundle, number: u8, first: Slot, limit: u64) -> bool {
        let template = viewed.template;
        if first == Slot::Two && template.units().is_some_and(|units| units[2] == Unit::X) {
            self.special(illegal_operation, 0, number, first, None);
            return true;
        }
        for step in &viewed.steps {
            if step.slot < first {
                continue;
            }
            if self.count == limit && !matches!(step.what, What::Detour { .. }) {
                self.next = step.slot;
                return true;
            }
            self.group_start = match step.slot {
                Slot::Zero => true,
                Slot::One => template.stop_after(Slot::Zero),
                Slot::Two => template.stop_after(Slot::One),
            };
            let stop = template.stop_after(step.slot);
            let ended = match &step.what {
                What::Detour { qp } => {
                    self.special(detour, *qp, number, step.slot, None);
                    self.count -= 1;
                    false
                }
                What::Trigger { qp, trigger } => {
                    self.special(hook::trigger, *qp, number, step.slot, Some(trigger.instruction));
                    if let Some(op) = self.ops.last_mut() {
                        op.imm = Arc::as_ptr(trigger) as usize as i64;
                        op.cause = trigger.instruction.row().facts.cause;
                    }
                    self.triggers.push(Arc::clone(trigger));
                    // Some of them always go elsewhere, or change how what follows is decoded.
                    *qp == 0 && always_leaves(trigger.instruction.opcode)
                }
                &What::Guest { unit, bits, long, distance } => {
                    let placed = self.ops.len();
                    let ended = self.slot(unit, bits, long, number, step.slot, stop);
                    if distance != 0 {
                        self.displace(placed, distance);
                    }
                    ended
                }
            };
            if ended {
                return true;
            }
        }
        false
    }

    /// Makes operations lead where they led before their instruction was displaced over a distance.
    fn displace(&mut self, from: usize, distance: i64) {
        for (op, instruction) in self.ops.iter_mut().zip(&self.instructions).skip(from) {
            let relative = |field: Field| matches!(field.kind(), Kind::Target);
            if instruction.is_some_and(|instruction| instruction.row().fields().any(relative)) {
                op.imm = op.imm.wrapping_add(distance);
            }
        }
    }

    /// Adds something to execute that is not the instruction's own semantics.
    fn special(&mut self, execute: Execute, qp: u8, bundle: u8, slot: Slot, instruction: Option<Instruction>) {
        self.ops.push(Op { execute, qp, bundle, slot: slot as u8, before: self.count as u8, ..Op::NOTHING });
        self.instructions.push(instruction);
        self.count += 1;
    }

    fn instruction(&mut self, instruction: &Instruction, bundle: u8, slot: Slot, stop: bool) -> bool {
        if is_nop(instruction) {
            self.count += 1;
            return false;
        }
        let facts = &instruction.row().facts;
        let misplaced = facts.flags.contains(Flags::FIRST_IN_GROUP) && !self.group_start
            || facts.flags.contains(Flags::LAST_IN_GROUP) && !stop
            || facts.flags.contains(Flags::SLOT_TWO) && slot != Slot::Two;
        let absent =
            !facts.feature.is_none_or(|feature| feature == Feature::Ao) || facts.flags.contains(Flags::PRINT_ONLY);
        let mut op = Op::new(instruction);
        let ends = op.qp == 0 && always_leaves(instruction.opcode);
        let illegal = instruction.illegal_operands();
        if illegal == Some(Reserved::Always) {
            self.special(illegal_operation, 0, bundle, slot, Some(*instruction));
            return true;
        }
        let fault = if misplaced || absent || illegal.is_some() || !self.in_frame(instruction) {
            Some(illegal_operation as Execute)
        } else {
            self.disabled_fp(instruction)
        };
        if let Some(execute) = fault {
            if !facts.flags.contains(Flags::UNCONDITIONAL) {
                self.special(execute, op.qp, bundle, slot, Some(*instruction));
                return false;
            }
            // Where the qualifying predicate is 0, it does not fault, but clears its predicate targets.
            self.special(execute, op.predicate, bundle, slot, Some(*instruction));
            self.count -= 1;
        }
        op.bundle = bundle;
        op.slot = slot as u8;
        op.before = self.count as u8;
        self.ops.push(op);
        self.instructions.push(Some(*instruction));
        self.count += 1;
        ends
    }
}

impl Builder {
    /// Whether all general registers that the instruction writes are in the frame. Where the frame is that of the
    /// block's entry, the block then holds for the frames that give the same answer.
    fn in_frame(&mut self, instruction: &Instruction) -> bool {
        let mut inside = true;
        for offset in instruction.gr_targets().filter_map(|r| r.checked_sub(32)) {
            if offset < self.frame {
                if self.entry_frame {
                    self.least = self.least.max(offset + 1);
                }
            } else {
                inside = false;
                if self.entry_frame {
                    self.most = self.most.min(offset);
                }
            }
        }
        if instruction.opcode == Opcode::M(M::Alloc) {
            // alloc's own target is one of the frame that it makes (SDM 3:16).
            let sof = instruction.field(Field::SizeOfFrame) as u8;
            (self.frame, self.entry_frame) = (sof, false);
            inside = instruction.gr_targets().all(|r| r < 32 || r - 32 < sof);
        }
        inside
    }

    /// What an instruction does instead, if PSR.dfl or PSR.dfh disables a register that it names (SDM 2:188).
    fn disabled_fp(&self, instruction: &Instruction) -> Option<Execute> {
        if !self.entry.dfl && !self.entry.dfh {
            return None;
        }
        let (mut low, mut high) = (false, false);
        for f in instruction.frs() {
            low |= (2..32).contains(&f);
            high |= f >= 32;
        }
        match (low && self.entry.dfl, high && self.entry.dfh) {
            (false, false) => None,
            (true, false) => Some(disabled_fp_low),
            (false, true) => Some(disabled_fp_high),
            (true, true) => Some(disabled_fp_both),
        }
    }
}

/// Whether control always leaves the sequence at this instruction, if it executes.
fn always_leaves(opcode: Opcode) -> bool {
    match opcode {
        Opcode::B(b) => matches!(
            b,
            B::Cond
                | B::CondIndirect
                | B::Call
                | B::CallIndirect
                | B::Ret
                | B::Ia
                | B::Rfi
                | B::Epc
                | B::Vmsw0
                | B::Vmsw1
        ),
        Opcode::X(x) => matches!(x, X::Brl | X::BrlCall),
        _ => false,
    }
}

/// Whether an instruction does nothing at all.
fn is_nop(instruction: &Instruction) -> bool {
    match instruction.opcode {
        Opcode::M(M::Hint) | Opcode::I(I::Hint) | Opcode::F(F::Hint) | Opcode::B(B::Hint) => {
            instruction.field(Field::Imm21) != PAUSE
        }
        opcode => matches!(
            opcode,
            Opcode::M(M::Nop)
                | Opcode::I(I::Nop)
                | Opcode::F(F::Nop)
                | Opcode::B(B::Nop | B::Brp | B::BrpIndirect | B::BrpRet)
                | Opcode::X(X::Nop | X::Hint)
        ),
    }
}

/// The immediate of `hint @pause`.
const PAUSE: i64 = 0;

fn illegal_operation(p: &mut Processor, _: &Op) -> Result<(), Stop> {
    Err(p.raise(Interruption::ILLEGAL_OPERATION))
}

fn disabled_fp_low(p: &mut Processor, _: &Op) -> Result<(), Stop> {
    Err(p.raise(Interruption::fault(Vector::DisabledFpRegister, 1)))
}

fn disabled_fp_high(p: &mut Processor, _: &Op) -> Result<(), Stop> {
    Err(p.raise(Interruption::fault(Vector::DisabledFpRegister, 2)))
}

fn disabled_fp_both(p: &mut Processor, _: &Op) -> Result<(), Stop> {
    Err(p.raise(Interruption::fault(Vector::DisabledFpRegister, 3)))
}

/// A branch into the window or back, which the decoder has followed.
fn detour(_: &mut Processor, _: &Op) -> Result<(), Stop> {
    Ok(())
}

/// A portal leaves at privilege level 0 and is an illegal instruction elsewhere.
fn leave_by_portal(p: &mut Processor, op: &Op) -> Result<(), Stop> {
    if p.registers.psr.cpl() != 0 {
        return Err(p.raise(Interruption::ILLEGAL_OPERATION));
    }
    p.exit = Some(Exit::Portal(PhysicalAddress(op.imm as u64)));
    Err(Stop::Exit)
}
