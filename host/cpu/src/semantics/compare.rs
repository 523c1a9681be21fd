//! Compares and tests: operands, relations, and the types of compare that say what becomes of the predicates
//! (SDM 3:39). The decoder rejects equal predicate targets.

use crate::engine::interpreter::Op;
use crate::model::CPUID;
use crate::outcome::Outcome;
use crate::processor::Processor;

/// What is compared, and whether any of it is NaT.
pub(super) type Operands = (u64, u64, bool);

/// r2 and r3.
#[inline]
pub(super) fn registers(p: &Processor, op: &Op) -> Operands {
    (p.gr(op.r2), p.gr(op.r3), p.nat2(op.r2, op.r3))
}

/// The immediate and r3.
#[inline]
pub(super) fn immediate(p: &Processor, op: &Op) -> Operands {
    (op.imm as u64, p.gr(op.r3), p.nat(op.r3))
}

/// Zero and r3.
#[inline]
pub(super) fn zero(p: &Processor, op: &Op) -> Operands {
    (0, p.gr(op.r3), p.nat(op.r3))
}

/// A bit of r3, to compare with zero.
#[inline]
pub(super) fn bit(p: &Processor, op: &Op) -> Operands {
    (p.gr(op.r3) >> (op.completer & 63) & 1, 0, p.nat(op.r3))
}

/// The NaT bit of r3, to compare with zero.
#[inline]
pub(super) fn nat_bit(p: &Processor, op: &Op) -> Operands {
    (u64::from(p.nat(op.r3)), 0, false)
}

/// A feature bit of CPUID register 4, to compare with zero.
#[inline]
pub(super) fn feature(_: &Processor, op: &Op) -> Operands {
    (CPUID[4] >> (op.imm & 63) & 1, 0, false)
}

/// The relations, on 64 bits.
pub(super) mod quad {
    #[inline]
    pub(in super::super) fn eq(a: u64, b: u64) -> bool {
        a == b
    }
    #[inline]
    pub(in super::super) fn ne(a: u64, b: u64) -> bool {
        a != b
    }
    #[inline]
    pub(in super::super) fn lt(a: u64, b: u64) -> bool {
        (a as i64) < b as i64
    }
    #[inline]
    pub(in super::super) fn le(a: u64, b: u64) -> bool {
        a as i64 <= b as i64
    }
    #[inline]
    pub(in super::super) fn gt(a: u64, b: u64) -> bool {
        a as i64 > b as i64
    }
    #[inline]
    pub(in super::super) fn ge(a: u64, b: u64) -> bool {
        a as i64 >= b as i64
    }
    #[inline]
    pub(in super::super) fn ltu(a: u64, b: u64) -> bool {
        a < b
    }
}

/// The relations, on the low 32 bits.
pub(super) mod word {
    #[inline]
    pub(in super::super) fn eq(a: u64, b: u64) -> bool {
        a as u32 == b as u32
    }
    #[inline]
    pub(in super::super) fn ne(a: u64, b: u64) -> bool {
        a as u32 != b as u32
    }
    #[inline]
    pub(in super::super) fn lt(a: u64, b: u64) -> bool {
        (a as i32) < b as i32
    }
    #[inline]
    pub(in super::super) fn le(a: u64, b: u64) -> bool {
        a as i32 <= b as i32
    }
    #[inline]
    pub(in super::super) fn gt(a: u64, b: u64) -> bool {
        a as i32 > b as i32
    }
    #[inline]
    pub(in super::super) fn ge(a: u64, b: u64) -> bool {
        a as i32 >= b as i32
    }
    #[inline]
    pub(in super::super) fn ltu(a: u64, b: u64) -> bool {
        (a as u32) < b as u32
    }
}

/// The type without a name: p1 is the relation and p2 its complement, or both are 0 if an operand is NaT.
#[inline]
pub(super) fn normal(
    p: &mut Processor,
    op: &Op,
    operands: impl Fn(&Processor, &Op) -> Operands,
    relation: impl Fn(u64, u64) -> bool,
) -> Outcome {
    let (a, b, nat) = operands(p, op);
    p.set_pr_pair(op.p1, op.p2, relation(a, b), !nat);
    Ok(())
}

/// `unc`: as [`normal`], and both are 0 if the qualifying predicate is.
#[inline]
pub(super) fn unc(
    p: &mut Processor,
    op: &Op,
    operands: impl Fn(&Processor, &Op) -> Operands,
    relation: impl Fn(u64, u64) -> bool,
) -> Outcome {
    let (a, b, nat) = operands(p, op);
    let executes = p.pr(op.predicate);
    p.set_pr_pair(op.p1, op.p2, relation(a, b), executes && !nat);
    Ok(())
}

/// `and`: both become 0 unless the relation holds.
#[inline]
pub(super) fn and(
    p: &mut Processor,
    op: &Op,
    operands: impl Fn(&Processor, &Op) -> Operands,
    relation: impl Fn(u64, u64) -> bool,
) -> Outcome {
    let (a, b, nat) = operands(p, op);
    if nat || !relation(a, b) {
        p.set_pr2(op.p1, false, op.p2, false);
    }
    Ok(())
}

/// `or`: both become 1 if the relation holds.
#[inline]
pub(super) fn or(
    p: &mut Processor,
    op: &Op,
    operands: impl Fn(&Processor, &Op) -> Operands,
    relation: impl Fn(u64, u64) -> bool,
) -> Outcome {
    let (a, b, nat) = operands(p, op);
    if !nat && relation(a, b) {
        p.set_pr2(op.p1, true, op.p2, true);
    }
    Ok(())
}

/// `or.andcm`: p1 becomes 1 and p2 becomes 0 if the relation holds.
#[inline]
pub(super) fn or_andcm(
    p: &mut Processor,
    op: &Op,
    operands: impl Fn(&Processor, &Op) -> Operands,
    relation: impl Fn(u64, u64) -> bool,
) -> Outcome {
    let (a, b, nat) = operands(p, op);
    if !nat && relation(a, b) {
        p.set_pr2(op.p1, true, op.p2, false);
    }
    Ok(())
}
