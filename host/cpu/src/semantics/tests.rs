//! A- and I-unit instructions against the manual's examples and against arithmetic on single bits and elements.

use std::sync::Arc;

use patchbay_isa::rows::{A, I};
use patchbay_isa::{Instruction, Opcode, Unit, decode};
use proptest::prelude::*;

use crate::flat::{self, FlatMemory};
use crate::interruption::Interruption;
use crate::op::{Op, Outcome, Stop};
use crate::processor::Processor;
use crate::registers::ar;

fn processor() -> Processor {
    flat::processor(Arc::new(FlatMemory::new(0)))
}

/// Executes an instruction with these operands in the order of its syntax.
fn execute(p: &mut Processor, opcode: Opcode, qp: u8, operands: &[i64]) -> Outcome {
    let instruction = Instruction::encode(opcode, qp, operands).expect("operands fit");
    let op = Op::new(&instruction);
    if p.pr(op.qp) { (op.execute)(p, &op) } else { Ok(()) }
}

/// r1 after an instruction that names the registers r1, r2 and r3 and these numbers, in the order of its syntax.
fn result(opcode: Opcode, r2: u64, r3: u64, numbers: &[i64]) -> u64 {
    let mut p = processor();
    p.set_gr(2, r2, false);
    p.set_gr(3, r3, false);
    let mut numbers = numbers.iter().copied();
    let fields = opcode.row().fields();
    let operands: Vec<i64> = fields
        .map(|field| match field.name() {
            "r1" => 1,
            "r2" => 2,
            "r3" | "r3s" => 3,
            _ => numbers.next().expect("a number a field"),
        })
        .collect();
    execute(&mut p, opcode, 0, &operands).expect("completes");
    assert!(!p.nat(1));
    // The result is NaT if a source is.
    for (source, name) in [(2, "r2"), (3, "r3")] {
        if opcode.row().fields().any(|field| field.name() == name) {
            let mut p = processor();
            p.set_gr(source, 0, true);
            execute(&mut p, opcode, 0, &operands).expect("completes");
            assert!(p.nat(1), "{opcode:?} with {name} NaT");
            p.set_gr(source, 0, false);
            execute(&mut p, opcode, 0, &operands).expect("completes");
            assert!(!p.nat(1));
        }
    }
    p.gr(1)
}

/// Element `index` of `width` bits, as an integer.
fn element(value: u64, width: u32, index: u32, signed: bool) -> i128 {
    let bits = i128::from(value >> (width * index)) & ((1 << width) - 1);
    if signed && bits >> (width - 1) != 0 { bits - (1 << width) } else { bits }
}

/// The elements of `width` bits that `each` gives, saturated if they are to be.
fn elements(width: u32, saturation: Option<bool>, each: impl Fn(u32) -> i128) -> u64 {
    let mut all = 0;
    for index in 0..64 / width {
        let mut value = each(index);
        if let Some(signed) = saturation {
            let (least, most) =
                if signed { (-(1 << (width - 1)), (1 << (width - 1)) - 1) } else { (0, (1i128 << width) - 1) };
            value = value.max(least).min(most);
        }
        all |= ((value & ((1 << width) - 1)) as u64) << (width * index);
    }
    all
}

/// Values whose elements are often near the limits of their size.
fn gr() -> impl Strategy<Value = u64> {
    let limits = prop::sample::select(vec![0u8, 1, 0x7e, 0x7f, 0x80, 0x81, 0xfe, 0xff]);
    prop_oneof![
        any::<u64>(),
        prop::array::uniform8(limits).prop_map(u64::from_le_bytes),
        any::<u64>().prop_flat_map(|value| (0..64u32).prop_map(move |count| value >> count)),
    ]
}

