//! gdb's numbers of registers, and what they are of a processor as its guest has it.
//!
//! gdb computes the stacked registers, predicates and pc itself: r32 and above from the backing store below `bsp`, which it
//! takes for the end of the current frame; predicates from `pr`; pc from `ip` and PSR.ri.

use patchbay_cpu::fp::Fr;
use patchbay_cpu::processor::Processor;
use patchbay_cpu::psr::{Cfm, Psr};
use patchbay_cpu::registers::ar;
use patchbay_isa::register;
use patchbay_vmm::vp::VirtualProcessor;

/// How many registers gdb numbers.
pub(super) const COUNT: usize = 462;

/// A register, by gdb's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numbered {
    /// r0 to r31. gdb finds the others on the backing store.
    Gr(u8),
    /// A physical register: gdb renames them itself.
    Fr(u8),
    Br(u8),
    /// The physical predicates.
    Predicates,
    Ip,
    Psr,
    Cfm,
    Ar(u8),
    /// A number that the processor has no register for.
    None,
}

impl Numbered {
    pub(super) fn of(number: usize) -> Numbered {
        match number {
            0..32 => Numbered::Gr(number as u8),
            128..256 => Numbered::Fr((number - 128) as u8),
            320..328 => Numbered::Br((number - 320) as u8),
            330 => Numbered::Predicates,
            331 => Numbered::Ip,
            332 => Numbered::Psr,
            333 => Numbered::Cfm,
            334..COUNT if register::application((number - 334) as u8).is_some() => Numbered::Ar((number - 334) as u8),
            _ => Numbered::None,
        }
    }

    /// Its size, in bytes, where gdb expects a register of that number.
    pub(super) fn size(number: usize) -> usize {
        if (128..256).contains(&number) { 16 } else { 8 }
    }

    /// What it holds, the lowest byte first.
    pub(super) fn read(self, p: &mut Processor) -> Option<u128> {
        let registers = &p.registers;
        Some(u128::from(match self {
            Numbered::Gr(r) => registers.gr[usize::from(r)],
            Numbered::Fr(f) => {
                let (low, high) = registers.fr[usize::from(f)].to_spill();
                return Some(u128::from(high) << 64 | u128::from(low));
            }
            Numbered::Br(b) => registers.br[usize::from(b)],
            Numbered::Predicates => registers.physical_predicates(),
            Numbered::Ip => registers.ip,
            Numbered::Psr => psr(p).into(),
            Numbered::Cfm => registers.cfm.into(),
            Numbered::Ar(number) if usize::from(number) == ar::BSP => p.end_of_frame(),
            Numbered::Ar(number) => read_ar(p, usize::from(number)),
            Numbered::None => return None,
        }))
    }

    /// Sets it; `false` if it cannot be set.
    pub(super) fn write(self, p: &mut Processor, value: u128) -> bool {
        let number = value as u64;
        match self {
            Numbered::Gr(0) | Numbered::Fr(0 | 1) | Numbered::None => return false,
            Numbered::Gr(r) => p.set_gr(r, number, false),
            Numbered::Fr(f) => p.registers.fr[usize::from(f)] = Fr::from_spill(number, (value >> 64) as u64),
            Numbered::Br(b) => p.registers.br[usize::from(b)] = number,
            Numbered::Predicates => p.registers.set_physical_predicates(number),
            Numbered::Ip => p.registers.ip = number & !0xf,
            Numbered::Psr => set_psr(p, number.into()),
            Numbered::Cfm => return p.set_cfm(Cfm::from(number & Cfm::MASK)),
            Numbered::Ar(register) => match usize::from(register) {
                ar::BSP | ar::RUC | ar::ITC => return false,
                register => p.set_ar(register, number),
            },
        }
        true
    }
}

/// The guest's PSR.
pub(super) fn psr(p: &mut Processor) -> Psr {
    match p.take_hook::<VirtualProcessor>() {
        None => p.registers.psr,
        Some(mut vp) => {
            let psr = vp.guest(p).psr();
            p.hook = Some(vp);
            psr
        }
    }
}

fn set_psr(p: &mut Processor, psr: Psr) {
    match p.take_hook::<VirtualProcessor>() {
        None => p.set_psr(psr),
        Some(mut vp) => {
            // A slot is no part of what the guest sets.
            let _what_follows_is_looked_up_again = vp.guest(p).set_psr(psr);
            p.hook = Some(vp);
        }
    }
}

fn read_ar(p: &mut Processor, number: usize) -> u64 {
    if number != ar::ITC {
        return p.ar(number);
    }
    match p.take_hook::<VirtualProcessor>() {
        None => p.ar(number),
        Some(mut vp) => {
            let itc = vp.guest(p).itc();
            p.hook = Some(vp);
            itc
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use patchbay_cpu::flat_machine::{self, FlatMemory};

    use super::*;

    #[test]
    fn registers_keep_what_gdb_sets() {
        let mut p = flat_machine::processor(Arc::new(FlatMemory::new(0x1_0000)));
        let mut seen = 0;
        for number in 0..COUNT {
            let register = Numbered::of(number);
            let value = match register {
                Numbered::Fr(_) => 0x2_aaaa << 64 | 0x8123_4567_89ab_cdef,
                Numbered::Psr => 1 << 41 | 1 << 13 | 0x3e,
                Numbered::Cfm => 5 << 7 | 9,
                Numbered::Ip => 0x1230,
                Numbered::Predicates => 0x55,
                Numbered::Ar(16) => 3,
                Numbered::Ar(40) => 0x9_804c_0270_033f,
                Numbered::Ar(_) => 0x18,
                _ => 0x1234_5678_9abc_def0,
            };
            if register.write(&mut p, value) {
                let kept = register.read(&mut p);
                assert!(kept == Some(value) || matches!(register, Numbered::Ar(19 | 21..=30 | 45 | 66)), "{number}");
                seen += 1;
            }
        }
        assert!(seen > 31 + 126 + 8 + 4 + 8);
        assert_eq!(
            Numbered::of(334 + 17).read(&mut p),
            Some(u128::from(p.bsp() + 9 * 8)),
            "bsp is the end of the frame"
        );
        assert_eq!([0, 127, 128, 329, 334 + 50].map(Numbered::size), [8, 8, 16, 8, 8]);
        assert_eq!([40, 256, 329, 334 + 50].map(Numbered::of), [Numbered::None; 4]);
    }
}
