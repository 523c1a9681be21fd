//! Application registers that are virtualized: ar.itc and ar.ruc (SDM 3:173).

use patchbay_plugin_api::prelude::*;

use crate::operands::{Fixed, Operands};
use crate::template::{Entry, entry};
use crate::whole::emulate;

pub(crate) const TEMPLATES: &[Entry] = &[
    entry!(MovFromAr, mov_from_ar, "ar.itc with the guest's offset", special_mov_from_ar),
    entry!(MovToAr, emulate, "by the host"),
    entry!(MovImmToAr, emulate, "by the host"),
];

/// The interval time counter.
const ITC: u8 = 44;
/// PSR.si: the interval time counter is for privilege level 0 only.
const SI: u64 = 1 << 23;

fn itc(vp: &mut Vp, r1: u8) -> Emulated {
    vp.check_target(r1)?;
    if vp.machine_psr() & SI != 0 && vp.cpl() != 0 {
        return Err(vp.raise(Fault::PRIVILEGED_REGISTER));
    }
    let value = vp.itc();
    vp.set_gr(r1, value);
    Ok(())
}

fn mov_from_ar<O: Operands>(vp: &mut Vp, fixups: &Fixups, instruction: &Instruction) -> Emulated {
    match O::register(fixups, instruction) {
        ITC => itc(vp, O::r1(fixups, instruction)),
        _ => vp.emulate(instruction),
    }
}

fn special_mov_from_ar(class: &ClassKey) -> Option<Routine> {
    (class.register()? == ITC)
        .then_some(Routine::new(|vp, fixups, instruction| itc(vp, Fixed::r1(fixups, instruction)), Fixups([0; 4])))
}
