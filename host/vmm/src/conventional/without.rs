//! Measurement only: parts of the conventional path that are left out, so that what each of them costs can be told from the
//! difference.

use std::fmt;
use std::str::FromStr;

/// The parts that are left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Without {
    /// Leaving the run loop for the instruction of a trigger of the conventional path.
    pub exit: bool,
    /// Saving the trap frame and restoring it.
    pub frame: bool,
    /// Translating the guest's IP and reading the bundle of an instruction that has faulted.
    pub fetch: bool,
    /// Decoding the instruction of a trigger of the conventional path: its site has been decoded.
    pub decode: bool,
}

/// Not parts of the conventional path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoPart(String);

impl fmt::Display for NoPart {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{:?} is no part of the conventional path: there are exit, frame, fetch and decode", self.0)
    }
}

impl std::error::Error for NoPart {}

impl FromStr for Without {
    type Err = NoPart;

    /// Parts as the command line has them: `exit,frame`.
    fn from_str(text: &str) -> Result<Without, NoPart> {
        let mut without = Without::default();
        for part in text.split(',') {
            match part.trim() {
                "exit" => without.exit = true,
                "frame" => without.frame = true,
                "fetch" => without.fetch = true,
                "decode" => without.decode = true,
                other => return Err(NoPart(other.to_owned())),
            }
        }
        Ok(without)
    }
}
