//! The last words of the process: a plugin may crash it, or end it, after all. It says whose code was at work and gives the
//! terminal back; then it ends as it would have.
//!
//! The handler runs on the alternate stack that each thread of the standard library has, so that a stack overflow is told,
//! too. A thread that a plugin has started itself has none.

use std::ffi::{c_int, c_void};
use std::mem;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

use patchbay_vmm::plugins::crash::at_work;

use crate::console::restore_terminal_at_once;

/// What ends a process whose code is wrong.
const SIGNALS: [(c_int, &str); 5] = [
    (libc::SIGSEGV, "SIGSEGV"),
    (libc::SIGBUS, "SIGBUS"),
    (libc::SIGILL, "SIGILL"),
    (libc::SIGFPE, "SIGFPE"),
    (libc::SIGABRT, "SIGABRT"),
];
/// How much of a stack is searched for return addresses, in 8-byte words.
const WORDS: usize = 4096;

/// Whether the process ends because the command has ended.
static ORDERLY: AtomicBool = AtomicBool::new(false);

/// The command, while it runs. When it is dropped, the process may end.
pub(crate) struct Running(());

impl Running {
    /// From now on, an end of the process that is not the command's is told.
    pub(crate) fn start() -> Running {
        // SAFETY: `ended` may be called at any exit; `crashed` does only what a signal handler may.
        unsafe {
            let _is_not_told = libc::atexit(ended);
            let mut action: libc::sigaction = mem::zeroed();
            action.sa_sigaction = crashed as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
            libc::sigemptyset(&raw mut action.sa_mask);
            for (signal, _) in SIGNALS {
                libc::sigaction(signal, &raw const action, ptr::null_mut());
            }
        }
        Running(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        orderly();
    }
}

/// The process is about to end, as it should.
pub(crate) fn orderly() {
    ORDERLY.store(true, Ordering::Release);
}

/// At the end of the process: a plugin may have called `exit`.
extern "C" fn ended() {
    if ORDERLY.swap(true, Ordering::AcqRel) {
        return;
    }
    let here = 0_u64;
    restore_terminal_at_once();
    write(b"\r\npatchbay: the process is ended by ");
    if !at_work(stack(&raw const here as u64), &mut write) {
        write(b"code that does not say so");
    }
    write(b"\r\n");
}

/// At a signal: the fault repeats when this returns, or else the signal is raised again.
extern "C" fn crashed(signal: c_int, _: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel gives a handler the context of what it has interrupted.
    let (ip, sp) = unsafe { position(context.cast()) };
    // A second one, in here, is not told.
    // SAFETY: the default action may be set at any time.
    unsafe { libc::signal(signal, libc::SIG_DFL) };
    ORDERLY.store(true, Ordering::Release);
    restore_terminal_at_once();
    write(b"\r\npatchbay: ");
    let known = at_work(std::iter::once(ip).chain(stack(sp)), &mut write);
    if !known {
        write(b"the host itself");
    }
    write(b" crashes with ");
    write(SIGNALS.iter().find(|(number, _)| *number == signal).map_or("a signal", |(_, name)| name).as_bytes());
    write(if known { b", and the command with it\r\n" } else { b": this is a defect of patchbay\r\n" });
    // SAFETY: raising a signal is allowed in a handler.
    unsafe { libc::raise(signal) };
}

/// The instruction pointer and the stack pointer of what was interrupted.
unsafe fn position(context: *const libc::ucontext_t) -> (u64, u64) {
    // SAFETY: the caller's promise.
    let registers = unsafe { &(*context).uc_mcontext };
    #[cfg(target_arch = "x86_64")]
    return (
        registers.gregs[libc::REG_RIP as usize].cast_unsigned(),
        registers.gregs[libc::REG_RSP as usize].cast_unsigned(),
    );
    #[cfg(target_arch = "aarch64")]
    return (registers.pc, registers.sp);
}

/// The words of a stack from an address on, as far as there are any: return addresses are among them.
fn stack(from: u64) -> impl Iterator<Item = u64> {
    let mut next = from & !7;
    std::iter::from_fn(move || {
        let mut word = 0_u64;
        let here = libc::iovec { iov_base: (&raw mut word).cast(), iov_len: 8 };
        let there = libc::iovec { iov_base: next as *mut c_void, iov_len: 8 };
        // SAFETY: the kernel writes one word; an address that cannot be read is an error.
        let read = unsafe { libc::process_vm_readv(libc::getpid(), &raw const here, 1, &raw const there, 1, 0) };
        next = next.wrapping_add(8);
        (read == 8).then_some(word)
    })
    .take(WORDS)
}

/// Writes to standard error without a lock.
fn write(text: &[u8]) {
    // SAFETY: the bytes are there.
    let _nobody_to_tell = unsafe { libc::write(libc::STDERR_FILENO, text.as_ptr().cast(), text.len()) };
}
