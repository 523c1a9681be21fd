//! A-type instructions: integer and multimedia operations that an M or an I unit executes (SDM 3:300).

use super::{bit_fields, rows};
use crate::bundle::Unit;

bit_fields! {
    op = 40:37,
    x2a = 35:34,
    ve = 33:33,
    x4 = 32:29,
    x2b = 28:27,
}

rows! {
    /// An A-type instruction.
    A decoded by &[Unit::M, Unit::I];

    // A1, integer ALU
    Add [op = 8, x2a = 0, ve = 0, x4 = 0, x2b = 0] "add {r1}={r2},{r3}";
    AddPlusOne [op = 8, x2a = 0, ve = 0, x4 = 0, x2b = 1] "add {r1}={r2},{r3},1";
    SubMinusOne [op = 8, x2a = 0, ve = 0, x4 = 1, x2b = 0] "sub {r1}={r2},{r3},1";
    Sub [op = 8, x2a = 0, ve = 0, x4 = 1, x2b = 1] "sub {r1}={r2},{r3}";
    Addp4 [op = 8, x2a = 0, ve = 0, x4 = 2, x2b = 0] "addp4 {r1}={r2},{r3}";
    And [op = 8, x2a = 0, ve = 0, x4 = 3, x2b = 0] "and {r1}={r2},{r3}";
    Andcm [op = 8, x2a = 0, ve = 0, x4 = 3, x2b = 1] "andcm {r1}={r2},{r3}";
    Or [op = 8, x2a = 0, ve = 0, x4 = 3, x2b = 2] "or {r1}={r2},{r3}";
    Xor [op = 8, x2a = 0, ve = 0, x4 = 3, x2b = 3] "xor {r1}={r2},{r3}";
    // A2, shift left and add
    Shladd [op = 8, x2a = 0, ve = 0, x4 = 4] "shladd {r1}={r2},{count2},{r3}";
    Shladdp4 [op = 8, x2a = 0, ve = 0, x4 = 6] "shladdp4 {r1}={r2},{count2},{r3}";
    // A3, integer ALU, immediate and register
    SubImm8 [op = 8, x2a = 0, ve = 0, x4 = 9, x2b = 1] "sub {r1}={imm8},{r3}";
    AndImm8 [op = 8, x2a = 0, ve = 0, x4 = 11, x2b = 0] "and {r1}={imm8},{r3}";
    AndcmImm8 [op = 8, x2a = 0, ve = 0, x4 = 11, x2b = 1] "andcm {r1}={imm8},{r3}";
    OrImm8 [op = 8, x2a = 0, ve = 0, x4 = 11, x2b = 2] "or {r1}={imm8},{r3}";
    XorImm8 [op = 8, x2a = 0, ve = 0, x4 = 11, x2b = 3] "xor {r1}={imm8},{r3}";
    // A4, add immediate 14
    Adds [op = 8, x2a = 2, ve = 0] "adds {r1}={imm14},{r3}";
    Addp4Imm14 [op = 8, x2a = 3, ve = 0] "addp4 {r1}={imm14},{r3}";
    // A5, add immediate 22
    Addl [op = 9] "addl {r1}={imm22},{r3s}";
}
