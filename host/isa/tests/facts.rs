//! The facts of the rows against the lists of the SDM.

use patchbay_isa::row::Flags;
use patchbay_isa::rows::{self, B, F, M};
use patchbay_isa::{Cause, Opcode};

fn with(flag: Flags) -> Vec<Opcode> {
    rows::all().filter(|row| row.facts.flags.contains(flag)).map(|row| row.opcode).collect()
}

/// Fails with the difference between two sets of instructions.
fn assert_same(found: &[Opcode], expected: &[Opcode]) {
    let missing: Vec<_> = expected.iter().filter(|opcode| !found.contains(opcode)).collect();
    let extra: Vec<_> = found.iter().filter(|opcode| !expected.contains(opcode)).collect();
    assert!(missing.is_empty() && extra.is_empty(), "missing: {missing:?}, extra: {extra:?}");
}

/// The instructions whose pages in SDM 3 name the Privileged Operation fault.
#[test]
fn privileged_instructions() {
    let m = [
        M::MovToCr,
        M::MovFromCr,
        M::MovToPsr,
        M::MovFromPsr,
        M::Ssm,
        M::Rsm,
        M::MovToRr,
        M::MovFromRr,
        M::MovToPkr,
        M::MovFromPkr,
        M::MovToDbr,
        M::MovFromDbr,
        M::MovToIbr,
        M::MovFromIbr,
        M::MovToPmc,
        M::MovFromPmc,
        M::MovToPmd,
        M::MovToMsr,
        M::MovFromMsr,
        M::ItcD,
        M::ItcI,
        M::ItrD,
        M::ItrI,
        M::PtcL,
        M::PtcG,
        M::PtcGa,
        M::PtcE,
        M::PtrD,
        M::PtrI,
        M::Tpa,
        M::Tak,
    ];
    let b = [B::Rfi, B::Bsw0, B::Bsw1, B::Vmsw0, B::Vmsw1];
    let expected: Vec<_> = m.map(Opcode::M).into_iter().chain(b.map(Opcode::B)).collect();
    assert_same(&with(Flags::PRIVILEGED), &expected);
}

/// SDM 2, table 11-22.
#[test]
fn every_virtualization_cause_has_an_instruction() {
    for &cause in Cause::ALL {
        assert!(rows::all().any(|row| row.facts.cause == Some(cause)), "{}", cause.name());
    }
}

/// SDM 3, `ld`: one general register cannot be both loaded and updated.
#[test]
fn targets_differ_in_integer_loads_with_base_update() {
    let names = |opcode: &Opcode| {
        matches!(opcode, Opcode::M(m) if {
            let name = format!("{m:?}");
            name.starts_with("Ld") && !name.starts_with("Ldf") && (name.ends_with("Reg") || name.ends_with("Imm"))
        })
    };
    let expected: Vec<_> = rows::all().map(|row| row.opcode).filter(names).collect();
    assert_eq!(expected.len(), 2 * (9 * 4 + 1));
    assert_same(&with(Flags::TARGETS_DIFFER), &expected);
}

/// SDM 3:16 (`alloc`), `flushrs`, `loadrs`.
#[test]
fn first_in_their_group() {
    assert_same(&with(Flags::FIRST_IN_GROUP), &[M::Alloc, M::Flushrs, M::Loadrs].map(Opcode::M));
}

/// SDM 3, `fcmp`, `fclass`, `frcpa`, `frsqrta`: these clear their predicate targets even when predicated off.
#[test]
fn unconditional_floating_point_instructions() {
    let compares = [F::FcmpEqUnc, F::FcmpLtUnc, F::FcmpLeUnc, F::FcmpUnordUnc, F::FclassMUnc];
    let approximations = [F::Frcpa, F::Fprcpa, F::Frsqrta, F::Fprsqrta];
    let expected: Vec<_> = compares.into_iter().chain(approximations).map(Opcode::F).collect();
    let found = with(Flags::UNCONDITIONAL);
    assert_same(&found.into_iter().filter(|opcode| matches!(opcode, Opcode::F(_))).collect::<Vec<_>>(), &expected);
}
