//! Loads and stores.

use dynasmrt::{DynamicLabel, DynasmApi, DynasmLabelApi, dynasm};
use patchbay_isa::rows::M;

use super::{Cold, Emitter, Home, Host, IP, PAGES, RAX, RDX};
use crate::engine::interpreter::Op;
use crate::engine::translator::layout::ALAT_USED;
use crate::engine::translator::stubs::{AFTER, asm, slot};

/// How an access updates its address register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Update {
    Keeps,
    Register,
    Immediate,
}

/// A load or store for which code is emitted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    /// The binary logarithm of the size.
    size: u8,
    stores: bool,
    update: Update,
}

const fn kind(size: u8, stores: bool, update: Update) -> Option<Kind> {
    Some(Kind { size, stores, update })
}

/// The access that an instruction is, if code is emitted for it.
pub(super) fn of(m: M) -> Option<Kind> {
    use Update::{Immediate, Keeps, Register};
    match m {
        M::Ld1 | M::Ld1Bias | M::Ld1Acq => kind(0, false, Keeps),
        M::Ld1Reg | M::Ld1BiasReg | M::Ld1AcqReg => kind(0, false, Register),
        M::Ld1Imm | M::Ld1BiasImm | M::Ld1AcqImm => kind(0, false, Immediate),
        M::St1 | M::St1Rel => kind(0, true, Keeps),
        M::St1Imm | M::St1RelImm => kind(0, true, Immediate),
        M::Ld2 | M::Ld2Bias | M::Ld2Acq => kind(1, false, Keeps),
        M::Ld2Reg | M::Ld2BiasReg | M::Ld2AcqReg => kind(1, false, Register),
        M::Ld2Imm | M::Ld2BiasImm | M::Ld2AcqImm => kind(1, false, Immediate),
        M::St2 | M::St2Rel => kind(1, true, Keeps),
        M::St2Imm | M::St2RelImm => kind(1, true, Immediate),
        M::Ld4 | M::Ld4Bias | M::Ld4Acq => kind(2, false, Keeps),
        M::Ld4Reg | M::Ld4BiasReg | M::Ld4AcqReg => kind(2, false, Register),
        M::Ld4Imm | M::Ld4BiasImm | M::Ld4AcqImm => kind(2, false, Immediate),
        M::St4 | M::St4Rel => kind(2, true, Keeps),
        M::St4Imm | M::St4RelImm => kind(2, true, Immediate),
        M::Ld8 | M::Ld8Bias | M::Ld8Acq => kind(3, false, Keeps),
        M::Ld8Reg | M::Ld8BiasReg | M::Ld8AcqReg => kind(3, false, Register),
        M::Ld8Imm | M::Ld8BiasImm | M::Ld8AcqImm => kind(3, false, Immediate),
        M::St8 | M::St8Rel => kind(3, true, Keeps),
        M::St8Imm | M::St8RelImm => kind(3, true, Immediate),
        _ => None,
    }
}

/// An access whose page was not found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Access {
    kind: Kind,
    page: u8,
    /// Where the address is.
    base: Home,
    /// What is stored.
    value: Home,
    /// Where what is loaded goes.
    to: Host,
    /// Whether the ALAT must be looked at.
    advanced: bool,
}

