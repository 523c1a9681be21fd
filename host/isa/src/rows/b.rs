//! B-unit instructions.

use super::{bit_fields, rows};
use crate::bundle::Unit;

bit_fields! {
    op = 40:37,
}

rows! {
    /// A B-unit instruction.
    B decoded by &[Unit::B];

    Nop [op = 0] "nop.b 0x0";
}
