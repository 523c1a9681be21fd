//! A-type instructions: integer and multimedia operations that an M or an I unit executes (SDM 3:300).

use super::{bit_fields, rows};
use crate::bundle::Unit;

bit_fields! {
    op = 40:37,
    x2a = 35:34,
    ve = 33:33,
    x2 = 35:34,
    ta = 33:33,
    tb = 36:36,
    c = 12:12,
    za = 36:36,
    zb = 33:33,
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
    // A6, cmp of two registers
    CmpLt [op = 12, tb = 0, x2 = 0, ta = 0, c = 0] "cmp.lt {p1},{p2}={r2},{r3}";
    CmpLtUnc [op = 12, tb = 0, x2 = 0, ta = 0, c = 1] "cmp.lt.unc {p1},{p2}={r2},{r3}", unconditional;
    CmpLtu [op = 13, tb = 0, x2 = 0, ta = 0, c = 0] "cmp.ltu {p1},{p2}={r2},{r3}";
    CmpLtuUnc [op = 13, tb = 0, x2 = 0, ta = 0, c = 1] "cmp.ltu.unc {p1},{p2}={r2},{r3}", unconditional;
    CmpEq [op = 14, tb = 0, x2 = 0, ta = 0, c = 0] "cmp.eq {p1},{p2}={r2},{r3}";
    CmpEqUnc [op = 14, tb = 0, x2 = 0, ta = 0, c = 1] "cmp.eq.unc {p1},{p2}={r2},{r3}", unconditional;
    CmpEqAnd [op = 12, tb = 0, x2 = 0, ta = 1, c = 0] "cmp.eq.and {p1},{p2}={r2},{r3}";
    CmpNeAnd [op = 12, tb = 0, x2 = 0, ta = 1, c = 1] "cmp.ne.and {p1},{p2}={r2},{r3}";
    CmpEqOr [op = 13, tb = 0, x2 = 0, ta = 1, c = 0] "cmp.eq.or {p1},{p2}={r2},{r3}";
    CmpNeOr [op = 13, tb = 0, x2 = 0, ta = 1, c = 1] "cmp.ne.or {p1},{p2}={r2},{r3}";
    CmpEqOrAndcm [op = 14, tb = 0, x2 = 0, ta = 1, c = 0] "cmp.eq.or.andcm {p1},{p2}={r2},{r3}";
    CmpNeOrAndcm [op = 14, tb = 0, x2 = 0, ta = 1, c = 1] "cmp.ne.or.andcm {p1},{p2}={r2},{r3}";
    // A6, cmp4 of two registers
    Cmp4Lt [op = 12, tb = 0, x2 = 1, ta = 0, c = 0] "cmp4.lt {p1},{p2}={r2},{r3}";
    Cmp4LtUnc [op = 12, tb = 0, x2 = 1, ta = 0, c = 1] "cmp4.lt.unc {p1},{p2}={r2},{r3}", unconditional;
    Cmp4Ltu [op = 13, tb = 0, x2 = 1, ta = 0, c = 0] "cmp4.ltu {p1},{p2}={r2},{r3}";
    Cmp4LtuUnc [op = 13, tb = 0, x2 = 1, ta = 0, c = 1] "cmp4.ltu.unc {p1},{p2}={r2},{r3}", unconditional;
    Cmp4Eq [op = 14, tb = 0, x2 = 1, ta = 0, c = 0] "cmp4.eq {p1},{p2}={r2},{r3}";
    Cmp4EqUnc [op = 14, tb = 0, x2 = 1, ta = 0, c = 1] "cmp4.eq.unc {p1},{p2}={r2},{r3}", unconditional;
    Cmp4EqAnd [op = 12, tb = 0, x2 = 1, ta = 1, c = 0] "cmp4.eq.and {p1},{p2}={r2},{r3}";
    Cmp4NeAnd [op = 12, tb = 0, x2 = 1, ta = 1, c = 1] "cmp4.ne.and {p1},{p2}={r2},{r3}";
    Cmp4EqOr [op = 13, tb = 0, x2 = 1, ta = 1, c = 0] "cmp4.eq.or {p1},{p2}={r2},{r3}";
    Cmp4NeOr [op = 13, tb = 0, x2 = 1, ta = 1, c = 1] "cmp4.ne.or {p1},{p2}={r2},{r3}";
    Cmp4EqOrAndcm [op = 14, tb = 0, x2 = 1, ta = 1, c = 0] "cmp4.eq.or.andcm {p1},{p2}={r2},{r3}";
    Cmp4NeOrAndcm [op = 14, tb = 0, x2 = 1, ta = 1, c = 1] "cmp4.ne.or.andcm {p1},{p2}={r2},{r3}";
    // A7, cmp of zero and a register
    CmpGtZeroAnd [op = 12, tb = 1, x2 = 0, ta = 0, c = 0] "cmp.gt.and {p1},{p2}=r0,{r3}";
    CmpLeZeroAnd [op = 12, tb = 1, x2 = 0, ta = 0, c = 1] "cmp.le.and {p1},{p2}=r0,{r3}";
    CmpGeZeroAnd [op = 12, tb = 1, x2 = 0, ta = 1, c = 0] "cmp.ge.and {p1},{p2}=r0,{r3}";
    CmpLtZeroAnd [op = 12, tb = 1, x2 = 0, ta = 1, c = 1] "cmp.lt.and {p1},{p2}=r0,{r3}";
    CmpGtZeroOr [op = 13, tb = 1, x2 = 0, ta = 0, c = 0] "cmp.gt.or {p1},{p2}=r0,{r3}";
    CmpLeZeroOr [op = 13, tb = 1, x2 = 0, ta = 0, c = 1] "cmp.le.or {p1},{p2}=r0,{r3}";
    CmpGeZeroOr [op = 13, tb = 1, x2 = 0, ta = 1, c = 0] "cmp.ge.or {p1},{p2}=r0,{r3}";
    CmpLtZeroOr [op = 13, tb = 1, x2 = 0, ta = 1, c = 1] "cmp.lt.or {p1},{p2}=r0,{r3}";
    CmpGtZeroOrAndcm [op = 14, tb = 1, x2 = 0, ta = 0, c = 0] "cmp.gt.or.andcm {p1},{p2}=r0,{r3}";
    CmpLeZeroOrAndcm [op = 14, tb = 1, x2 = 0, ta = 0, c = 1] "cmp.le.or.andcm {p1},{p2}=r0,{r3}";
    CmpGeZeroOrAndcm [op = 14, tb = 1, x2 = 0, ta = 1, c = 0] "cmp.ge.or.andcm {p1},{p2}=r0,{r3}";
    CmpLtZeroOrAndcm [op = 14, tb = 1, x2 = 0, ta = 1, c = 1] "cmp.lt.or.andcm {p1},{p2}=r0,{r3}";
    // A7, cmp4 of zero and a register
    Cmp4GtZeroAnd [op = 12, tb = 1, x2 = 1, ta = 0, c = 0] "cmp4.gt.and {p1},{p2}=r0,{r3}";
    Cmp4LeZeroAnd [op = 12, tb = 1, x2 = 1, ta = 0, c = 1] "cmp4.le.and {p1},{p2}=r0,{r3}";
    Cmp4GeZeroAnd [op = 12, tb = 1, x2 = 1, ta = 1, c = 0] "cmp4.ge.and {p1},{p2}=r0,{r3}";
    Cmp4LtZeroAnd [op = 12, tb = 1, x2 = 1, ta = 1, c = 1] "cmp4.lt.and {p1},{p2}=r0,{r3}";
    Cmp4GtZeroOr [op = 13, tb = 1, x2 = 1, ta = 0, c = 0] "cmp4.gt.or {p1},{p2}=r0,{r3}";
    Cmp4LeZeroOr [op = 13, tb = 1, x2 = 1, ta = 0, c = 1] "cmp4.le.or {p1},{p2}=r0,{r3}";
    Cmp4GeZeroOr [op = 13, tb = 1, x2 = 1, ta = 1, c = 0] "cmp4.ge.or {p1},{p2}=r0,{r3}";
    Cmp4LtZeroOr [op = 13, tb = 1, x2 = 1, ta = 1, c = 1] "cmp4.lt.or {p1},{p2}=r0,{r3}";
    Cmp4GtZeroOrAndcm [op = 14, tb = 1, x2 = 1, ta = 0, c = 0] "cmp4.gt.or.andcm {p1},{p2}=r0,{r3}";
    Cmp4LeZeroOrAndcm [op = 14, tb = 1, x2 = 1, ta = 0, c = 1] "cmp4.le.or.andcm {p1},{p2}=r0,{r3}";
    Cmp4GeZeroOrAndcm [op = 14, tb = 1, x2 = 1, ta = 1, c = 0] "cmp4.ge.or.andcm {p1},{p2}=r0,{r3}";
    Cmp4LtZeroOrAndcm [op = 14, tb = 1, x2 = 1, ta = 1, c = 1] "cmp4.lt.or.andcm {p1},{p2}=r0,{r3}";
    // A8, cmp of an immediate and a register
    CmpLtImm8 [op = 12, x2 = 2, ta = 0, c = 0] "cmp.lt {p1},{p2}={imm8},{r3}";
    CmpLtUncImm8 [op = 12, x2 = 2, ta = 0, c = 1] "cmp.lt.unc {p1},{p2}={imm8},{r3}", unconditional;
    CmpLtuImm8 [op = 13, x2 = 2, ta = 0, c = 0] "cmp.ltu {p1},{p2}={imm8},{r3}";
    CmpLtuUncImm8 [op = 13, x2 = 2, ta = 0, c = 1] "cmp.ltu.unc {p1},{p2}={imm8},{r3}", unconditional;
    CmpEqImm8 [op = 14, x2 = 2, ta = 0, c = 0] "cmp.eq {p1},{p2}={imm8},{r3}";
    CmpEqUncImm8 [op = 14, x2 = 2, ta = 0, c = 1] "cmp.eq.unc {p1},{p2}={imm8},{r3}", unconditional;
    CmpEqAndImm8 [op = 12, x2 = 2, ta = 1, c = 0] "cmp.eq.and {p1},{p2}={imm8},{r3}";
    CmpNeAndImm8 [op = 12, x2 = 2, ta = 1, c = 1] "cmp.ne.and {p1},{p2}={imm8},{r3}";
    CmpEqOrImm8 [op = 13, x2 = 2, ta = 1, c = 0] "cmp.eq.or {p1},{p2}={imm8},{r3}";
    CmpNeOrImm8 [op = 13, x2 = 2, ta = 1, c = 1] "cmp.ne.or {p1},{p2}={imm8},{r3}";
    CmpEqOrAndcmImm8 [op = 14, x2 = 2, ta = 1, c = 0] "cmp.eq.or.andcm {p1},{p2}={imm8},{r3}";
    CmpNeOrAndcmImm8 [op = 14, x2 = 2, ta = 1, c = 1] "cmp.ne.or.andcm {p1},{p2}={imm8},{r3}";
    // A8, cmp4 of an immediate and a register
    Cmp4LtImm8 [op = 12, x2 = 3, ta = 0, c = 0] "cmp4.lt {p1},{p2}={imm8},{r3}";
    Cmp4LtUncImm8 [op = 12, x2 = 3, ta = 0, c = 1] "cmp4.lt.unc {p1},{p2}={imm8},{r3}", unconditional;
    Cmp4LtuImm8 [op = 13, x2 = 3, ta = 0, c = 0] "cmp4.ltu {p1},{p2}={imm8},{r3}";
    Cmp4LtuUncImm8 [op = 13, x2 = 3, ta = 0, c = 1] "cmp4.ltu.unc {p1},{p2}={imm8},{r3}", unconditional;
    Cmp4EqImm8 [op = 14, x2 = 3, ta = 0, c = 0] "cmp4.eq {p1},{p2}={imm8},{r3}";
    Cmp4EqUncImm8 [op = 14, x2 = 3, ta = 0, c = 1] "cmp4.eq.unc {p1},{p2}={imm8},{r3}", unconditional;
    Cmp4EqAndImm8 [op = 12, x2 = 3, ta = 1, c = 0] "cmp4.eq.and {p1},{p2}={imm8},{r3}";
    Cmp4NeAndImm8 [op = 12, x2 = 3, ta = 1, c = 1] "cmp4.ne.and {p1},{p2}={imm8},{r3}";
    Cmp4EqOrImm8 [op = 13, x2 = 3, ta = 1, c = 0] "cmp4.eq.or {p1},{p2}={imm8},{r3}";
    Cmp4NeOrImm8 [op = 13, x2 = 3, ta = 1, c = 1] "cmp4.ne.or {p1},{p2}={imm8},{r3}";
    Cmp4EqOrAndcmImm8 [op = 14, x2 = 3, ta = 1, c = 0] "cmp4.eq.or.andcm {p1},{p2}={imm8},{r3}";
    Cmp4NeOrAndcmImm8 [op = 14, x2 = 3, ta = 1, c = 1] "cmp4.ne.or.andcm {p1},{p2}={imm8},{r3}";
    // A9, multimedia ALU
    Padd1 [op = 8, za = 0, x2a = 1, zb = 0, x4 = 0, x2b = 0] "padd1 {r1}={r2},{r3}";
    Padd2 [op = 8, za = 0, x2a = 1, zb = 1, x4 = 0, x2b = 0] "padd2 {r1}={r2},{r3}";
    Padd4 [op = 8, za = 1, x2a = 1, zb = 0, x4 = 0, x2b = 0] "padd4 {r1}={r2},{r3}";
    Padd1Sss [op = 8, za = 0, x2a = 1, zb = 0, x4 = 0, x2b = 1] "padd1.sss {r1}={r2},{r3}";
    Padd2Sss [op = 8, za = 0, x2a = 1, zb = 1, x4 = 0, x2b = 1] "padd2.sss {r1}={r2},{r3}";
    Padd1Uuu [op = 8, za = 0, x2a = 1, zb = 0, x4 = 0, x2b = 2] "padd1.uuu {r1}={r2},{r3}";
    Padd2Uuu [op = 8, za = 0, x2a = 1, zb = 1, x4 = 0, x2b = 2] "padd2.uuu {r1}={r2},{r3}";
    Padd1Uus [op = 8, za = 0, x2a = 1, zb = 0, x4 = 0, x2b = 3] "padd1.uus {r1}={r2},{r3}";
    Padd2Uus [op = 8, za = 0, x2a = 1, zb = 1, x4 = 0, x2b = 3] "padd2.uus {r1}={r2},{r3}";
    Psub1 [op = 8, za = 0, x2a = 1, zb = 0, x4 = 1, x2b = 0] "psub1 {r1}={r2},{r3}";
    Psub2 [op = 8, za = 0, x2a = 1, zb = 1, x4 = 1, x2b = 0] "psub2 {r1}={r2},{r3}";
    Psub4 [op = 8, za = 1, x2a = 1, zb = 0, x4 = 1, x2b = 0] "psub4 {r1}={r2},{r3}";
    Psub1Sss [op = 8, za = 0, x2a = 1, zb = 0, x4 = 1, x2b = 1] "psub1.sss {r1}={r2},{r3}";
    Psub2Sss [op = 8, za = 0, x2a = 1, zb = 1, x4 = 1, x2b = 1] "psub2.sss {r1}={r2},{r3}";
    Psub1Uuu [op = 8, za = 0, x2a = 1, zb = 0, x4 = 1, x2b = 2] "psub1.uuu {r1}={r2},{r3}";
    Psub2Uuu [op = 8, za = 0, x2a = 1, zb = 1, x4 = 1, x2b = 2] "psub2.uuu {r1}={r2},{r3}";
    Psub1Uus [op = 8, za = 0, x2a = 1, zb = 0, x4 = 1, x2b = 3] "psub1.uus {r1}={r2},{r3}";
    Psub2Uus [op = 8, za = 0, x2a = 1, zb = 1, x4 = 1, x2b = 3] "psub2.uus {r1}={r2},{r3}";
    Pavg1 [op = 8, za = 0, x2a = 1, zb = 0, x4 = 2, x2b = 2] "pavg1 {r1}={r2},{r3}";
    Pavg2 [op = 8, za = 0, x2a = 1, zb = 1, x4 = 2, x2b = 2] "pavg2 {r1}={r2},{r3}";
    Pavg1Raz [op = 8, za = 0, x2a = 1, zb = 0, x4 = 2, x2b = 3] "pavg1.raz {r1}={r2},{r3}";
    Pavg2Raz [op = 8, za = 0, x2a = 1, zb = 1, x4 = 2, x2b = 3] "pavg2.raz {r1}={r2},{r3}";
    Pavgsub1 [op = 8, za = 0, x2a = 1, zb = 0, x4 = 3, x2b = 2] "pavgsub1 {r1}={r2},{r3}";
    Pavgsub2 [op = 8, za = 0, x2a = 1, zb = 1, x4 = 3, x2b = 2] "pavgsub2 {r1}={r2},{r3}";
    Pcmp1Eq [op = 8, za = 0, x2a = 1, zb = 0, x4 = 9, x2b = 0] "pcmp1.eq {r1}={r2},{r3}";
    Pcmp2Eq [op = 8, za = 0, x2a = 1, zb = 1, x4 = 9, x2b = 0] "pcmp2.eq {r1}={r2},{r3}";
    Pcmp4Eq [op = 8, za = 1, x2a = 1, zb = 0, x4 = 9, x2b = 0] "pcmp4.eq {r1}={r2},{r3}";
    Pcmp1Gt [op = 8, za = 0, x2a = 1, zb = 0, x4 = 9, x2b = 1] "pcmp1.gt {r1}={r2},{r3}";
    Pcmp2Gt [op = 8, za = 0, x2a = 1, zb = 1, x4 = 9, x2b = 1] "pcmp2.gt {r1}={r2},{r3}";
    Pcmp4Gt [op = 8, za = 1, x2a = 1, zb = 0, x4 = 9, x2b = 1] "pcmp4.gt {r1}={r2},{r3}";
    // A10, multimedia shift and add
    Pshladd2 [op = 8, za = 0, x2a = 1, zb = 1, x4 = 4] "pshladd2 {r1}={r2},{count2b},{r3}";
    Pshradd2 [op = 8, za = 0, x2a = 1, zb = 1, x4 = 6] "pshradd2 {r1}={r2},{count2b},{r3}";
}
