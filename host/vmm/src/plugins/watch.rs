//! Watching a plugin library: whether it calls functions of the C library that its routines must not call.
//!
//! The library's global offset table gets the addresses of functions that note the call and pass it on.

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::io;

use object::{File, Object, ObjectSymbol, ObjectSymbolTable, RelocationTarget};
use patchbay_plugin_api::loading::ROOT_MODULE;
use rustix::mm::{MprotectFlags, mprotect};

thread_local! {
    static SEEN: Cell<Option<&'static str>> = const { Cell::new(None) };
}

/// What a library that is watched has done last on this thread, of what the fast path must not do, since this was asked
/// last.
#[must_use]
pub fn forbidden() -> Option<&'static str> {
    SEEN.take()
}

macro_rules! watched {
    ($($what:literal: $(fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?;)*)*) => {
        unsafe extern "C" {
            $($(fn $name($($argument: $type),*) $(-> $result)?;)*)*
        }

        /// What notes the calls of each function.
        mod noting {
            use super::{SEEN, c_int, c_void};

            $($(
                pub(super) unsafe extern "C" fn $name($($argument: $type),*) $(-> $result)? {
                    SEEN.set(Some($what));
                    // SAFETY: the caller's promise.
                    unsafe { super::$name($($argument),*) }
                }
            )*)*
        }

        /// The address of what notes the calls of a function, if it is watched.
        fn watcher(name: &str) -> Option<*const c_void> {
            match name {
                $($(stringify!($name) => Some(noting::$name as *const c_void),)*)*
                _ => None,
            }
        }
    };
}

watched! {
    "allocates memory":
        fn malloc(size: usize) -> *mut c_void;
        fn calloc(count: usize, size: usize) -> *mut c_void;
        fn realloc(block: *mut c_void, size: usize) -> *mut c_void;
        fn posix_memalign(block: *mut *mut c_void, alignment: usize, size: usize) -> c_int;
        fn aligned_alloc(alignment: usize, size: usize) -> *mut c_void;
    "frees memory":
        fn free(block: *mut c_void);
    "writes to a file or a terminal":
        fn write(file: c_int, bytes: *const c_void, length: usize) -> isize;
        fn writev(file: c_int, pieces: *const c_void, count: c_int) -> isize;
    "waits":
        fn nanosleep(time: *const c_void, left: *mut c_void) -> c_int;
        fn clock_nanosleep(clock: c_int, flags: c_int, time: *const c_void, left: *mut c_void) -> c_int;
        fn sched_yield() -> c_int;
    "takes a lock":
        fn pthread_mutex_lock(mutex: *mut c_void) -> c_int;
}

/// The size of the pages whose protection is changed, in bytes; a multiple of the machine's.
const PAGE: usize = 0x1000;

/// Watches a library that is mapped from this file.
///
/// # Errors
/// If its table cannot be changed.
///
/// # Safety
/// `root_module` is the address of the symbol [`ROOT_MODULE`] in the mapped library, and no thread calls the library
/// meanwhile.
pub(super) unsafe fn watch(data: &[u8], root_module: *const c_void) -> io::Result<()> {
    let damaged = |error: object::Error| io::Error::new(io::ErrorKind::InvalidData, error);
    let file = File::parse(data).map_err(damaged)?;
    let Some(symbols) = file.dynamic_symbol_table() else { return Ok(()) };
    let root = symbols.symbols().find(|symbol| symbol.name_bytes() == Ok(ROOT_MODULE.to_bytes()));
    let Some(root) = root else { return Ok(()) };
    let base = (root_module as usize).wrapping_sub(root.address() as usize);
    for (offset, relocation) in file.dynamic_relocations().into_iter().flatten() {
        let RelocationTarget::Symbol(index) = relocation.target() else { continue };
        let name = symbols.symbol_by_index(index).and_then(|symbol| symbol.name()).map_err(damaged)?;
        let Some(watcher) = watcher(name) else { continue };
        let entry = base.wrapping_add(offset as usize) as *mut *const c_void;
        let page = (entry as usize & !(PAGE - 1)) as *mut c_void;
        // SAFETY: the page is the library's; the entry holds the address of a function of the same type.
        unsafe {
            mprotect(page, PAGE, MprotectFlags::READ | MprotectFlags::WRITE)?;
            entry.write_unaligned(watcher);
        }
    }
    Ok(())
}
