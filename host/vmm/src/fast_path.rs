//! What the fast path, from a trigger to the resumed guest, must not do: allocate, or wait for a lock. Builds with debug
//! assertions know whether a thread is on it. `ptc.g` and `ptc.ga` wait for the other processors, as the instructions do,
//! and for the lock of each one's purges.

use std::sync::{Mutex, MutexGuard, PoisonError};

#[cfg(debug_assertions)]
thread_local! {
    static ON_IT: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Whether this thread is on the fast path; always `false` without debug assertions.
#[must_use]
pub fn on_it() -> bool {
    #[cfg(debug_assertions)]
    return ON_IT.get();
    #[cfg(not(debug_assertions))]
    false
}

/// Does something on the fast path.
#[inline]
pub fn path<T>(function: impl FnOnce() -> T) -> T {
    #[cfg(debug_assertions)]
    ON_IT.set(true);
    let result = function();
    #[cfg(debug_assertions)]
    ON_IT.set(false);
    result
}

/// Leaves the fast path for something that it may not do.
#[cold]
pub fn leave<T>(function: impl FnOnce() -> T) -> T {
    #[cfg(debug_assertions)]
    let was = ON_IT.replace(false);
    let result = function();
    #[cfg(debug_assertions)]
    ON_IT.set(was);
    result
}

/// Takes one of the monitor's locks.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    debug_assert!(!on_it(), "the fast path takes a lock");
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
