//! Consoles that others come to: a pseudo-terminal, and a socket.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::Receiver;
use patchbay_vmm::control::console::Line;
use patchbay_vmm::control::server::{ListenError, listen_at};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

/// What a client of a socket, or who has opened a pseudo-terminal, may leave unread for so long.
const PATIENCE: Duration = Duration::from_secs(1);

/// A console that others come to. Its place is gone with it.
pub(super) struct Open {
    socket: Option<PathBuf>,
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(socket) = &self.socket {
            let _is_gone = std::fs::remove_file(socket);
        }
    }
}

/// Opens a pseudo-terminal; its name, and what keeps it.
pub(super) fn open_pty(line: &Arc<Line>) -> io::Result<(Open, String)> {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let name = ptsname(&master, Vec::new())?.to_string_lossy().into_owned();
    let slave = open(name.as_str(), OFlags::RDWR | OFlags::NOCTTY, Mode::empty())?;
    let mut attributes = tcgetattr(&slave)?;
    attributes.make_raw();
    tcsetattr(&slave, OptionalActions::Now, &attributes)?;
    let reader = File::from(master);
    let writer = reader.try_clone()?;
    let (recent, pieces) = line.read();
    let output = move || {
        // As long as it is open here, it keeps its attributes when others close it.
        let _slave = slave;
        write_what_is_taken(&writer, &recent, &pieces);
    };
    thread::Builder::new().name("pty".to_owned()).spawn(output)?;
    type_what_comes(reader, line)?;
    Ok((Open { socket: None }, name))
}

/// Writes as long as somebody reads. What nobody takes for a while is lost, as on a serial line.
fn write_what_is_taken(mut to: &File, recent: &[u8], pieces: &Receiver<Arc<[u8]>>) {
    let mut write = |bytes: &[u8]| {
        // Small pieces do not block when the poll says that there is room.
        for part in bytes.chunks(256) {
            let mut ready = [PollFd::new(to, PollFlags::OUT)];
            let patience = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
            match poll(&mut ready, Some(&patience)) {
                Ok(1..) => to.write_all(part)?,
                _ => return Ok(()),
            }
        }
        io::Result::Ok(())
    };
    let _is_gone = write(recent).and_then(|()| pieces.iter().try_for_each(|piece| write(&piece)));
}

/// Types what comes from somewhere until it ends.
fn type_what_comes(mut from: impl Read + Send + 'static, line: &Arc<Line>) -> io::Result<()> {
    let line = Arc::clone(line);
    let input = move || {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            line.send(&buffer[..length]);
        }
    };
    thread::Builder::new().name("console input".to_owned()).spawn(input).map(|_| ())
}

/// Listens at a socket; each client reads all that the guest prints, and types.
pub(super) fn open_socket(path: &Path, line: &Arc<Line>) -> Result<Open, ListenError> {
    let listener = listen_at(path)?;
    let line = Arc::clone(line);
    let accept = move || {
        for client in listener.incoming() {
            let _has_left = client.and_then(|client| serve(client, &line));
        }
    };
    let failed = |source| ListenError::Listen { path: path.to_owned(), source };
    thread::Builder::new().name("console".to_owned()).spawn(accept).map_err(failed)?;
    Ok(Open { socket: Some(path.to_owned()) })
}

fn serve(client: UnixStream, line: &Arc<Line>) -> io::Result<()> {
    client.set_write_timeout(Some(PATIENCE))?;
    let mut writer = client.try_clone()?;
    let (recent, pieces) = line.read();
    let output = move || {
        let written = writer.write_all(&recent);
        let _has_left = written.and_then(|()| pieces.iter().try_for_each(|piece| writer.write_all(&piece)));
        let _is_gone = writer.shutdown(std::net::Shutdown::Both);
    };
    thread::Builder::new().name("console client".to_owned()).spawn(output)?;
    type_what_comes(client, line)
}
