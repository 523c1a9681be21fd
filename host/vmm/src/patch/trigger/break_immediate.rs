//! `break`: the number of the class in its immediate selects the routine (SDM 3:29).

use patchbay_plugin_api::instruction::Instruction;
use patchbay_plugin_api::patch_manager::Trigger;

use super::{Decline, Form, TriggerKind};

pub(super) const KIND: TriggerKind = TriggerKind {
    name: "break",
    trigger: Trigger::BREAK,
    help: "break in the slot; its immediate, in cr.iim, indexes the routine map",
    form: Form::InSlot(place),
    conventional: false,
};

const PREDICATE: u64 = 0x3f;

/// `break` with an immediate of 21 bits, which all units encode alike. In a B unit it is ignored (SDM 3:29): such a trigger
/// is known by where it is.
#[must_use]
pub const fn break_slot(qp: u8, immediate: u32) -> u64 {
    let immediate = immediate as u64;
    qp as u64 & PREDICATE | (immediate & 0xf_ffff) << 6 | (immediate >> 20 & 1) << 36
}

#[expect(clippy::unnecessary_wraps, reason = "other kinds decline")]
fn place(instruction: &Instruction, number: u32) -> Result<u64, Decline> {
    Ok(break_slot(instruction.qp, number))
}

#[cfg(test)]
mod tests {
    use patchbay_isa::disassemble::Assembly;
    use patchbay_isa::{Unit, decode};

    use super::*;

    #[test]
    fn a_break_disassembles_as_one() {
        for (unit, name) in [(Unit::M, "break.m"), (Unit::I, "break.i"), (Unit::F, "break.f"), (Unit::B, "break.b")] {
            for immediate in [1, 0x10_0800, 0x1f_ffff] {
                let slot = break_slot(5, immediate);
                let instruction = decode(unit, slot, 0).expect("an instruction");
                let text = Assembly { instruction: &instruction, ip: 0, bare_targets: false }.to_string();
                assert_eq!(text, format!("{name} {immediate:#x}"));
                assert_eq!(instruction.qp(), 5);
            }
        }
    }
}