impl Emitter<'_> {
    /// A load or store, the `number`th step of a block.
    pub(super) fn memory(&mut self, block: usize, number: usize, op: &Op, kind: Kind) {
        let (base, value, target) = (self.home(op.r3), self.home(op.r2), self.home(op.r1));
        let (slowly, back) = (self.code.new_dynamic_label(), self.code.new_dynamic_label());
        let skip = self.code.new_dynamic_label();
        if op.qp != 0 {
            self.test_predicate(op.qp);
            asm!(self.code ; jz =>skip);
        }
        // What is added is read before the target is written.
        let late = kind.update == Update::Register && op.r1 == op.r2;
        let to = match target {
            Home::Host(host) if !late => host,
            _ => RAX,
        };
        let page = self.page(op.r3, kind);
        let (at, low_bits) = (slot(page), (1i32 << kind.size) - 1);
        let address = self.host(base, RAX);
        if kind.stores {
            let from = self.host(value, RDX);
            asm!(self.code
                ; mov rcx, Rq(address)
                ; and rcx, DWORD !0xfff | low_bits
                ; cmp rcx, [rbp + at]
                ; jne =>slowly
            );
            if self.advanced {
                let advanced = self.code.new_dynamic_label();
                asm!(self.code ; cmp DWORD [rbp + ALAT_USED], BYTE 0 ; jne =>advanced);
                let access = Access { kind, page, base, value, to, advanced: true };
                self.cold.push(Cold::Access { at: advanced, back, block, step: number, access });
            }
            asm!(self.code ; mov rcx, [rbp + at + 8]);
            match kind.size {
                0 => asm!(self.code ; mov [Rq(address) + rcx], Rb(from)),
                1 => asm!(self.code ; mov [Rq(address) + rcx], Rw(from)),
                2 => asm!(self.code ; mov [Rq(address) + rcx], Rd(from)),
                _ => asm!(self.code ; mov [Rq(address) + rcx], Rq(from)),
            }
        } else {
            asm!(self.code
                ; mov rcx, Rq(address)
                ; and rcx, DWORD !0xfff | low_bits
                ; cmp rcx, [rbp + at]
                ; jne =>slowly
                ; mov rcx, [rbp + at + 8]
            );
            match kind.size {
                0 => asm!(self.code ; movzx Rd(to), BYTE [Rq(address) + rcx]),
                1 => asm!(self.code ; movzx Rd(to), WORD [Rq(address) + rcx]),
                2 => asm!(self.code ; mov Rd(to), [Rq(address) + rcx]),
                _ => asm!(self.code ; mov Rq(to), [Rq(address) + rcx]),
            }
        }
        let access = Access { kind, page, base, value, to, advanced: self.advanced };
        self.cold.push(Cold::Access { at: slowly, back, block, step: number, access });
        asm!(self.code ; =>back);
        match (kind.update, base) {
            (Update::Keeps, _) | (_, Home::Zero) => {}
            (Update::Immediate, Home::Host(host)) => asm!(self.code ; add Rq(host), DWORD op.imm as i32),
            (Update::Immediate, Home::Memory(at)) => asm!(self.code ; add QWORD [rbp + at], op.imm as i32),
            (Update::Register, Home::Host(host)) => self.add(host, value),
            (Update::Register, Home::Memory(at)) => {
                self.get(RDX, value);
                asm!(self.code ; add [rbp + at], rdx);
            }
        }
        if !kind.stores {
            self.put(target, to, 0);
        }
        asm!(self.code ; =>skip);
    }

    /// The slot of the page that an access finds by its base register.
    fn page(&mut self, base: u8, kind: Kind) -> u8 {
        let next = &mut self.next_page;
        *self.pages.entry((base, kind.size, kind.stores)).or_insert_with(|| {
            *next = (*next + 1) % PAGES as u8;
            *next
        })
    }

    pub(super) fn access_slowly(
        &mut self,
        at: DynamicLabel,
        back: DynamicLabel,
        block: usize,
        step: usize,
        access: Access,
    ) {
        let Access { kind, page, base, value, to, advanced } = access;
        let size = usize::from(kind.size);
        let stub = match (kind.stores, advanced) {
            (false, _) => self.stubs.load[size],
            (true, false) => self.stubs.store[size],
            (true, true) => self.stubs.store_advanced[size],
        };
        asm!(self.code ; =>at);
        self.store_immediate(self.region.blocks[block].ip, IP);
        if kind.stores {
            self.get(RDX, value);
        }
        self.get(RAX, base);
        let fault = self.code.new_dynamic_label();
        asm!(self.code
            ; mov ecx, slot(page)
            ; call extern stub
            ; test ecx, ecx
            ; jnz =>fault
        );
        if !kind.stores {
            self.copy(to, RAX);
        }
        let flush = self.flush;
        asm!(self.code
            ; jmp =>back
            ; =>fault
            ; call =>flush
            ; shl ecx, 8
            ; lea edx, [rcx + ((step as i32) << 16 | AFTER as i32)]
        );
        self.leave_in(block);
    }
}
