//! Parallel arithmetic, element by element.

use super::*;

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
