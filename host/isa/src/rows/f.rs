//! F-unit instructions: floating-point and fixed-point multiply (SDM 3, section 4.6).

use super::{bit_fields, rows};
use crate::bundle::Unit;

bit_fields! {
    op = 40:37,
    xa = 36:36,
    x2 = 35:34,
    // Format F4
    rb = 36:36,
    ra = 33:33,
    ta = 12:12,
    // Formats F6 to F16
    q = 36:36,
    x = 33:33,
    x6 = 32:27,
    y = 26:26,
}

rows! {
    /// An F-unit instruction.
    F decoded by &[Unit::F];

    // F1, multiply and add
    Fma [op = 0x8, xa = 0] "fma{sf} {f1}={f3},{f4},{f2}";
    FmaS [op = 0x8, xa = 1] "fma.s{sf} {f1}={f3},{f4},{f2}";
    FmaD [op = 0x9, xa = 0] "fma.d{sf} {f1}={f3},{f4},{f2}";
    Fpma [op = 0x9, xa = 1] "fpma{sf} {f1}={f3},{f4},{f2}";
    Fms [op = 0xa, xa = 0] "fms{sf} {f1}={f3},{f4},{f2}";
    FmsS [op = 0xa, xa = 1] "fms.s{sf} {f1}={f3},{f4},{f2}";
    FmsD [op = 0xb, xa = 0] "fms.d{sf} {f1}={f3},{f4},{f2}";
    Fpms [op = 0xb, xa = 1] "fpms{sf} {f1}={f3},{f4},{f2}";
    Fnma [op = 0xc, xa = 0] "fnma{sf} {f1}={f3},{f4},{f2}";
    FnmaS [op = 0xc, xa = 1] "fnma.s{sf} {f1}={f3},{f4},{f2}";
    FnmaD [op = 0xd, xa = 0] "fnma.d{sf} {f1}={f3},{f4},{f2}";
    Fpnma [op = 0xd, xa = 1] "fpnma{sf} {f1}={f3},{f4},{f2}";
    // F2, fixed-point multiply and add
    XmaL [op = 0xe, xa = 1, x2 = 0] "xma.l {f1}={f3},{f4},{f2}";
    XmaH [op = 0xe, xa = 1, x2 = 3] "xma.h {f1}={f3},{f4},{f2}";
    XmaHu [op = 0xe, xa = 1, x2 = 2] "xma.hu {f1}={f3},{f4},{f2}";
    // F3, select
    Fselect [op = 0xe, xa = 0] "fselect {f1}={f3},{f4},{f2}";
    // F4, compare
    FcmpEq [op = 4, ra = 0, rb = 0, ta = 0] "fcmp.eq{sf} {p1},{p2}={f2},{f3}";
    FcmpLt [op = 4, ra = 0, rb = 1, ta = 0] "fcmp.lt{sf} {p1},{p2}={f2},{f3}";
    FcmpLe [op = 4, ra = 1, rb = 0, ta = 0] "fcmp.le{sf} {p1},{p2}={f2},{f3}";
    FcmpUnord [op = 4, ra = 1, rb = 1, ta = 0] "fcmp.unord{sf} {p1},{p2}={f2},{f3}";
    FcmpEqUnc [op = 4, ra = 0, rb = 0, ta = 1] "fcmp.eq.unc{sf} {p1},{p2}={f2},{f3}", unconditional;
    FcmpLtUnc [op = 4, ra = 0, rb = 1, ta = 1] "fcmp.lt.unc{sf} {p1},{p2}={f2},{f3}", unconditional;
    FcmpLeUnc [op = 4, ra = 1, rb = 0, ta = 1] "fcmp.le.unc{sf} {p1},{p2}={f2},{f3}", unconditional;
    FcmpUnordUnc [op = 4, ra = 1, rb = 1, ta = 1] "fcmp.unord.unc{sf} {p1},{p2}={f2},{f3}", unconditional;
    // F5, class
    FclassM [op = 5, ta = 0] "fclass.m {p1},{p2}={f2},{fclass9}";
    FclassMUnc [op = 5, ta = 1] "fclass.m.unc {p1},{p2}={f2},{fclass9}", unconditional;
    // F6, reciprocal approximation
    Frcpa [op = 0, x = 1, q = 0] "frcpa{sf} {f1},{p2}={f2},{f3}", unconditional;
    Fprcpa [op = 1, x = 1, q = 0] "fprcpa{sf} {f1},{p2}={f2},{f3}", unconditional;
    // F7, reciprocal square root approximation
    Frsqrta [op = 0, x = 1, q = 1] "frsqrta{sf} {f1},{p2}={f3}", unconditional;
    Fprsqrta [op = 1, x = 1, q = 1] "fprsqrta{sf} {f1},{p2}={f3}", unconditional;
    // F8, minimum and maximum, parallel compare
    Fmin [op = 0, x = 0, x6 = 0x14] "fmin{sf} {f1}={f2},{f3}";
    Fmax [op = 0, x = 0, x6 = 0x15] "fmax{sf} {f1}={f2},{f3}";
    Famin [op = 0, x = 0, x6 = 0x16] "famin{sf} {f1}={f2},{f3}";
    Famax [op = 0, x = 0, x6 = 0x17] "famax{sf} {f1}={f2},{f3}";
    Fpmin [op = 1, x = 0, x6 = 0x14] "fpmin{sf} {f1}={f2},{f3}";
    Fpmax [op = 1, x = 0, x6 = 0x15] "fpmax{sf} {f1}={f2},{f3}";
    Fpamin [op = 1, x = 0, x6 = 0x16] "fpamin{sf} {f1}={f2},{f3}";
    Fpamax [op = 1, x = 0, x6 = 0x17] "fpamax{sf} {f1}={f2},{f3}";
    FpcmpEq [op = 1, x = 0, x6 = 0x30] "fpcmp.eq{sf} {f1}={f2},{f3}";
    FpcmpLt [op = 1, x = 0, x6 = 0x31] "fpcmp.lt{sf} {f1}={f2},{f3}";
    FpcmpLe [op = 1, x = 0, x6 = 0x32] "fpcmp.le{sf} {f1}={f2},{f3}";
    FpcmpUnord [op = 1, x = 0, x6 = 0x33] "fpcmp.unord{sf} {f1}={f2},{f3}";
    FpcmpNeq [op = 1, x = 0, x6 = 0x34] "fpcmp.neq{sf} {f1}={f2},{f3}";
    FpcmpNlt [op = 1, x = 0, x6 = 0x35] "fpcmp.nlt{sf} {f1}={f2},{f3}";
    FpcmpNle [op = 1, x = 0, x6 = 0x36] "fpcmp.nle{sf} {f1}={f2},{f3}";
    FpcmpOrd [op = 1, x = 0, x6 = 0x37] "fpcmp.ord{sf} {f1}={f2},{f3}";
    // F9, merge and logical
    FmergeS [op = 0, x = 0, x6 = 0x10] "fmerge.s {f1}={f2},{f3}";
    FmergeNs [op = 0, x = 0, x6 = 0x11] "fmerge.ns {f1}={f2},{f3}";
    FmergeSe [op = 0, x = 0, x6 = 0x12] "fmerge.se {f1}={f2},{f3}";
    FmixLr [op = 0, x = 0, x6 = 0x39] "fmix.lr {f1}={f2},{f3}";
    FmixR [op = 0, x = 0, x6 = 0x3a] "fmix.r {f1}={f2},{f3}";
    FmixL [op = 0, x = 0, x6 = 0x3b] "fmix.l {f1}={f2},{f3}";
    FsxtR [op = 0, x = 0, x6 = 0x3c] "fsxt.r {f1}={f2},{f3}";
    FsxtL [op = 0, x = 0, x6 = 0x3d] "fsxt.l {f1}={f2},{f3}";
    Fpack [op = 0, x = 0, x6 = 0x28] "fpack {f1}={f2},{f3}";
    Fswap [op = 0, x = 0, x6 = 0x34] "fswap {f1}={f2},{f3}";
    FswapNl [op = 0, x = 0, x6 = 0x35] "fswap.nl {f1}={f2},{f3}";
    FswapNr [op = 0, x = 0, x6 = 0x36] "fswap.nr {f1}={f2},{f3}";
    Fand [op = 0, x = 0, x6 = 0x2c] "fand {f1}={f2},{f3}";
    Fandcm [op = 0, x = 0, x6 = 0x2d] "fandcm {f1}={f2},{f3}";
    For [op = 0, x = 0, x6 = 0x2e] "for {f1}={f2},{f3}";
    Fxor [op = 0, x = 0, x6 = 0x2f] "fxor {f1}={f2},{f3}";
    FpmergeS [op = 1, x = 0, x6 = 0x10] "fpmerge.s {f1}={f2},{f3}";
    FpmergeNs [op = 1, x = 0, x6 = 0x11] "fpmerge.ns {f1}={f2},{f3}";
    FpmergeSe [op = 1, x = 0, x6 = 0x12] "fpmerge.se {f1}={f2},{f3}";
    // F10, convert to integer
    FcvtFx [op = 0, x = 0, x6 = 0x18] "fcvt.fx{sf} {f1}={f2}";
    FcvtFxu [op = 0, x = 0, x6 = 0x19] "fcvt.fxu{sf} {f1}={f2}";
    FcvtFxTrunc [op = 0, x = 0, x6 = 0x1a] "fcvt.fx.trunc{sf} {f1}={f2}";
    FcvtFxuTrunc [op = 0, x = 0, x6 = 0x1b] "fcvt.fxu.trunc{sf} {f1}={f2}";
    FpcvtFx [op = 1, x = 0, x6 = 0x18] "fpcvt.fx{sf} {f1}={f2}";
    FpcvtFxu [op = 1, x = 0, x6 = 0x19] "fpcvt.fxu{sf} {f1}={f2}";
    FpcvtFxTrunc [op = 1, x = 0, x6 = 0x1a] "fpcvt.fx.trunc{sf} {f1}={f2}";
    FpcvtFxuTrunc [op = 1, x = 0, x6 = 0x1b] "fpcvt.fxu.trunc{sf} {f1}={f2}";
    // F11, convert from integer
    FcvtXf [op = 0, x = 0, x6 = 0x1c] "fcvt.xf {f1}={f2}";
    // F12, F13, F14, status fields
    Fsetc [op = 0, x = 0, x6 = 0x04] "fsetc{sf} {amask7},{omask7}";
    Fclrf [op = 0, x = 0, x6 = 0x05] "fclrf{sf}";
    Fchkf [op = 0, x = 0, x6 = 0x08] "fchkf{sf} {target25f}";
    // F15, break
    Break [op = 0, x = 0, x6 = 0x00] "break.f {imm21}";
    // F16, nop, hint
    Nop [op = 0, x = 0, x6 = 0x01, y = 0] "nop.f {imm21}";
    Hint [op = 0, x = 0, x6 = 0x01, y = 1] "hint.f {imm21}";
}
