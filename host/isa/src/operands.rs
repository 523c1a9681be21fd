//! Operands that make an instruction illegal.

use crate::bundle::Unit;
use crate::decode::{Instruction, Reserved};
use crate::field::{Field, Kind};
use crate::register;
use crate::row::Flags;
use crate::rows::{B, I, M, Opcode};

impl Instruction {
    /// Whether its operands raise an Illegal Operation fault whatever the state of the processor: always, or if its
    /// qualifying predicate is 1. What depends on the size of the frame, on CFM.rrb.fr or on PSR is not asked here.
    #[must_use]
    pub fn illegal_operands(&self) -> Option<Reserved> {
        let flags = self.row().facts.flags;
        if self.has(Field::P1) && self.has(Field::P2) && self.field(Field::P1) == self.field(Field::P2) {
            let unconditional = flags.contains(Flags::UNCONDITIONAL);
            return Some(if unconditional { Reserved::Always } else { Reserved::IfPredicated });
        }
        match self.opcode {
            Opcode::M(M::Alloc) if self.has_illegal_frame() => return Some(Reserved::Always),
            // SDM 3:21
            Opcode::B(B::Ia) if self.qp() != 0 => return Some(Reserved::Always),
            _ => {}
        }
        let illegal = self.opcode.targets().iter().any(|&target| self.is_illegal_target(target))
            || flags.contains(Flags::TARGETS_DIFFER) && self.field(Field::R1) == self.field(Field::R3)
            || self.has(Field::Ar3) && self.has_illegal_application_register()
            || self.has(Field::Cr3) && register::control_is_reserved(self.field(Field::Cr3) as u8)
            || self.loads_pair_into_one_bank();
        illegal.then_some(Reserved::IfPredicated)
    }

    fn has(&self, field: Field) -> bool {
        self.row().fields().any(|own| own == field)
    }

    /// r0, f0 and f1 cannot be written (SDM 1:24), nor can read-only registers.
    fn is_illegal_target(&self, target: Field) -> bool {
        let number = self.field(target);
        match target.kind() {
            Kind::Gr => number == 0,
            Kind::Fr => number < 2,
            Kind::Ar => register::application_is_read_only(number as u8),
            Kind::Cr => register::control_is_read_only(number as u8),
            _ => false,
        }
    }

    fn has_illegal_application_register(&self) -> bool {
        let in_i = matches!(self.opcode, Opcode::I(I::MovToAr | I::MovImmToAr | I::MovFromAr));
        let unit = if in_i { Unit::I } else { Unit::M };
        register::application_is_illegal(self.field(Field::Ar3) as u8, unit)
    }

    /// Of `alloc` (SDM 3:16): more than 96 registers, more locals or rotating registers than registers, a target
    /// outside of the new frame, or a qualifying predicate.
    fn has_illegal_frame(&self) -> bool {
        let [r1, frame] = [Field::R1, Field::SizeOfFrame].map(|field| self.field(field));
        let parts = [Field::SizeOfLocals, Field::SizeOfRotating].map(|field| self.field(field));
        frame > 96 || parts.iter().any(|&part| part > frame) || r1 >= 32 + frame || self.bits & 0x3f != 0
    }

