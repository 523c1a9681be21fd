//! From bundles to blocks.

use std::ptr::NonNull;
use std::sync::atomic::Ordering;

use patchbay_isa::row::{Feature, Flags};
use patchbay_isa::rows::{B, F, I, M, X};
use patchbay_isa::{Bundle, Field, Instruction, Opcode, Reserved, Slot, Unit, decode};

use super::{Action, Block, Entry, MAX_BUNDLES, Raise, Step};
use crate::bus::{PAGE_SIZE, PhysicalAddress, RamPage};
use crate::processor::Processor;

impl Block {
    /// Decodes a block from the page that holds its entry: up to a branch that is always taken, the end of the page,
    /// `limit` instructions, or `most` bundles. `sof` is the size of the frame.
    #[must_use]
    pub fn decode(p: &Processor, entry: Entry, page: &RamPage<'_>, sof: u8, limit: u64, most: u64) -> Block {
        let stamp = page.generation().load(Ordering::Acquire);
        let mut builder = Builder {
            steps: Vec::new(),
            entry,
            frame: sof,
            entry_frame: true,
            least: 0,
            most: 96,
            count: 0,
            group_start: true,
            resume_slot: Slot::Zero,
        };
        let to_page_end = (PAGE_SIZE - entry.address.0 % PAGE_SIZE) / 16;
        let most = MAX_BUNDLES.min(to_page_end).min(most.max(1));
        let mut bundles = 0;
        let mut ended = false;
        while bundles < most && !ended && builder.count < limit {
            let address = PhysicalAddress(entry.address.0 + bundles * 16);
            if p.configuration.bus.portal(address) {
                if bundles == 0 {
                    builder.step(Action::Portal(address), 0, 0, Slot::Zero);
                    bundles = 1;
                }
                break;
            }
            let first = if bundles == 0 { entry.slot } else { Slot::Zero };
            ended = builder.bundle(fetch(page, address), bundles as u8, first, limit);
            bundles += 1;
        }
        Block {
            entry,
            steps: builder.steps.into(),
            length: builder.count as u8,
            bundles: bundles as u8,
            resume_slot: builder.resume_slot,
            least: builder.least,
            most: builder.most,
            generation: NonNull::from(page.generation()),
            stamp,
        }
    }
}

/// What executes at an address.
fn fetch(page: &RamPage<'_>, address: PhysicalAddress) -> Bundle {
    page.bundle(address)
}

struct Builder {
    steps: Vec<Step>,
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
    resume_slot: Slot,
}

impl Builder {
    /// Decodes a bundle from slot `first` on, and says whether the block ends in it.
    fn bundle(&mut self, bundle: Bundle, number: u8, first: Slot, limit: u64) -> bool {
        let Some(units) = bundle.template().units() else {
            self.step(Action::Raises(Raise::IllegalOperation), 0, number, first);
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
                self.resume_slot = slot;
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
                    self.step(Action::Raises(Raise::IllegalOperation), 0, number, slot);
                    true
                }
                Err(Reserved::IfPredicated) => {
                    self.step(Action::Raises(Raise::IllegalOperation), bits as u8 & 0x3f, number, slot);
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
            self.step(Action::Raises(Raise::IllegalOperation), 0, number, first);
            return true;
        }
        false
    }

    /// Adds a step.
    fn step(&mut self, action: Action, qp: u8, bundle: u8, slot: Slot) {
        self.steps.push(Step { action, qp, bundle, slot, preceding: self.count as u8 });
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
        let qp = deciding_predicate(instruction);
        let ends = qp == 0 && always_leaves(instruction.opcode);
        let illegal = instruction.illegal_operands();
        if illegal == Some(Reserved::Always) {
            self.step(Action::Raises(Raise::IllegalOperation), 0, bundle, slot);
            return true;
        }
        let fault = if misplaced || absent || illegal.is_some() || !self.in_frame(instruction) {
            Some(Raise::IllegalOperation)
        } else {
            self.disabled_fp(instruction)
        };
        if let Some(raise) = fault {
            if !facts.flags.contains(Flags::UNCONDITIONAL) {
                self.step(Action::Raises(raise), qp, bundle, slot);
                return false;
            }
            // Where the qualifying predicate is 0, it does not fault, but clears its predicate targets.
            self.step(Action::Raises(raise), instruction.bits as u8 & 0x3f, bundle, slot);
            self.count -= 1;
        }
        self.step(Action::Executes(*instruction), qp, bundle, slot);
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
    fn disabled_fp(&self, instruction: &Instruction) -> Option<Raise> {
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
            (true, false) => Some(Raise::DisabledFpLow),
            (false, true) => Some(Raise::DisabledFpHigh),
            (true, true) => Some(Raise::DisabledFpBoth),
        }
    }
}

/// Whether control always leaves the sequence at this instruction, if it executes.
pub(crate) fn always_leaves(opcode: Opcode) -> bool {
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

/// The predicate that decides whether an instruction executes: its qualifying predicate, or 0 if that does not decide.
pub(crate) fn deciding_predicate(instruction: &Instruction) -> u8 {
    let always = instruction.row().facts.flags.contains(Flags::UNCONDITIONAL)
        || matches!(instruction.opcode, Opcode::B(B::Wtop | B::Wexit));
    if always { 0 } else { instruction.qp() }
}
