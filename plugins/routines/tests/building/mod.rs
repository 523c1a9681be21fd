//! The two routines that may serve an instruction.

use patchbay_plugin_api::prelude::*;

/// The routine that is specialised to an instruction.
pub(crate) fn specialised(instruction: &Instruction) -> Routine {
    let operands = instruction.mnemonic().unwrap().operands();
    patchbay_routines::build(&ClassKey::new(instruction, operands)).unwrap()
}

/// The routine for all instructions of the mnemonic.
pub(crate) fn general(instruction: &Instruction) -> Routine {
    patchbay_routines::build(&ClassKey::new(instruction, Attributes::NONE)).unwrap()
}