    /// A pair must be loaded into an odd and an even physical register (SDM 3:161). Of two static or two rotating
    /// registers their numbers tell.
    fn loads_pair_into_one_bank(&self) -> bool {
        let mut targets = self.fr_targets();
        let (Some(first), Some(second)) = (targets.next(), targets.next()) else { return false };
        (first < 32) == (second < 32) && first % 2 == second % 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::A;

    fn illegal(opcode: Opcode, qp: u8, operands: &[i64]) -> Option<Reserved> {
        Instruction::encode(opcode, qp, operands).unwrap().illegal_operands()
    }

    const EXECUTED: Option<Reserved> = Some(Reserved::IfPredicated);
    const ALWAYS: Option<Reserved> = Some(Reserved::Always);

    #[test]
    fn constant_registers_are_no_targets() {
        assert_eq!(illegal(Opcode::A(A::Add), 0, &[0, 1, 2]), EXECUTED);
        assert_eq!(illegal(Opcode::A(A::Add), 0, &[1, 0, 0]), None);
        assert_eq!(illegal(Opcode::M(M::SetfSig), 0, &[1, 5]), EXECUTED);
        assert_eq!(illegal(Opcode::M(M::St8Imm), 0, &[0, 0, 5, 8]), EXECUTED);
        assert_eq!(illegal(Opcode::M(M::St8), 0, &[0, 0, 5]), None);
    }

    #[test]
    fn predicate_targets_differ() {
        assert_eq!(illegal(Opcode::A(A::CmpEq), 3, &[7, 7, 1, 2]), EXECUTED);
        assert_eq!(illegal(Opcode::A(A::CmpEqUnc), 3, &[7, 7, 1, 2]), ALWAYS);
        assert_eq!(illegal(Opcode::A(A::CmpEqUnc), 3, &[0, 7, 1, 2]), None);
    }

    #[test]
    fn loads_do_not_update_their_target() {
        assert_eq!(illegal(Opcode::M(M::Ld8Imm), 0, &[0, 9, 9, 8]), EXECUTED);
        assert_eq!(illegal(Opcode::M(M::Ld8), 0, &[0, 9, 9]), None);
    }

    #[test]
    fn pairs_are_loaded_into_both_banks() {
        assert_eq!(illegal(Opcode::M(M::Ldfps), 0, &[0, 6, 8, 9]), EXECUTED);
        assert_eq!(illegal(Opcode::M(M::Ldfps), 0, &[0, 6, 9, 9]), None);
        assert_eq!(illegal(Opcode::M(M::Ldfps), 0, &[0, 6, 40, 9]), None);
    }

    #[test]
    fn frames_hold_their_parts() {
        assert_eq!(illegal(Opcode::M(M::Alloc), 0, &[32, 96, 96, 96]), None);
        assert_eq!(illegal(Opcode::M(M::Alloc), 0, &[32, 97, 0, 0]), ALWAYS);
        assert_eq!(illegal(Opcode::M(M::Alloc), 0, &[32, 4, 5, 0]), ALWAYS);
        assert_eq!(illegal(Opcode::M(M::Alloc), 0, &[32, 7, 0, 8]), ALWAYS);
        assert_eq!(illegal(Opcode::M(M::Alloc), 0, &[36, 4, 0, 0]), ALWAYS);
        assert_eq!(illegal(Opcode::M(M::Alloc), 0, &[0, 4, 0, 0]), EXECUTED);
    }

    #[test]
    fn application_registers_belong_to_units() {
        assert_eq!(illegal(Opcode::I(I::MovToAr), 0, &[65, 1]), None);
        assert_eq!(illegal(Opcode::M(M::MovToAr), 0, &[65, 1]), EXECUTED);
        assert_eq!(illegal(Opcode::I(I::MovToAr), 0, &[32, 1]), EXECUTED);
        assert_eq!(illegal(Opcode::M(M::MovToAr), 0, &[32, 1]), None);
        assert_eq!(illegal(Opcode::M(M::MovToAr), 0, &[20, 1]), EXECUTED);
        assert_eq!(illegal(Opcode::M(M::MovFromAr), 0, &[1, 17]), None);
        assert_eq!(illegal(Opcode::M(M::MovToAr), 0, &[17, 1]), EXECUTED);
    }

    #[test]
    fn control_registers_are_reserved_or_read_only() {
        assert_eq!(illegal(Opcode::M(M::MovFromCr), 0, &[1, 65]), None);
        assert_eq!(illegal(Opcode::M(M::MovToCr), 0, &[65, 1]), EXECUTED);
        assert_eq!(illegal(Opcode::M(M::MovToCr), 0, &[66, 1]), None);
        assert_eq!(illegal(Opcode::M(M::MovFromCr), 0, &[1, 18]), EXECUTED);
    }
}
