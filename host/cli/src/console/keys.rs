//! The keys that are not the guest's: those after Ctrl-A.

const ESCAPE: u8 = 0x01;

/// What keys ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Bytes for the guest.
    Type(Vec<u8>),
    Leave,
    Help,
    WindowSize,
    /// Pauses the machine, or lets it go on.
    Pause,
    Statistics,
    NextMachine,
    Break,
}

/// Keys that arrive in pieces.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    escaped: bool,
}

impl Keys {
    /// What some keys ask for, in order. A key that means nothing after Ctrl-A is dropped.
    pub(crate) fn press(&mut self, keys: &[u8]) -> Vec<Command> {
        let mut commands = Vec::new();
        for key in keys {
            if !self.escaped {
                match (*key, commands.last_mut()) {
                    (ESCAPE, _) => self.escaped = true,
                    (key, Some(Command::Type(bytes))) => bytes.push(key),
                    (key, _) => commands.push(Command::Type(vec![key])),
                }
                continue;
            }
            self.escaped = false;
            match key {
                b'x' | b'X' => commands.push(Command::Leave),
                b'h' | b'H' | b'?' => commands.push(Command::Help),
                b'p' | b'P' => commands.push(Command::Pause),
                b's' | b'S' => commands.push(Command::Statistics),
                b'n' | b'N' => commands.push(Command::NextMachine),
                b'b' | b'B' => commands.push(Command::Break),
                b'w' | b'W' => commands.push(Command::WindowSize),
                b'a' | b'A' | &ESCAPE => commands.push(Command::Type(vec![ESCAPE])),
                _ => {}
            }
        }
        commands
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_the_guests_but_after_ctrl_a() {
        let mut keys = Keys::default();
        assert_eq!(
            keys.press(b"ls\x03\x01hq\x01x"),
            [Command::Type(b"ls\x03".to_vec()), Command::Help, Command::Type(b"q".to_vec()), Command::Leave]
        );
    }

    #[test]
    fn ctrl_a_may_be_the_last_key_of_a_piece() {
        let mut keys = Keys::default();
        assert_eq!(keys.press(b"\x01"), []);
        assert_eq!(keys.press(b"\x01\x01w"), [Command::Type(vec![1]), Command::WindowSize]);
        assert_eq!(keys.press(b"\x01q"), []);
    }
}
