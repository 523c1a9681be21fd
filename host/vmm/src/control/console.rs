//! The console of a virtual machine, for whoever wants to read it and type: the terminal, a pseudo-terminal, a socket,
//! clients of the control protocol. What is not read is lost to who does not read it, and nobody else waits.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use patchbay_machine::machine::Input;

/// How much of what the guest has printed last is kept for who comes later, in bytes.
const RECENT: usize = 16 << 10;
/// The pieces that wait for a reader that is slow.
const WAITING: usize = 1024;

/// A console.
#[derive(Default)]
pub struct Line {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The machine that what is typed goes to; a reset exchanges it.
    input: Option<Input>,
    recent: VecDeque<u8>,
    readers: Vec<Sender<Arc<[u8]>>>,
    closed: bool,
}

impl Line {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on, this machine gets what is typed.
    pub fn connect(&self, input: Input) {
        self.lock().input = Some(input);
    }

    /// The machine that gets what is typed.
    #[must_use]
    pub fn input(&self) -> Option<Input> {
        self.lock().input.clone()
    }

    /// Types bytes.
    pub fn send(&self, bytes: &[u8]) {
        if let Some(input) = self.input() {
            input.send(bytes);
        }
    }

    /// The guest has printed something.
    pub fn print(&self, bytes: &[u8]) {
        let mut state = self.lock();
        state.recent.extend(bytes);
        let surplus = state.recent.len().saturating_sub(RECENT);
        state.recent.drain(..surplus);
        if state.readers.is_empty() {
            return;
        }
        let piece: Arc<[u8]> = bytes.into();
        state
            .readers
            .retain(|reader| !matches!(reader.try_send(Arc::clone(&piece)), Err(TrySendError::Disconnected(_))));
    }

    /// What the guest has printed last, and what it will print as long as the receiver exists. It is disconnected when the
    /// guest has ended.
    #[must_use]
    pub fn read(&self) -> (Vec<u8>, Receiver<Arc<[u8]>>) {
        let (reader, pieces) = bounded(WAITING);
        let mut state = self.lock();
        if !state.closed {
            state.readers.push(reader);
        }
        (state.recent.iter().copied().collect(), pieces)
    }

    /// The guest has ended: its readers are told.
    pub fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.readers.clear();
    }
}

/// Bytes as text in JSON: each character stands for the byte that has its number.
#[must_use]
pub fn text_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// The bytes of such a text.
///
/// # Errors
/// A sentence if a character stands for no byte.
pub fn bytes_of(text: &str) -> Result<Vec<u8>, String> {
    let byte = |c: char| u8::try_from(u32::from(c)).map_err(|_| format!("the character {c:?} stands for no byte"));
    text.chars().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_later_reads_what_was_last() {
        let line = Line::default();
        line.print(&[b'x'; RECENT]);
        line.print(b"login: ");
        let (recent, pieces) = line.read();
        assert_eq!(recent.len(), RECENT);
        assert!(recent.ends_with(b"xxlogin: "));
        line.print(b"root");
        line.close();
        assert_eq!(pieces.iter().map(|piece| piece.to_vec()).collect::<Vec<_>>(), [b"root"]);
        assert_eq!(line.read().1.iter().count(), 0);
    }

    #[test]
    fn who_does_not_read_keeps_nobody() {
        let line = Line::default();
        let (_, slow) = line.read();
        for _ in 0..2 * WAITING {
            line.print(b"much");
        }
        assert_eq!(slow.try_iter().count(), WAITING);
        drop(slow);
        line.print(b"more");
        assert!(line.lock().readers.is_empty());
    }

    #[test]
    fn all_bytes_are_text() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(bytes_of(&text_of(&bytes)), Ok(bytes));
        assert_eq!(bytes_of("语"), Err("the character '语' stands for no byte".to_owned()));
    }
}
