//! No routine allocates.

mod building;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use building::{general, specialised};
use patchbay_plugin_api::prelude::*;
use patchbay_plugin_api::testing::{TestVp, instruction};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: it is the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn no_routine_allocates() {
    let mut machine = TestVp::new();
    machine.run(&specialised(&instruction(Mnemonic::Cover)), &instruction(Mnemonic::Cover));
    for &mnemonic in Mnemonic::ALL {
        let instruction = instruction(mnemonic);
        for routine in [specialised(&instruction), general(&instruction)] {
            let before = ALLOCATIONS.get();
            machine.run(&routine, &instruction);
            assert_eq!(ALLOCATIONS.get(), before, "{}", mnemonic.name());
        }
    }
}
