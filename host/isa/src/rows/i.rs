//! I-type instructions (SDM 3:307 ff.).

use super::{bit_fields, rows};
use crate::bundle::Unit;
use crate::row::Feature;

bit_fields! {
    op = 40:37,
    x3 = 35:33,
    x6 = 32:27,
    x2 = 35:34,
    x = 33:33,
    y = 13:13,
    yb = 26:26,
    xb = 22:22,
    xc = 19:19,
    ta = 33:33,
    tb = 36:36,
    c = 12:12,
    za = 36:36,
    zb = 33:33,
    ve = 32:32,
    x2a = 35:34,
    x2b = 29:28,
    x2c = 31:30,
    mbt = 23:20,
}

rows! {
    /// An I-type instruction.
    I decoded by &[Unit::I];

    // I1, parallel multiply and shift right
    Pmpyshr2 [op = 7, za = 0, zb = 1, ve = 0, x2a = 0, x2b = 3] "pmpyshr2 {r1}={r2},{r3},{count2c}";
    Pmpyshr2U [op = 7, za = 0, zb = 1, ve = 0, x2a = 0, x2b = 1] "pmpyshr2.u {r1}={r2},{r3},{count2c}";
    // I2, multimedia multiply, mix, pack, unpack, minimum and maximum
    Pmpy2R [op = 7, za = 0, zb = 1, ve = 0, x2a = 2, x2b = 1, x2c = 3] "pmpy2.r {r1}={r2},{r3}";
    Pmpy2L [op = 7, za = 0, zb = 1, ve = 0, x2a = 2, x2b = 3, x2c = 3] "pmpy2.l {r1}={r2},{r3}";
    Mix1R [op = 7, za = 0, zb = 0, ve = 0, x2a = 2, x2b = 0, x2c = 2] "mix1.r {r1}={r2},{r3}";
    Mix2R [op = 7, za = 0, zb = 1, ve = 0, x2a = 2, x2b = 0, x2c = 2] "mix2.r {r1}={r2},{r3}";
    Mix4R [op = 7, za = 1, zb = 0, ve = 0, x2a = 2, x2b = 0, x2c = 2] "mix4.r {r1}={r2},{r3}";
    Mix1L [op = 7, za = 0, zb = 0, ve = 0, x2a = 2, x2b = 2, x2c = 2] "mix1.l {r1}={r2},{r3}";
    Mix2L [op = 7, za = 0, zb = 1, ve = 0, x2a = 2, x2b = 2, x2c = 2] "mix2.l {r1}={r2},{r3}";
    Mix4L [op = 7, za = 1, zb = 0, ve = 0, x2a = 2, x2b = 2, x2c = 2] "mix4.l {r1}={r2},{r3}";
    Pack2Uss [op = 7, za = 0, zb = 1, ve = 0, x2a = 2, x2b = 0, x2c = 0] "pack2.uss {r1}={r2},{r3}";
    Pack2Sss [op = 7, za = 0, zb = 1, ve = 0, x2a = 2, x2b = 2, x2c = 0] "pack2.sss {r1}={r2},{r3}";
    Pack4Sss [op = 7, za = 1, zb = 0, ve = 0, x2a = 2, x2b = 2, x2c = 0] "pack4.sss {r1}={r2},{r3}";
    Unpack1H [op = 7, za = 0, zb = 0, ve = 0, x2a = 2, x2b = 0, x2c = 1] "unpack1.h {r1}={r2},{r3}";
    Unpack2H [op = 7, za = 0, zb = 1, ve = 0, x2a = 2, x2b = 0, x2c = 1] "unpack2.h {r1}={r2},{r3}";
    Unpack4H [op = 7, za = 1, zb = 0, ve = 0, x2a = 2, x2b = 0, x2c = 1] "unpack4.h {r1}={r2},{r3}";
    Unpack1L [op = 7, za = 0, zb = 0, ve = 0, x2a = 2, x2b = 2, x2c = 1] "unpack1.l {r1}={r2},{r3}";
    Unpack2L [op = 7, za = 0, zb = 1, ve = 0, x2a = 2, x2b = 2, x2c = 1] "unpack2.l {r1}={r2},{r3}";
    Unpack4L [op = 7, za = 1, zb = 0, ve = 0, x2a = 2, x2b = 2, x2c = 1] "unpack4.l {r1}={r2},{r3}";
    Pmin1U [op = 7, za = 0, zb = 0, ve = 0, x2a = 2, x2b = 1, x2c = 0] "pmin1.u {r1}={r2},{r3}";
    Pmax1U [op = 7, za = 0, zb = 0, ve = 0, x2a = 2, x2b = 1, x2c = 1] "pmax1.u {r1}={r2},{r3}";
    Pmin2 [op = 7, za = 0, zb = 1, ve = 0, x2a = 2, x2b = 3, x2c = 0] "pmin2 {r1}={r2},{r3}";
    Pmax2 [op = 7, za = 0, zb = 1, ve = 0, x2a = 2, x2b = 3, x2c = 1] "pmax2 {r1}={r2},{r3}";
    Psad1 [op = 7, za = 0, zb = 0, ve = 0, x2a = 2, x2b = 3, x2c = 2] "psad1 {r1}={r2},{r3}";
    Mpy4 [op = 7, za = 1, zb = 0, ve = 0, x2a = 0, x2b = 1, x2c = 3] "mpy4 {r1}={r2},{r3}", feature(Feature::Mpy4);
    Mpyshl4 [op = 7, za = 1, zb = 0, ve = 0, x2a = 0, x2b = 3, x2c = 3] "mpyshl4 {r1}={r2},{r3}", feature(Feature::Mpy4);
    // I3, byte permutations; other values of mbt are reserved
    Mux1Brcst [op = 7, za = 0, zb = 0, ve = 0, x2a = 3, x2b = 2, x2c = 2, mbt = 0] "mux1 {r1}={r2},@brcst";
    Mux1Mix [op = 7, za = 0, zb = 0, ve = 0, x2a = 3, x2b = 2, x2c = 2, mbt = 8] "mux1 {r1}={r2},@mix";
    Mux1Shuf [op = 7, za = 0, zb = 0, ve = 0, x2a = 3, x2b = 2, x2c = 2, mbt = 9] "mux1 {r1}={r2},@shuf";
    Mux1Alt [op = 7, za = 0, zb = 0, ve = 0, x2a = 3, x2b = 2, x2c = 2, mbt = 10] "mux1 {r1}={r2},@alt";
    Mux1Rev [op = 7, za = 0, zb = 0, ve = 0, x2a = 3, x2b = 2, x2c = 2, mbt = 11] "mux1 {r1}={r2},@rev";
    // I4
    Mux2 [op = 7, za = 0, zb = 1, ve = 0, x2a = 3, x2b = 2, x2c = 2] "mux2 {r1}={r2},{mhtype8}";
    // I5, variable shift right
    Pshr2 [op = 7, za = 0, zb = 1, ve = 0, x2a = 0, x2b = 2, x2c = 0] "pshr2 {r1}={r3},{r2}";
    Pshr2U [op = 7, za = 0, zb = 1, ve = 0, x2a = 0, x2b = 0, x2c = 0] "pshr2.u {r1}={r3},{r2}";
    Pshr4 [op = 7, za = 1, zb = 0, ve = 0, x2a = 0, x2b = 2, x2c = 0] "pshr4 {r1}={r3},{r2}";
    Pshr4U [op = 7, za = 1, zb = 0, ve = 0, x2a = 0, x2b = 0, x2c = 0] "pshr4.u {r1}={r3},{r2}";
    Shr [op = 7, za = 1, zb = 1, ve = 0, x2a = 0, x2b = 2, x2c = 0] "shr {r1}={r3},{r2}";
    ShrU [op = 7, za = 1, zb = 1, ve = 0, x2a = 0, x2b = 0, x2c = 0] "shr.u {r1}={r3},{r2}";
    // I6, fixed shift right
    Pshr2Imm [op = 7, za = 0, zb = 1, ve = 0, x2a = 1, x2b = 3, x2c = 0] "pshr2 {r1}={r3},{count5}";
    Pshr2UImm [op = 7, za = 0, zb = 1, ve = 0, x2a = 1, x2b = 1, x2c = 0] "pshr2.u {r1}={r3},{count5}";
    Pshr4Imm [op = 7, za = 1, zb = 0, ve = 0, x2a = 1, x2b = 3, x2c = 0] "pshr4 {r1}={r3},{count5}";
    Pshr4UImm [op = 7, za = 1, zb = 0, ve = 0, x2a = 1, x2b = 1, x2c = 0] "pshr4.u {r1}={r3},{count5}";
    // I7, variable shift left
    Pshl2 [op = 7, za = 0, zb = 1, ve = 0, x2a = 0, x2b = 0, x2c = 1] "pshl2 {r1}={r2},{r3}";
    Pshl4 [op = 7, za = 1, zb = 0, ve = 0, x2a = 0, x2b = 0, x2c = 1] "pshl4 {r1}={r2},{r3}";
    Shl [op = 7, za = 1, zb = 1, ve = 0, x2a = 0, x2b = 0, x2c = 1] "shl {r1}={r2},{r3}";
    // I8, fixed shift left
    Pshl2Imm [op = 7, za = 0, zb = 1, ve = 0, x2a = 3, x2b = 1, x2c = 1] "pshl2 {r1}={r2},{ccount5}";
    Pshl4Imm [op = 7, za = 1, zb = 0, ve = 0, x2a = 3, x2b = 1, x2c = 1] "pshl4 {r1}={r2},{ccount5}";
    // I9, bit counts
    Popcnt [op = 7, za = 0, zb = 1, ve = 0, x2a = 1, x2b = 1, x2c = 2] "popcnt {r1}={r3}";
    Clz [op = 7, za = 0, zb = 1, ve = 0, x2a = 1, x2b = 1, x2c = 3] "clz {r1}={r3}", feature(Feature::Clz);
    // I10 to I15, shifts of pairs and bit fields
    Shrp [op = 5, x2 = 3, x = 0] "shrp {r1}={r2},{r3},{count6}";
    ExtrU [op = 5, x2 = 1, x = 0, y = 0] "extr.u {r1}={r3},{pos6},{len6}";
    Extr [op = 5, x2 = 1, x = 0, y = 1] "extr {r1}={r3},{pos6},{len6}";
    DepZ [op = 5, x2 = 1, x = 1, yb = 0] "dep.z {r1}={r2},{cpos6},{len6}";
    DepZImm8 [op = 5, x2 = 1, x = 1, yb = 1] "dep.z {r1}={imm8},{cpos6},{len6}";
    DepImm1 [op = 5, x2 = 3, x = 1] "dep {r1}={imm1},{r3},{cpos6b},{len6}";
    Dep [op = 4] "dep {r1}={r2},{r3},{cpos6d},{len4}";
    // I16, test bit
    TbitZ [op = 5, x2 = 0, tb = 0, ta = 0, y = 0, c = 0] "tbit.z {p1},{p2}={r3},{pos6}";
    TbitZUnc [op = 5, x2 = 0, tb = 0, ta = 0, y = 0, c = 1] "tbit.z.unc {p1},{p2}={r3},{pos6}", unconditional;
    TbitZAnd [op = 5, x2 = 0, tb = 1, ta = 0, y = 0, c = 0] "tbit.z.and {p1},{p2}={r3},{pos6}";
    TbitNzAnd [op = 5, x2 = 0, tb = 1, ta = 0, y = 0, c = 1] "tbit.nz.and {p1},{p2}={r3},{pos6}";
    TbitZOr [op = 5, x2 = 0, tb = 0, ta = 1, y = 0, c = 0] "tbit.z.or {p1},{p2}={r3},{pos6}";
    TbitNzOr [op = 5, x2 = 0, tb = 0, ta = 1, y = 0, c = 1] "tbit.nz.or {p1},{p2}={r3},{pos6}";
    TbitZOrAndcm [op = 5, x2 = 0, tb = 1, ta = 1, y = 0, c = 0] "tbit.z.or.andcm {p1},{p2}={r3},{pos6}";
    TbitNzOrAndcm [op = 5, x2 = 0, tb = 1, ta = 1, y = 0, c = 1] "tbit.nz.or.andcm {p1},{p2}={r3},{pos6}";
    // I17, test NaT
    TnatZ [op = 5, x2 = 0, tb = 0, ta = 0, y = 1, xc = 0, c = 0] "tnat.z {p1},{p2}={r3}";
    TnatZUnc [op = 5, x2 = 0, tb = 0, ta = 0, y = 1, xc = 0, c = 1] "tnat.z.unc {p1},{p2}={r3}", unconditional;
    TnatZAnd [op = 5, x2 = 0, tb = 1, ta = 0, y = 1, xc = 0, c = 0] "tnat.z.and {p1},{p2}={r3}";
    TnatNzAnd [op = 5, x2 = 0, tb = 1, ta = 0, y = 1, xc = 0, c = 1] "tnat.nz.and {p1},{p2}={r3}";
    TnatZOr [op = 5, x2 = 0, tb = 0, ta = 1, y = 1, xc = 0, c = 0] "tnat.z.or {p1},{p2}={r3}";
    TnatNzOr [op = 5, x2 = 0, tb = 0, ta = 1, y = 1, xc = 0, c = 1] "tnat.nz.or {p1},{p2}={r3}";
    TnatZOrAndcm [op = 5, x2 = 0, tb = 1, ta = 1, y = 1, xc = 0, c = 0] "tnat.z.or.andcm {p1},{p2}={r3}";
    TnatNzOrAndcm [op = 5, x2 = 0, tb = 1, ta = 1, y = 1, xc = 0, c = 1] "tnat.nz.or.andcm {p1},{p2}={r3}";
    // I30, test feature
    TfZ [op = 5, x2 = 0, tb = 0, ta = 0, y = 1, xc = 1, c = 0] "tf.z {p1},{p2}={imm5}";
    TfZUnc [op = 5, x2 = 0, tb = 0, ta = 0, y = 1, xc = 1, c = 1] "tf.z.unc {p1},{p2}={imm5}", unconditional;
    TfZAnd [op = 5, x2 = 0, tb = 1, ta = 0, y = 1, xc = 1, c = 0] "tf.z.and {p1},{p2}={imm5}";
    TfNzAnd [op = 5, x2 = 0, tb = 1, ta = 0, y = 1, xc = 1, c = 1] "tf.nz.and {p1},{p2}={imm5}";
    TfZOr [op = 5, x2 = 0, tb = 0, ta = 1, y = 1, xc = 1, c = 0] "tf.z.or {p1},{p2}={imm5}";
    TfNzOr [op = 5, x2 = 0, tb = 0, ta = 1, y = 1, xc = 1, c = 1] "tf.nz.or {p1},{p2}={imm5}";
    TfZOrAndcm [op = 5, x2 = 0, tb = 1, ta = 1, y = 1, xc = 1, c = 0] "tf.z.or.andcm {p1},{p2}={imm5}";
    TfNzOrAndcm [op = 5, x2 = 0, tb = 1, ta = 1, y = 1, xc = 1, c = 1] "tf.nz.or.andcm {p1},{p2}={imm5}";
    // I18, nop and hint
    Nop [op = 0, x3 = 0, x6 = 1, yb = 0] "nop.i {imm21}";
    Hint [op = 0, x3 = 0, x6 = 1, yb = 1] "hint.i {imm21}";
    // I19, break
    Break [op = 0, x3 = 0, x6 = 0] "break.i {imm21}";
    // I20, speculation check
    ChkS [op = 0, x3 = 1] "chk.s.i {r2},{target25c}";
    // I21 and I22, branch registers
    MovToBr [op = 0, x3 = 7, xb = 0] "mov{mwh}{ih} {b1}={r2},{tag13}";
    MovRetToBr [op = 0, x3 = 7, xb = 1] "mov.ret{mwh}{ih} {b1}={r2},{tag13}";
    MovFromBr [op = 0, x3 = 0, x6 = 0x31] "mov {r1}={b2}";
    // I23 to I25, predicates and IP
    MovToPr [op = 0, x3 = 3] "mov pr={r2},{mask17}";
    MovToPrRot [op = 0, x3 = 2] "mov pr.rot={imm44}";
    MovFromIp [op = 0, x3 = 0, x6 = 0x30] "mov {r1}=ip";
    MovFromPr [op = 0, x3 = 0, x6 = 0x33] "mov {r1}=pr";
    // I26 to I28, application registers
    MovToAr [op = 0, x3 = 0, x6 = 0x2a] "mov.i {ar3}={r2}";
    MovImmToAr [op = 0, x3 = 0, x6 = 0x0a] "mov.i {ar3}={imm8}";
    MovFromAr [op = 0, x3 = 0, x6 = 0x32] "mov.i {r1}={ar3}";
    // I29, extension and search for a zero
    Zxt1 [op = 0, x3 = 0, x6 = 0x10] "zxt1 {r1}={r3}";
    Zxt2 [op = 0, x3 = 0, x6 = 0x11] "zxt2 {r1}={r3}";
    Zxt4 [op = 0, x3 = 0, x6 = 0x12] "zxt4 {r1}={r3}";
    Sxt1 [op = 0, x3 = 0, x6 = 0x14] "sxt1 {r1}={r3}";
    Sxt2 [op = 0, x3 = 0, x6 = 0x15] "sxt2 {r1}={r3}";
    Sxt4 [op = 0, x3 = 0, x6 = 0x16] "sxt4 {r1}={r3}";
    Czx1L [op = 0, x3 = 0, x6 = 0x18] "czx1.l {r1}={r3}";
    Czx2L [op = 0, x3 = 0, x6 = 0x19] "czx2.l {r1}={r3}";
    Czx1R [op = 0, x3 = 0, x6 = 0x1c] "czx1.r {r1}={r3}";
    Czx2R [op = 0, x3 = 0, x6 = 0x1d] "czx2.r {r1}={r3}";
}
