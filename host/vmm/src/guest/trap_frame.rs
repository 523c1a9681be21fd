//! The trap frame: what a monitor saves before it runs code written in a high-level language, and restores afterwards.
//! It holds the scratch registers of the calling convention (IA-64 Software Conventions, chapter 5) and the
//! interruption's state, in the order of an operating system's `pt_regs`.

use patchbay_cpu::fp::Fr;
use patchbay_cpu::processor::Processor;
use patchbay_cpu::registers::{Registers, ar};

/// Saved registers.
#[derive(Clone, Debug)]
#[repr(C)]
pub struct TrapFrame {
    b6_b7: [u64; 2],
    csd: u64,
    ssd: u64,
    r8_r11: [u64; 4],
    ipsr: u64,
    iip: u64,
    ifs: u64,
    unat: u64,
    pfs: u64,
    rsc: u64,
    rnat: u64,
    bspstore: u64,
    pr: u64,
    b0: u64,
    loadrs: u64,
    r1: u64,
    r12_r15: [u64; 4],
    fpsr: u64,
    r2_r3: [u64; 2],
    r16_r31: [u64; 16],
    ccv: u64,
    f6_f11: [Fr; 6],
    /// The NaT bits of r0-r31.
    nat: u64,
}

/// The NaT bits that the frame has: r1-r3, r8-r31.
const NAT: u64 = 0xffff_ff0e;

impl TrapFrame {
    /// Its size in bytes.
    pub const SIZE: u64 = size_of::<TrapFrame>() as u64;

    /// An empty frame.
    #[must_use]
    pub fn new() -> TrapFrame {
        TrapFrame {
            b6_b7: [0; 2],
            csd: 0,
            ssd: 0,
            r8_r11: [0; 4],
            ipsr: 0,
            iip: 0,
            ifs: 0,
            unat: 0,
            pfs: 0,
            rsc: 0,
            rnat: 0,
            bspstore: 0,
            pr: 0,
            b0: 0,
            loadrs: 0,
            r1: 0,
            r12_r15: [0; 4],
            fpsr: 0,
            r2_r3: [0; 2],
            r16_r31: [0; 16],
            ccv: 0,
            f6_f11: [Fr::ZERO; 6],
            nat: 0,
        }
    }

    /// Saves.
    pub fn save(&mut self, p: &Processor) {
        let r = &p.registers;
        self.iip = r.ip;
        self.ipsr = r.psr.into();
        self.ifs = r.cfm.into();
        self.rnat = r.ar[ar::RNAT];
        self.bspstore = p.bspstore();
        self.loadrs = p.bsp().wrapping_sub(self.bspstore) << 16;
        self.r1 = r.gr[1];
        self.r2_r3.copy_from_slice(&r.gr[2..4]);
        self.r8_r11.copy_from_slice(&r.gr[8..12]);
        self.r12_r15.copy_from_slice(&r.gr[12..16]);
        self.take_bank(r);
        self.nat = r.nat[0] & NAT;
        self.pr = r.physical_predicates();
        self.b0 = r.br[0];
        self.b6_b7.copy_from_slice(&r.br[6..8]);
        self.csd = r.ar[ar::CSD];
        self.ssd = r.ar[ar::SSD];
        self.unat = r.ar[ar::UNAT];
        self.pfs = r.ar[ar::PFS];
        self.rsc = r.ar[ar::RSC];
        self.fpsr = r.ar[ar::FPSR];
        self.ccv = r.ar[ar::CCV];
        self.f6_f11.copy_from_slice(&r.fr[6..12]);
    }

    /// Restores what the monitor's code may have used. IP, PSR, the register stack and its engine were the guest's all
    /// the time: the return to it sets the first two, and emulation the others.
    pub fn restore(&self, p: &mut Processor) {
        let r = &mut p.registers;
        r.gr[1] = self.r1;
        r.gr[2..4].copy_from_slice(&self.r2_r3);
        r.gr[8..12].copy_from_slice(&self.r8_r11);
        r.gr[12..16].copy_from_slice(&self.r12_r15);
        r.gr[16..32].copy_from_slice(&self.r16_r31);
        r.nat[0] = r.nat[0] & !NAT | self.nat & NAT;
        r.set_physical_predicates(self.pr);
        r.br[0] = self.b0;
        r.br[6..8].copy_from_slice(&self.b6_b7);
        r.ar[ar::CSD] = self.csd;
        r.ar[ar::SSD] = self.ssd;
        r.ar[ar::UNAT] = self.unat;
        r.ar[ar::PFS] = self.pfs;
        r.ar[ar::RSC] = self.rsc;
        r.ar[ar::FPSR] = self.fpsr;
        r.ar[ar::CCV] = self.ccv;
        r.fr[6..12].copy_from_slice(&self.f6_f11);
    }

    /// Takes a general register that emulation has written, if the frame has it.
    pub fn set_gr(&mut self, r: u8, value: u64, nat: bool) {
        let number = usize::from(r);
        let place = match number {
            1 => &mut self.r1,
            2..4 => &mut self.r2_r3[number - 2],
            8..12 => &mut self.r8_r11[number - 8],
            12..16 => &mut self.r12_r15[number - 12],
            16..32 => &mut self.r16_r31[number - 16],
            _ => return,
        };
        *place = value;
        self.nat = self.nat & !(1 << r) | u64::from(nat) << r;
    }

    /// Takes r16-r31 and their NaT bits, because the guest has switched its bank.
    pub fn take_bank(&mut self, registers: &Registers) {
        self.r16_r31.copy_from_slice(&registers.gr[16..32]);
        self.nat = self.nat & !0xffff_0000 | registers.nat[0] & 0xffff_0000;
    }
}

impl Default for TrapFrame {
    fn default() -> TrapFrame {
        TrapFrame::new()
    }
}
