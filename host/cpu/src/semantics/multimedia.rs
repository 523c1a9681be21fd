//! Multimedia instructions: parallel operations on 8 bytes, 4 halves or 2 words of a general register. Elements are
//! numbered from the least significant one; x is one of r2 and y one of r3, as in SDM 3.

use super::integer::{alu, alu_count};
use crate::engine::interpreter::Op;
use crate::outcome::Outcome;
use crate::processor::Processor;

fn split1(value: u64) -> [u8; 8] {
    value.to_le_bytes()
}

fn join1(bytes: [u8; 8]) -> u64 {
    u64::from_le_bytes(bytes)
}

fn split2(value: u64) -> [u16; 4] {
    std::array::from_fn(|i| (value >> (16 * i)) as u16)
}

fn join2(halves: [u16; 4]) -> u64 {
    halves.into_iter().rev().fold(0, |joined, half| joined << 16 | u64::from(half))
}

fn split4(value: u64) -> [u32; 2] {
    [value as u32, (value >> 32) as u32]
}

fn join4([low, high]: [u32; 2]) -> u64 {
    u64::from(low) | u64::from(high) << 32
}

/// An operation on each pair of bytes.
#[inline]
pub(super) fn bytes(p: &mut Processor, op: &Op, operation: impl Fn(u8, u8) -> u8) -> Outcome {
    permute1(p, op, |x, y| std::array::from_fn(|i| operation(x[i], y[i])))
}

/// An operation on each pair of halves.
#[inline]
pub(super) fn halves(p: &mut Processor, op: &Op, operation: impl Fn(u16, u16) -> u16) -> Outcome {
    permute2(p, op, |x, y| std::array::from_fn(|i| operation(x[i], y[i])))
}

/// An operation on each pair of words.
#[inline]
pub(super) fn words(p: &mut Processor, op: &Op, operation: impl Fn(u32, u32) -> u32) -> Outcome {
    permute4(p, op, |x, y| std::array::from_fn(|i| operation(x[i], y[i])))
}

/// An operation on all bytes.
#[inline]
pub(super) fn permute1(p: &mut Processor, op: &Op, operation: impl Fn([u8; 8], [u8; 8]) -> [u8; 8]) -> Outcome {
    alu(p, op, |r2, r3| join1(operation(split1(r2), split1(r3))))
}

/// An operation on all halves.
#[inline]
pub(super) fn permute2(p: &mut Processor, op: &Op, operation: impl Fn([u16; 4], [u16; 4]) -> [u16; 4]) -> Outcome {
    alu(p, op, |r2, r3| join2(operation(split2(r2), split2(r3))))
}

/// An operation on both words.
#[inline]
pub(super) fn permute4(p: &mut Processor, op: &Op, operation: impl Fn([u32; 2], [u32; 2]) -> [u32; 2]) -> Outcome {
    alu(p, op, |r2, r3| join4(operation(split4(r2), split4(r3))))
}

/// An average whose lowest bit also stands for the bit shifted out (SDM 3:203).
#[inline]
pub(super) fn average(x: u32, y: u32) -> u32 {
    (x + y) >> 1 | (x + y) & 1
}

/// `raz`: an average rounded away from zero.
#[inline]
pub(super) fn average_away_from_zero(x: u32, y: u32) -> u32 {
    (x + y + 1) >> 1
}

/// Half a difference, its lowest bit also standing for the bit shifted out (SDM 3:206).
#[inline]
pub(super) fn average_difference(x: i32, y: i32) -> i32 {
    (x - y) >> 1 | (x - y) & 1
}

fn saturate2(value: i32) -> u16 {
    value.clamp(i16::MIN.into(), i16::MAX.into()) as u16
}

/// A shift that saturates is the result: nothing is added to it (SDM 3:226).
pub(super) fn pshladd2(p: &mut Processor, op: &Op) -> Outcome {
    alu_count(p, op, |r2, count, r3| {
        let (x, y) = (split2(r2), split2(r3));
        join2(std::array::from_fn(|i| {
            let shifted = i32::from(x[i] as i16) << (count & 3);
            match i16::try_from(shifted) {
                Ok(shifted) => shifted.saturating_add(y[i] as i16) as u16,
                Err(_) => saturate2(shifted),
            }
        }))
    })
}

