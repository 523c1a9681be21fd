//! Where gdb connects: a TCP port of this host, or a Unix socket. Whoever can connect controls the guest.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::str::FromStr;

use patchbay_vmm::control::server::{ListenError, listen_at};

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A port of a loopback address: only this host connects.
    Tcp(SocketAddr),
    /// A Unix socket, that only its owner connects to.
    Unix(PathBuf),
}

/// A text is no address to listen at.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// It is not of one of the two forms.
    #[error("an address is 127.0.0.1:PORT, or the path of a Unix socket")]
    Form,
    /// Others could connect.
    #[error("{0} is not an address of this host alone, such as 127.0.0.1")]
    Open(SocketAddr),
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Address, AddressError> {
        let local = text.strip_prefix("localhost:").or(text.strip_prefix(':')).map(|port| format!("127.0.0.1:{port}"));
        match local.as_deref().unwrap_or(text).parse::<SocketAddr>() {
            Ok(address) if address.ip().is_loopback() => Ok(Address::Tcp(address)),
            Ok(address) => Err(AddressError::Open(address)),
            Err(_) => match text.strip_prefix("unix:") {
                Some(path) if !path.is_empty() => Ok(Address::Unix(path.into())),
                None if text.contains('/') => Ok(Address::Unix(text.into())),
                _ => Err(AddressError::Form),
            },
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Address::Tcp(address) => address.fmt(f),
            Address::Unix(path) => path.display().fmt(f),
        }
    }
}

/// A socket that listens.
pub(super) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

impl Listener {
    pub(super) fn new(address: &Address) -> Result<Listener, ListenError> {
        match address {
            Address::Tcp(address) => TcpListener::bind(address)
                .map(Listener::Tcp)
                .map_err(|source| ListenError::Listen { path: address.to_string().into(), source }),
            Address::Unix(path) => listen_at(path).map(|listener| Listener::Unix(listener, path.clone())),
        }
    }

    /// Where it listens; port 0 has become another.
    pub(super) fn address(&self) -> io::Result<Address> {
        match self {
            Listener::Tcp(listener) => listener.local_addr().map(Address::Tcp),
            Listener::Unix(_, path) => Ok(Address::Unix(path.clone())),
        }
    }

    pub(super) fn accept(&self) -> io::Result<Stream> {
        Ok(match self {
            Listener::Tcp(listener) => {
                let (stream, _) = listener.accept()?;
                stream.set_nodelay(true)?;
                Stream::Tcp(stream)
            }
            Listener::Unix(listener, _) => Stream::Unix(listener.accept()?.0),
        })
    }
}

/// A connection.
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    pub(super) fn try_clone(&self) -> io::Result<Stream> {
        match self {
            Stream::Tcp(stream) => stream.try_clone().map(Stream::Tcp),
            Stream::Unix(stream) => stream.try_clone().map(Stream::Unix),
        }
    }

    /// Ends it, for whoever reads it in another thread, too.
    pub(super) fn close(&self) {
        let _is_closed = match self {
            Stream::Tcp(stream) => stream.shutdown(std::net::Shutdown::Both),
            Stream::Unix(stream) => stream.shutdown(std::net::Shutdown::Both),
        };
    }
}

impl Read for Stream {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.read(bytes),
            Stream::Unix(stream) => stream.read(bytes),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.write(bytes),
            Stream::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Stream::Tcp(stream) => stream.flush(),
            Stream::Unix(stream) => stream.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let tcp = |text: &str| Address::Tcp(text.parse().expect("an address"));
        let unix = |text: &str| Address::Unix(text.into());
        for (text, address) in [
            ("127.0.0.1:1234", tcp("127.0.0.1:1234")),
            ("localhost:1", tcp("127.0.0.1:1")),
            (":0", tcp("127.0.0.1:0")),
            ("[::1]:9", tcp("[::1]:9")),
            ("unix:gdb", unix("gdb")),
            ("./gdb", unix("./gdb")),
            ("/tmp/a:1", unix("/tmp/a:1")),
        ] {
            assert_eq!(text.parse::<Address>().expect(text), address);
        }
        for text in ["", "1234", "gdb", "unix:", "localhost:x"] {
            assert!(matches!(text.parse::<Address>(), Err(AddressError::Form)), "{text}");
        }
        assert!(matches!("0.0.0.0:1234".parse::<Address>(), Err(AddressError::Open(_))));
    }
}
