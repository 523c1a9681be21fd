//! A pseudo instruction: an encoding that the unit reserves. It raises Illegal Operation, and the monitor does what the
//! conventional patch does: it saves the trap frame, takes the original instruction from its site, decodes and emulates it.

use patchbay_plugin_api::instruction::{Instruction, Unit};
use patchbay_plugin_api::patch_manager::Trigger;

use super::{Decline, Form, TriggerKind};

pub(super) const KIND: TriggerKind = TriggerKind {
    name: "pseudo",
    trigger: Trigger::PSEUDO,
    help: "a reserved encoding in the slot; Illegal Operation leads down the conventional path (baseline)",
    form: Form::InSlot(place),
    conventional: true,
};

/// An M slot with opcode 0, x3 0, x4 15, x2 3, which no instruction has (SDM 3:318, table 4-43).
const RESERVED_M: u64 = 0xf << 27 | 3 << 31;
/// A B slot with opcode 0, x6 0x1f, which no instruction has (SDM 3:346, table 4-48).
const RESERVED_B: u64 = 0x1f << 27;

fn place(instruction: &Instruction, _: u32) -> Result<u64, Decline> {
    let reserved = match instruction.unit {
        unit if unit == Unit::M as u8 => RESERVED_M,
        unit if unit == Unit::B as u8 => RESERVED_B,
        _ => return Err(Decline::Encoding),
    };
    Ok(reserved | u64::from(instruction.qp))
}

#[cfg(test)]
mod tests {
    use patchbay_isa::{Reserved, decode};

    use super::*;

    /// A reserved encoding is illegal where its predicate is 1, and does nothing otherwise.
    #[test]
    fn no_instruction_has_these_encodings() {
        for qp in [0, 63] {
            assert_eq!(decode(patchbay_isa::Unit::M, RESERVED_M | qp, 0), Err(Reserved::IfPredicated));
            assert_eq!(decode(patchbay_isa::Unit::B, RESERVED_B | qp, 0), Err(Reserved::IfPredicated));
        }
    }
}
