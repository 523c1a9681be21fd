//! Standard output and standard error, which may be full, or closed by who reads them.

use std::fmt;
use std::io::{self, Write};

/// Writes to standard output.
///
/// # Errors
/// If it is full. One that is closed has had all that its reader wanted.
pub fn print(text: fmt::Arguments<'_>) -> io::Result<()> {
    let mut output = io::stdout().lock();
    unless_closed(output.write_fmt(text).and_then(|()| output.flush()))
}

/// Writes to standard error. What cannot be written there cannot be told anywhere.
pub fn tell(text: fmt::Arguments<'_>) {
    let _nobody_to_tell = io::stderr().lock().write_fmt(text);
}

/// A reader that closes standard output early has had enough.
///
/// # Errors
/// All others.
pub fn unless_closed(written: io::Result<()>) -> io::Result<()> {
    written.or_else(|error| if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) })
}

/// Why a command's answer cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to standard output: {0}")]
pub struct OutputError(#[from] pub io::Error);
