//! Instructions of the B unit: `bsw`, `cover`, `rfi` (SDM 3:36, 3:48, 3:236). They have no operands.

use patchbay_plugin_api::prelude::*;

use crate::operands::Operands;
use crate::template::{Entry, entry};

pub(crate) const TEMPLATES: &[Entry] = &[
    entry!(Bsw0, bsw_0, "exchanges r16-r31 with the VPD"),
    entry!(Bsw1, bsw_1, "exchanges r16-r31 with the VPD"),
    entry!(Cover, cover, "by the host; the frame marker goes to the guest's cr.ifs while vpsr.ic is 0"),
    entry!(Rfi, rfi, "by the host, from the guest's cr.ipsr, iip and ifs"),
];

fn bsw_0<O: Operands>(vp: &mut Vp, _: &Fixups, _: &Instruction) -> Emulated {
    vp.check_privilege()?;
    vp.select_bank(false);
    Ok(())
}

fn bsw_1<O: Operands>(vp: &mut Vp, _: &Fixups, _: &Instruction) -> Emulated {
    vp.check_privilege()?;
    vp.select_bank(true);
    Ok(())
}

/// Not privileged.
fn cover<O: Operands>(vp: &mut Vp, _: &Fixups, _: &Instruction) -> Emulated {
    vp.cover()
}

fn rfi<O: Operands>(vp: &mut Vp, _: &Fixups, _: &Instruction) -> Emulated {
    vp.check_privilege()?;
    vp.rfi()
}