proptest! {
    #[test]
    fn parallel_arithmetic_saturates_each_element(x in gr(), y in gr()) {
        let rows = [
            (A::Padd1, 8, "add", ""), (A::Padd2, 16, "add", ""), (A::Padd4, 32, "add", ""),
            (A::Padd1Sss, 8, "add", "sss"), (A::Padd2Sss, 16, "add", "sss"),
            (A::Padd1Uuu, 8, "add", "uuu"), (A::Padd2Uuu, 16, "add", "uuu"),
            (A::Padd1Uus, 8, "add", "uus"), (A::Padd2Uus, 16, "add", "uus"),
            (A::Psub1, 8, "sub", ""), (A::Psub2, 16, "sub", ""), (A::Psub4, 32, "sub", ""),
            (A::Psub1Sss, 8, "sub", "sss"), (A::Psub2Sss, 16, "sub", "sss"),
            (A::Psub1Uuu, 8, "sub", "uuu"), (A::Psub2Uuu, 16, "sub", "uuu"),
            (A::Psub1Uus, 8, "sub", "uus"), (A::Psub2Uus, 16, "sub", "uus"),
        ];
        for (row, width, operation, completer) in rows {
            let signed: Vec<bool> = completer.chars().map(|c| c == 's').collect();
            let expected = elements(width, signed.first().copied(), |i| {
                let x = element(x, width, i, signed.get(1).copied().unwrap_or(false));
                let y = element(y, width, i, signed.get(2).copied().unwrap_or(false));
                if operation == "add" { x + y } else { x - y }
            });
            prop_assert_eq!(result(Opcode::A(row), x, y, &[]), expected, "{:?}", row);
        }
    }

    #[test]
    fn averages_keep_or_round_the_bit_shifted_out(x in gr(), y in gr()) {
        for (width, average, away, difference) in
            [(8, A::Pavg1, A::Pavg1Raz, A::Pavgsub1), (16, A::Pavg2, A::Pavg2Raz, A::Pavgsub2)]
        {
            let pair = |i| (element(x, width, i, false), element(y, width, i, false));
            let sticky = |value: i128| value.div_euclid(2) | value.rem_euclid(2);
            prop_assert_eq!(
                result(Opcode::A(average), x, y, &[]),
                elements(width, None, |i| sticky(pair(i).0 + pair(i).1))
            );
            prop_assert_eq!(
                result(Opcode::A(away), x, y, &[]),
                elements(width, None, |i| (pair(i).0 + pair(i).1 + 1) / 2)
            );
            prop_assert_eq!(
                result(Opcode::A(difference), x, y, &[]),
                elements(width, None, |i| sticky(pair(i).0 - pair(i).1))
            );
        }
    }

    #[test]
    fn parallel_compares_minima_and_maxima(x in gr(), y in gr()) {
        for (width, eq, gt) in
            [(8, A::Pcmp1Eq, A::Pcmp1Gt), (16, A::Pcmp2Eq, A::Pcmp2Gt), (32, A::Pcmp4Eq, A::Pcmp4Gt)]
        {
            let pair = |i| (element(x, width, i, true), element(y, width, i, true));
            let truth = |holds: bool| if holds { -1 } else { 0 };
            prop_assert_eq!(
                result(Opcode::A(eq), x, y, &[]),
                elements(width, None, |i| truth(pair(i).0 == pair(i).1))
            );
            prop_assert_eq!(
                result(Opcode::A(gt), x, y, &[]),
                elements(width, None, |i| truth(pair(i).0 > pair(i).1))
            );
        }
        for (row, width, signed, max) in [
            (I::Pmin1U, 8, false, false), (I::Pmax1U, 8, false, true), (I::Pmin2, 16, true, false), (I::Pmax2, 16, true, true),
        ] {
            let expected = elements(width, None, |i| {
                let (x, y) = (element(x, width, i, signed), element(y, width, i, signed));
                if max { x.max(y) } else { x.min(y) }
            });
            prop_assert_eq!(result(Opcode::I(row), x, y, &[]), expected);
        }
        let sum: i128 = (0..8).map(|i| (element(x, 8, i, false) - element(y, 8, i, false)).abs()).sum();
        prop_assert_eq!(i128::from(result(Opcode::I(I::Psad1), x, y, &[])), sum);
    }

    #[test]
    fn parallel_shifts_and_products(x in gr(), y in gr(), count in 0u64..70, fixed in 0i64..32) {
        for (row, width, signed) in [
            (I::Pshr2, 16, true), (I::Pshr2U, 16, false), (I::Pshr4, 32, true), (I::Pshr4U, 32, false),
        ] {
            let expected = elements(width, None, |i| element(y, width, i, signed) >> count);
            prop_assert_eq!(result(Opcode::I(row), count, y, &[]), expected);
        }
        for (row, width, signed) in [
            (I::Pshr2Imm, 16, true), (I::Pshr2UImm, 16, false), (I::Pshr4Imm, 32, true), (I::Pshr4UImm, 32, false),
        ] {
            let expected = elements(width, None, |i| element(y, width, i, signed) >> fixed);
            prop_assert_eq!(result(Opcode::I(row), 0, y, &[fixed]), expected);
        }
        for (row, width) in [(I::Pshl2, 16), (I::Pshl4, 32)] {
            prop_assert_eq!(
                result(Opcode::I(row), x, count, &[]),
                elements(width, None, |i| element(x, width, i, false) << count)
            );
        }
        for (row, width) in [(I::Pshl2Imm, 16), (I::Pshl4Imm, 32)] {
            prop_assert_eq!(
                result(Opcode::I(row), x, 0, &[fixed]),
                elements(width, None, |i| element(x, width, i, false) << fixed)
            );
        }
        for (row, signed) in [(I::Pmpyshr2, true), (I::Pmpyshr2U, false)] {
            for count in [0, 7, 15, 16] {
                prop_assert_eq!(
                    result(Opcode::I(row), x, y, &[count]),
                    elements(16, None, |i| (element(x, 16, i, signed) * element(y, 16, i, signed)) >> count)
                );
            }
        }
        for (row, odd) in [(I::Pmpy2R, 0), (I::Pmpy2L, 1)] {
            prop_assert_eq!(
                result(Opcode::I(row), x, y, &[]),
                elements(32, None, |i| element(x, 16, 2 * i + odd, true) * element(y, 16, 2 * i + odd, true))
            );
        }
    }

    #[test]
    fn shift_and_add_saturates_twice(x in gr(), y in gr(), count in 1i64..4) {
        let limits = -0x8000..=0x7fff;
        let left = elements(16, Some(true), |i| {
            let shifted = element(x, 16, i, true) << count;
            if limits.contains(&shifted) { shifted + element(y, 16, i, true) } else { shifted }
        });
        prop_assert_eq!(result(Opcode::A(A::Pshladd2), x, y, &[count]), left);
        let right = elements(16, Some(true), |i| (element(x, 16, i, true) >> count) + element(y, 16, i, true));
        prop_assert_eq!(result(Opcode::A(A::Pshradd2), x, y, &[count]), right);
    }

    #[test]
    fn packs_saturate_and_unpacks_interleave(x in gr(), y in gr()) {
        let source = |i, width, count, signed| {
            if i < count { element(x, width, i, signed) } else { element(y, width, i - count, signed) }
        };
        prop_assert_eq!(result(Opcode::I(I::Pack2Sss), x, y, &[]), elements(8, Some(true), |i| source(i, 16, 4, true)));
        prop_assert_eq!(result(Opcode::I(I::Pack2Uss), x, y, &[]), elements(8, Some(false), |i| source(i, 16, 4, true)));
        prop_assert_eq!(result(Opcode::I(I::Pack4Sss), x, y, &[]), elements(16, Some(true), |i| source(i, 32, 2, true)));
        for (width, high, low, left, right) in [
            (8, I::Unpack1H, I::Unpack1L, I::Mix1L, I::Mix1R),
            (16, I::Unpack2H, I::Unpack2L, I::Mix2L, I::Mix2R),
            (32, I::Unpack4H, I::Unpack4L, I::Mix4L, I::Mix4R),
        ] {
            let half = 64 / width / 2;
            let of = |i, index| element(if i % 2 == 0 { y } else { x }, width, index, false);
            prop_assert_eq!(result(Opcode::I(low), x, y, &[]), elements(width, None, |i| of(i, i / 2)));
            prop_assert_eq!(result(Opcode::I(high), x, y, &[]), elements(width, None, |i| of(i, half + i / 2)));
            prop_assert_eq!(result(Opcode::I(right), x, y, &[]), elements(width, None, |i| of(i, i & !1)));
            prop_assert_eq!(result(Opcode::I(left), x, y, &[]), elements(width, None, |i| of(i, i | 1)));
        }
    }

    #[test]
    fn mux2_selects_any_half(x in gr(), kind in 0i64..256) {
        let expected = elements(16, None, |i| element(x, 16, (kind >> (2 * i) & 3) as u32, false));
        prop_assert_eq!(result(Opcode::I(I::Mux2), x, 0, &[kind]), expected);
    }

    #[test]
    fn bit_fields_move_bit_by_bit(x in gr(), y in gr(), pos in 0i64..64, len in 1i64..=64, imm8 in -128i64..128) {
        let bits = |each: &dyn Fn(i64) -> u64| (0..64).fold(0, |all, bit| all | (each(bit) & 1) << bit);
        let inside = |bit: i64| bit >= pos && bit < pos + len;
        let last = (pos + len).min(64) - 1;
        prop_assert_eq!(
            result(Opcode::I(I::ExtrU), 0, y, &[pos, len]),
            bits(&|bit| if pos + bit <= last { y >> (pos + bit) } else { 0 })
        );
        prop_assert_eq!(
            result(Opcode::I(I::Extr), 0, y, &[pos, len]),
            bits(&|bit| y >> (pos + bit).min(last))
        );
        prop_assert_eq!(
            result(Opcode::I(I::DepZ), x, 0, &[pos, len]),
            bits(&|bit| if inside(bit) { x >> (bit - pos) } else { 0 })
        );
        prop_assert_eq!(
            result(Opcode::I(I::DepZImm8), 0, 0, &[imm8, pos, len]),
            bits(&|bit| if inside(bit) { (imm8 >> (bit - pos)) as u64 } else { 0 })
        );
        prop_assert_eq!(
            result(Opcode::I(I::DepImm1), 0, y, &[imm8 >> 8, pos, len]),
            bits(&|bit| if inside(bit) { (imm8 >> 8) as u64 } else { y >> bit })
        );
        let len = (len - 1) % 16 + 1;
        prop_assert_eq!(
            result(Opcode::I(I::Dep), x, y, &[pos, len]),
            bits(&|bit| if bit >= pos && bit < pos + len { x >> (bit - pos) } else { y >> bit })
        );
        prop_assert_eq!(
            result(Opcode::I(I::Shrp), x, y, &[pos]),
            bits(&|bit| if bit + pos < 64 { y >> (bit + pos) } else { x >> (bit + pos - 64) })
        );
    }

    #[test]
    fn shifts_take_any_count(x in gr(), count in prop_oneof![0u64..130, any::<u64>()]) {
        let wide = count.min(127) as u32;
        prop_assert_eq!(result(Opcode::I(I::Shl), x, count, &[]), (u128::from(x) << wide) as u64);
        prop_assert_eq!(result(Opcode::I(I::ShrU), count, x, &[]), (u128::from(x) >> wide) as u64);
        prop_assert_eq!(result(Opcode::I(I::Shr), count, x, &[]), (i128::from(x as i64) >> wide) as u64);
    }

    #[test]
    fn arithmetic_is_modulo_two_to_the_64(x in gr(), y in gr(), imm14 in -8192i64..8192, count in 1i64..5) {
        let (a, b) = (i128::from(x), i128::from(y));
        let pointer = |sum: i128| (sum as u64 & 0xffff_ffff) | (y >> 30 & 3) << 61;
        for (row, numbers, expected) in [
            (A::Add, &[][..], (a + b) as u64), (A::AddPlusOne, &[], (a + b + 1) as u64),
            (A::Sub, &[], (a - b) as u64), (A::SubMinusOne, &[], (a - b - 1) as u64),
            (A::Addp4, &[], pointer(a + b)), (A::Addp4Imm14, &[imm14], pointer(i128::from(imm14) + b)),
            (A::Shladd, &[count], ((a << count) + b) as u64), (A::Shladdp4, &[count], pointer((a << count) + b)),
            (A::Adds, &[imm14], (i128::from(imm14) + b) as u64),
            (A::SubImm8, &[imm14 >> 6], (i128::from(imm14 >> 6) - b) as u64),
        ] {
            prop_assert_eq!(result(Opcode::A(row), x, y, numbers), expected, "{:?}", row);
        }
    }

    #[test]
    fn zero_elements_are_found_from_either_side(x in gr(), clear in 0u64..256) {
        let x = x & !elements(8, None, |i| if clear >> i & 1 != 0 { 0xff } else { 0 });
        for (width, left, right) in [(8, I::Czx1L, I::Czx1R), (16, I::Czx2L, I::Czx2R)] {
            let count = 64 / width;
            let zero = |i: u32| element(x, width, i, false) == 0;
            let from_right = (0..count).position(zero).unwrap_or(count as usize) as u64;
            let from_left = (0..count).rev().position(zero).unwrap_or(count as usize) as u64;
            prop_assert_eq!(result(Opcode::I(left), 0, x, &[]), from_left);
            prop_assert_eq!(result(Opcode::I(right), 0, x, &[]), from_right);
        }
    }

    /// Whatever the operands: no overflow, no index out of bounds; p0 stays.
    #[test]
    fn no_encoding_panics(slot in any::<u64>(), registers in any::<[u64; 8]>()) {
        let Ok(instruction) = decode(Unit::I, slot, 0) else { return Ok(()) };
        let mut p = processor();
        for r in 1..128 {
            p.set_gr(r, registers[usize::from(r % 8)], registers[7] >> (r & 63) & 1 != 0);
        }
        let _ = (Op::new(&instruction).execute)(&mut p, &Op::new(&instruction));
        prop_assert!(p.pr(0));
    }

    #[test]
    fn products_of_words(x in gr(), y in gr()) {
        let product = |a: u64, b: u64| u128::from(a) * u128::from(b);
        let low = |value: u64| value & 0xffff_ffff;
        prop_assert_eq!(result(Opcode::I(I::Mpy4), x, y, &[]), product(low(x), low(y)) as u64);
        prop_assert_eq!(result(Opcode::I(I::Mpyshl4), x, y, &[]), (product(x >> 32, low(y)) << 32) as u64);
    }
}

