//! The server of the control protocol: a socket, and a thread a client.

use std::collections::HashMap;
use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::net::Shutdown;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use serde_json::{Value, json};

use super::commands;
use super::console::text_of;
use super::events::Event;
use super::protocol::{self, LINE_MAX, Line, Lines, Request};
use super::{Control, Target};

/// How long a client may leave its answers unread.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// How long the server waits for its clients' threads when it ends, and when the host has no descriptor left.
const PAUSE: Duration = Duration::from_millis(500);
/// Clients that connect while so many are there are sent away.
pub const CLIENTS_MAX: usize = 256;

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Somebody listens there.
    #[error("{} is in use: something listens there", .0.display())]
    InUse(PathBuf),
    /// Something else is there.
    #[error("{} exists and is not a socket", .0.display())]
    Exists(PathBuf),
    /// The socket cannot be made.
    #[error("cannot listen at {}: {source}", path.display())]
    Listen {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A server. Dropping it disconnects all clients and removes the socket.
#[derive(Debug)]
pub struct Server {
    path: PathBuf,
    /// The socket's device and inode.
    identity: (u64, u64),
    listener: Arc<UnixListener>,
    clients: Arc<Clients>,
    /// Disconnected when all threads have ended.
    ended: Receiver<()>,
}

/// The clients that are connected.
#[derive(Debug, Default)]
struct Clients {
    closed: AtomicBool,
    streams: Mutex<HashMap<u64, UnixStream>>,
}

impl Clients {
    fn streams(&self) -> MutexGuard<'_, HashMap<u64, UnixStream>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Server {
    /// Listens at a path that nothing is at, or a socket at which nobody listens any more.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn listen(path: &Path, control: Arc<Control>) -> Result<Server, ListenError> {
        let failed = |source: io::Error| ListenError::Listen { path: path.to_owned(), source };
        let listener = Arc::new(listen_at(path)?);
        let made = fs::symlink_metadata(path).map_err(failed)?;
        let clients = Arc::new(Clients::default());
        let (running, ended) = bounded(0);
        let (accepting, known) = (Arc::clone(&listener), Arc::clone(&clients));
        thread::Builder::new()
            .name("control".to_owned())
            .spawn(move || accept(&accepting, &known, &control, &running))
            .map_err(failed)?;
        Ok(Server { path: path.to_owned(), identity: (made.dev(), made.ino()), listener, clients, ended })
    }

    /// Removes the socket, and disconnects all clients when they have had the answers to what they have asked.
    pub fn close(&self) {
        self.clients.closed.store(true, Ordering::Release);
        let _nobody_listens = rustix::net::shutdown(&self.listener, rustix::net::Shutdown::Both);
        for stream in self.clients.streams().values() {
            let _is_gone = stream.shutdown(Shutdown::Read);
        }
        let identity = fs::symlink_metadata(&self.path).map(|found| (found.dev(), found.ino()));
        if identity.is_ok_and(|identity| identity == self.identity) {
            let _is_gone = fs::remove_file(&self.path);
        }
        let _all_ended_or_it_takes_too_long = self.ended.recv_timeout(PAUSE);
        for stream in self.clients.streams().values() {
            let _is_gone = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.close();
    }
}

/// Listens at a path that nothing is at, or a socket at which nobody listens any more. Only the owner can connect.
///
/// # Errors
/// Why it cannot.
pub fn listen_at(path: &Path) -> Result<UnixListener, ListenError> {
    vacate(path)?;
    bind(path).map_err(|source| ListenError::Listen { path: path.to_owned(), source })
}

/// Removes a socket at which nobody listens.
fn vacate(path: &Path) -> Result<(), ListenError> {
    let failed = |source| ListenError::Listen { path: path.to_owned(), source };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed(error)),
        Ok(found) if !found.file_type().is_socket() => Err(ListenError::Exists(path.to_owned())),
        Ok(_) => match UnixStream::connect(path) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path).map_err(failed),
            Ok(_) => Err(ListenError::InUse(path.to_owned())),
            Err(error) => Err(failed(error)),
        },
    }
}

/// A socket that nobody can connect to before its mode says who may.
fn bind(path: &Path) -> io::Result<UnixListener> {
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)?;
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    rustix::net::listen(&socket, 128)?;
    Ok(UnixListener::from(socket))
}

/// Accepts clients until the server is closed.
fn accept(listener: &UnixListener, clients: &Arc<Clients>, control: &Arc<Control>, running: &Sender<()>) {
    for number in 0.. {
        let stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(_) if clients.closed.load(Ordering::Acquire) => return,
            Err(error) => {
                tracing::warn!("cannot accept a client of the control socket: {error}");
                thread::sleep(PAUSE);
                continue;
            }
        };
        if clients.closed.load(Ordering::Acquire) {
            return;
        }
        let _stays_blocking = stream.set_write_timeout(Some(PATIENCE));
        let Ok(known) = stream.try_clone() else { continue };
        let full = {
            let mut streams = clients.streams();
            streams.insert(number, known);
            streams.len() > CLIENTS_MAX
        };
        let connected = Connected { clients: Arc::clone(clients), number };
        let (control, running) = (Arc::clone(control), running.clone());
        let serve = move || {
            let (_running, _connected) = (running, connected);
            let connection = Arc::new(Connection { writer: Mutex::new(stream), state: AtomicU8::new(SILENT) });
            if full {
                connection.send(&json!({ "error": format!("{CLIENTS_MAX} clients are connected already") }));
            } else {
                connection.serve(&control);
            }
            connection.state.store(CLOSED, Ordering::Release);
            connection.disconnect();
        };
        // Without a thread, the client is sent away as this is dropped.
        let _no_thread = thread::Builder::new().name("control client".to_owned()).spawn(serve);
    }
}

