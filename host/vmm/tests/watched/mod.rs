//! An allocator that counts what the fast path asks for.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use patchbay_vmm::fast_path;

/// The system's allocator.
struct Watched;

thread_local! {
    static ON_FAST_PATH: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: all is the system's.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if fast_path::on_it() {
            ON_FAST_PATH.set(ON_FAST_PATH.get() + 1);
        }
        // SAFETY: the caller vouches for the layout.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller vouches for both.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Watched = Watched;

/// This thread's allocations on the fast path.
pub(crate) fn allocations() -> u64 {
    ON_FAST_PATH.get()
}
