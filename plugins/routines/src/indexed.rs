//! Registers that a general register selects: region, protection key, debug and performance registers, CPUID
//! (SDM 3:180-184).

use patchbay_plugin_api::prelude::*;

use crate::operands::Operands;
use crate::template::{Entry, entry};

pub(crate) const TEMPLATES: &[Entry] = &[
    entry!(MovFromRr, mov_from_rr, "the region of bits 63:61"),
    entry!(MovFromPkr, mov_from_pkr, "by the host"),
    entry!(MovFromDbr, mov_from_dbr, "by the host"),
    entry!(MovFromIbr, mov_from_ibr, "by the host"),
    entry!(MovFromPmc, mov_from_pmc, "by the host"),
    entry!(MovFromCpuid, mov_from_cpuid, "from the VPD"),
    entry!(MovToRr, mov_to_rr, "by the host, which knows what the register takes"),
    entry!(MovToPkr, mov_to_pkr, "by the host, which knows what the register takes"),
    entry!(MovToDbr, mov_to_dbr, "by the host"),
    entry!(MovToIbr, mov_to_ibr, "by the host"),
    entry!(MovToPmc, mov_to_pmc, "by the host"),
    entry!(MovToPmd, mov_to_pmd, "by the host"),
];

/// The part of a general register that selects.
#[inline]
fn index(file: File, value: u64) -> u64 {
    if file == File::RR { value >> 61 } else { value & 0xff }
}

macro_rules! moves {
    ($($from:ident, $to:ident: $file:ident,)*) => {
        $(
            fn $from<O: Operands>(vp: &mut Vp, fixups: &Fixups, instruction: &Instruction) -> Emulated {
                let r1 = O::r1(fixups, instruction);
                vp.check_target(r1)?;
                vp.check_privilege()?;
                let index = index(File::$file, vp.source(O::r3(fixups, instruction))?);
                let value = vp.read_indexed(File::$file, index)?;
                vp.set_gr(r1, value);
                Ok(())
            }

            fn $to<O: Operands>(vp: &mut Vp, fixups: &Fixups, instruction: &Instruction) -> Emulated {
                vp.check_privilege()?;
                let value = vp.source(O::r2(fixups, instruction))?;
                let index = index(File::$file, vp.source(O::r3(fixups, instruction))?);
                vp.write_indexed(File::$file, index, value)
            }
        )*
    };
}

moves! {
    mov_from_rr, mov_to_rr: RR,
    mov_from_pkr, mov_to_pkr: PKR,
    mov_from_dbr, mov_to_dbr: DBR,
    mov_from_ibr, mov_to_ibr: IBR,
    mov_from_pmc, mov_to_pmc: PMC,
}

fn mov_to_pmd<O: Operands>(vp: &mut Vp, fixups: &Fixups, instruction: &Instruction) -> Emulated {
    vp.check_privilege()?;
    let value = vp.source(O::r2(fixups, instruction))?;
    let index = index(File::PMD, vp.source(O::r3(fixups, instruction))?);
    vp.write_indexed(File::PMD, index, value)
}

/// Not privileged.
fn mov_from_cpuid<O: Operands>(vp: &mut Vp, fixups: &Fixups, instruction: &Instruction) -> Emulated {
    let r1 = O::r1(fixups, instruction);
    vp.check_target(r1)?;
    let index = index(File::CPUID, vp.source(O::r3(fixups, instruction))?);
    match usize::try_from(index).ok().and_then(|index| vp.vpd().vcpuid.get(index)) {
        Some(&value) => {
            vp.set_gr(r1, value);
            Ok(())
        }
        None => Err(vp.raise(Fault::RESERVED_REGISTER_FIELD)),
    }
}