/// The byte permutations of SDM 3:204, written from the most significant byte of the result on.
#[test]
fn mux1_permutes_bytes() {
    let source = u64::from_be_bytes([7, 6, 5, 4, 3, 2, 1, 0]);
    for (row, expected) in [
        (I::Mux1Rev, [0, 1, 2, 3, 4, 5, 6, 7]),
        (I::Mux1Mix, [7, 3, 5, 1, 6, 2, 4, 0]),
        (I::Mux1Shuf, [7, 3, 6, 2, 5, 1, 4, 0]),
        (I::Mux1Alt, [7, 5, 3, 1, 6, 4, 2, 0]),
        (I::Mux1Brcst, [0; 8]),
    ] {
        assert_eq!(result(Opcode::I(row), source, 0, &[]), u64::from_be_bytes(expected), "{row:?}");
    }
}

#[test]
fn extensions_and_counts() {
    let value = 0x8765_4321_f00d_80ff;
    for (row, expected) in [
        (I::Zxt1, 0xff),
        (I::Zxt2, 0x80ff),
        (I::Zxt4, 0xf00d_80ff),
        (I::Sxt1, u64::MAX),
        (I::Sxt2, 0xffff_ffff_ffff_80ff),
        (I::Sxt4, 0xffff_ffff_f00d_80ff),
        (I::Popcnt, 29),
        (I::Clz, 0),
    ] {
        assert_eq!(result(Opcode::I(row), 0, value, &[]), expected, "{row:?}");
    }
    assert_eq!(result(Opcode::I(I::Clz), 0, 0, &[]), 64);
}

