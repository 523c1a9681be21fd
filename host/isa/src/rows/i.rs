//! I-unit instructions.

use super::{bit_fields, rows};
use crate::bundle::Unit;

bit_fields! {
    op = 40:37,
}

rows! {
    /// A I-unit instruction.
    I decoded by &[Unit::I];

    Nop [op = 0] "nop.i 0x0";
}
