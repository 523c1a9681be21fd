//! What a debugger outside of the machine is told. The guest's own debug facilities are another matter.

use patchbay_isa::rows::{B, M};

use super::*;
use crate::processor::debugger::{Accesses, DebuggerStop, DebuggerWants, Position, Watchpoint};
use crate::registers::ar;

const BREAKPOINT: Exit = Exit::Debugger(DebuggerStop::Breakpoint);

fn at(guest: &Guest) -> (u64, u8) {
    (guest.p.registers.ip, guest.p.registers.psr.ri())
}

/// Sums in all slots of four bundles, in an endless loop.
fn summing() -> Guest {
    let mut guest = Guest::new();
    let sums = bundle(MMI, [add(8, 1), add(9, 1), add(10, 1)]);
    guest.put(CODE, &[sums, sums, sums, bundle(BBB, [nop('b'), nop('b'), branch(-48)])]);
    guest
}

#[test]
fn breakpoints_stop_before_the_instruction_in_any_slot() {
    for slot in Slot::ALL {
        let mut guest = summing();
        // Blocks that were decoded before reach over the bundle.
        assert_eq!(guest.engine.run(&mut guest.p, 1000), Exit::Budget);
        guest.go(CODE);
        (8..11).for_each(|r| guest.p.set_gr(r, 0, false));
        let breakpoints = [Position { bundle: CODE + 16, slot }].into();
        guest.p.set_debugger(DebuggerWants { breakpoints, watchpoints: vec![] });
        for round in 0..3 {
            assert_eq!(guest.engine.run(&mut guest.p, 1000), BREAKPOINT);
            assert_eq!(at(&guest), (CODE + 16, slot as u8));
            let done = |number: u64| 3 * round + 1 + u64::from(number < slot as u64);
            assert_eq!([8, 9, 10].map(|r| guest.p.gr(r)), [0, 1, 2].map(done));
            // It stands until it is stepped over.
            assert_eq!(guest.engine.run(&mut guest.p, 1000), BREAKPOINT);
            assert_eq!(guest.engine.step(&mut guest.p), Exit::Budget);
        }
        guest.p.set_debugger(DebuggerWants::default());
        assert_eq!(guest.engine.run(&mut guest.p, 1000), Exit::Budget);
    }
}

#[test]
fn a_step_is_one_instruction_or_one_interruption() {
    let mut guest = summing();
    for (next, r8) in [((CODE, 1), 1), ((CODE, 2), 1), ((CODE + 16, 0), 1), ((CODE + 16, 1), 2)] {
        assert_eq!(guest.engine.step(&mut guest.p), Exit::Budget);
        assert_eq!((at(&guest), guest.p.gr(8)), (next, r8));
    }
    assert_eq!(guest.p.instructions, 4);
    guest.put(CODE, &[alone(encode(Opcode::M(M::Break), &[5])).0]);
    guest.go(CODE);
    assert_eq!(guest.engine.step(&mut guest.p), Exit::Budget);
    assert_eq!((at(&guest), guest.p.instructions), ((IVT + Vector::BreakInstruction as u64, 0), 4));
    assert_eq!(guest.engine.step(&mut guest.p), Exit::Budget);
    assert_eq!((at(&guest), guest.p.instructions), ((IVT + Vector::BreakInstruction as u64, 1), 5));
}

#[test]
fn watchpoints_stop_after_the_access() {
    const DATA: u64 = 0x4_0000;
    let load = encode(Opcode::M(M::Ld4), &[0, 8, 9]);
    let store = encode(Opcode::M(M::St2), &[0, 9, 8]);
    let swap = encode(Opcode::M(M::Xchg1), &[0, 8, 9, 10]);
    for (accesses, told) in [
        (Accesses::Reads, [true, false, true]),
        (Accesses::Writes, [false, true, true]),
        (Accesses::All, [true, true, true]),
    ] {
        for (instruction, told) in [load, store, swap].into_iter().zip(told) {
            for (address, length, near) in
                [(DATA, 1, true), (DATA - 7, 8, true), (DATA - 8, 8, false), (DATA + 4, 1, false)]
            {
                let mut guest = summing();
                guest.program(CODE, &[instruction, add(11, 1), branch(0)]);
                // The soft TLB knows the page.
                guest.p.set_gr(9, DATA, false);
                assert_eq!(guest.engine.run(&mut guest.p, 10), Exit::Budget);
                guest.go(CODE);
                let watched = Watchpoint { address, length, accesses };
                guest.p.set_debugger(DebuggerWants { breakpoints: [].into(), watchpoints: vec![watched] });
                let exit = guest.engine.run(&mut guest.p, 10);
                if told && near {
                    assert_eq!(exit, Exit::Debugger(DebuggerStop::Watchpoint(watched)));
                    assert_eq!(at(&guest), (CODE, 1));
                } else {
                    assert_eq!(exit, Exit::Budget, "{instruction:?} {watched:?}");
                }
                guest.go(CODE);
                let told = told && near;
                let exit = guest.engine.step(&mut guest.p);
                assert_eq!(exit != Exit::Budget, told, "{instruction:?} {watched:?}");
            }
        }
    }
}

#[test]
fn watchpoints_see_the_register_stack_engine() {
    const STACK: u64 = 0x4_0000;
    let mut guest = Guest::new();
    guest.p.set_bspstore(STACK);
    guest.p.registers.ar[ar::RSC] = 0;
    guest.program(
        CODE,
        &[
            encode(Opcode::M(M::Alloc), &[2, 2, 2, 0]),
            encode(Opcode::B(B::Cover), &[]),
            encode(Opcode::M(M::Flushrs), &[]),
            branch(0),
        ],
    );
    let watched = Watchpoint { address: STACK + 8, length: 8, accesses: Accesses::Writes };
    guest.p.set_debugger(DebuggerWants { breakpoints: [].into(), watchpoints: vec![watched] });
    assert_eq!(guest.engine.run(&mut guest.p, 100), Exit::Debugger(DebuggerStop::Watchpoint(watched)));
    assert_eq!(at(&guest), (CODE + 32, 1));
}
