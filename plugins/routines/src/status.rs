//! The processor status register: `mov =psr`, `mov psr.l=`, `ssm`, `rsm` (SDM 3:193, 3:239, 3:254).

use patchbay_plugin_api::prelude::*;
use patchbay_plugin_api::vpd::vpsr;

use crate::operands::{Fixed, Operands};
use crate::template::{Entry, entry};

pub(crate) const TEMPLATES: &[Entry] = &[
    entry!(MovFromPsr, mov_from_psr, "vpsr and the machine's PSR together"),
    entry!(MovToPsr, mov_to_psr, "sets bits 0-31"),
    entry!(Ssm, ssm, "sets bits; ic alone, without looking for interrupts", special_ssm),
    entry!(Rsm, rsm, "clears bits; ic and i, in vpsr alone", special_rsm),
];

/// What `mov =psr` reads: bits 0-31, mc and it.
const READABLE: u64 = 0x18_ffff_ffff;
/// The bits of PSR{31:0} that are defined.
const LOW_BITS: u64 = 0x0ffe_e03e;
/// The bits that `ssm` and `rsm` may name.
const SYSTEM_MASK: u64 = 0x00fe_e03e;

fn mov_from_psr<O: Operands>(vp: &mut Vp, fixups: &Fixups, instruction: &Instruction) -> Emulated {
    let r1 = O::r1(fixups, instruction);
    vp.check_target(r1)?;
    vp.check_privilege()?;
    vp.set_gr(r1, vp.psr() & READABLE);
    Ok(())
}

fn mov_to_psr<O: Operands>(vp: &mut Vp, fixups: &Fixups, instruction: &Instruction) -> Emulated {
    vp.check_privilege()?;
    let value = vp.source(O::r2(fixups, instruction))? & 0xffff_ffff;
    if value & !LOW_BITS != 0 {
        return Err(vp.raise(Fault::RESERVED_REGISTER_FIELD));
    }
    vp.set_psr(vp.psr() & !0xffff_ffff | value)
}

fn ssm<O: Operands>(vp: &mut Vp, fixups: &Fixups, instruction: &Instruction) -> Emulated {
    let mask = system_mask::<O>(vp, fixups, instruction)?;
    vp.set_psr(vp.psr() | mask)
}

fn rsm<O: Operands>(vp: &mut Vp, fixups: &Fixups, instruction: &Instruction) -> Emulated {
    let mask = system_mask::<O>(vp, fixups, instruction)?;
    vp.set_psr(vp.psr() & !mask)
}

fn system_mask<O: Operands>(vp: &mut Vp, fixups: &Fixups, instruction: &Instruction) -> Emulated<u64> {
    vp.check_privilege()?;
    let mask = O::immediate(fixups, instruction);
    if mask & !SYSTEM_MASK != 0 {
        return Err(vp.raise(Fault::RESERVED_REGISTER_FIELD));
    }
    Ok(mask)
}

fn special_ssm(class: &ClassKey) -> Option<Routine> {
    (class.immediate()? == vpsr::IC).then_some(Routine::new(
        |vp, _, _| {
            vp.check_privilege()?;
            vp.vpd_mut().vpsr |= vpsr::IC;
            Ok(())
        },
        Fixups([0; 4]),
    ))
}

fn special_rsm(class: &ClassKey) -> Option<Routine> {
    (class.immediate()? & !(vpsr::IC | vpsr::I) == 0).then_some(Routine::new(
        |vp, fixups, instruction| {
            vp.check_privilege()?;
            vp.vpd_mut().vpsr &= !Fixed::immediate(fixups, instruction);
            Ok(())
        },
        Fixups([0; 4]),
    ))
}
