//! X-unit instructions.

use super::{bit_fields, rows};
use crate::bundle::Unit;

bit_fields! {
    op = 40:37,
}

rows! {
    /// A X-unit instruction.
    X decoded by &[Unit::X];

    Nop [op = 0] "nop.x 0x0";
}
