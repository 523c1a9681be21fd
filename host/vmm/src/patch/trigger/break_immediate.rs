//! Emulation triggers: what stands in the place of a patched instruction.

use patchbay_isa::rows::{B, F, I, M, X};
use patchbay_isa::{Bundle, Field, Opcode, Slot};

const PREDICATE: u64 = 0x3f;
/// The bits of the immediate of `break.x` that reach cr.iim (SDM 3:29).
const IIM: u64 = 0x1f_ffff;

/// `break` with an immediate of 21 bits, which all units encode alike. In a B unit it is ignored (SDM 3:29): there it
/// tells the monitor, which reads the bundle, the class.
#[must_use]
pub const fn break_slot(qp: u8, immediate: u32) -> u64 {
    let immediate = immediate as u64;
    qp as u64 & PREDICATE | (immediate & 0xf_ffff) << 6 | (immediate >> 20 & 1) << 36
}

/// A `break` as the processor executes it, whatever its ignored bits are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Break {
    /// What cr.iim gets.
    pub iim: u64,
    /// The immediate, as far as cr.iim has room for it.
    pub immediate: u32,
}

impl Break {
    /// The `break` in a slot of a bundle, `break.x` in slot 1; `None` if something else stands there.
    #[must_use]
    pub fn of_slot(bundle: Bundle, slot: Slot) -> Option<Break> {
        let instruction = bundle.decode()?[slot as usize]?.ok()?;
        let immediate = match instruction.opcode {
            Opcode::M(M::Break) | Opcode::I(I::Break) | Opcode::F(F::Break) | Opcode::B(B::Break) => Field::Imm21,
            Opcode::X(X::Break) => Field::Imm62,
            _ => return None,
        };
        let immediate = instruction.field(immediate) as u64 & IIM;
        let iim = if matches!(instruction.opcode, Opcode::B(_)) { 0 } else { immediate };
        Some(Break { iim, immediate: immediate as u32 })
    }
}

#[cfg(test)]
mod tests {
    use patchbay_isa::disassemble::Assembly;
    use patchbay_isa::{Template, Unit, decode};

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

    /// Bits that the formats M37, I19, F15, B9 and X1 leave open are ignored (SDM 3:29, 3:294).
    #[test]
    fn a_break_is_one_whatever_its_ignored_bits_are() {
        let of =
            |template: u8, slots: [u64; 3], slot| Break::of_slot(Bundle::new(Template::new(template), slots), slot);
        let (plain, own) = (break_slot(5, 0x10_0800), break_slot(5, 0x10_0800) | 1 << 26);
        let found = |iim| Some(Break { iim, immediate: 0x10_0800 });
        for slot in [plain, own] {
            // MII, MFI, MBB.
            assert_eq!(of(0x00, [slot, 0, 0], Slot::Zero), found(0x10_0800));
            assert_eq!(of(0x00, [0, slot, 0], Slot::One), found(0x10_0800));
            assert_eq!(of(0x0c, [0, slot, 0], Slot::One), found(0x10_0800));
            assert_eq!(of(0x12, [0, 0, slot], Slot::Two), found(0));
            // MLX: the upper 41 bits of the immediate are in the L slot.
            assert_eq!(of(0x04, [0, u64::MAX >> 23, slot], Slot::One), found(0x10_0800));
            assert_eq!(of(0x04, [0, slot, slot], Slot::Two), None);
        }
        assert_eq!(of(0x00, [1 << 27, 0, 0], Slot::Zero), None, "nop.m");
        assert_eq!(of(0x06, [plain; 3], Slot::Zero), None, "a reserved template");
    }
}
