//! Decoding and encoding.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "what a test casts is small"
)]

use patchbay_isa::bundle::SLOT_MASK;
use patchbay_isa::disassemble::listing;
use patchbay_isa::field::Bits;
use patchbay_isa::rows::{self, A, B, I};
use patchbay_isa::{Bundle, Field, Instruction, Opcode, Reserved, Row, Slot, Template, Unit, decode};
use proptest::prelude::*;

fn any_row() -> impl Strategy<Value = &'static Row> {
    let rows: Vec<_> = rows::all().collect();
    (0..rows.len()).prop_map(move |index| rows[index])
}

/// All bits that a row fixes or that its fields have.
fn known_bits(row: &Row) -> u128 {
    let run = |bits: &Bits| (!0u128 >> (127 - (bits.high - bits.low))) << bits.low;
    let of = |field: Field| field.bits().iter().map(run).fold(0, |a, b| a | b);
    let qp = if row.predicated() { of(Field::Qp) } else { 0 };
    row.fields().fold(u128::from(row.fixed.mask) | qp, |known, field| known | of(field))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn encoding_restores_what_was_decoded(row in any_row(), slot in 0..=SLOT_MASK, long in 0..=SLOT_MASK) {
        let slot = slot & !row.fixed.mask | row.fixed.value;
        for &unit in row.units {
            let Ok(instruction) = decode(unit, slot, long) else {
                prop_assert!(row.fields().any(|field| field.is_reserved(slot.into())));
                continue;
            };
            prop_assert_eq!(instruction.opcode, row.opcode);
            let operands: Vec<_> = row.fields().map(|field| instruction.field(field)).collect();
            let encoded = Instruction::encode(row.opcode, instruction.qp(), &operands).unwrap();
            prop_assert_eq!(encoded.bits, instruction.bits & known_bits(row));
        }
    }

    #[test]
    fn every_bundle_decodes(bits: u128) {
        let bundle = Bundle(bits);
        prop_assert_eq!(bundle.decode().is_some(), bundle.template().units().is_some());
        prop_assert_eq!(listing(0, &bundle.to_bytes()).to_string().lines().count(), 3);
        for decoded in bundle.decode().into_iter().flatten().flatten().flatten() {
            prop_assert!(decoded.row().fields().all(|field| !field.is_reserved(decoded.bits)));
            let _ = decoded.illegal_operands();
        }
    }

    #[test]
    fn a_field_refuses_what_it_cannot_hold(row in any_row(), values in prop::array::uniform8(-300i64..300)) {
        let values = &values[..row.fields().count()];
        if let Ok(instruction) = Instruction::encode(row.opcode, 0, values) {
            let read: Vec<_> = row.fields().map(|field| instruction.field(field)).collect();
            prop_assert_eq!(read, values);
        }
    }
}

#[test]
fn a_long_instruction_stands_in_slot_one() {
    // movl r19=0xa000000100dc4000 behind srlz.d, from the kernel's interruption vector table
    let bundle = Bundle::from_bytes([4, 0, 0, 0, 0x30, 0xc0, 0, 1, 0, 0, 0x20, 0x63, 2, 0x80, 3, 0x6a]);
    let [_, Some(Ok(movl)), None] = bundle.decode().unwrap() else { panic!("no movl in slot 1") };
    assert_eq!(movl.opcode, Opcode::X(rows::X::Movl));
    assert_eq!(movl.field(Field::Imm64) as u64, 0xa000_0001_00dc_4000);
    assert_eq!((movl.slot(), movl.long()), (bundle.slot(Slot::Two), bundle.slot(Slot::One)));
}

fn slot(major: u64, x6: u64) -> u64 {
    major << 37 | x6 << 27
}

/// SDM 3:294 ff.: the shading of tables 4-3, 4-48, 4-49, 4-50, 4-55 and 4-47.
#[test]
fn reserved_encodings() {
    let reserved = |unit, bits| decode(unit, bits, 0).unwrap_err();
    for unit in [Unit::M, Unit::I, Unit::F, Unit::X] {
        for major in [2, 3, 15] {
            assert_eq!(reserved(unit, slot(major, 0)), Reserved::IfPredicated, "{unit:?} {major}");
        }
    }
    let b = |bits| reserved(Unit::B, bits);
    assert_eq!(b(slot(0, 0x01)), Reserved::Ignored);
    assert_eq!(b(slot(0, 0x03)), Reserved::IfPredicated);
    assert_eq!(b(slot(0, 0x1f)), Reserved::IfPredicated);
    assert_eq!(b(slot(0, 0x22)), Reserved::Always);
    assert_eq!(b(slot(0, 0x20) | 2 << 6), Reserved::Always);
    assert_eq!(b(slot(0, 0x21)), Reserved::Always);
    assert_eq!(b(slot(2, 0x02)), Reserved::Ignored);
    assert_eq!(b(slot(3, 0)), Reserved::Ignored);
    assert_eq!(b(slot(4, 0) | 1 << 6), Reserved::Always);
    assert_eq!(b(slot(6, 0)), Reserved::Ignored);
    for major in 8..16 {
        assert_eq!(b(slot(major, 0)), Reserved::Always);
    }
    assert_eq!(Bundle::new(Template::new(6), [0; 3]).decode(), None);
}

/// SDM 3:368: count2 of A10 and mbtype4 of I3.
#[test]
fn reserved_operands() {
    let pshladd2 = |count| Instruction::encode(Opcode::A(A::Pshladd2), 0, &[1, 2, count, 3]);
    assert!(pshladd2(4).is_err());
    let three = pshladd2(3).unwrap().slot();
    assert_eq!(decode(Unit::M, three | 1 << 27, 0), Err(Reserved::IfPredicated));
    let rev = Instruction::encode(Opcode::I(I::Mux1Rev), 0, &[1, 2]).unwrap().slot();
    assert_eq!(decode(Unit::I, rev ^ 1 << 20, 0).unwrap().opcode, Opcode::I(I::Mux1Alt));
    assert_eq!(decode(Unit::I, rev ^ 4 << 20, 0), Err(Reserved::IfPredicated));
}

#[test]
fn counted_branches_have_no_predicate() {
    let cloop = Instruction::encode(Opcode::B(B::Cloop), 0, &[0, 0, 0, 64]).unwrap();
    assert_eq!(decode(Unit::B, cloop.slot() | 9, 0).unwrap().qp(), 0);
}
