//! A line on standard error that says what takes long; only on a terminal.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, bounded};
use patchbay::output::tell;

/// What takes less than this needs no line.
const PATIENCE: Duration = Duration::from_millis(300);
const INTERVAL: Duration = Duration::from_millis(100);

/// The line; dropping it clears it.
#[derive(Debug)]
pub(crate) struct Progress {
    thread: Option<(Sender<()>, std::thread::JoinHandle<()>)>,
}

impl Progress {
    pub(crate) fn start(what: String) -> Progress {
        if !io::stderr().is_terminal() {
            return Progress { thread: None };
        }
        let (done, ended) = bounded::<()>(0);
        let thread = std::thread::spawn(move || {
            let start = Instant::now();
            let mut shown = false;
            let mut interval = PATIENCE;
            while ended.recv_timeout(interval) == Err(crossbeam_channel::RecvTimeoutError::Timeout) {
                tell(format_args!("\r{what} … {:.1} s", start.elapsed().as_secs_f64()));
                shown = true;
                interval = INTERVAL;
            }
            if shown {
                tell(format_args!("\r\x1b[K"));
            }
        });
        Progress { thread: Some((done, thread)) }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((done, thread)) = self.thread.take() {
            drop(done);
            let _line_is_cleared = thread.join();
        }
    }
}
