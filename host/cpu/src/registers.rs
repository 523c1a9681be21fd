//! The architected registers.

use crate::fp::Fr;
use crate::model::BREAKPOINT_REGISTERS;
use crate::psr::{Cfm, Psr};

/// Numbers of application registers (SDM 1:28).
#[expect(missing_docs, reason = "the SDM's names")]
pub mod ar {
    pub const K0: usize = 0;
    pub const K7: usize = 7;
    pub const RSC: usize = 16;
    pub const BSP: usize = 17;
    pub const BSPSTORE: usize = 18;
    pub const RNAT: usize = 19;
    pub const FCR: usize = 21;
    pub const EFLAG: usize = 24;
    pub const CSD: usize = 25;
    pub const SSD: usize = 26;
    pub const CFLG: usize = 27;
    pub const FSR: usize = 28;
    pub const FIR: usize = 29;
    pub const FDR: usize = 30;
    pub const CCV: usize = 32;
    pub const UNAT: usize = 36;
    pub const FPSR: usize = 40;
    pub const ITC: usize = 44;
    pub const RUC: usize = 45;
    pub const PFS: usize = 64;
    pub const LC: usize = 65;
    pub const EC: usize = 66;
}

/// Numbers of control registers (SDM 2:29).
#[expect(missing_docs, reason = "the SDM's names")]
pub mod cr {
    pub const DCR: usize = 0;
    pub const ITM: usize = 1;
    pub const IVA: usize = 2;
    pub const PTA: usize = 8;
    pub const IPSR: usize = 16;
    pub const ISR: usize = 17;
    pub const IIP: usize = 19;
    pub const IFA: usize = 20;
    pub const ITIR: usize = 21;
    pub const IIPA: usize = 22;
    pub const IFS: usize = 23;
    pub const IIM: usize = 24;
    pub const IHA: usize = 25;
    pub const LID: usize = 64;
    pub const IVR: usize = 65;
    pub const TPR: usize = 66;
    pub const EOI: usize = 67;
    pub const IRR0: usize = 68;
    pub const IRR3: usize = 71;
    pub const ITV: usize = 72;
    pub const PMV: usize = 73;
    pub const CMCV: usize = 74;
    pub const LRR0: usize = 80;
    pub const LRR1: usize = 81;
}

/// The registers that instructions name. Renaming is done when the frame or a rotation base changes, not when a
/// register is used: `gr`, `nat` and `pr` always hold what the current frame's names mean. `fr` is physical, because
/// all 96 of them rotate: its names go through [`Registers::fr_index`].
#[derive(Clone, Debug, PartialEq)]
#[repr(C)]
pub struct Registers {
    /// General registers; r0 stays 0. Those behind the frame hold anything.
    pub gr: [u64; 128],
    /// Their NaT bits, r0 in bit 0 of the first word.
    pub nat: [u64; 2],
    /// Predicates, p0 in bit 0; it stays 1.
    pub pr: u64,
    /// The address of the current bundle; its slot is `psr.ri`. While a block executes, that of its first bundle.
    pub ip: u64,
    /// The processor status register.
    pub psr: Psr,
    /// The current frame marker.
    pub cfm: Cfm,
    /// Branch registers.
    pub br: [u64; 8],
    /// Floating-point registers as if rrb.fr were 0; f0 and f1 stay +0.0 and +1.0.
    pub fr: [Fr; 128],
    /// The bank of r16-r31 that is not in use.
    pub bank: [u64; 16],
    /// Its NaT bits.
    pub bank_nat: u16,
    /// Application registers, by number. `ar.bsp`, `ar.bspstore` and `ar.itc` live elsewhere.
    pub ar: [u64; 128],
    /// Control registers, by number. `cr.ivr` and `cr.irr` live elsewhere.
    pub cr: [u64; 128],
    /// Region registers.
    pub rr: [u64; 8],
    /// Protection key registers.
    pub pkr: [u64; 16],
    /// Data breakpoint registers.
    pub dbr: [u64; BREAKPOINT_REGISTERS],
    /// Instruction breakpoint registers.
    pub ibr: [u64; BREAKPOINT_REGISTERS],
    /// Performance monitor configuration registers. Those that a model does not have do not fault (SDM 3:180).
    pub pmc: [u64; 256],
    /// Performance monitor data registers.
    pub pmd: [u64; 256],
}

