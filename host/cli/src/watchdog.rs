//! Ends the command when its machine was switched off and a processor does not notice: a routine of a plugin may never
//! return, and nothing can make it.

use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use patchbay_machine::handle::Handle;

/// How long processors may take to notice.
const PATIENCE: Duration = Duration::from_secs(5);
const INTERVAL: Duration = Duration::from_millis(200);

/// Watches a machine until this is dropped.
#[derive(Debug)]
pub(crate) struct Watchdog(#[expect(dead_code, reason = "dropping it is its use")] Sender<()>);

/// Watches a machine; `before_exit` is done before the process exits with status 1.
pub(crate) fn watch(machine: Handle, before_exit: impl Fn() + Send + 'static) -> Watchdog {
    let (watches, done) = bounded::<()>(0);
    std::thread::spawn(move || {
        let mut ended: Option<Instant> = None;
        while done.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
            if machine.has_ended() && ended.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
                before_exit();
                eprintln!(
                    "patchbay: the machine is off, and a processor is still in code of a plugin that does not return"
                );
                std::process::exit(1);
            }
        }
    });
    Watchdog(watches)
}
