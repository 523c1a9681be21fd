//! From bundles to blocks.

use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use patchbay_isa::field::Kind;
use patchbay_isa::row::{Feature, Flags};
use patchbay_isa::rows::{B, F, I, M, X};
use patchbay_isa::{Bundle, Decoded, Field, Instruction, Opcode, Reserved, Slot, Unit, decode};

use super::{Action, Block, Entry, MAX_BUNDLES, Raise, Step};
use crate::bus::{PAGE_SIZE, PhysicalAddress, RamPage};
use crate::code_view::{Trigger, ViewedBundle, What};
use crate::interruption::Isr;
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
            triggers: Vec::new(),
        };
        let view = p.code_view.as_ref().filter(|view| entry.vm && view.covers(entry.address));
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
            let bundle = page.bundle(address);
            ended = match view.and_then(|view| view.bundle(page, address, bundle)) {
                Some(viewed) => builder.viewed(&viewed, bundles as u8, first, limit),
                None => builder.bundle(bundle, bundles as u8, first, limit),
            };
            bundles += 1;
        }
        Block {
            entry,
            steps: builder.steps.into(),
            triggers: builder.triggers.into(),
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
    triggers: Vec<Arc<Trigger>>,
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
            let ended = self.slot(decode(unit, bits, long), bits, number, slot, stop);
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

    /// Decodes a bundle that executes otherwise than memory holds it.
    fn viewed(&mut self, viewed: &ViewedBundle, number: u8, first: Slot, limit: u64) -> bool {
        let template = viewed.template;
        if first == Slot::Two && template.units().is_some_and(|units| units[2] == Unit::X) {
            self.step(Action::Raises(Raise::IllegalOperation), 0, number, first);
            return true;
        }
        for step in viewed.steps.iter().filter(|step| step.slot >= first) {
            let slot = step.slot;
            if self.count == limit && !matches!(step.what, What::Detour { .. }) {
                self.resume_slot = slot;
                return true;
            }
            self.group_start = match slot {
                Slot::Zero => true,
                Slot::One => template.stop_after(Slot::Zero),
                Slot::Two => template.stop_after(Slot::One),
            };
            let ended = match &step.what {
                What::Detour { qp } => {
                    self.step(Action::Detour, *qp, number, slot);
                    self.count -= 1;
                    false
                }
                What::Trigger { qp, trigger } => {
                    self.step(Action::Trigger(self.triggers.len() as u16), *qp, number, slot);
                    self.triggers.push(Arc::clone(trigger));
                    *qp == 0 && always_leaves(trigger.instruction.opcode)
                }
                &What::Guest { unit, bits, long, distance } => {
                    let decoded = decode(unit, bits, long).map(|instruction| relative_to_guest(instruction, distance));
                    self.slot(decoded, bits, number, slot, template.stop_after(slot))
                }
            };
            if ended {
                return true;
            }
        }
        false
    }

    /// Decodes a slot, and says whether the block ends in it.
    fn slot(&mut self, decoded: Decoded, bits: u64, bundle: u8, slot: Slot, stop: bool) -> bool {
        match decoded {
            Ok(instruction) => self.instruction(&instruction, bundle, slot, stop),
            Err(Reserved::Always) => {
                self.step(Action::Raises(Raise::IllegalOperation), 0, bundle, slot);
                true
            }
            Err(Reserved::IfPredicated) => {
                self.step(Action::Raises(Raise::IllegalOperation), bits as u8 & 0x3f, bundle, slot);
                false
            }
            Err(Reserved::Ignored) => {
                self.count += 1;
                false
            }
        }
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

    /// What an instruction reports, if PSR.dfl or PSR.dfh disables a register that it accesses (SDM 2:191). Those that
    /// name an ALAT entry only do not access it (SDM 3:36, 3:143).
    fn disabled_fp(&self, instruction: &Instruction) -> Option<Raise> {
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
        (code != 0).then(|| Raise::DisabledFp(floating_point_access(instruction).with_code(code)))
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

/// An instruction that stands `distance` bytes from the guest's bundle, and leads where it does from the guest's.
fn relative_to_guest(instruction: Instruction, distance: i64) -> Instruction {
    let mut bits = instruction.bits;
    for field in instruction.row().fields().filter(|field| matches!(field.kind(), Kind::Target)) {
        // It led there before it was displaced, or its field has room for any distance.
        let _it_fits = field.replace(&mut bits, instruction.field(field).wrapping_add(distance));
    }
    Instruction { bits, ..instruction }
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
                | B::Break
        ),
        Opcode::X(x) => matches!(x, X::Brl | X::BrlCall | X::Break),
        // It never completes: what follows is decoded when something goes on there.
        Opcode::M(M::Break) | Opcode::I(I::Break) | Opcode::F(F::Break) => true,
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