impl Registers {
    /// The state after reset: everything 0 but the constants and FPSR (SDM 2:13).
    #[must_use]
    pub fn new() -> Registers {
        let mut registers = Registers {
            gr: [0; 128],
            nat: [0; 2],
            pr: 1,
            ip: 0,
            psr: Psr::new(),
            cfm: Cfm::new(),
            br: [0; 8],
            fr: [Fr::ZERO; 128],
            bank: [0; 16],
            bank_nat: 0,
            ar: [0; 128],
            cr: [0; 128],
            rr: [0; 8],
            pkr: [0; 16],
            dbr: [0; BREAKPOINT_REGISTERS],
            ibr: [0; BREAKPOINT_REGISTERS],
            pmc: [0; 256],
            pmd: [0; 256],
        };
        registers.fr[1] = Fr::ONE;
        registers.ar[ar::FPSR] = 0x0009_804c_0270_033f;
        registers
    }

    /// Where the floating-point register that the current frame calls `f` stands in `fr`.
    #[inline]
    #[must_use]
    pub fn fr_index(&self, f: u8) -> usize {
        if f < 32 {
            return usize::from(f);
        }
        let rotated = usize::from(f & 127) + usize::from(self.cfm.rrb_fr());
        if rotated < 128 { rotated } else { (rotated - 96) & 127 }
    }

    /// The NaT bit of a general register.
    #[inline]
    #[must_use]
    pub fn gr_nat(&self, r: u8) -> bool {
        self.nat[usize::from(r >> 6 & 1)] >> (r & 63) & 1 != 0
    }

    /// Sets the NaT bit of a general register.
    #[inline]
    pub fn set_gr_nat(&mut self, r: u8, nat: bool) {
        let word = &mut self.nat[usize::from(r >> 6 & 1)];
        *word = *word & !(1 << (r & 63)) | u64::from(nat) << (r & 63);
    }

    /// Exchanges the banks of r16-r31 if `bank` is not the one in use, and sets PSR.bn.
    pub fn select_bank(&mut self, bank: bool) {
        if self.psr.bn() == bank {
            return;
        }
        self.psr.set_bn(bank);
        self.gr[16..32].swap_with_slice(&mut self.bank);
        let nat = (self.nat[0] >> 16) as u16;
        self.nat[0] = self.nat[0] & !0xffff_0000 | u64::from(self.bank_nat) << 16;
        self.bank_nat = nat;
    }

    /// Rotates the registers by one: what was r32 becomes r33, p16 becomes p17, f32 becomes f33 (SDM 1:144).
    pub fn rotate(&mut self) {
        let rotating = self.cfm.rotating();
        self.rotate_gr(1);
        let decrement = |base: u8, size: u8| if base == 0 { size.saturating_sub(1) } else { base - 1 };
        self.rotate_pr(1);
        self.cfm = self
            .cfm
            .with_rrb_gr(decrement(self.cfm.rrb_gr(), rotating as u8))
            .with_rrb_fr(decrement(self.cfm.rrb_fr(), 96))
            .with_rrb_pr(decrement(self.cfm.rrb_pr(), 48));
    }

    /// Renames general registers so that what was r32 becomes r(32 + `by`).
    fn rotate_gr(&mut self, by: usize) {
        let rotating = self.cfm.rotating();
        if rotating == 0 || by == 0 {
            return;
        }
        self.gr[32..32 + rotating].rotate_right(by);
        let nat = u128::from(self.nat[0]) | u128::from(self.nat[1]) << 64;
        let mask = ((1u128 << rotating) - 1) << 32;
        let field = (nat & mask) >> 32;
        let turned = (field << by | field >> (rotating - by)) << 32 & mask;
        let nat = nat & !mask | turned;
        self.nat = [nat as u64, (nat >> 64) as u64];
    }

    fn rotate_pr(&mut self, by: u32) {
        if by == 0 {
            return;
        }
        let field = self.pr >> 16;
        let turned = (field << by | field >> (48 - by)) & (u64::MAX >> 16);
        self.pr = turned << 16 | self.pr & 0xffff;
    }

