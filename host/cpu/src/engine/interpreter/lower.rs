//! From the steps of a block to operations: where the instruction set meets its semantics.

use std::sync::Arc;

use patchbay_isa::{Field, Instruction, Opcode};

use super::op::Op;
use crate::bus::PhysicalAddress;
use crate::code_view::Trigger;
use crate::engine::block::{Action, Block, Raise, Step, deciding_predicate};
use crate::exit::Exit;
use crate::interruption::{Interruption, Isr, Vector};
use crate::outcome::{Leave, Outcome};
use crate::processor::Processor;
use crate::semantics;

/// A step of a block as an operation. One that executes a trigger has its address: the operations of a block are not used
/// without it.
#[must_use]
pub(crate) fn step(step: &Step, block: &Block) -> Op {
    let op = match step.action {
        Action::Executes(executed) => instruction(&executed),
        Action::Raises(Raise::IllegalOperation) => Op { execute: illegal_operation, ..Op::NOTHING },
        Action::Raises(Raise::DisabledFp(isr)) => {
            Op { execute: disabled_fp, imm: u64::from(isr) as i64, ..Op::NOTHING }
        }
        Action::Trigger(number) => {
            let trigger: *const Trigger = Arc::as_ptr(&block.triggers[usize::from(number)]);
            Op { execute: execute_trigger, imm: trigger.expose_provenance() as i64, ..Op::NOTHING }
        }
        Action::Detour => Op::NOTHING,
        Action::Portal(address) => Op { execute: leave_by_portal, imm: address.0 as i64, ..Op::NOTHING },
    };
    Op { qp: step.qp, bundle: step.bundle, slot: step.slot as u8, preceding: step.preceding, ..op }
}

/// An instruction as an operation: the first and only one of its block, in slot 0.
#[must_use]
pub fn instruction(instruction: &Instruction) -> Op {
    let row = instruction.row();
    let mut op = Op {
        execute: semantics::of(instruction.opcode),
        qp: deciding_predicate(instruction),
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

fn illegal_operation(p: &mut Processor, _: &Op) -> Outcome {
    Err(p.raise(Interruption::ILLEGAL_OPERATION))
}

/// A Disabled FP Register fault that reports what the immediate says.
fn disabled_fp(p: &mut Processor, op: &Op) -> Outcome {
    let isr = Isr::from(op.imm as u64);
    Err(p.raise(Interruption { isr, ..Interruption::fault(Vector::DisabledFpRegister, 0) }))
}

/// Gives a trigger to the monitor.
fn execute_trigger(p: &mut Processor, op: &Op) -> Outcome {
    let trigger: *const Trigger = std::ptr::with_exposed_provenance(op.imm as usize);
    // SAFETY: the block has the trigger, and is kept as long as one of its operations executes.
    let trigger = unsafe { &*trigger };
    let ip = p.ip(op);
    p.execute_trigger(trigger, ip)
}

/// A portal leaves at privilege level 0 and is an illegal instruction elsewhere.
fn leave_by_portal(p: &mut Processor, op: &Op) -> Outcome {
    if p.registers.psr.cpl() != 0 {
        return Err(p.raise(Interruption::ILLEGAL_OPERATION));
    }
    p.exit = Some(Exit::Portal(PhysicalAddress(op.imm as u64)));
    Err(Leave::Exit)
}
