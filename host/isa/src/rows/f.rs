//! F-unit instructions.

use super::{bit_fields, rows};
use crate::bundle::Unit;

bit_fields! {
    op = 40:37,
}

rows! {
    /// A F-unit instruction.
    F decoded by &[Unit::F];

    Nop [op = 0] "nop.f 0x0";
}
