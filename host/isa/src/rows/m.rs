//! M-unit instructions.

use super::{bit_fields, rows};
use crate::bundle::Unit;

bit_fields! {
    op = 40:37,
}

rows! {
    /// A M-unit instruction.
    M decoded by &[Unit::M];

    Nop [op = 0] "nop.m 0x0";
}
