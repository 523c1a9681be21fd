//! Where a routine finds its operands.

use patchbay_plugin_api::prelude::*;

/// Where a routine finds its operands.
pub(crate) trait Operands: Copy + Send + Sync + 'static {
    fn r1(fixups: &Fixups, instruction: &Instruction) -> u8;
    fn r2(fixups: &Fixups, instruction: &Instruction) -> u8;
    fn r3(fixups: &Fixups, instruction: &Instruction) -> u8;
    fn register(fixups: &Fixups, instruction: &Instruction) -> u8;
    fn immediate(fixups: &Fixups, instruction: &Instruction) -> u64;
}

/// In the fix-up values: the class fixes all operands.
#[derive(Clone, Copy)]
pub(crate) struct Fixed;

impl Operands for Fixed {
    #[inline]
    fn r1(fixups: &Fixups, _: &Instruction) -> u8 {
        fixups.0[0].to_le_bytes()[0]
    }
    #[inline]
    fn r2(fixups: &Fixups, _: &Instruction) -> u8 {
        fixups.0[0].to_le_bytes()[1]
    }
    #[inline]
    fn r3(fixups: &Fixups, _: &Instruction) -> u8 {
        fixups.0[0].to_le_bytes()[2]
    }
    #[inline]
    fn register(fixups: &Fixups, _: &Instruction) -> u8 {
        fixups.0[0].to_le_bytes()[3]
    }
    #[inline]
    fn immediate(fixups: &Fixups, _: &Instruction) -> u64 {
        fixups.0[1]
    }
}

/// The fix-up values for [`Fixed`]; operands that the class does not fix are 0.
pub(crate) fn fixups(class: &ClassKey) -> Fixups {
    let registers = [class.r1(), class.r2(), class.r3(), class.register()].map(Option::unwrap_or_default);
    Fixups([u64::from(u32::from_le_bytes(registers)), class.immediate().unwrap_or_default(), 0, 0])
}

/// In the instruction at the site.
#[derive(Clone, Copy)]
pub(crate) struct AtSite;

impl Operands for AtSite {
    #[inline]
    fn r1(_: &Fixups, instruction: &Instruction) -> u8 {
        instruction.r1
    }
    #[inline]
    fn r2(_: &Fixups, instruction: &Instruction) -> u8 {
        instruction.r2
    }
    #[inline]
    fn r3(_: &Fixups, instruction: &Instruction) -> u8 {
        instruction.r3
    }
    #[inline]
    fn register(_: &Fixups, instruction: &Instruction) -> u8 {
        instruction.register
    }
    #[inline]
    fn immediate(_: &Fixups, instruction: &Instruction) -> u64 {
        instruction.immediate
    }
}
