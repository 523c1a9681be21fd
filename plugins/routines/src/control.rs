//! Control registers: `mov =cr` and `mov cr=` (SDM 3:175).

use patchbay_plugin_api::prelude::*;
use patchbay_plugin_api::vpd::vpsr;

use crate::operands::{Fixed, Operands};
use crate::template::{Entry, entry};

pub(crate) const TEMPLATES: &[Entry] = &[
    entry!(MovFromCr, mov_from_cr, "from the VPD; cr.pta, ivr, irr and eoi from the host", special_mov_from_cr),
    entry!(MovToCr, mov_to_cr, "by the host, which knows what the register takes"),
];

/// Where the guest's value of a control register is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the VPD.
    Vpd,
    /// In the VPD, and illegal to use while PSR.ic is 1.
    Interruption,
    /// With the host: cr.pta, ivr, eoi, irr0-3.
    Host,
    /// It does not exist.
    Nowhere,
}

/// SDM 2:29, table 3-3.
const fn place(number: u8) -> Place {
    match number {
        0..=2 | 64 | 66 | 72..=74 | 80 | 81 => Place::Vpd,
        16 | 17 | 19..=25 => Place::Interruption,
        8 | 65 | 67..=71 => Place::Host,
        _ => Place::Nowhere,
    }
}

/// cr.ivr and cr.irr0-3.
const fn is_read_only(number: u8) -> bool {
    matches!(number, 65 | 68..=71)
}

/// Whether the register cannot be used at all, or not now.
#[inline]
fn is_illegal(vp: &Vp, place: Place) -> bool {
    place == Place::Nowhere || place == Place::Interruption && vp.vpd().vpsr & vpsr::IC != 0
}

#[inline]
fn read(vp: &mut Vp, r1: u8, number: u8, place: Place) -> Emulated {
    if is_illegal(vp, place) {
        return Err(vp.raise(Fault::ILLEGAL_OPERATION));
    }
    vp.check_target(r1)?;
    vp.check_privilege()?;
    let value = if place == Place::Host { vp.read_cr(number) } else { vp.vpd().vcr[usize::from(number & 127)] };
    vp.set_gr(r1, value);
    Ok(())
}

fn mov_from_cr<O: Operands>(vp: &mut Vp, fixups: &Fixups, instruction: &Instruction) -> Emulated {
    let number = O::register(fixups, instruction);
    read(vp, O::r1(fixups, instruction), number, place(number))
}

/// One routine a place.
fn special_mov_from_cr(class: &ClassKey) -> Option<Routine> {
    fn of(function: impl Fn(&mut Vp, u8, u8) -> Emulated + Copy + Send + Sync + 'static) -> Routine {
        Routine::new(
            move |vp, fixups, at| function(vp, Fixed::r1(fixups, at), Fixed::register(fixups, at)),
            Fixups([0; 4]),
        )
    }
    match place(class.register()?) {
        Place::Vpd => Some(of(|vp, r1, number| read(vp, r1, number, Place::Vpd))),
        Place::Interruption => Some(of(|vp, r1, number| read(vp, r1, number, Place::Interruption))),
        Place::Host => Some(of(|vp, r1, number| read(vp, r1, number, Place::Host))),
        Place::Nowhere => None,
    }
}

fn mov_to_cr<O: Operands>(vp: &mut Vp, fixups: &Fixups, instruction: &Instruction) -> Emulated {
    let number = O::register(fixups, instruction);
    if is_illegal(vp, place(number)) || is_read_only(number) {
        return Err(vp.raise(Fault::ILLEGAL_OPERATION));
    }
    vp.check_privilege()?;
    let value = vp.source(O::r2(fixups, instruction))?;
    vp.write_cr(number, value)
}