/// p6 and p7 after a compare of r2 and r3, from each of the four states before.
fn predicates(row: A, r2: (u64, bool), r3: (u64, bool), qualified: bool) -> [u64; 4] {
    std::array::from_fn(|before| {
        let mut p = processor();
        p.set_gr(2, r2.0, r2.1);
        p.set_gr(3, r3.0, r3.1);
        p.registers.pr = 1 | (before as u64) << 6 | u64::from(qualified) << 10;
        execute(&mut p, Opcode::A(row), 10, &[6, 7, 2, 3]).expect("completes");
        p.registers.pr >> 6 & 3
    })
}

/// SDM 3:40, tables 2-15 and 2-16: what each compare type does for a true, false and NaT relation.
#[test]
fn compare_types() {
    let (one, two) = ((1, false), (2, false));
    let nat = (1, true);
    // In bits: p6 in bit 0, p7 in bit 1.
    let unchanged = [0, 1, 2, 3];
    for (row, on_true, on_false, on_nat, unqualified) in [
        (A::CmpEq, [1; 4], [2; 4], [0; 4], unchanged),
        (A::CmpEqUnc, [1; 4], [2; 4], [0; 4], [0; 4]),
        (A::CmpEqAnd, unchanged, [0; 4], [0; 4], unchanged),
        (A::CmpEqOr, [3; 4], unchanged, unchanged, unchanged),
        (A::CmpEqOrAndcm, [1; 4], unchanged, unchanged, unchanged),
    ] {
        assert_eq!(predicates(row, one, one, true), on_true, "{row:?}");
        assert_eq!(predicates(row, one, two, true), on_false, "{row:?}");
        assert_eq!(predicates(row, one, nat, true), on_nat, "{row:?}");
        assert_eq!(predicates(row, nat, one, true), on_nat, "{row:?}");
        assert_eq!(predicates(row, one, one, false), unqualified, "{row:?}");
    }
}

