//! X-type instructions (SDM 3:366 ff.).

use super::{bit_fields, rows};
use crate::bundle::Unit;

bit_fields! {
    op = 40:37,
    x3 = 35:33,
    x6 = 32:27,
    y = 26:26,
    vc = 20:20,
    btype = 8:6,
}

rows! {
    /// An X-type instruction.
    X decoded by &[Unit::X];

    // X1, break
    Break [op = 0, x3 = 0, x6 = 0] "break.x {imm62}";
    // X2, move a long immediate
    Movl [op = 6, vc = 0] "movl {r1}={imm64}";
    // X3 and X4, long branch and call
    Brl [op = 12, btype = 0] "brl.cond{bwh}{ph}{dh} {target64}";
    BrlCall [op = 13] "brl.call{bwh}{ph}{dh} {b1}={target64}";
    // X5, nop and hint
    Nop [op = 0, x3 = 0, x6 = 1, y = 0] "nop.x {imm62}";
    Hint [op = 0, x3 = 0, x6 = 1, y = 1] "hint.x {imm62}";
}
