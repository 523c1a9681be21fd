//! Arithmetic, bit fields, shifts.

use super::*;

proptest! {
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

    /// Whatever the operands: no overflow, no index out of bounds; p0 stays.
    #[test]
    fn no_encoding_panics(slot in any::<u64>(), registers in any::<[u64; 8]>()) {
        let Ok(instruction) = decode(Unit::I, slot, 0) else { return Ok(()) };
        let mut p = processor();
        for r in 1..128 {
            p.set_gr(r, registers[usize::from(r % 8)], registers[7] >> (r & 63) & 1 != 0);
        }
        let _ = (lower::instruction(&instruction).execute)(&mut p, &lower::instruction(&instruction));
        prop_assert!(p.pr(0));
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
