//! Code of plugins that may never end, on a thread of its own.

use std::io;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};

/// Why something has given nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NothingGiven {
    /// The host gives no thread.
    #[error("the host gives no thread: {0}")]
    NoThread(#[from] io::Error),
    /// It takes longer: it is left behind, and what it gives is dropped.
    #[error("it takes longer than {0:?}")]
    Late(Duration),
    /// It has panicked.
    #[error("its thread has panicked")]
    Panicked,
}

/// Does something on a thread of its own, and waits so long for it.
///
/// # Errors
/// Why it has given nothing.
pub(crate) fn within<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, NothingGiven> {
    let (sender, receiver) = bounded(1);
    let work = move || {
        let _nobody_waits = sender.send(work());
    };
    thread::Builder::new().name("plugin".to_owned()).spawn(work)?;
    receiver.recv_timeout(limit).map_err(|error| match error {
        RecvTimeoutError::Timeout => NothingGiven::Late(limit),
        RecvTimeoutError::Disconnected => NothingGiven::Panicked,
    })
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