#[test]
fn compare_relations() {
    let values = [0, 1, u64::MAX, 1 << 31, 1 << 32, 1 << 63, 0x1_ffff_ffff, 0x7fff_ffff];
    for a in values {
        for b in values {
            let (x, y) = (a as i64, b as i64);
            let (x4, y4) = (a as i32, b as i32);
            for (row, holds) in [
                (A::CmpLt, x < y),
                (A::CmpLtu, a < b),
                (A::CmpEq, a == b),
                (A::Cmp4Lt, x4 < y4),
                (A::Cmp4Ltu, (x4 as u32) < y4 as u32),
                (A::Cmp4Eq, x4 == y4),
            ] {
                let expected = if holds { [1; 4] } else { [2; 4] };
                assert_eq!(predicates(row, (a, false), (b, false), true), expected, "{row:?} {a:#x} {b:#x}");
            }
        }
        for (row, holds) in [
            (A::CmpGtZeroOrAndcm, 0 > a as i64),
            (A::CmpLeZeroOrAndcm, 0 <= a as i64),
            (A::CmpGeZeroOrAndcm, 0 >= a as i64),
            (A::CmpLtZeroOrAndcm, 0 < a as i64),
            (A::Cmp4GtZeroOrAndcm, 0 > a as i32),
            (A::Cmp4LeZeroOrAndcm, 0 <= a as i32),
            (A::Cmp4GeZeroOrAndcm, 0 >= a as i32),
            (A::Cmp4LtZeroOrAndcm, 0 < a as i32),
        ] {
            let mut p = processor();
            p.set_gr(3, a, false);
            execute(&mut p, Opcode::A(row), 0, &[6, 7, 3]).expect("completes");
            assert_eq!(p.pr(6), holds, "{row:?} {a:#x}");
        }
    }
    let mut p = processor();
    p.set_gr(3, u64::MAX - 1, false);
    // Immediates are sign-extended before an unsigned compare, too.
    execute(&mut p, Opcode::A(A::CmpLtuImm8), 0, &[6, 7, -3, 3]).expect("completes");
    assert_eq!((p.pr(6), p.pr(7)), (true, false));
    execute(&mut p, Opcode::A(A::CmpLtuImm8), 0, &[6, 0, 3, 0]).expect("completes");
    assert_eq!((p.pr(6), p.pr(0)), (false, true));
}

