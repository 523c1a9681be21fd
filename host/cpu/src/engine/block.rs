//! A block: the instructions from one entry on, decoded, up to a branch that is always taken.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

use patchbay_isa::row::{Feature, Flags};
use patchbay_isa::rows::{B, F, I, M, X};
use patchbay_isa::{Bundle, Field, Instruction, Opcode, Reserved, Slot, Unit, decode};

use crate::bus::{PAGE_SIZE, PhysicalAddress, RamPage};
use crate::exit::Exit;
use crate::interruption::{Interruption, Isr, Vector};
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
        };
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
            ended = builder.bundle(code.bundle(address.0), bundles as u8, first, limit);
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
            let ended = match decode(unit, bits, long) {
                Ok(instruction) => self.instruction(&instruction, number, slot, stop),
                Err(Reserved::Always) => {
                    self.special(illegal_operation, 0, number, slot, None);
                    true
                }
                Err(Reserved::IfPredicated) => {
                    self.special(illegal_operation, bits as u8 & 0x3f, number, slot, None);
                    false
                }
                Err(Reserved::Ignored) => {
                    self.count += 1;
                    false
                }
            };
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
            Some((illegal_operation as Execute, Isr::new()))
        } else {
            self.disabled_fp(instruction).map(|isr| (disabled_fp as Execute, isr))
        };
        if let Some((execute, isr)) = fault {
            // Where the qualifying predicate of an unconditional instruction is 0, it does not fault, but clears its
            // predicate targets.
            let unconditional = facts.flags.contains(Flags::UNCONDITIONAL);
            let qp = if unconditional { op.predicate } else { op.qp };
            self.special(execute, qp, bundle, slot, Some(*instruction));
            if let Some(special) = self.ops.last_mut() {
                special.imm = u64::from(isr) as i64;
            }
            if !unconditional {
                return false;
            }
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

    /// What an instruction reports, if PSR.dfl or PSR.dfh disables a register that it accesses (SDM 2:191). Those that
    /// name an ALAT entry only do not access it (SDM 3:36, 3:143).
    fn disabled_fp(&self, instruction: &Instruction) -> Option<Isr> {
        use M::{ChkAClrFr, ChkANcFr, InvalaEFr};
        let names_entry = matches!(instruction.opcode, Opcode::M(ChkANcFr | ChkAClrFr | InvalaEFr));
        if !self.entry.dfl && !self.entry.dfh || names_entry {
            return None;
        }
        let (mut low, mut high) = (false, false);
        for f in instruction.frs() {
            low |= (2..32).contains(&f);
            high |= f >= 32;
        }
        let code = u16::from(low && self.entry.dfl) | u16::from(high && self.entry.dfh) << 1;
        (code != 0).then(|| floating_point_access(instruction).with_code(code))
    }
}

/// What a floating-point load or store reports of its access, whatever fault precedes it (`itype` in SDM 3:157, 3:161,
/// 3:256); nothing of other instructions.
fn floating_point_access(instruction: &Instruction) -> Isr {
    let slot = instruction.slot();
    if !matches!(instruction.opcode, Opcode::M(_)) || !matches!(slot >> 37, 6 | 7) {
        return Isr::new();
    }
    // The opcode extension; 0x1c to 0x1f are setf.
    let extension = slot >> 30 & 0x3f;
    let load = matches!(extension, 0..0x1c | 0x20..0x28);
    let speculative = matches!(extension >> 2, 1 | 3);
    Isr::new().with_r(load).with_w(extension >= 0x30).with_sp(speculative)
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

/// A Disabled FP Register fault that reports what the immediate says.
fn disabled_fp(p: &mut Processor, op: &Op) -> Result<(), Stop> {
    let isr = Isr::from(op.imm as u64);
    Err(p.raise(Interruption { isr, ..Interruption::fault(Vector::DisabledFpRegister, 0) }))
}

/// A portal leaves at privilege level 0 and is an illegal instruction elsewhere.
fn leave_by_portal(p: &mut Processor, op: &Op) -> Result<(), Stop> {
    if p.registers.psr.cpl() != 0 {
        return Err(p.raise(Interruption::ILLEGAL_OPERATION));
    }
    p.exit = Some(Exit::Portal(PhysicalAddress(op.imm as u64)));
    Err(Stop::Exit)
}
