//! The form in which an instruction is executed: the function that does it and its operands.

use patchbay_isa::Cause;

use crate::outcome::Outcome;
use crate::processor::Processor;

/// Executes an instruction whose qualifying predicate is true.
pub type Execute = fn(&mut Processor, &Op) -> Outcome;

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
    /// The instructions of the block that precede this one.
    pub preceding: u8,
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
        preceding: 0,
        completer: 0,
        long: false,
        cause: None,
    };
}

impl Processor {
    /// The address of the bundle of an instruction in the block that executes.
    #[inline]
    #[must_use]
    pub fn ip(&self, op: &Op) -> u64 {
        self.registers.ip.wrapping_add(u64::from(op.bundle) << 4)
    }
}