#[test]
fn tests_of_bits_nat_bits_and_features() {
    let mut p = processor();
    p.set_gr(3, 1 << 40, false);
    p.set_gr(4, 0, true);
    for (row, operands, expected) in [
        (I::TbitZ, &[6, 7, 3, 40][..], 2),
        (I::TbitZ, &[6, 7, 3, 41], 1),
        (I::TbitZ, &[6, 7, 4, 0], 0),
        (I::TnatZ, &[6, 7, 3], 1),
        (I::TnatZ, &[6, 7, 4], 2),
        (I::TbitNzOr, &[6, 7, 3, 40], 3),
        (I::TbitNzAnd, &[6, 7, 3, 41], 0),
        (I::TnatNzOrAndcm, &[6, 7, 4], 1),
        // A Montecito has neither clz nor mpy4.
        (I::TfZ, &[6, 7, 32], 1),
        (I::TfNzOr, &[6, 7, 33], 1),
    ] {
        execute(&mut p, Opcode::I(row), 0, operands).expect("completes");
        assert_eq!(p.registers.pr >> 6 & 3, expected, "{row:?} {operands:?}");
    }
}

#[test]
fn moves_of_predicates_go_by_physical_numbers() {
    let mut p = processor();
    p.registers.cfm.set_rrb_pr(47);
    p.set_gr(2, 0xabcd_0000_0003_fffe, false);
    // mask17 with bit 16 selects p16-p63, whatever the rotation.
    execute(&mut p, Opcode::I(I::MovToPr), 0, &[2, -0x1_0000]).expect("completes");
    execute(&mut p, Opcode::I(I::MovFromPr), 0, &[1]).expect("completes");
    assert_eq!(p.gr(1), 0xabcd_0000_0003_0001);
    // Physical p16 is named p17 now, and so on; physical p63 is p16.
    assert_eq!((p.pr(16), p.pr(17), p.pr(18), p.pr(19)), (true, true, true, false));
    execute(&mut p, Opcode::I(I::MovToPr), 0, &[2, 0x1e]).expect("completes");
    assert_eq!(p.registers.physical_predicates(), 0xabcd_0000_0003_001f);
    execute(&mut p, Opcode::I(I::MovToPrRot), 0, &[0x7_0000]).expect("completes");
    assert_eq!(p.registers.physical_predicates(), 0x7_001f);
}