    /// Gives the frame its marker's rotation bases, from a frame whose bases are zero.
    pub fn apply_rotation(&mut self, marker: Cfm) {
        let rotating = marker.rotating();
        if rotating != 0 && marker.rrb_gr() != 0 {
            self.rotate_gr(rotating - usize::from(marker.rrb_gr()) % rotating);
        }
        if marker.rrb_pr() != 0 {
            self.rotate_pr(48 - u32::from(marker.rrb_pr()) % 48);
        }
        self.cfm = self.cfm.with_rrb_gr(marker.rrb_gr()).with_rrb_fr(marker.rrb_fr()).with_rrb_pr(marker.rrb_pr());
    }

    /// Sets the rotation bases to zero, all of them or only that of the predicates (`clrrrb`, `clrrrb.pr`).
    pub fn clear_rotation(&mut self, only_predicates: bool) {
        self.rotate_pr(u32::from(self.cfm.rrb_pr()) % 48);
        self.cfm.set_rrb_pr(0);
        if !only_predicates {
            if self.cfm.rotating() != 0 {
                self.rotate_gr(usize::from(self.cfm.rrb_gr()) % self.cfm.rotating());
            }
            self.cfm = self.cfm.with_rrb_gr(0).with_rrb_fr(0);
        }
    }

    /// The predicates by their physical numbers, as `mov =pr` reads them: rrb.pr counts as 0 there.
    #[must_use]
    pub fn physical_predicates(&self) -> u64 {
        let mut registers = self.pr;
        let by = u32::from(self.cfm.rrb_pr()) % 48;
        if by != 0 {
            let field = registers >> 16;
            let turned = (field << by | field >> (48 - by)) & (u64::MAX >> 16);
            registers = turned << 16 | registers & 0xffff;
        }
        registers
    }

    /// Sets the predicates from their physical numbers, as `mov pr=` does.
    pub fn set_physical_predicates(&mut self, value: u64) {
        self.pr = value | 1;
        let by = u32::from(self.cfm.rrb_pr()) % 48;
        if by != 0 {
            self.rotate_pr(48 - by);
        }
    }
}

impl Default for Registers {
    fn default() -> Registers {
        Registers::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Register r names physical register (r + rrb) modulo the size of the rotating part (SDM 1:144).
    #[test]
    fn rotation_renames() {
        let mut registers = Registers::new();
        registers.cfm = Cfm::new().with_sof(20).with_sol(20).with_sor(2);
        for physical in 0..20 {
            registers.gr[32 + physical] = physical as u64;
            registers.set_gr_nat(32 + physical as u8, physical % 3 == 0);
        }
        registers.set_physical_predicates(0x0123_4567_89ab_cdef);
        for _ in 0..5 {
            registers.rotate();
        }
        let cfm = registers.cfm;
        assert_eq!((cfm.rrb_gr(), cfm.rrb_fr(), cfm.rrb_pr()), (11, 91, 43));
        for name in 0..20 {
            let physical = if name < 16 { (name + 11) % 16 } else { name };
            assert_eq!(registers.gr[32 + name], physical as u64);
            assert_eq!(registers.gr_nat(32 + name as u8), physical % 3 == 0);
        }
        for name in 16..64 {
            let physical = 16 + (name - 16 + 43) % 48;
            assert_eq!(registers.pr >> name & 1, 0x0123_4567_89ab_cdef >> physical & 1);
        }
        assert_eq!(registers.physical_predicates(), 0x0123_4567_89ab_cdef);
        let rotated = registers.clone();
        registers.clear_rotation(false);
        assert_eq!(registers.gr[32..36], [0, 1, 2, 3]);
        registers.apply_rotation(cfm);
        assert_eq!(registers, rotated);
    }

    #[test]
    fn banks_exchange_with_their_nat_bits() {
        let mut registers = Registers::new();
        registers.gr[16] = 1;
        registers.set_gr_nat(17, true);
        registers.select_bank(true);
        assert_eq!((registers.gr[16], registers.gr_nat(17), registers.bank_nat), (0, false, 2));
        registers.select_bank(false);
        assert_eq!((registers.gr[16], registers.gr_nat(17), registers.bank_nat), (1, true, 0));
    }
}
