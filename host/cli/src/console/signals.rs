//! Signals: those that end the command end the machine first, and a stopped command leaves a usable terminal.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;

use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use super::terminal;

/// The signal that ended the machine, if one did.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ended(Arc<AtomicI32>);

impl Ended {
    /// The number of the signal.
    pub(crate) fn signal(&self) -> Option<i32> {
        Some(self.0.load(Ordering::Acquire)).filter(|signal| *signal != 0)
    }
}

/// Watches for signals; `quit` ends the machine. A second signal ends the command at once.
pub(crate) fn watch(quit: impl Fn() + Send + 'static) -> io::Result<Ended> {
    let ended = Ended::default();
    let first = ended.clone();
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGCONT])?;
    thread::spawn(move || {
        for signal in &mut signals {
            match signal {
                SIGTSTP => {
                    terminal::restore();
                    let _stopped = emulate_default_handler(SIGTSTP);
                }
                SIGCONT => terminal::resume(),
                _ if first.signal().is_some() => {
                    terminal::restore();
                    let _ended = emulate_default_handler(signal);
                }
                _ => {
                    first.0.store(signal, Ordering::Release);
                    quit();
                }
            }
        }
    });
    Ok(ended)
}
