//! Frames of registers, and the application registers of loops and calls.

use dynasmrt::{DynamicLabel, DynasmApi, DynasmLabelApi, dynasm};
use patchbay_isa::Opcode;
use patchbay_isa::rows::I;

use super::{Cold, Emitter, Home, LOOP_COUNT, RAX, RDX};
use crate::engine::interpreter::Op;
use crate::engine::translator::layout::{CFM, DIRTY, MISSING, application};
use crate::engine::translator::stubs::asm;
use crate::psr::Cfm;
use crate::registers::ar;
use crate::rse::STACKED;

/// The bits of ar.pfs that must be written as zero.
const PFS_RESERVED: u64 = 0x3c0f_ffc0_0000_0000;

/// Whether code is emitted for a move from or to an application register.
pub(super) fn emits(opcode: Opcode, op: &Op) -> bool {
    matches!(
        (opcode, usize::from(op.r3)),
        (Opcode::I(I::MovFromAr | I::MovToAr), ar::LC | ar::EC | ar::PFS) | (Opcode::I(I::MovImmToAr), ar::LC | ar::EC)
    )
}

/// Whether code is emitted for an `alloc`: one that is not illegal.
pub(super) fn emits_alloc(op: &Op) -> bool {
    let (sof, sol, rotating) = (op.r2, op.r3, op.r4);
    usize::from(sof) <= STACKED && rotating <= sof && sol <= sof && op.predicate == 0
}

impl Emitter<'_> {
    /// `mov =ar` and `mov ar=`.
    pub(super) fn application(&mut self, block: usize, number: usize, op: &Op, i: I) {
        let register = usize::from(op.r3);
        let home = if register == ar::LC { self.home_of(LOOP_COUNT) } else { Home::Memory(application(register)) };
        let skip = self.code.new_dynamic_label();
        if op.qp != 0 {
            self.test_predicate(op.qp);
            asm!(self.code ; jz =>skip);
        }
        match i {
            I::MovFromAr => {
                self.get(RAX, home);
                let target = self.home(op.r1);
                self.put(target, RAX, 0);
            }
            I::MovToAr => {
                let r2 = self.home(op.r2);
                self.get(RAX, r2);
                if register == ar::PFS {
                    let at = self.code.new_dynamic_label();
                    self.set(RDX, PFS_RESERVED);
                    asm!(self.code ; test rax, rdx ; jnz =>at);
                    self.cold.push(Cold::Rest { at, block, step: number });
                } else if register == ar::EC {
                    asm!(self.code ; and eax, 0x3f);
                }
                self.put(home, RAX, 0);
            }
            _ => {
                let mask = if register == ar::EC { 0x3f } else { u64::MAX };
                self.set(RAX, op.imm as u64 & mask);
                self.put(home, RAX, 0);
            }
        }
        asm!(self.code ; =>skip);
    }

    /// `alloc` where no register has to be stored, nothing is rotated and the frame is complete.
    pub(super) fn alloc(&mut self, op: &Op, slowly: DynamicLabel) {
        let marker = Cfm::new().with_sof(op.r2).with_sol(op.r3).with_sor(op.r4 >> 3);
        // The rotation bases are above the sizes.
        asm!(self.code
            ; mov rax, QWORD [rbp + CFM]
            ; shr rax, 18
            ; or rax, QWORD [rbp + MISSING]
            ; jnz =>slowly
            ; cmp QWORD [rbp + DIRTY], DWORD STACKED as i32 - i32::from(op.r2)
            ; ja =>slowly
        );
        self.store_immediate(u64::from(marker), CFM);
        self.load(RAX, application(ar::PFS));
        let target = self.home(op.r1);
        self.put(target, RAX, 0);
    }
}
