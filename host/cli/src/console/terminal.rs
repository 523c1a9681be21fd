//! The terminal in raw mode, restored on every way out: return, panic, signal.

use std::io;
use std::sync::{Mutex, PoisonError};

use rustix::stdio::{stdin, stdout};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

/// The attributes to restore while the terminal is raw.
static ORIGINAL: Mutex<Option<Termios>> = Mutex::new(None);

/// The terminal at standard input, raw as long as this lives.
#[derive(Debug)]
pub(crate) struct Terminal(());

impl Terminal {
    pub(crate) fn raw() -> io::Result<Terminal> {
        let original = tcgetattr(stdin())?;
        *ORIGINAL.lock().unwrap_or_else(PoisonError::into_inner) = Some(original.clone());
        make_raw(original)?;
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            restore();
            hook(panic);
        }));
        Ok(Terminal(()))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore();
        *ORIGINAL.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

fn make_raw(mut attributes: Termios) -> io::Result<()> {
    attributes.make_raw();
    Ok(tcsetattr(stdin(), OptionalActions::Now, &attributes)?)
}

/// Restores the terminal if it is raw.
pub(crate) fn restore() {
    if let Some(original) = &*ORIGINAL.lock().unwrap_or_else(PoisonError::into_inner) {
        let _terminal_is_gone = tcsetattr(stdin(), OptionalActions::Now, original);
    }
}

/// The same without waiting for anybody, in a signal handler: if the attributes are being exchanged right now, they stay.
pub(crate) fn restore_at_once() {
    if let Ok(original) = ORIGINAL.try_lock()
        && let Some(original) = &*original
    {
        let _terminal_is_gone = tcsetattr(stdin(), OptionalActions::Now, original);
    }
}

/// Makes the terminal raw again after [`restore`], unless it never was.
pub(super) fn resume() {
    let original = ORIGINAL.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some(original) = original {
        let _terminal_is_gone = make_raw(original);
    }
}

/// Rows and columns of the terminal at standard output.
pub(crate) fn window_size() -> Option<(u16, u16)> {
    let size = tcgetwinsize(stdout()).ok()?;
    (size.ws_row > 0 && size.ws_col > 0).then_some((size.ws_row, size.ws_col))
}
