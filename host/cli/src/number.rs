//! Numbers on the command line.

use thiserror::Error;

/// Why a text is not a number that an argument takes.
#[derive(Debug, Error)]
pub enum NumberError {
    /// Neither decimal nor hexadecimal.
    #[error("it is not a number, decimal or hexadecimal behind 0x")]
    NoNumber(#[from] std::num::ParseIntError),
    /// Too large.
    #[error("it is too large")]
    TooLarge,
}

/// A number, decimal or hexadecimal behind `0x`.
///
/// # Errors
/// If it is neither, or too large.
pub fn number<T: TryFrom<u64>>(text: &str) -> Result<T, NumberError> {
    let number = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16)?,
        None => text.parse()?,
    };
    T::try_from(number).map_err(|_| NumberError::TooLarge)
}
