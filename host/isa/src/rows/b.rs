//! B-type instructions (SDM 3:343 ff.).

use super::{bit_fields, rows};
use crate::bundle::Unit;
use crate::cause::Cause;

bit_fields! {
    op = 40:37,
    x6 = 32:27,
    btype = 8:6,
}

rows! {
    /// A B-type instruction.
    B decoded by &[Unit::B];

    // B1, branches relative to IP
    Cond [op = 4, btype = 0] "br.cond{bwh}{ph}{dh} {target25}";
    Wexit [op = 4, btype = 2] "br.wexit{bwh}{ph}{dh} {target25}", slot_two;
    Wtop [op = 4, btype = 3] "br.wtop{bwh}{ph}{dh} {target25}", slot_two;
    // B2, counted branches
    Cloop [op = 4, btype = 5] "br.cloop{bwh}{ph}{dh} {target25}", unpredicated, slot_two;
    Cexit [op = 4, btype = 6] "br.cexit{bwh}{ph}{dh} {target25}", unpredicated, slot_two;
    Ctop [op = 4, btype = 7] "br.ctop{bwh}{ph}{dh} {target25}", unpredicated, slot_two;
    // B3, call
    Call [op = 5] "br.call{bwh}{ph}{dh} {b1}={target25}";
    // B4, indirect branches
    CondIndirect [op = 0, x6 = 0x20, btype = 0] "br.cond{bwh}{ph}{dh} {b2}";
    Ia [op = 0, x6 = 0x20, btype = 1] "br.ia{bwh}{ph}{dh} {b2}";
    Ret [op = 0, x6 = 0x21, btype = 4] "br.ret{bwh}{ph}{dh} {b2}";
    // B5, indirect call
    CallIndirect [op = 1] "br.call{cwh}{ph}{dh} {b1}={b2}";
    // B6 and B7, branch prediction
    Brp [op = 7] "brp{ipwh}{bih} {target25},{tag13p}", unpredicated;
    BrpIndirect [op = 2, x6 = 0x10] "brp{indwh}{bih} {b2},{tag13p}", unpredicated;
    BrpRet [op = 2, x6 = 0x11] "brp.ret{indwh}{bih} {b2},{tag13p}", unpredicated;
    // B8, register stack, rotation, interruptions and privilege
    Cover [op = 0, x6 = 0x02] "cover", unpredicated, last, virtualized(Cause::Cover);
    Clrrrb [op = 0, x6 = 0x04] "clrrrb", unpredicated, last;
    ClrrrbPr [op = 0, x6 = 0x05] "clrrrb.pr", unpredicated, last;
    Rfi [op = 0, x6 = 0x08] "rfi", unpredicated, last, privileged, virtualized(Cause::Rfi);
    Bsw0 [op = 0, x6 = 0x0c] "bsw.0", unpredicated, last, privileged, virtualized(Cause::Bsw0);
    Bsw1 [op = 0, x6 = 0x0d] "bsw.1", unpredicated, last, privileged, virtualized(Cause::Bsw1);
    Epc [op = 0, x6 = 0x10] "epc", unpredicated;
    Vmsw0 [op = 0, x6 = 0x18] "vmsw.0", unpredicated, privileged, virtualized(Cause::Vmsw);
    Vmsw1 [op = 0, x6 = 0x19] "vmsw.1", unpredicated, privileged, virtualized(Cause::Vmsw);
    // B9, break, nop and hint
    Break [op = 0, x6 = 0] "break.b {imm21}";
    Nop [op = 2, x6 = 0] "nop.b {imm21}";
    Hint [op = 2, x6 = 1] "hint.b {imm21}";
}
