//! Code of plugins that may never end, on a thread of its own.

use std::io;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};

/// Does something on a thread of its own, and waits so long for it. `None` if it takes longer: it is left behind, and what
/// it gives is dropped.
///
/// # Errors
/// If the host gives no thread.
pub(crate) fn within<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<Option<T>> {
    let (sender, receiver) = bounded(1);
    let work = move || {
        let _nobody_waits = sender.send(work());
    };
    thread::Builder::new().name("plugin".to_owned()).spawn(work)?;
    Ok(receiver.recv_timeout(limit).ok())
}

/// Drops something on a thread of its own; disconnected when that is done.
pub(crate) fn dropped<T: Send + 'static>(what: T) -> Receiver<()> {
    let (dropping, done) = bounded(0);
    let work = move || {
        drop(what);
        drop(dropping);
    };
    if let Err(error) = thread::Builder::new().name("destroy".to_owned()).spawn(work) {
        tracing::warn!("the host gives no thread: {error}");
    }
    done
}
