//! Compares, and tests of bits.

use dynasmrt::{DynasmApi, DynasmLabelApi, dynasm};
use patchbay_isa::rows::{A, I};

use super::{Condition, Emitter, Fused, Home, RAX, RCX, RDX};
use crate::engine::interpreter::Op;
use crate::engine::translator::stubs::asm;

/// What becomes of the predicates (SDM 3:39).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Normal,
    Unconditional,
    And,
    Or,
    OrAndcm,
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operands {
    Registers,
    Immediate,
    /// Zero and r3.
    Zero,
    /// A bit of r3 and zero.
    Bit,
}

/// A compare.
#[derive(Clone, Copy, Debug)]
pub(super) struct Compare {
    kind: Kind,
    operands: Operands,
    /// Whether only the low 32 bits are compared.
    word: bool,
    condition: Condition,
}

const fn compare(kind: Kind, operands: Operands, word: bool, condition: Condition) -> Option<Compare> {
    Some(Compare { kind, operands, word, condition })
}

/// The compare that an A-type instruction is.
pub(super) fn of_a(a: A) -> Option<Compare> {
    use Condition::{Below, Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
    use Kind::{And, Normal, Or, OrAndcm, Unconditional};
    use Operands::{Immediate, Registers, Zero};
    match a {
        A::CmpLt => compare(Normal, Registers, false, Less),
        A::CmpLtUnc => compare(Unconditional, Registers, false, Less),
        A::CmpLtu => compare(Normal, Registers, false, Below),
        A::CmpLtuUnc => compare(Unconditional, Registers, false, Below),
        A::CmpEq => compare(Normal, Registers, false, Equal),
        A::CmpEqUnc => compare(Unconditional, Registers, false, Equal),
        A::CmpEqAnd => compare(And, Registers, false, Equal),
        A::CmpNeAnd => compare(And, Registers, false, NotEqual),
        A::CmpEqOr => compare(Or, Registers, false, Equal),
        A::CmpNeOr => compare(Or, Registers, false, NotEqual),
        A::CmpEqOrAndcm => compare(OrAndcm, Registers, false, Equal),
        A::CmpNeOrAndcm => compare(OrAndcm, Registers, false, NotEqual),
        A::Cmp4Lt => compare(Normal, Registers, true, Less),
        A::Cmp4LtUnc => compare(Unconditional, Registers, true, Less),
        A::Cmp4Ltu => compare(Normal, Registers, true, Below),
        A::Cmp4LtuUnc => compare(Unconditional, Registers, true, Below),
        A::Cmp4Eq => compare(Normal, Registers, true, Equal),
        A::Cmp4EqUnc => compare(Unconditional, Registers, true, Equal),
        A::Cmp4EqAnd => compare(And, Registers, true, Equal),
        A::Cmp4NeAnd => compare(And, Registers, true, NotEqual),
        A::Cmp4EqOr => compare(Or, Registers, true, Equal),
        A::Cmp4NeOr => compare(Or, Registers, true, NotEqual),
        A::Cmp4EqOrAndcm => compare(OrAndcm, Registers, true, Equal),
        A::Cmp4NeOrAndcm => compare(OrAndcm, Registers, true, NotEqual),
        A::CmpGtZeroAnd => compare(And, Zero, false, Greater),
        A::CmpLeZeroAnd => compare(And, Zero, false, LessOrEqual),
        A::CmpGeZeroAnd => compare(And, Zero, false, GreaterOrEqual),
        A::CmpLtZeroAnd => compare(And, Zero, false, Less),
        A::CmpGtZeroOr => compare(Or, Zero, false, Greater),
        A::CmpLeZeroOr => compare(Or, Zero, false, LessOrEqual),
        A::CmpGeZeroOr => compare(Or, Zero, false, GreaterOrEqual),
        A::CmpLtZeroOr => compare(Or, Zero, false, Less),
        A::CmpGtZeroOrAndcm => compare(OrAndcm, Zero, false, Greater),
        A::CmpLeZeroOrAndcm => compare(OrAndcm, Zero, false, LessOrEqual),
        A::CmpGeZeroOrAndcm => compare(OrAndcm, Zero, false, GreaterOrEqual),
        A::CmpLtZeroOrAndcm => compare(OrAndcm, Zero, false, Less),
        A::Cmp4GtZeroAnd => compare(And, Zero, true, Greater),
        A::Cmp4LeZeroAnd => compare(And, Zero, true, LessOrEqual),
        A::Cmp4GeZeroAnd => compare(And, Zero, true, GreaterOrEqual),
        A::Cmp4LtZeroAnd => compare(And, Zero, true, Less),
        A::Cmp4GtZeroOr => compare(Or, Zero, true, Greater),
        A::Cmp4LeZeroOr => compare(Or, Zero, true, LessOrEqual),
        A::Cmp4GeZeroOr => compare(Or, Zero, true, GreaterOrEqual),
        A::Cmp4LtZeroOr => compare(Or, Zero, true, Less),
        A::Cmp4GtZeroOrAndcm => compare(OrAndcm, Zero, true, Greater),
        A::Cmp4LeZeroOrAndcm => compare(OrAndcm, Zero, true, LessOrEqual),
        A::Cmp4GeZeroOrAndcm => compare(OrAndcm, Zero, true, GreaterOrEqual),
        A::Cmp4LtZeroOrAndcm => compare(OrAndcm, Zero, true, Less),
        A::CmpLtImm8 => compare(Normal, Immediate, false, Less),
        A::CmpLtUncImm8 => compare(Unconditional, Immediate, false, Less),
        A::CmpLtuImm8 => compare(Normal, Immediate, false, Below),
        A::CmpLtuUncImm8 => compare(Unconditional, Immediate, false, Below),
        A::CmpEqImm8 => compare(Normal, Immediate, false, Equal),
        A::CmpEqUncImm8 => compare(Unconditional, Immediate, false, Equal),
        A::CmpEqAndImm8 => compare(And, Immediate, false, Equal),
        A::CmpNeAndImm8 => compare(And, Immediate, false, NotEqual),
        A::CmpEqOrImm8 => compare(Or, Immediate, false, Equal),
        A::CmpNeOrImm8 => compare(Or, Immediate, false, NotEqual),
        A::CmpEqOrAndcmImm8 => compare(OrAndcm, Immediate, false, Equal),
        A::CmpNeOrAndcmImm8 => compare(OrAndcm, Immediate, false, NotEqual),
        A::Cmp4LtImm8 => compare(Normal, Immediate, true, Less),
        A::Cmp4LtUncImm8 => compare(Unconditional, Immediate, true, Less),
        A::Cmp4LtuImm8 => compare(Normal, Immediate, true, Below),
        A::Cmp4LtuUncImm8 => compare(Unconditional, Immediate, true, Below),
        A::Cmp4EqImm8 => compare(Normal, Immediate, true, Equal),
        A::Cmp4EqUncImm8 => compare(Unconditional, Immediate, true, Equal),
        A::Cmp4EqAndImm8 => compare(And, Immediate, true, Equal),
        A::Cmp4NeAndImm8 => compare(And, Immediate, true, NotEqual),
        A::Cmp4EqOrImm8 => compare(Or, Immediate, true, Equal),
        A::Cmp4NeOrImm8 => compare(Or, Immediate, true, NotEqual),
        A::Cmp4EqOrAndcmImm8 => compare(OrAndcm, Immediate, true, Equal),
        A::Cmp4NeOrAndcmImm8 => compare(OrAndcm, Immediate, true, NotEqual),
        _ => None,
    }
}

/// The test that an I-type instruction is.
pub(super) fn of_i(i: I) -> Option<Compare> {
    use Condition::{Equal, NotEqual};
    use Kind::{And, Normal, Or, OrAndcm, Unconditional};
    use Operands::Bit;
    match i {
        I::TbitZ => compare(Normal, Bit, false, Equal),
        I::TbitZUnc => compare(Unconditional, Bit, false, Equal),
        I::TbitZAnd => compare(And, Bit, false, Equal),
        I::TbitNzAnd => compare(And, Bit, false, NotEqual),
        I::TbitZOr => compare(Or, Bit, false, Equal),
        I::TbitNzOr => compare(Or, Bit, false, NotEqual),
        I::TbitZOrAndcm => compare(OrAndcm, Bit, false, Equal),
        I::TbitNzOrAndcm => compare(OrAndcm, Bit, false, NotEqual),
        _ => None,
    }
}

/// A predicate's bit, none of p0.
fn bit(p: u8) -> u64 {
    if p & 63 == 0 { 0 } else { 1 << (p & 63) }
}

impl Emitter<'_> {
    /// A compare. Gives what the flags say afterwards, if a branch can use it.
    pub(super) fn compare(&mut self, op: &Op, compare: Compare) -> Option<Fused> {
        let (p1, p2) = (bit(op.p1), bit(op.p2));
        let skip = self.code.new_dynamic_label();
        let decides = if compare.kind == Kind::Unconditional { op.predicate } else { op.qp };
        if decides != 0 {
            self.test_predicate(decides);
            if compare.kind == Kind::Unconditional {
                let executes = self.code.new_dynamic_label();
                asm!(self.code ; jnz =>executes);
                self.clear_predicates(p1 | p2);
                asm!(self.code ; jmp =>skip ; =>executes);
            } else {
                asm!(self.code ; jz =>skip);
            }
        }
        let fused = match compare.kind {
            Kind::Normal | Kind::Unconditional => {
                self.clear_predicates(p1 | p2);
                self.set_keeping_flags(RDX, p2);
                self.set_keeping_flags(RCX, p1);
                let condition = self.flags(op, compare);
                self.move_if(condition, RDX, RCX);
                // The bits are clear, so that adding sets them; it leaves the flags.
                asm!(self.code ; lea r14, [r14 + rdx]);
                (decides == 0).then_some(Fused { p1: op.p1, p2: op.p2, condition })
            }
            Kind::And | Kind::Or | Kind::OrAndcm => {
                let over = self.code.new_dynamic_label();
                let condition = self.flags(op, compare);
                let holds = if compare.kind == Kind::And { condition } else { condition.inverse() };
                self.jump_if(holds, over);
                match compare.kind {
                    Kind::And => self.clear_predicates(p1 | p2),
                    Kind::Or => self.set_predicates(p1 | p2),
                    _ => {
                        self.clear_predicates(p2);
                        self.set_predicates(p1);
                    }
                }
                asm!(self.code ; =>over);
                None
            }
        };
        asm!(self.code ; =>skip);
        fused
    }

    fn clear_predicates(&mut self, bits: u64) {
        if bits == 0 {
            return;
        }
        if let Ok(mask) = i32::try_from(!bits as i64) {
            asm!(self.code ; and r14, DWORD mask);
        } else {
            for p in (1..64).filter(|p| bits >> p & 1 != 0) {
                asm!(self.code ; btr r14, BYTE p as i8);
            }
        }
    }

    fn set_predicates(&mut self, bits: u64) {
        for p in (1..64).filter(|p| bits >> p & 1 != 0) {
            asm!(self.code ; bts r14, BYTE p as i8);
        }
    }

    fn move_if(&mut self, condition: Condition, to: u8, from: u8) {
        match condition {
            Condition::Equal => asm!(self.code ; cmove Rq(to), Rq(from)),
            Condition::NotEqual => asm!(self.code ; cmovne Rq(to), Rq(from)),
            Condition::Less => asm!(self.code ; cmovl Rq(to), Rq(from)),
            Condition::GreaterOrEqual => asm!(self.code ; cmovge Rq(to), Rq(from)),
            Condition::Greater => asm!(self.code ; cmovg Rq(to), Rq(from)),
            Condition::LessOrEqual => asm!(self.code ; cmovle Rq(to), Rq(from)),
            Condition::Below => asm!(self.code ; cmovb Rq(to), Rq(from)),
            Condition::AboveOrEqual => asm!(self.code ; cmovae Rq(to), Rq(from)),
        }
    }

    /// Compares, and gives the condition under which the relation holds. rcx and rdx stay.
    fn flags(&mut self, op: &Op, compare: Compare) -> Condition {
        let r3 = self.home(op.r3);
        match compare.operands {
            Operands::Registers => {
                let r2 = self.home(op.r2);
                let left = self.host(r2, RAX);
                match (r3, compare.word) {
                    (Home::Zero, false) => asm!(self.code ; test Rq(left), Rq(left)),
                    (Home::Zero, true) => asm!(self.code ; test Rd(left), Rd(left)),
                    (Home::Host(right), false) => asm!(self.code ; cmp Rq(left), Rq(right)),
                    (Home::Host(right), true) => asm!(self.code ; cmp Rd(left), Rd(right)),
                    (Home::Memory(at), false) => asm!(self.code ; cmp Rq(left), QWORD [rbp + at]),
                    (Home::Memory(at), true) => asm!(self.code ; cmp Rd(left), DWORD [rbp + at]),
                }
                compare.condition
            }
            Operands::Immediate | Operands::Zero => {
                // The immediate, or zero, is on the left: the condition is turned around, where that makes a
                // difference and can be said.
                let value = if compare.operands == Operands::Zero { 0 } else { op.imm as i32 };
                let turned = match compare.condition {
                    Condition::Less => Some(Condition::Greater),
                    Condition::LessOrEqual => Some(Condition::GreaterOrEqual),
                    Condition::Greater => Some(Condition::Less),
                    Condition::GreaterOrEqual => Some(Condition::LessOrEqual),
                    Condition::Equal | Condition::NotEqual => Some(compare.condition),
                    Condition::Below | Condition::AboveOrEqual => None,
                };
                if let Some(turned) = turned {
                    match (r3, compare.word) {
                        (Home::Memory(at), false) => asm!(self.code ; cmp QWORD [rbp + at], value),
                        (Home::Memory(at), true) => asm!(self.code ; cmp DWORD [rbp + at], value),
                        (home, word) => {
                            let right = self.host(home, RAX);
                            match (word, value) {
                                (false, 0) => asm!(self.code ; test Rq(right), Rq(right)),
                                (true, 0) => asm!(self.code ; test Rd(right), Rd(right)),
                                (false, _) => asm!(self.code ; cmp Rq(right), DWORD value),
                                (true, _) => asm!(self.code ; cmp Rd(right), DWORD value),
                            }
                        }
                    }
                    return turned;
                }
                self.set(RAX, value as u64);
                match (r3, compare.word) {
                    (Home::Zero, false) => asm!(self.code ; test rax, rax),
                    (Home::Zero, true) => asm!(self.code ; test eax, eax),
                    (Home::Host(right), false) => asm!(self.code ; cmp rax, Rq(right)),
                    (Home::Host(right), true) => asm!(self.code ; cmp eax, Rd(right)),
                    (Home::Memory(at), false) => asm!(self.code ; cmp rax, QWORD [rbp + at]),
                    (Home::Memory(at), true) => asm!(self.code ; cmp eax, DWORD [rbp + at]),
                }
                compare.condition
            }
            Operands::Bit => {
                let value = self.host(r3, RAX);
                let position = op.completer & 63;
                if position < 32 {
                    asm!(self.code ; test Rd(value), DWORD (1u32 << position) as i32);
                } else {
                    self.copy(RAX, value);
                    asm!(self.code ; shr rax, BYTE 32 ; test eax, DWORD (1u32 << (position - 32)) as i32);
                }
                compare.condition
            }
        }
    }
}