#[test]
fn a_nat_source_of_a_move_faults() {
    let mut p = processor();
    p.set_gr(2, 7, true);
    for (row, operands) in
        [(I::MovToBr, &[1, 0, 3, 2, 0][..]), (I::MovToPr, &[2, -2]), (I::MovToAr, &[ar::LC as i64, 2])]
    {
        assert_eq!(execute(&mut p, Opcode::I(row), 0, operands), Err(Stop::Fault));
        assert_eq!(p.raised, Interruption::REGISTER_NAT_CONSUMPTION);
    }
}

#[test]
fn check_of_speculation_branches_to_recovery() {
    let mut p = processor();
    p.registers.ip = 0x1000;
    assert_eq!(execute(&mut p, Opcode::I(I::ChkS), 0, &[2, -0x40]), Ok(()));
    p.set_gr(2, 0, true);
    assert_eq!(execute(&mut p, Opcode::I(I::ChkS), 0, &[2, -0x40]), Err(Stop::Branch));
    assert_eq!(p.registers.ip, 0xfc0);
}

/// The access rules of SDM 1:28 and 3:173.
#[test]
fn application_registers_follow_their_access_rules() {
    use patchbay_isa::rows::M;
    let number = |register: usize| register as i64;
    let mut p = processor();
    let fault = |p: &mut Processor, opcode, operands: &[i64], expected| {
        assert_eq!(execute(p, opcode, 0, operands), Err(Stop::Fault), "{opcode:?} {operands:?}");
        assert_eq!(p.raised, expected, "{opcode:?} {operands:?}");
    };
    let (from_i, from_m) = (Opcode::I(I::MovFromAr), Opcode::M(M::MovFromAr));
    let (to_i, to_m) = (Opcode::I(I::MovToAr), Opcode::M(M::MovToAr));
    for register in [8, 15, 20, 22, 31, 33, 37, 41, 45, 46, 64, 65, 66, 67, 111] {
        fault(&mut p, from_m, &[1, register], Interruption::ILLEGAL_OPERATION);
        fault(&mut p, to_m, &[register, 2], Interruption::ILLEGAL_OPERATION);
    }
    for register in [0, 16, 36, 44, 67, 111] {
        fault(&mut p, from_i, &[1, register], Interruption::ILLEGAL_OPERATION);
        fault(&mut p, to_i, &[register, 2], Interruption::ILLEGAL_OPERATION);
    }
    for register in [48, 63, 112, 127] {
        for (from, to) in [(from_i, to_i), (from_m, to_m)] {
            p.set_gr(2, 5, false);
            assert_eq!(execute(&mut p, to, 0, &[register, 2]), Ok(()));
            assert_eq!(execute(&mut p, from, 0, &[1, register]), Ok(()));
            assert_eq!(p.gr(1), 0);
        }
    }
    fault(&mut p, to_m, &[number(ar::BSP), 2], Interruption::ILLEGAL_OPERATION);
    for (to, register, value) in [
        (to_m, ar::RSC, 1 << 5),
        (to_m, ar::FPSR, 1 << 58),
        (to_m, ar::FPSR, 1 << 12),
        (to_m, ar::FPSR, 1 << 8),
        (to_i, ar::PFS, 1 << 38),
        (to_i, ar::PFS, 1 << 58),
    ] {
        p.set_gr(2, value, false);
        fault(&mut p, to, &[number(register), 2], Interruption::RESERVED_REGISTER_FIELD);
    }
    p.set_gr(2, 0xff, false);
    execute(&mut p, to_i, 0, &[number(ar::EC), 2]).expect("completes");
    assert_eq!(p.ar(ar::EC), 0x3f);

    p.set_gr(2, 0x3, false);
    execute(&mut p, to_m, 0, &[number(ar::RSC), 2]).expect("completes");
    fault(&mut p, from_m, &[1, number(ar::RNAT)], Interruption::ILLEGAL_OPERATION);
    fault(&mut p, to_m, &[number(ar::BSPSTORE), 2], Interruption::ILLEGAL_OPERATION);

    p.registers.psr.set_cpl(3);
    p.registers.psr.set_si(true);
    fault(&mut p, from_m, &[1, number(ar::ITC)], Interruption::PRIVILEGED_REGISTER);
    for register in [ar::K0, ar::K7, ar::ITC, ar::CFLG] {
        fault(&mut p, to_m, &[number(register), 2], Interruption::PRIVILEGED_REGISTER);
    }
    // RSC.pl cannot be raised above the current privilege level.
    execute(&mut p, to_m, 0, &[number(ar::RSC), 2]).expect("completes");
    assert_eq!(p.ar(ar::RSC), 0xf);
    p.registers.psr.set_si(false);
    p.registers.psr.set_vm(true);
    assert!(matches!(execute(&mut p, from_m, 0, &[1, number(ar::ITC)]), Err(Stop::Virtualized)));
}
