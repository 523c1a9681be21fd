//! Instructions against the manual's examples and against other ways to compute the same.

mod branch;
mod compare;
mod integer;
mod memory;
mod mov;
mod multimedia;

use std::sync::Arc;

use patchbay_isa::rows::{A, I};
use patchbay_isa::{Instruction, Opcode, Unit, decode};
use proptest::prelude::*;

use crate::engine::interpreter::lower;
use crate::flat_machine::{self, FlatMemory};
use crate::interruption::Interruption;
use crate::outcome::{Leave, Outcome};
use crate::processor::Processor;
use crate::registers::ar;

fn processor() -> Processor {
    flat_machine::processor(Arc::new(FlatMemory::new(0)))
}

/// Executes an instruction with these operands in the order of its syntax.
fn execute(p: &mut Processor, opcode: Opcode, qp: u8, operands: &[i64]) -> Outcome {
    let instruction = Instruction::encode(opcode, qp, operands).expect("operands fit");
    let op = lower::instruction(&instruction);
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

/// Values whose elements are often near the limits of their size.
fn gr() -> impl Strategy<Value = u64> {
    let limits = prop::sample::select(vec![0u8, 1, 0x7e, 0x7f, 0x80, 0x81, 0xfe, 0xff]);
    prop_oneof![
        any::<u64>(),
        prop::array::uniform8(limits).prop_map(u64::from_le_bytes),
        any::<u64>().prop_flat_map(|value| (0..64u32).prop_map(move |count| value >> count)),
    ]
}
