//! Random instructions.

use patchbay_isa::{Bundle, Field, Instruction as Decoded, Opcode, Slot, Template, Unit, rows};
use patchbay_plugin_api::class::ClassKey;
use patchbay_plugin_api::instruction::{Instruction, Mnemonic};

use crate::emulate::decode;

/// A source of random numbers that a seed determines (SplitMix64).
pub struct Random(u64);

impl Random {
    /// The source of this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// True once in so many times.
    pub(super) fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    pub(super) fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }
}

/// An instruction in its bundle.
#[derive(Clone, Copy, Debug)]
pub struct Placed {
    /// The bundle.
    pub bundle: Bundle,
    /// The instruction, in the slot that it says.
    pub instruction: Instruction,
}

/// The instruction of a mnemonic.
fn opcode(mnemonic: Mnemonic) -> Option<Opcode> {
    rows::all().map(|row| row.opcode).find(|&opcode| decode::mnemonic(opcode) == Some(mnemonic))
}

/// Instructions of one mnemonic.
pub struct Instructions {
    opcode: Opcode,
    /// Where they may stand.
    places: Vec<(Template, Slot)>,
}

impl Instructions {
    /// Those of a mnemonic; `None` if there are none.
    #[must_use]
    pub fn of(mnemonic: Mnemonic) -> Option<Instructions> {
        let opcode = opcode(mnemonic)?;
        let unit = if matches!(opcode, Opcode::B(_)) { Unit::B } else { Unit::M };
        let templates = (0..32).map(Template::new).filter_map(|template| Some((template, template.units()?)));
        let places = templates.flat_map(|(template, units)| {
            Slot::ALL.into_iter().filter(move |&slot| units[slot as usize] == unit).map(move |slot| (template, slot))
        });
        Some(Instructions { opcode, places: places.collect() })
    }

    /// One of them, that is of a class if there is one to be of.
    ///
    /// # Panics
    /// If the class is of another mnemonic.
    pub fn random(&self, random: &mut Random, class: Option<&ClassKey>) -> Placed {
        loop {
            let row = self.opcode.row();
            let operands: Vec<i64> = row.fields().map(|field| self.operand(random, field, class)).collect();
            let qp =
                class.and_then(ClassKey::qp).unwrap_or_else(|| if random.once_in(2) { 0 } else { predicate(random) });
            let Ok(decoded) = Decoded::encode(self.opcode, qp, &operands) else { continue };
            let slot = class.and_then(ClassKey::slot);
            let (template, slot) = loop {
                let place = random.one_of(&self.places);
                if slot.is_none_or(|slot| slot == place.1 as u8) {
                    break place;
                }
            };
            let bundle = Bundle::new(template, [0; 3]).with_slot(slot, decoded.slot());
            if let Some(instruction) = decode::of_slot(bundle, slot) {
                return Placed { bundle, instruction };
            }
        }
    }

    fn operand(&self, random: &mut Random, field: Field, class: Option<&ClassKey>) -> i64 {
        let fixed = class.and_then(|class| match field {
            Field::R1 => class.r1().map(i64::from),
            Field::R2 => class.r2().map(i64::from),
            Field::R3 => class.r3().map(i64::from),
            Field::Ar3 | Field::Cr3 => class.register().map(i64::from),
            _ => class.immediate().map(|immediate| immediate as i64),
        });
        if let Some(fixed) = fixed {
            return fixed;
        }
        match field {
            Field::R1 => loop {
                let r1 = register(random);
                if class.and_then(ClassKey::banked).is_none_or(|banked| banked == Instruction::is_banked(r1 as u8)) {
                    return r1;
                }
            },
            Field::R2 | Field::R3 => register(random),
            // ar.itc is the one that is virtualized.
            Field::Ar3 => {
                if random.once_in(8) {
                    random.below(128) as i64
                } else {
                    44
                }
            }
            Field::Cr3 => control_register(random),
            field => immediate(random, field),
        }
    }
}

fn predicate(random: &mut Random) -> u8 {
    random.below(64) as u8
}

/// Any register, but mostly one that most frames have.
fn register(random: &mut Random) -> i64 {
    let limit = random.one_of(&[128, 48, 32]);
    random.below(limit) as i64
}

/// Any number, but mostly that of a register that exists (SDM 2:29).
fn control_register(random: &mut Random) -> i64 {
    const EXISTING: [i64; 26] =
        [0, 1, 2, 8, 16, 17, 19, 20, 21, 22, 23, 24, 25, 64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 80, 81];
    if random.once_in(8) { random.below(128) as i64 } else { random.one_of(&EXISTING) }
}

/// Any immediate. Most of the 24 bits of `ssm` and `rsm` that may be set are, now and then.
fn immediate(random: &mut Random, field: Field) -> i64 {
    let width: u32 = field.bits().iter().map(|bits| bits.high - bits.low + 1).sum();
    let mask = (1u64 << width) - 1;
    let value = random.next() & random.next() & mask;
    let legal = patchbay_cpu::psr::Psr::IMMEDIATE_MASK;
    let value = if width == 24 && !random.once_in(8) { value & legal } else { value };
    let signed = matches!(field.form(), patchbay_isa::field::Form::Signed) && value >> (width - 1) != 0;
    if signed { value as i64 - (1 << width) } else { value as i64 }
}
