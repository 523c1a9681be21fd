//! `--gdb ADDRESS`: a machine under gdb.
//!
//! A processor is a thread of gdb's. `registers` has gdb's numbers of registers, `memory` what gdb sees at an address,
//! `symbols` the names of addresses, `commands` what gdb has no operation for, `target` the operations of the protocol, and
//! `session` one connection.
//!
//! What gdb sees and changes is the guest's, under a monitor, too: its PSR and control registers, its memory without
//! triggers, its instructions one by one. Breakpoints are the engine's: nothing is written into memory for them.

pub mod address;
mod commands;
mod memory;
mod registers;
mod session;
mod symbols;
mod target;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use patchbay_machine::handle::Handle;
use patchbay_machine::loader::symbols::Symbols;
use patchbay_vmm::control::server::ListenError;

use address::{Address, Listener};

/// How long processors may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often somebody who waits for a machine, or its end, looks again.
const LOOK: Duration = Duration::from_millis(50);
/// How long the end of a machine waits for gdb to be told.
const FAREWELL: Duration = Duration::from_secs(1);

/// A machine that runs, and the names of its guest's addresses.
type Debugged = (Handle, Arc<Symbols>);

/// Why gdb cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum GdbError {
    /// It cannot connect.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The host gives no thread, or does not say where it listens.
    #[error("cannot serve gdb: {0}")]
    Host(#[from] std::io::Error),
}

/// A server of gdb, one connection at a time. Dropping it removes its socket.
pub struct Gdb {
    /// The machine that runs, if one does.
    machine: Arc<Mutex<Option<Debugged>>>,
    address: Address,
    /// Whether gdb is connected.
    serves: Arc<AtomicBool>,
}

impl Gdb {
    /// Listens at an address.
    ///
    /// # Errors
    /// If the host does not let it.
    pub fn listen(address: &Address) -> Result<Gdb, GdbError> {
        let listener = Listener::new(address)?;
        let address = listener.address()?;
        let machine: Arc<Mutex<Option<Debugged>>> = Arc::default();
        let serves = Arc::new(AtomicBool::new(false));
        let (debugged, served) = (Arc::clone(&machine), Arc::clone(&serves));
        let serve = move || {
            while let Ok(stream) = listener.accept() {
                let Some((handle, symbols)) = wait_for(&debugged) else { continue };
                served.store(true, Ordering::Release);
                if let Err(error) = session::serve(stream, &handle, &symbols) {
                    tracing::warn!("the connection of gdb has ended: {error}");
                }
                served.store(false, Ordering::Release);
            }
        };
        thread::Builder::new().name("gdb".to_owned()).spawn(serve)?;
        Ok(Gdb { machine, address, serves })
    }

    /// Where it listens; port 0 has become another.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// From now on this machine is debugged.
    pub fn attach(&self, machine: Handle, symbols: Arc<Symbols>) {
        *self.machine.lock().unwrap_or_else(PoisonError::into_inner) = Some((machine, symbols));
    }

    /// The machine has ended. Waits a moment for gdb to be told.
    pub fn detach(&self) {
        *self.machine.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let end = Instant::now() + FAREWELL;
        while self.serves.load(Ordering::Acquire) && Instant::now() < end {
            thread::sleep(LOOK / 5);
        }
    }
}

impl Drop for Gdb {
    fn drop(&mut self) {
        if let Address::Unix(path) = &self.address {
            let _is_gone = std::fs::remove_file(path);
        }
    }
}

/// The machine, once it runs. A machine that boots again is away for a moment.
fn wait_for(machine: &Mutex<Option<Debugged>>) -> Option<Debugged> {
    for _ in 0..100 {
        if let Some(debugged) = &*machine.lock().unwrap_or_else(PoisonError::into_inner) {
            return Some(debugged.clone());
        }
        thread::sleep(LOOK);
    }
    None
}
