//! `thash` and `ttag` (SDM 3:266, 3:272). They are not privileged, and pass a NaT on.

use patchbay_plugin_api::prelude::*;

use crate::operands::Operands;
use crate::template::{Entry, entry};

pub(crate) const TEMPLATES: &[Entry] = &[
    entry!(Thash, thash, "the address of the VHPT entry, by the guest's cr.pta and region register"),
    entry!(Ttag, ttag, "the tag of the VHPT entry, by the guest's region register"),
];

fn thash<O: Operands>(vp: &mut Vp, fixups: &Fixups, instruction: &Instruction) -> Emulated {
    hashed::<O, false>(vp, fixups, instruction)
}

fn ttag<O: Operands>(vp: &mut Vp, fixups: &Fixups, instruction: &Instruction) -> Emulated {
    hashed::<O, true>(vp, fixups, instruction)
}

#[inline]
fn hashed<O: Operands, const TAG: bool>(vp: &mut Vp, fixups: &Fixups, instruction: &Instruction) -> Emulated {
    let (r1, r3) = (O::r1(fixups, instruction), O::r3(fixups, instruction));
    vp.check_target(r1)?;
    if vp.nat(r3) {
        vp.set_nat(r1);
    } else {
        let address = vp.gr(r3);
        let value = if TAG { vp.ttag(address) } else { vp.thash(address) };
        vp.set_gr(r1, value);
    }
    Ok(())
}
