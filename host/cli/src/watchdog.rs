//! Ends the command when its machines were switched off and a processor does not notice: a routine of a plugin may never
//! return, and nothing can make it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use patchbay_machine::handle::Handle;

use crate::crash;
use patchbay::output::tell;

/// How long processors may take to notice.
const PATIENCE: Duration = Duration::from_secs(5);
const INTERVAL: Duration = Duration::from_millis(200);

/// The machines that run, each at its number.
type Machines = Arc<Mutex<Vec<Option<Handle>>>>;

/// Watches machines until this is dropped.
pub(crate) struct Watchdog {
    machines: Machines,
    #[expect(dead_code, reason = "dropping it is its use")]
    watches: Sender<()>,
}

impl Watchdog {
    /// Watches so many machines, none of which runs yet; `before_exit` is done before the process exits with status 1.
    pub(crate) fn start(machines: usize, before_exit: impl Fn() + Send + 'static) -> Watchdog {
        let (watches, done) = bounded::<()>(0);
        let machines = Machines::new(Mutex::new(vec![None; machines]));
        let watched = Arc::clone(&machines);
        std::thread::spawn(move || {
            let mut ended: Option<Instant> = None;
            while done.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                if !only_stuck(&watched) {
                    ended = None;
                } else if ended.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
                    before_exit();
                    tell(format_args!(
                        "patchbay: the machine is off, and a processor is still in code of a plugin that does not return\n"
                    ));
                    crash::orderly();
                    std::process::exit(1);
                }
            }
        });
        Watchdog { machines, watches }
    }

    /// A machine starts to run, or has ended.
    pub(crate) fn watch(&self, number: usize, machine: Option<Handle>) {
        if let Some(watched) = lock(&self.machines).get_mut(number) {
            *watched = machine;
        }
    }
}

/// Whether all machines that run were switched off.
fn only_stuck(machines: &Machines) -> bool {
    let machines = lock(machines);
    let mut running = machines.iter().flatten().peekable();
    running.peek().is_some() && running.all(Handle::has_ended)
}

fn lock(machines: &Machines) -> std::sync::MutexGuard<'_, Vec<Option<Handle>>> {
    machines.lock().unwrap_or_else(PoisonError::into_inner)
}
