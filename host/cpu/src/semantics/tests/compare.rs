//! Compares and tests.

use super::*;

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
