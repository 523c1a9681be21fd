//! M-unit instructions: memory access, semaphores, system state (SDM 3, section 4.4).
//!
//! A load or store that updates its address register has the suffix `Reg` (by a register) or `Imm` (by an
//! immediate). Causes of `mov` to and from application registers hold for ar.itc and ar.ruc only, which the
//! processor tests. The hints `.d4` to `.d7`, `lfetch.count` and `mov dahr=` are of the Itanium 9500; older
//! processors ignore the bits, so they execute as the load, `lfetch` and `hint.m` without them.

use super::{bit_fields, rows};
use crate::bundle::Unit;
use crate::cause::Cause;
use crate::row::Feature;

bit_fields! {
    op = 40:37,
    // Memory access
    m = 36:36,
    x6 = 35:30,
    x = 27:27,
    count = 19:19,
    // System
    fc_x = 36:36,
    x3 = 35:33,
    x6s = 32:27,
    x2 = 32:31,
    x4 = 30:27,
    y = 26:26,
    dahr = 10:10,
}

rows! {
    /// An M-unit instruction.
    M decoded by &[Unit::M];

    // M1, integer load
    Ld1 [op = 4, m = 0, x = 0, x6 = 0x00] "ld1{ldhint} {r1}=[{r3}]";
    Ld2 [op = 4, m = 0, x = 0, x6 = 0x01] "ld2{ldhint} {r1}=[{r3}]";
    Ld4 [op = 4, m = 0, x = 0, x6 = 0x02] "ld4{ldhint} {r1}=[{r3}]";
    Ld8 [op = 4, m = 0, x = 0, x6 = 0x03] "ld8{ldhint} {r1}=[{r3}]";
    Ld1S [op = 4, m = 0, x = 0, x6 = 0x04] "ld1.s{ldhint} {r1}=[{r3}]";
    Ld2S [op = 4, m = 0, x = 0, x6 = 0x05] "ld2.s{ldhint} {r1}=[{r3}]";
    Ld4S [op = 4, m = 0, x = 0, x6 = 0x06] "ld4.s{ldhint} {r1}=[{r3}]";
    Ld8S [op = 4, m = 0, x = 0, x6 = 0x07] "ld8.s{ldhint} {r1}=[{r3}]";
    Ld1A [op = 4, m = 0, x = 0, x6 = 0x08] "ld1.a{ldhint} {r1}=[{r3}]";
    Ld2A [op = 4, m = 0, x = 0, x6 = 0x09] "ld2.a{ldhint} {r1}=[{r3}]";
    Ld4A [op = 4, m = 0, x = 0, x6 = 0x0a] "ld4.a{ldhint} {r1}=[{r3}]";
    Ld8A [op = 4, m = 0, x = 0, x6 = 0x0b] "ld8.a{ldhint} {r1}=[{r3}]";
    Ld1Sa [op = 4, m = 0, x = 0, x6 = 0x0c] "ld1.sa{ldhint} {r1}=[{r3}]";
    Ld2Sa [op = 4, m = 0, x = 0, x6 = 0x0d] "ld2.sa{ldhint} {r1}=[{r3}]";
    Ld4Sa [op = 4, m = 0, x = 0, x6 = 0x0e] "ld4.sa{ldhint} {r1}=[{r3}]";
    Ld8Sa [op = 4, m = 0, x = 0, x6 = 0x0f] "ld8.sa{ldhint} {r1}=[{r3}]";
    Ld1Bias [op = 4, m = 0, x = 0, x6 = 0x10] "ld1.bias{ldhint} {r1}=[{r3}]";
    Ld2Bias [op = 4, m = 0, x = 0, x6 = 0x11] "ld2.bias{ldhint} {r1}=[{r3}]";
    Ld4Bias [op = 4, m = 0, x = 0, x6 = 0x12] "ld4.bias{ldhint} {r1}=[{r3}]";
    Ld8Bias [op = 4, m = 0, x = 0, x6 = 0x13] "ld8.bias{ldhint} {r1}=[{r3}]";
    Ld1Acq [op = 4, m = 0, x = 0, x6 = 0x14] "ld1.acq{ldhint} {r1}=[{r3}]";
    Ld2Acq [op = 4, m = 0, x = 0, x6 = 0x15] "ld2.acq{ldhint} {r1}=[{r3}]";
    Ld4Acq [op = 4, m = 0, x = 0, x6 = 0x16] "ld4.acq{ldhint} {r1}=[{r3}]";
    Ld8Acq [op = 4, m = 0, x = 0, x6 = 0x17] "ld8.acq{ldhint} {r1}=[{r3}]";
    Ld8Fill [op = 4, m = 0, x = 0, x6 = 0x1b] "ld8.fill{ldhint} {r1}=[{r3}]";
    Ld1CClr [op = 4, m = 0, x = 0, x6 = 0x20] "ld1.c.clr{ldhint} {r1}=[{r3}]";
    Ld2CClr [op = 4, m = 0, x = 0, x6 = 0x21] "ld2.c.clr{ldhint} {r1}=[{r3}]";
    Ld4CClr [op = 4, m = 0, x = 0, x6 = 0x22] "ld4.c.clr{ldhint} {r1}=[{r3}]";
    Ld8CClr [op = 4, m = 0, x = 0, x6 = 0x23] "ld8.c.clr{ldhint} {r1}=[{r3}]";
    Ld1CNc [op = 4, m = 0, x = 0, x6 = 0x24] "ld1.c.nc{ldhint} {r1}=[{r3}]";
    Ld2CNc [op = 4, m = 0, x = 0, x6 = 0x25] "ld2.c.nc{ldhint} {r1}=[{r3}]";
    Ld4CNc [op = 4, m = 0, x = 0, x6 = 0x26] "ld4.c.nc{ldhint} {r1}=[{r3}]";
    Ld8CNc [op = 4, m = 0, x = 0, x6 = 0x27] "ld8.c.nc{ldhint} {r1}=[{r3}]";
    Ld1CClrAcq [op = 4, m = 0, x = 0, x6 = 0x28] "ld1.c.clr.acq{ldhint} {r1}=[{r3}]";
    Ld2CClrAcq [op = 4, m = 0, x = 0, x6 = 0x29] "ld2.c.clr.acq{ldhint} {r1}=[{r3}]";
    Ld4CClrAcq [op = 4, m = 0, x = 0, x6 = 0x2a] "ld4.c.clr.acq{ldhint} {r1}=[{r3}]";
    Ld8CClrAcq [op = 4, m = 0, x = 0, x6 = 0x2b] "ld8.c.clr.acq{ldhint} {r1}=[{r3}]";
    // M1, 16-byte load
    Ld16 [op = 4, m = 0, x = 1, x6 = 0x28] "ld16{ldhint} {r1},ar.csd=[{r3}]", feature(Feature::Ao);
    Ld16Acq [op = 4, m = 0, x = 1, x6 = 0x2c] "ld16.acq{ldhint} {r1},ar.csd=[{r3}]", feature(Feature::Ao);
    // M2, integer load, increment by register
    Ld1Reg [op = 4, m = 1, x = 0, x6 = 0x00] "ld1{ldhintu} {r1}=[{r3}],{r2}", targets_differ;
    Ld2Reg [op = 4, m = 1, x = 0, x6 = 0x01] "ld2{ldhintu} {r1}=[{r3}],{r2}", targets_differ;
    Ld4Reg [op = 4, m = 1, x = 0, x6 = 0x02] "ld4{ldhintu} {r1}=[{r3}],{r2}", targets_differ;
    Ld8Reg [op = 4, m = 1, x = 0, x6 = 0x03] "ld8{ldhintu} {r1}=[{r3}],{r2}", targets_differ;
    Ld1SReg [op = 4, m = 1, x = 0, x6 = 0x04] "ld1.s{ldhintu} {r1}=[{r3}],{r2}", targets_differ;
    Ld2SReg [op = 4, m = 1, x = 0, x6 = 0x05] "ld2.s{ldhintu} {r1}=[{r3}],{r2}", targets_differ;
    Ld4SReg [op = 4, m = 1, x = 0, x6 = 0x06] "ld4.s{ldhintu} {r1}=[{r3}],{r2}", targets_differ;
    Ld8SReg [op = 4, m = 1, x = 0, x6 = 0x07] "ld8.s{ldhintu} {r1}=[{r3}],{r2}", targets_differ;
    Ld1AReg [op = 4, m = 1, x = 0, x6 = 0x08] "ld1.a{ldhintu} {r1}=[{r3}],{r2}", targets_differ;
    Ld2AReg [op = 4, m = 1, x = 0, x6 = 0x09] "ld2.a{ldhintu} {r1}=[{r3}],{r2}", targets_differ;
    Ld4AReg [op = 4, m = 1, x = 0, x6 = 0x0a] "ld4.a{ldhintu} {r1}=[{r3}],{r2}", targets_differ;
    Ld8AReg [op = 4, m = 1, x = 0, x6 = 0x0b] "ld8.a{ldhintu} {r1}=[{r3}],{r2}", targets_differ;
    Ld1SaReg [op = 4, m = 1, x = 0, x6 = 0x0c] "ld1.sa{ldhintu} {r1}=[{r3}],{r2}", targets_differ;
    Ld2SaReg [op = 4, m = 1, x = 0, x6 = 0x0d] "ld2.sa{ldhintu} {r1}=[{r3}],{r2}", targets_differ;
    Ld4SaReg [op = 4, m = 1, x = 0, x6 = 0x0e] "ld4.sa{ldhintu} {r1}=[{r3}],{r2}", targets_differ;
    Ld8SaReg [op = 4, m = 1, x = 0, x6 = 0x0f] "ld8.sa{ldhintu} {r1}=[{r3}],{r2}", targets_differ;
    Ld1BiasReg [op = 4, m = 1, x = 0, x6 = 0x10] "ld1.bias{ldhintu} {r1}=[{r3}],{r2}", targets_differ;
    Ld2BiasReg [op = 4, m = 1, x = 0, x6 = 0x11] "ld2.bias{ldhintu} {r1}=[{r3}],{r2}", targets_differ;
    Ld4BiasReg [op = 4, m = 1, x = 0, x6 = 0x12] "ld4.bias{ldhintu} {r1}=[{r3}],{r2}", targets_differ;
    Ld8BiasReg [op = 4, m = 1, x = 0, x6 = 0x13] "ld8.bias{ldhintu} {r1}=[{r3}],{r2}", targets_differ;
    Ld1AcqReg [op = 4, m = 1, x = 0, x6 = 0x14] "ld1.acq{ldhintu} {r1}=[{r3}],{r2}", targets_differ;
    Ld2AcqReg [op = 4, m = 1, x = 0, x6 = 0x15] "ld2.acq{ldhintu} {r1}=[{r3}],{r2}", targets_differ;
    Ld4AcqReg [op = 4, m = 1, x = 0, x6 = 0x16] "ld4.acq{ldhintu} {r1}=[{r3}],{r2}", targets_differ;
    Ld8AcqReg [op = 4, m = 1, x = 0, x6 = 0x17] "ld8.acq{ldhintu} {r1}=[{r3}],{r2}", targets_differ;
    Ld8FillReg [op = 4, m = 1, x = 0, x6 = 0x1b] "ld8.fill{ldhintu} {r1}=[{r3}],{r2}", targets_differ;
    Ld1CClrReg [op = 4, m = 1, x = 0, x6 = 0x20] "ld1.c.clr{ldhintu} {r1}=[{r3}],{r2}", targets_differ;
    Ld2CClrReg [op = 4, m = 1, x = 0, x6 = 0x21] "ld2.c.clr{ldhintu} {r1}=[{r3}],{r2}", targets_differ;
    Ld4CClrReg [op = 4, m = 1, x = 0, x6 = 0x22] "ld4.c.clr{ldhintu} {r1}=[{r3}],{r2}", targets_differ;
    Ld8CClrReg [op = 4, m = 1, x = 0, x6 = 0x23] "ld8.c.clr{ldhintu} {r1}=[{r3}],{r2}", targets_differ;
    Ld1CNcReg [op = 4, m = 1, x = 0, x6 = 0x24] "ld1.c.nc{ldhintu} {r1}=[{r3}],{r2}", targets_differ;
    Ld2CNcReg [op = 4, m = 1, x = 0, x6 = 0x25] "ld2.c.nc{ldhintu} {r1}=[{r3}],{r2}", targets_differ;
    Ld4CNcReg [op = 4, m = 1, x = 0, x6 = 0x26] "ld4.c.nc{ldhintu} {r1}=[{r3}],{r2}", targets_differ;
    Ld8CNcReg [op = 4, m = 1, x = 0, x6 = 0x27] "ld8.c.nc{ldhintu} {r1}=[{r3}],{r2}", targets_differ;
    Ld1CClrAcqReg [op = 4, m = 1, x = 0, x6 = 0x28] "ld1.c.clr.acq{ldhintu} {r1}=[{r3}],{r2}", targets_differ;
    Ld2CClrAcqReg [op = 4, m = 1, x = 0, x6 = 0x29] "ld2.c.clr.acq{ldhintu} {r1}=[{r3}],{r2}", targets_differ;
    Ld4CClrAcqReg [op = 4, m = 1, x = 0, x6 = 0x2a] "ld4.c.clr.acq{ldhintu} {r1}=[{r3}],{r2}", targets_differ;
    Ld8CClrAcqReg [op = 4, m = 1, x = 0, x6 = 0x2b] "ld8.c.clr.acq{ldhintu} {r1}=[{r3}],{r2}", targets_differ;
    // M3, integer load, increment by immediate
    Ld1Imm [op = 5, x6 = 0x00] "ld1{ldhintu} {r1}=[{r3}],{imm9b}", targets_differ;
    Ld2Imm [op = 5, x6 = 0x01] "ld2{ldhintu} {r1}=[{r3}],{imm9b}", targets_differ;
    Ld4Imm [op = 5, x6 = 0x02] "ld4{ldhintu} {r1}=[{r3}],{imm9b}", targets_differ;
    Ld8Imm [op = 5, x6 = 0x03] "ld8{ldhintu} {r1}=[{r3}],{imm9b}", targets_differ;
    Ld1SImm [op = 5, x6 = 0x04] "ld1.s{ldhintu} {r1}=[{r3}],{imm9b}", targets_differ;
    Ld2SImm [op = 5, x6 = 0x05] "ld2.s{ldhintu} {r1}=[{r3}],{imm9b}", targets_differ;
    Ld4SImm [op = 5, x6 = 0x06] "ld4.s{ldhintu} {r1}=[{r3}],{imm9b}", targets_differ;
    Ld8SImm [op = 5, x6 = 0x07] "ld8.s{ldhintu} {r1}=[{r3}],{imm9b}", targets_differ;
    Ld1AImm [op = 5, x6 = 0x08] "ld1.a{ldhintu} {r1}=[{r3}],{imm9b}", targets_differ;
    Ld2AImm [op = 5, x6 = 0x09] "ld2.a{ldhintu} {r1}=[{r3}],{imm9b}", targets_differ;
    Ld4AImm [op = 5, x6 = 0x0a] "ld4.a{ldhintu} {r1}=[{r3}],{imm9b}", targets_differ;
    Ld8AImm [op = 5, x6 = 0x0b] "ld8.a{ldhintu} {r1}=[{r3}],{imm9b}", targets_differ;
    Ld1SaImm [op = 5, x6 = 0x0c] "ld1.sa{ldhintu} {r1}=[{r3}],{imm9b}", targets_differ;
    Ld2SaImm [op = 5, x6 = 0x0d] "ld2.sa{ldhintu} {r1}=[{r3}],{imm9b}", targets_differ;
    Ld4SaImm [op = 5, x6 = 0x0e] "ld4.sa{ldhintu} {r1}=[{r3}],{imm9b}", targets_differ;
    Ld8SaImm [op = 5, x6 = 0x0f] "ld8.sa{ldhintu} {r1}=[{r3}],{imm9b}", targets_differ;
    Ld1BiasImm [op = 5, x6 = 0x10] "ld1.bias{ldhintu} {r1}=[{r3}],{imm9b}", targets_differ;
    Ld2BiasImm [op = 5, x6 = 0x11] "ld2.bias{ldhintu} {r1}=[{r3}],{imm9b}", targets_differ;
    Ld4BiasImm [op = 5, x6 = 0x12] "ld4.bias{ldhintu} {r1}=[{r3}],{imm9b}", targets_differ;
    Ld8BiasImm [op = 5, x6 = 0x13] "ld8.bias{ldhintu} {r1}=[{r3}],{imm9b}", targets_differ;
    Ld1AcqImm [op = 5, x6 = 0x14] "ld1.acq{ldhintu} {r1}=[{r3}],{imm9b}", targets_differ;
    Ld2AcqImm [op = 5, x6 = 0x15] "ld2.acq{ldhintu} {r1}=[{r3}],{imm9b}", targets_differ;
    Ld4AcqImm [op = 5, x6 = 0x16] "ld4.acq{ldhintu} {r1}=[{r3}],{imm9b}", targets_differ;
    Ld8AcqImm [op = 5, x6 = 0x17] "ld8.acq{ldhintu} {r1}=[{r3}],{imm9b}", targets_differ;
    Ld8FillImm [op = 5, x6 = 0x1b] "ld8.fill{ldhintu} {r1}=[{r3}],{imm9b}", targets_differ;
    Ld1CClrImm [op = 5, x6 = 0x20] "ld1.c.clr{ldhintu} {r1}=[{r3}],{imm9b}", targets_differ;
    Ld2CClrImm [op = 5, x6 = 0x21] "ld2.c.clr{ldhintu} {r1}=[{r3}],{imm9b}", targets_differ;
    Ld4CClrImm [op = 5, x6 = 0x22] "ld4.c.clr{ldhintu} {r1}=[{r3}],{imm9b}", targets_differ;
    Ld8CClrImm [op = 5, x6 = 0x23] "ld8.c.clr{ldhintu} {r1}=[{r3}],{imm9b}", targets_differ;
    Ld1CNcImm [op = 5, x6 = 0x24] "ld1.c.nc{ldhintu} {r1}=[{r3}],{imm9b}", targets_differ;
    Ld2CNcImm [op = 5, x6 = 0x25] "ld2.c.nc{ldhintu} {r1}=[{r3}],{imm9b}", targets_differ;
    Ld4CNcImm [op = 5, x6 = 0x26] "ld4.c.nc{ldhintu} {r1}=[{r3}],{imm9b}", targets_differ;
    Ld8CNcImm [op = 5, x6 = 0x27] "ld8.c.nc{ldhintu} {r1}=[{r3}],{imm9b}", targets_differ;
    Ld1CClrAcqImm [op = 5, x6 = 0x28] "ld1.c.clr.acq{ldhintu} {r1}=[{r3}],{imm9b}", targets_differ;
    Ld2CClrAcqImm [op = 5, x6 = 0x29] "ld2.c.clr.acq{ldhintu} {r1}=[{r3}],{imm9b}", targets_differ;
    Ld4CClrAcqImm [op = 5, x6 = 0x2a] "ld4.c.clr.acq{ldhintu} {r1}=[{r3}],{imm9b}", targets_differ;
    Ld8CClrAcqImm [op = 5, x6 = 0x2b] "ld8.c.clr.acq{ldhintu} {r1}=[{r3}],{imm9b}", targets_differ;
    // M4, integer store
    St1 [op = 4, m = 0, x = 0, x6 = 0x30] "st1{sthint} [{r3}]={r2}";
    St2 [op = 4, m = 0, x = 0, x6 = 0x31] "st2{sthint} [{r3}]={r2}";
    St4 [op = 4, m = 0, x = 0, x6 = 0x32] "st4{sthint} [{r3}]={r2}";
    St8 [op = 4, m = 0, x = 0, x6 = 0x33] "st8{sthint} [{r3}]={r2}";
    St1Rel [op = 4, m = 0, x = 0, x6 = 0x34] "st1.rel{sthint} [{r3}]={r2}";
    St2Rel [op = 4, m = 0, x = 0, x6 = 0x35] "st2.rel{sthint} [{r3}]={r2}";
    St4Rel [op = 4, m = 0, x = 0, x6 = 0x36] "st4.rel{sthint} [{r3}]={r2}";
    St8Rel [op = 4, m = 0, x = 0, x6 = 0x37] "st8.rel{sthint} [{r3}]={r2}";
    St8Spill [op = 4, m = 0, x = 0, x6 = 0x3b] "st8.spill{sthint} [{r3}]={r2}";
    // M4, 16-byte store
    St16 [op = 4, m = 0, x = 1, x6 = 0x30] "st16{sthint} [{r3}]={r2},ar.csd", feature(Feature::Ao);
    St16Rel [op = 4, m = 0, x = 1, x6 = 0x34] "st16.rel{sthint} [{r3}]={r2},ar.csd", feature(Feature::Ao);
    // M5, integer store, increment by immediate
    St1Imm [op = 5, x6 = 0x30] "st1{sthintu} [{r3}]={r2},{imm9a}";
    St2Imm [op = 5, x6 = 0x31] "st2{sthintu} [{r3}]={r2},{imm9a}";
    St4Imm [op = 5, x6 = 0x32] "st4{sthintu} [{r3}]={r2},{imm9a}";
    St8Imm [op = 5, x6 = 0x33] "st8{sthintu} [{r3}]={r2},{imm9a}";
    St1RelImm [op = 5, x6 = 0x34] "st1.rel{sthintu} [{r3}]={r2},{imm9a}";
    St2RelImm [op = 5, x6 = 0x35] "st2.rel{sthintu} [{r3}]={r2},{imm9a}";
    St4RelImm [op = 5, x6 = 0x36] "st4.rel{sthintu} [{r3}]={r2},{imm9a}";
    St8RelImm [op = 5, x6 = 0x37] "st8.rel{sthintu} [{r3}]={r2},{imm9a}";
    St8SpillImm [op = 5, x6 = 0x3b] "st8.spill{sthintu} [{r3}]={r2},{imm9a}";
    // M6, floating-point load
    Ldfs [op = 6, m = 0, x = 0, x6 = 0x02] "ldfs{ldhint} {f1}=[{r3}]";
    Ldfd [op = 6, m = 0, x = 0, x6 = 0x03] "ldfd{ldhint} {f1}=[{r3}]";
    Ldf8 [op = 6, m = 0, x = 0, x6 = 0x01] "ldf8{ldhint} {f1}=[{r3}]";
    Ldfe [op = 6, m = 0, x = 0, x6 = 0x00] "ldfe{ldhint} {f1}=[{r3}]";
    LdfsS [op = 6, m = 0, x = 0, x6 = 0x06] "ldfs.s{ldhint} {f1}=[{r3}]";
    LdfdS [op = 6, m = 0, x = 0, x6 = 0x07] "ldfd.s{ldhint} {f1}=[{r3}]";
    Ldf8S [op = 6, m = 0, x = 0, x6 = 0x05] "ldf8.s{ldhint} {f1}=[{r3}]";
    LdfeS [op = 6, m = 0, x = 0, x6 = 0x04] "ldfe.s{ldhint} {f1}=[{r3}]";
    LdfsA [op = 6, m = 0, x = 0, x6 = 0x0a] "ldfs.a{ldhint} {f1}=[{r3}]";
    LdfdA [op = 6, m = 0, x = 0, x6 = 0x0b] "ldfd.a{ldhint} {f1}=[{r3}]";
    Ldf8A [op = 6, m = 0, x = 0, x6 = 0x09] "ldf8.a{ldhint} {f1}=[{r3}]";
    LdfeA [op = 6, m = 0, x = 0, x6 = 0x08] "ldfe.a{ldhint} {f1}=[{r3}]";
    LdfsSa [op = 6, m = 0, x = 0, x6 = 0x0e] "ldfs.sa{ldhint} {f1}=[{r3}]";
    LdfdSa [op = 6, m = 0, x = 0, x6 = 0x0f] "ldfd.sa{ldhint} {f1}=[{r3}]";
    Ldf8Sa [op = 6, m = 0, x = 0, x6 = 0x0d] "ldf8.sa{ldhint} {f1}=[{r3}]";
    LdfeSa [op = 6, m = 0, x = 0, x6 = 0x0c] "ldfe.sa{ldhint} {f1}=[{r3}]";
    LdfFill [op = 6, m = 0, x = 0, x6 = 0x1b] "ldf.fill{ldhint} {f1}=[{r3}]";
    LdfsCClr [op = 6, m = 0, x = 0, x6 = 0x22] "ldfs.c.clr{ldhint} {f1}=[{r3}]";
    LdfdCClr [op = 6, m = 0, x = 0, x6 = 0x23] "ldfd.c.clr{ldhint} {f1}=[{r3}]";
    Ldf8CClr [op = 6, m = 0, x = 0, x6 = 0x21] "ldf8.c.clr{ldhint} {f1}=[{r3}]";
    LdfeCClr [op = 6, m = 0, x = 0, x6 = 0x20] "ldfe.c.clr{ldhint} {f1}=[{r3}]";
    LdfsCNc [op = 6, m = 0, x = 0, x6 = 0x26] "ldfs.c.nc{ldhint} {f1}=[{r3}]";
    LdfdCNc [op = 6, m = 0, x = 0, x6 = 0x27] "ldfd.c.nc{ldhint} {f1}=[{r3}]";
    Ldf8CNc [op = 6, m = 0, x = 0, x6 = 0x25] "ldf8.c.nc{ldhint} {f1}=[{r3}]";
    LdfeCNc [op = 6, m = 0, x = 0, x6 = 0x24] "ldfe.c.nc{ldhint} {f1}=[{r3}]";
    // M7, floating-point load, increment by register
    LdfsReg [op = 6, m = 1, x = 0, x6 = 0x02] "ldfs{ldhintu} {f1}=[{r3}],{r2}";
    LdfdReg [op = 6, m = 1, x = 0, x6 = 0x03] "ldfd{ldhintu} {f1}=[{r3}],{r2}";
    Ldf8Reg [op = 6, m = 1, x = 0, x6 = 0x01] "ldf8{ldhintu} {f1}=[{r3}],{r2}";
    LdfeReg [op = 6, m = 1, x = 0, x6 = 0x00] "ldfe{ldhintu} {f1}=[{r3}],{r2}";
    LdfsSReg [op = 6, m = 1, x = 0, x6 = 0x06] "ldfs.s{ldhintu} {f1}=[{r3}],{r2}";
    LdfdSReg [op = 6, m = 1, x = 0, x6 = 0x07] "ldfd.s{ldhintu} {f1}=[{r3}],{r2}";
    Ldf8SReg [op = 6, m = 1, x = 0, x6 = 0x05] "ldf8.s{ldhintu} {f1}=[{r3}],{r2}";
    LdfeSReg [op = 6, m = 1, x = 0, x6 = 0x04] "ldfe.s{ldhintu} {f1}=[{r3}],{r2}";
    LdfsAReg [op = 6, m = 1, x = 0, x6 = 0x0a] "ldfs.a{ldhintu} {f1}=[{r3}],{r2}";
    LdfdAReg [op = 6, m = 1, x = 0, x6 = 0x0b] "ldfd.a{ldhintu} {f1}=[{r3}],{r2}";
    Ldf8AReg [op = 6, m = 1, x = 0, x6 = 0x09] "ldf8.a{ldhintu} {f1}=[{r3}],{r2}";
    LdfeAReg [op = 6, m = 1, x = 0, x6 = 0x08] "ldfe.a{ldhintu} {f1}=[{r3}],{r2}";
    LdfsSaReg [op = 6, m = 1, x = 0, x6 = 0x0e] "ldfs.sa{ldhintu} {f1}=[{r3}],{r2}";
    LdfdSaReg [op = 6, m = 1, x = 0, x6 = 0x0f] "ldfd.sa{ldhintu} {f1}=[{r3}],{r2}";
    Ldf8SaReg [op = 6, m = 1, x = 0, x6 = 0x0d] "ldf8.sa{ldhintu} {f1}=[{r3}],{r2}";
    LdfeSaReg [op = 6, m = 1, x = 0, x6 = 0x0c] "ldfe.sa{ldhintu} {f1}=[{r3}],{r2}";
    LdfFillReg [op = 6, m = 1, x = 0, x6 = 0x1b] "ldf.fill{ldhintu} {f1}=[{r3}],{r2}";
    LdfsCClrReg [op = 6, m = 1, x = 0, x6 = 0x22] "ldfs.c.clr{ldhintu} {f1}=[{r3}],{r2}";
    LdfdCClrReg [op = 6, m = 1, x = 0, x6 = 0x23] "ldfd.c.clr{ldhintu} {f1}=[{r3}],{r2}";
    Ldf8CClrReg [op = 6, m = 1, x = 0, x6 = 0x21] "ldf8.c.clr{ldhintu} {f1}=[{r3}],{r2}";
    LdfeCClrReg [op = 6, m = 1, x = 0, x6 = 0x20] "ldfe.c.clr{ldhintu} {f1}=[{r3}],{r2}";
    LdfsCNcReg [op = 6, m = 1, x = 0, x6 = 0x26] "ldfs.c.nc{ldhintu} {f1}=[{r3}],{r2}";
    LdfdCNcReg [op = 6, m = 1, x = 0, x6 = 0x27] "ldfd.c.nc{ldhintu} {f1}=[{r3}],{r2}";
    Ldf8CNcReg [op = 6, m = 1, x = 0, x6 = 0x25] "ldf8.c.nc{ldhintu} {f1}=[{r3}],{r2}";
    LdfeCNcReg [op = 6, m = 1, x = 0, x6 = 0x24] "ldfe.c.nc{ldhintu} {f1}=[{r3}],{r2}";
    // M8, floating-point load, increment by immediate
    LdfsImm [op = 7, x6 = 0x02] "ldfs{ldhintu} {f1}=[{r3}],{imm9b}";
    LdfdImm [op = 7, x6 = 0x03] "ldfd{ldhintu} {f1}=[{r3}],{imm9b}";
    Ldf8Imm [op = 7, x6 = 0x01] "ldf8{ldhintu} {f1}=[{r3}],{imm9b}";
    LdfeImm [op = 7, x6 = 0x00] "ldfe{ldhintu} {f1}=[{r3}],{imm9b}";
    LdfsSImm [op = 7, x6 = 0x06] "ldfs.s{ldhintu} {f1}=[{r3}],{imm9b}";
    LdfdSImm [op = 7, x6 = 0x07] "ldfd.s{ldhintu} {f1}=[{r3}],{imm9b}";
    Ldf8SImm [op = 7, x6 = 0x05] "ldf8.s{ldhintu} {f1}=[{r3}],{imm9b}";
    LdfeSImm [op = 7, x6 = 0x04] "ldfe.s{ldhintu} {f1}=[{r3}],{imm9b}";
    LdfsAImm [op = 7, x6 = 0x0a] "ldfs.a{ldhintu} {f1}=[{r3}],{imm9b}";
    LdfdAImm [op = 7, x6 = 0x0b] "ldfd.a{ldhintu} {f1}=[{r3}],{imm9b}";
    Ldf8AImm [op = 7, x6 = 0x09] "ldf8.a{ldhintu} {f1}=[{r3}],{imm9b}";
    LdfeAImm [op = 7, x6 = 0x08] "ldfe.a{ldhintu} {f1}=[{r3}],{imm9b}";
    LdfsSaImm [op = 7, x6 = 0x0e] "ldfs.sa{ldhintu} {f1}=[{r3}],{imm9b}";
    LdfdSaImm [op = 7, x6 = 0x0f] "ldfd.sa{ldhintu} {f1}=[{r3}],{imm9b}";
    Ldf8SaImm [op = 7, x6 = 0x0d] "ldf8.sa{ldhintu} {f1}=[{r3}],{imm9b}";
    LdfeSaImm [op = 7, x6 = 0x0c] "ldfe.sa{ldhintu} {f1}=[{r3}],{imm9b}";
    LdfFillImm [op = 7, x6 = 0x1b] "ldf.fill{ldhintu} {f1}=[{r3}],{imm9b}";
    LdfsCClrImm [op = 7, x6 = 0x22] "ldfs.c.clr{ldhintu} {f1}=[{r3}],{imm9b}";
    LdfdCClrImm [op = 7, x6 = 0x23] "ldfd.c.clr{ldhintu} {f1}=[{r3}],{imm9b}";
    Ldf8CClrImm [op = 7, x6 = 0x21] "ldf8.c.clr{ldhintu} {f1}=[{r3}],{imm9b}";
    LdfeCClrImm [op = 7, x6 = 0x20] "ldfe.c.clr{ldhintu} {f1}=[{r3}],{imm9b}";
    LdfsCNcImm [op = 7, x6 = 0x26] "ldfs.c.nc{ldhintu} {f1}=[{r3}],{imm9b}";
    LdfdCNcImm [op = 7, x6 = 0x27] "ldfd.c.nc{ldhintu} {f1}=[{r3}],{imm9b}";
    Ldf8CNcImm [op = 7, x6 = 0x25] "ldf8.c.nc{ldhintu} {f1}=[{r3}],{imm9b}";
    LdfeCNcImm [op = 7, x6 = 0x24] "ldfe.c.nc{ldhintu} {f1}=[{r3}],{imm9b}";
    // M9, floating-point store
    Stfs [op = 6, m = 0, x = 0, x6 = 0x32] "stfs{sthint} [{r3}]={f2}";
    Stfd [op = 6, m = 0, x = 0, x6 = 0x33] "stfd{sthint} [{r3}]={f2}";
    Stf8 [op = 6, m = 0, x = 0, x6 = 0x31] "stf8{sthint} [{r3}]={f2}";
    Stfe [op = 6, m = 0, x = 0, x6 = 0x30] "stfe{sthint} [{r3}]={f2}";
    StfSpill [op = 6, m = 0, x = 0, x6 = 0x3b] "stf.spill{sthint} [{r3}]={f2}";
    // M10, floating-point store, increment by immediate
    StfsImm [op = 7, x6 = 0x32] "stfs{sthintu} [{r3}]={f2},{imm9a}";
    StfdImm [op = 7, x6 = 0x33] "stfd{sthintu} [{r3}]={f2},{imm9a}";
    Stf8Imm [op = 7, x6 = 0x31] "stf8{sthintu} [{r3}]={f2},{imm9a}";
    StfeImm [op = 7, x6 = 0x30] "stfe{sthintu} [{r3}]={f2},{imm9a}";
    StfSpillImm [op = 7, x6 = 0x3b] "stf.spill{sthintu} [{r3}]={f2},{imm9a}";
    // M11, floating-point load pair; illegal unless one target is an odd physical register, one an even one
    Ldfps [op = 6, m = 0, x = 1, x6 = 0x02] "ldfps{ldhintu} {f1},{f2}=[{r3}]";
    Ldfpd [op = 6, m = 0, x = 1, x6 = 0x03] "ldfpd{ldhintu} {f1},{f2}=[{r3}]";
    Ldfp8 [op = 6, m = 0, x = 1, x6 = 0x01] "ldfp8{ldhintu} {f1},{f2}=[{r3}]";
    LdfpsS [op = 6, m = 0, x = 1, x6 = 0x06] "ldfps.s{ldhintu} {f1},{f2}=[{r3}]";
    LdfpdS [op = 6, m = 0, x = 1, x6 = 0x07] "ldfpd.s{ldhintu} {f1},{f2}=[{r3}]";
    Ldfp8S [op = 6, m = 0, x = 1, x6 = 0x05] "ldfp8.s{ldhintu} {f1},{f2}=[{r3}]";
    LdfpsA [op = 6, m = 0, x = 1, x6 = 0x0a] "ldfps.a{ldhintu} {f1},{f2}=[{r3}]";
    LdfpdA [op = 6, m = 0, x = 1, x6 = 0x0b] "ldfpd.a{ldhintu} {f1},{f2}=[{r3}]";
    Ldfp8A [op = 6, m = 0, x = 1, x6 = 0x09] "ldfp8.a{ldhintu} {f1},{f2}=[{r3}]";
    LdfpsSa [op = 6, m = 0, x = 1, x6 = 0x0e] "ldfps.sa{ldhintu} {f1},{f2}=[{r3}]";
    LdfpdSa [op = 6, m = 0, x = 1, x6 = 0x0f] "ldfpd.sa{ldhintu} {f1},{f2}=[{r3}]";
    Ldfp8Sa [op = 6, m = 0, x = 1, x6 = 0x0d] "ldfp8.sa{ldhintu} {f1},{f2}=[{r3}]";
    LdfpsCClr [op = 6, m = 0, x = 1, x6 = 0x22] "ldfps.c.clr{ldhintu} {f1},{f2}=[{r3}]";
    LdfpdCClr [op = 6, m = 0, x = 1, x6 = 0x23] "ldfpd.c.clr{ldhintu} {f1},{f2}=[{r3}]";
    Ldfp8CClr [op = 6, m = 0, x = 1, x6 = 0x21] "ldfp8.c.clr{ldhintu} {f1},{f2}=[{r3}]";
    LdfpsCNc [op = 6, m = 0, x = 1, x6 = 0x26] "ldfps.c.nc{ldhintu} {f1},{f2}=[{r3}]";
    LdfpdCNc [op = 6, m = 0, x = 1, x6 = 0x27] "ldfpd.c.nc{ldhintu} {f1},{f2}=[{r3}]";
    Ldfp8CNc [op = 6, m = 0, x = 1, x6 = 0x25] "ldfp8.c.nc{ldhintu} {f1},{f2}=[{r3}]";
    // M12, floating-point load pair, increment by the size of the pair
    LdfpsImm [op = 6, m = 1, x = 1, x6 = 0x02] "ldfps{ldhintu} {f1},{f2}=[{r3}],8";
    LdfpdImm [op = 6, m = 1, x = 1, x6 = 0x03] "ldfpd{ldhintu} {f1},{f2}=[{r3}],16";
    Ldfp8Imm [op = 6, m = 1, x = 1, x6 = 0x01] "ldfp8{ldhintu} {f1},{f2}=[{r3}],16";
    LdfpsSImm [op = 6, m = 1, x = 1, x6 = 0x06] "ldfps.s{ldhintu} {f1},{f2}=[{r3}],8";
    LdfpdSImm [op = 6, m = 1, x = 1, x6 = 0x07] "ldfpd.s{ldhintu} {f1},{f2}=[{r3}],16";
    Ldfp8SImm [op = 6, m = 1, x = 1, x6 = 0x05] "ldfp8.s{ldhintu} {f1},{f2}=[{r3}],16";
    LdfpsAImm [op = 6, m = 1, x = 1, x6 = 0x0a] "ldfps.a{ldhintu} {f1},{f2}=[{r3}],8";
    LdfpdAImm [op = 6, m = 1, x = 1, x6 = 0x0b] "ldfpd.a{ldhintu} {f1},{f2}=[{r3}],16";
    Ldfp8AImm [op = 6, m = 1, x = 1, x6 = 0x09] "ldfp8.a{ldhintu} {f1},{f2}=[{r3}],16";
    LdfpsSaImm [op = 6, m = 1, x = 1, x6 = 0x0e] "ldfps.sa{ldhintu} {f1},{f2}=[{r3}],8";
    LdfpdSaImm [op = 6, m = 1, x = 1, x6 = 0x0f] "ldfpd.sa{ldhintu} {f1},{f2}=[{r3}],16";
    Ldfp8SaImm [op = 6, m = 1, x = 1, x6 = 0x0d] "ldfp8.sa{ldhintu} {f1},{f2}=[{r3}],16";
    LdfpsCClrImm [op = 6, m = 1, x = 1, x6 = 0x22] "ldfps.c.clr{ldhintu} {f1},{f2}=[{r3}],8";
    LdfpdCClrImm [op = 6, m = 1, x = 1, x6 = 0x23] "ldfpd.c.clr{ldhintu} {f1},{f2}=[{r3}],16";
    Ldfp8CClrImm [op = 6, m = 1, x = 1, x6 = 0x21] "ldfp8.c.clr{ldhintu} {f1},{f2}=[{r3}],16";
    LdfpsCNcImm [op = 6, m = 1, x = 1, x6 = 0x26] "ldfps.c.nc{ldhintu} {f1},{f2}=[{r3}],8";
    LdfpdCNcImm [op = 6, m = 1, x = 1, x6 = 0x27] "ldfpd.c.nc{ldhintu} {f1},{f2}=[{r3}],16";
    Ldfp8CNcImm [op = 6, m = 1, x = 1, x6 = 0x25] "ldfp8.c.nc{ldhintu} {f1},{f2}=[{r3}],16";
    // M13, line prefetch
    Lfetch [op = 6, m = 0, x = 0, x6 = 0x2c, count = 0] "lfetch{lfhint} [{r3}]";
    LfetchExcl [op = 6, m = 0, x = 0, x6 = 0x2d] "lfetch.excl{lfhint} [{r3}]";
    LfetchFault [op = 6, m = 0, x = 0, x6 = 0x2e] "lfetch.fault{lfhint} [{r3}]";
    LfetchFaultExcl [op = 6, m = 0, x = 0, x6 = 0x2f] "lfetch.fault.excl{lfhint} [{r3}]";
    LfetchCount [op = 6, m = 0, x = 0, x6 = 0x2c, count = 1] "lfetch.count{lfhint} [{r3}],{cnt6},{strd5}";
    // M14, line prefetch, increment by register
    LfetchReg [op = 6, m = 1, x = 0, x6 = 0x2c] "lfetch{lfhint} [{r3}],{r2}";
    LfetchExclReg [op = 6, m = 1, x = 0, x6 = 0x2d] "lfetch.excl{lfhint} [{r3}],{r2}";
    LfetchFaultReg [op = 6, m = 1, x = 0, x6 = 0x2e] "lfetch.fault{lfhint} [{r3}],{r2}";
    LfetchFaultExclReg [op = 6, m = 1, x = 0, x6 = 0x2f] "lfetch.fault.excl{lfhint} [{r3}],{r2}";
    // M15, line prefetch, increment by immediate
    LfetchImm [op = 7, x6 = 0x2c] "lfetch{lfhint} [{r3}],{imm9b}";
    LfetchExclImm [op = 7, x6 = 0x2d] "lfetch.excl{lfhint} [{r3}],{imm9b}";
    LfetchFaultImm [op = 7, x6 = 0x2e] "lfetch.fault{lfhint} [{r3}],{imm9b}";
    LfetchFaultExclImm [op = 7, x6 = 0x2f] "lfetch.fault.excl{lfhint} [{r3}],{imm9b}";
    // M16, compare and exchange, exchange
    Cmpxchg1Acq [op = 4, m = 0, x = 1, x6 = 0x00] "cmpxchg1.acq{ldhintu} {r1}=[{r3}],{r2},ar.ccv";
    Cmpxchg2Acq [op = 4, m = 0, x = 1, x6 = 0x01] "cmpxchg2.acq{ldhintu} {r1}=[{r3}],{r2},ar.ccv";
    Cmpxchg4Acq [op = 4, m = 0, x = 1, x6 = 0x02] "cmpxchg4.acq{ldhintu} {r1}=[{r3}],{r2},ar.ccv";
    Cmpxchg8Acq [op = 4, m = 0, x = 1, x6 = 0x03] "cmpxchg8.acq{ldhintu} {r1}=[{r3}],{r2},ar.ccv";
    Cmpxchg1Rel [op = 4, m = 0, x = 1, x6 = 0x04] "cmpxchg1.rel{ldhintu} {r1}=[{r3}],{r2},ar.ccv";
    Cmpxchg2Rel [op = 4, m = 0, x = 1, x6 = 0x05] "cmpxchg2.rel{ldhintu} {r1}=[{r3}],{r2},ar.ccv";
    Cmpxchg4Rel [op = 4, m = 0, x = 1, x6 = 0x06] "cmpxchg4.rel{ldhintu} {r1}=[{r3}],{r2},ar.ccv";
    Cmpxchg8Rel [op = 4, m = 0, x = 1, x6 = 0x07] "cmpxchg8.rel{ldhintu} {r1}=[{r3}],{r2},ar.ccv";
    Cmp8xchg16Acq [op = 4, m = 0, x = 1, x6 = 0x20] "cmp8xchg16.acq{ldhintu} {r1}=[{r3}],{r2},ar.csd,ar.ccv", feature(Feature::Ao);
    Cmp8xchg16Rel [op = 4, m = 0, x = 1, x6 = 0x24] "cmp8xchg16.rel{ldhintu} {r1}=[{r3}],{r2},ar.csd,ar.ccv", feature(Feature::Ao);
    Xchg1 [op = 4, m = 0, x = 1, x6 = 0x08] "xchg1{ldhintu} {r1}=[{r3}],{r2}";
    Xchg2 [op = 4, m = 0, x = 1, x6 = 0x09] "xchg2{ldhintu} {r1}=[{r3}],{r2}";
    Xchg4 [op = 4, m = 0, x = 1, x6 = 0x0a] "xchg4{ldhintu} {r1}=[{r3}],{r2}";
    Xchg8 [op = 4, m = 0, x = 1, x6 = 0x0b] "xchg8{ldhintu} {r1}=[{r3}],{r2}";
    // M17, fetch and add
    Fetchadd4Acq [op = 4, m = 0, x = 1, x6 = 0x12] "fetchadd4.acq{ldhintu} {r1}=[{r3}],{inc3}";
    Fetchadd8Acq [op = 4, m = 0, x = 1, x6 = 0x13] "fetchadd8.acq{ldhintu} {r1}=[{r3}],{inc3}";
    Fetchadd4Rel [op = 4, m = 0, x = 1, x6 = 0x16] "fetchadd4.rel{ldhintu} {r1}=[{r3}],{inc3}";
    Fetchadd8Rel [op = 4, m = 0, x = 1, x6 = 0x17] "fetchadd8.rel{ldhintu} {r1}=[{r3}],{inc3}";
    // M18, set floating-point register
    SetfSig [op = 6, m = 0, x = 1, x6 = 0x1c] "setf.sig {f1}={r2}";
    SetfExp [op = 6, m = 0, x = 1, x6 = 0x1d] "setf.exp {f1}={r2}";
    SetfS [op = 6, m = 0, x = 1, x6 = 0x1e] "setf.s {f1}={r2}";
    SetfD [op = 6, m = 0, x = 1, x6 = 0x1f] "setf.d {f1}={r2}";
    // M19, get floating-point register
    GetfSig [op = 4, m = 0, x = 1, x6 = 0x1c] "getf.sig {r1}={f2}";
    GetfExp [op = 4, m = 0, x = 1, x6 = 0x1d] "getf.exp {r1}={f2}";
    GetfS [op = 4, m = 0, x = 1, x6 = 0x1e] "getf.s {r1}={f2}";
    GetfD [op = 4, m = 0, x = 1, x6 = 0x1f] "getf.d {r1}={f2}";
    // M20, M21, control speculation check
    ChkSGr [op = 1, x3 = 1] "chk.s.m {r2},{target25c}";
    ChkSFr [op = 1, x3 = 3] "chk.s {f2},{target25c}";
    // M22, M23, data speculation check
    ChkANcGr [op = 0, x3 = 4] "chk.a.nc {r1},{target25}";
    ChkAClrGr [op = 0, x3 = 5] "chk.a.clr {r1},{target25}";
    ChkANcFr [op = 0, x3 = 6] "chk.a.nc {f1},{target25}";
    ChkAClrFr [op = 0, x3 = 7] "chk.a.clr {f1},{target25}";
    // M24, synchronization, ALAT
    Invala [op = 0, x3 = 0, x4 = 0, x2 = 1] "invala";
    Fwb [op = 0, x3 = 0, x4 = 0, x2 = 2] "fwb";
    Mf [op = 0, x3 = 0, x4 = 2, x2 = 2] "mf";
    MfA [op = 0, x3 = 0, x4 = 3, x2 = 2] "mf.a";
    SrlzD [op = 0, x3 = 0, x4 = 0, x2 = 3] "srlz.d";
    SrlzI [op = 0, x3 = 0, x4 = 1, x2 = 3] "srlz.i";
    SyncI [op = 0, x3 = 0, x4 = 3, x2 = 3] "sync.i";
    // M25, register stack engine
    Flushrs [op = 0, x3 = 0, x4 = 0xc, x2 = 0] "flushrs", first, unpredicated;
    Loadrs [op = 0, x3 = 0, x4 = 0xa, x2 = 0] "loadrs", first, unpredicated;
    // M26, M27, ALAT entry
    InvalaEGr [op = 0, x3 = 0, x4 = 2, x2 = 1] "invala.e {r1}";
    InvalaEFr [op = 0, x3 = 0, x4 = 3, x2 = 1] "invala.e {f1}";
    // M28, cache line and translation cache
    Fc [op = 1, fc_x = 0, x3 = 0, x6s = 0x30] "fc {r3}";
    FcI [op = 1, fc_x = 1, x3 = 0, x6s = 0x30] "fc.i {r3}";
    PtcE [op = 1, x3 = 0, x6s = 0x34] "ptc.e {r3}", privileged, virtualized(Cause::PtcE);
    // M29, M30, M31, application register
    MovToAr [op = 1, x3 = 0, x6s = 0x2a] "mov.m {ar3}={r2}", virtualized(Cause::MovToAr);
    MovImmToAr [op = 0, x3 = 0, x4 = 8, x2 = 2] "mov.m {ar3}={imm8}", virtualized(Cause::MovToArImm);
    MovFromAr [op = 1, x3 = 0, x6s = 0x22] "mov.m {r1}={ar3}", virtualized(Cause::MovFromAr);
    // M32, M33, control register
    MovToCr [op = 1, x3 = 0, x6s = 0x2c] "mov {cr3}={r2}", privileged, virtualized(Cause::MovToCr);
    MovFromCr [op = 1, x3 = 0, x6s = 0x24] "mov {r1}={cr3}", privileged, virtualized(Cause::MovFromCr);
    // M34, register stack frame; a qualifying predicate other than p0 is illegal (SDM 3:16)
    Alloc [op = 1, x3 = 6] "alloc {r1}=ar.pfs,{sof},{sol},{sor}", first, unpredicated;
    // M35, M36, processor status register
    MovToPsr [op = 1, x3 = 0, x6s = 0x2d] "mov psr.l={r2}", privileged, virtualized(Cause::MovToPsr);
    MovToPsrUm [op = 1, x3 = 0, x6s = 0x29] "mov psr.um={r2}";
    MovFromPsr [op = 1, x3 = 0, x6s = 0x25] "mov {r1}=psr", privileged, virtualized(Cause::MovFromPsr);
    MovFromPsrUm [op = 1, x3 = 0, x6s = 0x21] "mov {r1}=psr.um";
    // M37, break
    Break [op = 0, x3 = 0, x4 = 0, x2 = 0] "break.m {imm21}";
    // M38, M39, M40, probe
    ProbeR [op = 1, x3 = 0, x6s = 0x38] "probe.r {r1}={r3},{r2}", virtualized(Cause::Probe);
    ProbeW [op = 1, x3 = 0, x6s = 0x39] "probe.w {r1}={r3},{r2}", virtualized(Cause::Probe);
    ProbeRImm [op = 1, x3 = 0, x6s = 0x18] "probe.r {r1}={r3},{imm2}", virtualized(Cause::Probe);
    ProbeWImm [op = 1, x3 = 0, x6s = 0x19] "probe.w {r1}={r3},{imm2}", virtualized(Cause::Probe);
    ProbeRwFault [op = 1, x3 = 0, x6s = 0x31] "probe.rw.fault {r3},{imm2}", virtualized(Cause::Probe);
    ProbeRFault [op = 1, x3 = 0, x6s = 0x32] "probe.r.fault {r3},{imm2}", virtualized(Cause::Probe);
    ProbeWFault [op = 1, x3 = 0, x6s = 0x33] "probe.w.fault {r3},{imm2}", virtualized(Cause::Probe);
    // M41, translation cache insert
    ItcD [op = 1, x3 = 0, x6s = 0x2e] "itc.d {r2}", privileged, last, virtualized(Cause::ItcD);
    ItcI [op = 1, x3 = 0, x6s = 0x2f] "itc.i {r2}", privileged, last, virtualized(Cause::ItcI);
    // M42, to an indexed register; translation register insert
    MovToRr [op = 1, x3 = 0, x6s = 0x00] "mov rr[{r3}]={r2}", privileged, virtualized(Cause::MovToRr);
    MovToDbr [op = 1, x3 = 0, x6s = 0x01] "mov dbr[{r3}]={r2}", privileged, virtualized(Cause::MovToDbr);
    MovToIbr [op = 1, x3 = 0, x6s = 0x02] "mov ibr[{r3}]={r2}", privileged, virtualized(Cause::MovToIbr);
    MovToPkr [op = 1, x3 = 0, x6s = 0x03] "mov pkr[{r3}]={r2}", privileged, virtualized(Cause::MovToPkr);
    MovToPmc [op = 1, x3 = 0, x6s = 0x04] "mov pmc[{r3}]={r2}", privileged, virtualized(Cause::MovToPmc);
    MovToPmd [op = 1, x3 = 0, x6s = 0x05] "mov pmd[{r3}]={r2}", privileged, virtualized(Cause::MovToPmd);
    MovToMsr [op = 1, x3 = 0, x6s = 0x06] "mov msr[{r3}]={r2}", privileged;
    ItrD [op = 1, x3 = 0, x6s = 0x0e] "itr.d dtr[{r3}]={r2}", privileged, virtualized(Cause::ItrD);
    ItrI [op = 1, x3 = 0, x6s = 0x0f] "itr.i itr[{r3}]={r2}", privileged, virtualized(Cause::ItrI);
    // M43, from an indexed register
    MovFromRr [op = 1, x3 = 0, x6s = 0x10] "mov {r1}=rr[{r3}]", privileged, virtualized(Cause::MovFromRr);
    MovFromDbr [op = 1, x3 = 0, x6s = 0x11] "mov {r1}=dbr[{r3}]", privileged, virtualized(Cause::MovFromDbr);
    MovFromIbr [op = 1, x3 = 0, x6s = 0x12] "mov {r1}=ibr[{r3}]", privileged, virtualized(Cause::MovFromIbr);
    MovFromPkr [op = 1, x3 = 0, x6s = 0x13] "mov {r1}=pkr[{r3}]", privileged, virtualized(Cause::MovFromPkr);
    MovFromPmc [op = 1, x3 = 0, x6s = 0x14] "mov {r1}=pmc[{r3}]", privileged, virtualized(Cause::MovFromPmc);
    MovFromPmd [op = 1, x3 = 0, x6s = 0x15] "mov {r1}=pmd[{r3}]";
    MovFromMsr [op = 1, x3 = 0, x6s = 0x16] "mov {r1}=msr[{r3}]", privileged;
    MovFromCpuid [op = 1, x3 = 0, x6s = 0x17] "mov {r1}=cpuid[{r3}]", virtualized(Cause::MovFromCpuid);
    MovFromDahr [op = 1, x3 = 0, x6s = 0x20] "mov {r1}=dahr[{r3}]", print_only;
    // M44, user and system mask
    Sum [op = 0, x3 = 0, x4 = 4] "sum {imm24}";
    Rum [op = 0, x3 = 0, x4 = 5] "rum {imm24}";
    Ssm [op = 0, x3 = 0, x4 = 6] "ssm {imm24}", privileged, virtualized(Cause::Ssm);
    Rsm [op = 0, x3 = 0, x4 = 7] "rsm {imm24}", privileged, virtualized(Cause::Rsm);
    // M45, translation purge
    PtcL [op = 1, x3 = 0, x6s = 0x09] "ptc.l {r3},{r2}", privileged, virtualized(Cause::PtcL);
    PtcG [op = 1, x3 = 0, x6s = 0x0a] "ptc.g {r3},{r2}", privileged, last, virtualized(Cause::PtcG);
    PtcGa [op = 1, x3 = 0, x6s = 0x0b] "ptc.ga {r3},{r2}", privileged, last, virtualized(Cause::PtcGa);
    PtrD [op = 1, x3 = 0, x6s = 0x0c] "ptr.d {r3},{r2}", privileged, virtualized(Cause::PtrD);
    PtrI [op = 1, x3 = 0, x6s = 0x0d] "ptr.i {r3},{r2}", privileged, virtualized(Cause::PtrI);
    // M46, translation access
    Thash [op = 1, x3 = 0, x6s = 0x1a] "thash {r1}={r3}", virtualized(Cause::Thash);
    Ttag [op = 1, x3 = 0, x6s = 0x1b] "ttag {r1}={r3}", virtualized(Cause::Ttag);
    Tpa [op = 1, x3 = 0, x6s = 0x1e] "tpa {r1}={r3}", privileged, virtualized(Cause::Tpa);
    Tak [op = 1, x3 = 0, x6s = 0x1f] "tak {r1}={r3}", privileged, virtualized(Cause::Tak);
    // M48, nop, hint
    Nop [op = 0, x3 = 0, x4 = 1, x2 = 0, y = 0] "nop.m {imm21}";
    Hint [op = 0, x3 = 0, x4 = 1, x2 = 0, y = 1, dahr = 0] "hint.m{hint11} {imm19}";
    MovToDahrImm [op = 0, x3 = 0, x4 = 1, x2 = 0, y = 1, dahr = 1] "mov{hint11} {dahr3}={imm16d}";
}