pub(super) fn pshradd2(p: &mut Processor, op: &Op) -> Outcome {
    alu_count(p, op, |r2, count, r3| {
        let (x, y) = (split2(r2), split2(r3));
        join2(std::array::from_fn(|i| (x[i] as i16 >> (count & 3)).saturating_add(y[i] as i16) as u16))
    })
}

/// Bits `count` to `count` + 15 of each product of two halves.
#[inline]
pub(super) fn pmpyshr2(p: &mut Processor, op: &Op, extend: impl Fn(u16) -> i64) -> Outcome {
    alu_count(p, op, |r2, count, r3| {
        let (x, y) = (split2(r2), split2(r3));
        join2(std::array::from_fn(|i| ((extend(x[i]) * extend(y[i])) >> (count & 31)) as u16))
    })
}

/// The products of two pairs of halves: the even ones (`r`, 0) or the odd ones (`l`, 1).
#[inline]
pub(super) fn pmpy2<const ODD: usize>(p: &mut Processor, op: &Op) -> Outcome {
    alu(p, op, |r2, r3| {
        let (x, y) = (split2(r2), split2(r3));
        join4([ODD, ODD + 2].map(|i| (i32::from(x[i] as i16) * i32::from(y[i] as i16)) as u32))
    })
}

pub(super) fn psad1(p: &mut Processor, op: &Op) -> Outcome {
    alu(p, op, |r2, r3| std::iter::zip(split1(r2), split1(r3)).map(|(x, y)| u64::from(x.abs_diff(y))).sum())
}

/// The even elements (`r`, 0) or the odd ones (`l`, 1) of both operands in turns, those of r3 first.
#[inline]
pub(super) fn mix<T: Copy, const COUNT: usize>(x: [T; COUNT], y: [T; COUNT], odd: usize) -> [T; COUNT] {
    std::array::from_fn(|i| if i % 2 == 0 { y[i + odd] } else { x[i - 1 + odd] })
}

/// Half of the elements of both operands in turns, those of r3 first: from element `from` on.
#[inline]
pub(super) fn unpack<T: Copy, const COUNT: usize>(x: [T; COUNT], y: [T; COUNT], from: usize) -> [T; COUNT] {
    std::array::from_fn(|i| if i % 2 == 0 { y[from + i / 2] } else { x[from + i / 2] })
}

/// The halves of both operands as bytes, r2 in the low ones.
#[inline]
pub(super) fn pack2(p: &mut Processor, op: &Op, saturate: impl Fn(i16) -> u8) -> Outcome {
    alu(p, op, |r2, r3| {
        let (x, y) = (split2(r2), split2(r3));
        join1(std::array::from_fn(|i| saturate(if i < 4 { x[i] } else { y[i - 4] } as i16)))
    })
}

/// The words of both operands as halves, r2 in the low ones.
pub(super) fn pack4(p: &mut Processor, op: &Op) -> Outcome {
    alu(p, op, |r2, r3| {
        let ([x0, x1], [y0, y1]) = (split4(r2), split4(r3));
        join2([x0, x1, y0, y1].map(|word| saturate2(word as i32)))
    })
}

/// The bytes of r2 with these numbers, the lowest byte of the result first.
#[inline]
pub(super) fn mux1(p: &mut Processor, op: &Op, bytes: [usize; 8]) -> Outcome {
    super::integer::unary_r2(p, op, |r2| join1(bytes.map(|i| split1(r2)[i])))
}

/// The halves of r2 that pairs of bits of the immediate number.
pub(super) fn mux2(p: &mut Processor, op: &Op) -> Outcome {
    let numbers = op.imm as usize;
    super::integer::unary_r2(p, op, |r2| join2(std::array::from_fn(|i| split2(r2)[numbers >> (2 * i) & 3])))
}

/// Shifts each half; counts above 16 count as 16.
#[inline]
pub(super) fn shift2(value: u64, count: u64, shift: impl Fn(i32, u32) -> i32, extend: impl Fn(u16) -> i32) -> u64 {
    let count = count.min(16) as u32;
    join2(split2(value).map(|half| shift(extend(half), count) as u16))
}

/// Shifts each word; counts above 32 count as 32.
#[inline]
pub(super) fn shift4(value: u64, count: u64, shift: impl Fn(i64, u32) -> i64, extend: impl Fn(u32) -> i64) -> u64 {
    let count = count.min(32) as u32;
    join4(split4(value).map(|word| shift(extend(word), count) as u32))
}