/// A client that is known as long as this exists.
struct Connected {
    clients: Arc<Clients>,
    number: u64,
}

impl Drop for Connected {
    fn drop(&mut self) {
        if let Some(stream) = self.clients.streams().remove(&self.number) {
            let _is_gone = stream.shutdown(Shutdown::Both);
        }
    }
}

/// A connection gets answers only.
const SILENT: u8 = 0;
/// It gets events, too.
const FOLLOWS: u8 = 1;
/// Nothing is read from it any more.
const CLOSED: u8 = 2;

/// A client's connection.
#[derive(Debug)]
pub struct Connection {
    writer: Mutex<UnixStream>,
    state: AtomicU8,
}

/// Sends what a guest prints until it ends or the client leaves.
fn send_console(connection: &Connection, number: u32, pieces: &Receiver<Arc<[u8]>>) {
    while connection.state.load(Ordering::Acquire) != CLOSED {
        let sent = match pieces.recv_timeout(PAUSE) {
            Ok(piece) => connection.send(&json!({ "vm": number, "console": text_of(&piece) })),
            Err(RecvTimeoutError::Timeout) => true,
            Err(RecvTimeoutError::Disconnected) => {
                connection.send(&json!({ "vm": number, "console": null }));
                return;
            }
        };
        if !sent {
            return;
        }
    }
}

/// A client, as commands see it.
pub struct Session<'a> {
    /// What it controls.
    pub control: &'a Control,
    /// The number of the virtual machine that a request names.
    pub vm: Option<u32>,
    connection: &'a Arc<Connection>,
}

impl Session<'_> {
    /// The virtual machine that the request is about.
    ///
    /// # Errors
    /// A sentence if there is none.
    pub fn target(&self) -> Result<Target, String> {
        self.control.target(self.vm)
    }

    /// Sends events when they happen, until the client leaves.
    ///
    /// # Errors
    /// If they are sent already, or the host gives no thread.
    pub fn follow(&self, events: Receiver<Event>) -> Result<(), String> {
        let connection = Arc::clone(self.connection);
        if connection.state.swap(FOLLOWS, Ordering::AcqRel) == FOLLOWS {
            return Err("events are sent on this connection already".to_owned());
        }
        let forward = move || {
            while connection.state.load(Ordering::Acquire) != CLOSED {
                match events.recv_timeout(PAUSE) {
                    Ok(event) if connection.send(&json!({ "event": event })) => {}
                    Err(RecvTimeoutError::Timeout) => {}
                    _ => return,
                }
            }
        };
        let thread = thread::Builder::new().name("control events".to_owned()).spawn(forward);
        thread.map(|_| ()).map_err(|error| {
            self.connection.state.store(SILENT, Ordering::Release);
            format!("the host gives no thread: {error}")
        })
    }
}

impl Session<'_> {
    /// Sends what the guest of a machine prints, until it ends or the client leaves.
    ///
    /// # Errors
    /// If the host gives no thread.
    pub fn follow_console(&self, number: u32, pieces: Receiver<Arc<[u8]>>) -> Result<(), String> {
        let connection = Arc::clone(self.connection);
        let thread = thread::Builder::new().name("control console".to_owned());
        let spawned = thread.spawn(move || send_console(&connection, number, &pieces));
        spawned.map(|_| ()).map_err(|error| format!("the host gives no thread: {error}"))
    }
}

impl Connection {
    /// Serves the client until it leaves.
    fn serve(self: &Arc<Connection>, control: &Control) {
        let Ok(reader) = self.lock().try_clone() else { return };
        let mut lines = Lines::new(reader);
        let mut goes_on = self.send(&protocol::greeting());
        while goes_on {
            goes_on = match lines.next_line() {
                None => false,
                Some(Line::Whole(line)) if line.trim_ascii().is_empty() => true,
                Some(Line::Whole(line)) => {
                    let (id, request) = protocol::request(&line);
                    let execute = |request: Request| {
                        let session = Session { control, vm: request.vm, connection: self };
                        // A request that the server cannot stand is no reason to leave its client without an answer.
                        catch_unwind(AssertUnwindSafe(|| commands::execute(&session, request)))
                            .unwrap_or_else(|_| Err("the server has failed in this command".to_owned()))
                    };
                    self.send(&protocol::answer(id, request.and_then(execute)))
                }
                Some(Line::TooLong) => {
                    let sentence = format!("a line has at most {LINE_MAX} bytes");
                    self.send(&protocol::answer(None, Err(sentence)))
                }
            };
        }
    }

    /// Sends a line; whether the client has taken it. One that does not is disconnected.
    fn send(&self, line: &Value) -> bool {
        let sent = self.lock().write_all(format!("{line}\n").as_bytes()).is_ok();
        if !sent {
            self.disconnect();
        }
        sent
    }

    fn disconnect(&self) {
        let _is_gone = self.lock().shutdown(Shutdown::Both);
    }

    fn lock(&self) -> MutexGuard<'_, UnixStream> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
