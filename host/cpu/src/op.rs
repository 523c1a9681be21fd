//! The decoded form of an instruction: the function that executes it and its operands.

use patchbay_isa::row::Flags;
use patchbay_isa::rows::B;
use patchbay_isa::{Cause, Field, Instruction, Opcode};

use crate::processor::Processor;
use crate::semantics;

/// Executes an instruction whose qualifying predicate is true.
pub type Execute = fn(&mut Processor, &Op) -> Outcome;

/// `Ok` when execution goes on with the next instruction of the block.
pub type Outcome = Result<(), Stop>;

/// Why execution does not simply go on with the next instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The instruction has completed and set IP; PSR.ri is 0.
    Branch,
    /// The instruction has completed and set IP and PSR, PSR.ri among it (`rfi`); the frame may have to be completed.
    Return,
    /// The instruction has completed, and what follows must be decoded or looked up again.
    Serialize,
    /// The instruction raises the fault `Processor::raised` and has not completed.
    Fault,
    /// The instruction has completed and raises the trap `Processor::raised`.
    Trap,
    /// The instruction has completed, set IP, and raises the trap `Processor::raised`.
    BranchTrap,
    /// The instruction has completed and set IP and PSR.ri, and a mandatory load of the frame it returned to raises the
    /// fault `Processor::raised` (SDM 2:146).
    IncompleteFrame,
    /// The instruction is virtualized, and has not completed.
    Virtualized,
    /// The instruction leaves with `Processor::exit`.
    Exit,
}

/// An instruction ready to execute. Operands that it does not have are 0.
#[derive(Clone, Copy, Debug)]
pub struct Op {
    /// Its semantics.
    pub execute: Execute,
    /// Its immediate, count or displacement.
    pub imm: i64,
    /// r1, f1 or b1.
    pub r1: u8,
    /// r2, f2, b2 or the size of the frame.
    pub r2: u8,
    /// r3, f3, ar3, cr3 or the size of locals.
    pub r3: u8,
    /// f4, the length of a bit field, or the size of the rotating part in registers.
    pub r4: u8,
    /// p1.
    pub p1: u8,
    /// p2.
    pub p2: u8,
    /// The predicate that decides whether it executes: 0 for instructions that execute whatever theirs is.
    pub qp: u8,
    /// The qualifying predicate as encoded, for those instructions.
    pub predicate: u8,
    /// The slot.
    pub slot: u8,
    /// The bundle, counted from the first of the block.
    pub bundle: u8,
    /// The instructions of the block before this one.
    pub before: u8,
    /// The status field, the position of a bit or bit field, or another completer that matters.
    pub completer: u8,
    /// Whether it fills two slots.
    pub long: bool,
    /// Why it is virtualized, if it is.
    pub cause: Option<Cause>,
}

impl Op {
    /// An operation that does nothing.
    pub const NOTHING: Op = Op {
        execute: |_, _| Ok(()),
        imm: 0,
        r1: 0,
        r2: 0,
        r3: 0,
        r4: 0,
        p1: 0,
        p2: 0,
        qp: 0,
        predicate: 0,
        slot: 0,
        bundle: 0,
        before: 0,
        completer: 0,
        long: false,
        cause: None,
    };

    /// Lowers an instruction.
    #[must_use]
    pub fn new(instruction: &Instruction) -> Op {
        let row = instruction.row();
        let mut op = Op {
            execute: semantics::of(instruction.opcode),
            qp: if always_executes(instruction) { 0 } else { instruction.qp() },
            predicate: instruction.bits as u8 & 0x3f,
            long: matches!(instruction.opcode, Opcode::X(_)),
            cause: row.facts.cause,
            ..Op::NOTHING
        };
        for field in row.fields() {
            let value = instruction.field(field);
            match field {
                Field::R1 | Field::F1 | Field::B1 => op.r1 = value as u8,
                Field::R2 | Field::F2 | Field::B2 => op.r2 = value as u8,
                Field::R3 | Field::R3Short | Field::F3 | Field::Ar3 | Field::Cr3 => op.r3 = value as u8,
                Field::SizeOfFrame | Field::AndMask7 => op.r2 = value as u8,
                Field::SizeOfLocals | Field::OrMask7 => op.r3 = value as u8,
                Field::F4 | Field::Len4 | Field::Len6 | Field::SizeOfRotating => op.r4 = value as u8,
                Field::P1 => op.p1 = value as u8,
                Field::P2 => op.p2 = value as u8,
                Field::StatusField | Field::Pos6 | Field::Cpos6 | Field::Cpos6b | Field::Cpos6d => {
                    op.completer = value as u8;
                }
                Field::LoadHint
                | Field::LoadUpdateHint
                | Field::StoreHint
                | Field::StoreUpdateHint
                | Field::LinePrefetchHint
                | Field::Whether
                | Field::Prefetch
                | Field::Deallocation
                | Field::MoveWhether
                | Field::MoveImportance
                | Field::Qp => {}
                _ => op.imm = value,
            }
        }
        op
    }
}

/// Whether its qualifying predicate does not decide whether it executes.
fn always_executes(instruction: &Instruction) -> bool {
    instruction.row().facts.flags.contains(Flags::UNCONDITIONAL)
        || matches!(instruction.opcode, Opcode::B(B::Wtop | B::Wexit))
}
