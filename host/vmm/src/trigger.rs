//! Emulation triggers: what stands in the place of a patched instruction.

use patchbay_isa::Unit;

/// The bits of a slot that hold the immediate of a `break`, and its qualifying predicate (SDM 3:304, format M37 and its
/// like in the other units).
const IMMEDIATE: u64 = 1 << 36 | 0xf_ffff << 6;
const PREDICATE: u64 = 0x3f;

/// `break` with an immediate of 21 bits, which all units encode alike. In a B unit it is ignored (SDM 3:29): there it
/// tells the monitor, which reads the bundle, the class.
#[must_use]
pub const fn break_slot(qp: u8, immediate: u32) -> u64 {
    let immediate = immediate as u64;
    qp as u64 & PREDICATE | (immediate & 0xf_ffff) << 6 | (immediate >> 20 & 1) << 36
}

/// The immediate of a `break` in a slot of this unit, the lower 21 bits of `break.x`; `None` if it is something else.
#[must_use]
pub const fn break_immediate(unit: Unit, slot: u64) -> Option<u32> {
    if matches!(unit, Unit::L) || slot & !(IMMEDIATE | PREDICATE) != 0 {
        return None;
    }
    Some((slot >> 6 & 0xf_ffff | (slot >> 36 & 1) << 20) as u32)
}

#[cfg(test)]
mod tests {
    use patchbay_isa::decode;
    use patchbay_isa::disassemble::Assembly;

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
                assert_eq!(break_immediate(unit, slot), Some(immediate));
            }
        }
        assert_eq!(break_immediate(Unit::M, 1 << 27), None);
    }
}
