//! Instructions that the host emulates as a whole, with all their checks: what searches or changes translations, and
//! `vmsw`. The routine saves the frame, the fetch and the decoding.

use patchbay_plugin_api::prelude::*;

use crate::operands::Operands;
use crate::template::Entry;

pub(crate) const TEMPLATES: &[Entry] = &[
    whole(Mnemonic::ItcD),
    whole(Mnemonic::ItcI),
    whole(Mnemonic::ItrD),
    whole(Mnemonic::ItrI),
    whole(Mnemonic::PtcL),
    whole(Mnemonic::PtcG),
    whole(Mnemonic::PtcGa),
    whole(Mnemonic::PtcE),
    whole(Mnemonic::PtrD),
    whole(Mnemonic::PtrI),
    whole(Mnemonic::Tpa),
    whole(Mnemonic::Tak),
    whole(Mnemonic::ProbeR),
    whole(Mnemonic::ProbeW),
    whole(Mnemonic::ProbeRImm),
    whole(Mnemonic::ProbeWImm),
    whole(Mnemonic::ProbeRwFault),
    whole(Mnemonic::ProbeRFault),
    whole(Mnemonic::ProbeWFault),
    whole(Mnemonic::Vmsw0),
    whole(Mnemonic::Vmsw1),
];

const fn whole(mnemonic: Mnemonic) -> Entry {
    let routine = Routine::new(|vp, _, instruction| vp.emulate(instruction), Fixups([0; 4])).with_site();
    Entry { template: Template::new(mnemonic, "by the host"), fixed: routine, at_site: routine, special: |_| None }
}

/// Lets the host emulate an instruction whose operands the routine does not look at.
pub(crate) fn emulate<O: Operands>(vp: &mut Vp, _: &Fixups, instruction: &Instruction) -> Emulated {
    vp.emulate(instruction)
}
