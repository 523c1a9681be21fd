//! Integer arithmetic, logic, shifts, bit fields, and moves between registers.

use dynasmrt::{DynasmApi, dynasm};
use patchbay_isa::rows::{A, I};

use super::{Emitter, Home, Host, RAX, RCX, RDX};
use crate::engine::interpreter::Op;
use crate::engine::translator::layout::branch;
use crate::engine::translator::stubs::asm;

/// Whether code is emitted for an A-type instruction that is no compare.
pub(super) fn emits_a(a: A) -> bool {
    matches!(
        a,
        A::Add
            | A::AddPlusOne
            | A::Sub
            | A::SubMinusOne
            | A::And
            | A::Andcm
            | A::Or
            | A::Xor
            | A::Addp4
            | A::Shladd
            | A::Shladdp4
            | A::SubImm8
            | A::AndImm8
            | A::AndcmImm8
            | A::OrImm8
            | A::XorImm8
            | A::Adds
            | A::Addl
            | A::Addp4Imm14
    )
}

/// Whether code is emitted for an I-type instruction that is no test.
pub(super) fn emits_i(i: I) -> bool {
    matches!(
        i,
        I::Shl
            | I::Shr
            | I::ShrU
            | I::Shrp
            | I::Extr
            | I::ExtrU
            | I::Dep
            | I::DepZ
            | I::DepZImm8
            | I::DepImm1
            | I::Zxt1
            | I::Zxt2
            | I::Zxt4
            | I::Sxt1
            | I::Sxt2
            | I::Sxt4
            | I::Popcnt
            | I::Mpy4
            | I::Mpyshl4
            | I::Mix4R
            | I::Mix4L
            | I::Unpack4H
            | I::Unpack4L
            | I::MovToBr
            | I::MovRetToBr
            | I::MovFromBr
            | I::MovFromIp
            | I::ChkS
    )
}

/// An operation of two operands in either order.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Commutes {
    Add,
    And,
    Or,
    Xor,
}

impl Emitter<'_> {
    /// `movl`.
    pub(super) fn movl(&mut self, op: &Op) {
        let target = self.home(op.r1);
        let result = self.result(target, op.qp, &[]);
        self.set(result, op.imm as u64);
        self.put(target, result, op.qp);
    }

    pub(super) fn integer_a(&mut self, op: &Op, a: A) {
        let (target, r2, r3) = (self.home(op.r1), self.home(op.r2), self.home(op.r3));
        match a {
            A::Add => self.commuting(op, Commutes::Add),
            A::And => self.commuting(op, Commutes::And),
            A::Or => self.commuting(op, Commutes::Or),
            A::Xor => self.commuting(op, Commutes::Xor),
            A::AddPlusOne => {
                let left = self.host(r2, RAX);
                let right = self.host(r3, RCX);
                let result = self.result(target, op.qp, &[]);
                asm!(self.code ; lea Rq(result), [Rq(left) + Rq(right) + 1]);
                self.put(target, result, op.qp);
            }
            A::Sub | A::SubMinusOne => {
                let result = self.result(target, op.qp, &[r3]);
                self.get(result, r2);
                self.subtract(result, r3);
                if a == A::SubMinusOne {
                    asm!(self.code ; sub Rq(result), BYTE 1);
                }
                self.put(target, result, op.qp);
            }
            A::SubImm8 => {
                let result = self.result(target, op.qp, &[r3]);
                self.set(result, op.imm as u64);
                self.subtract(result, r3);
                self.put(target, result, op.qp);
            }
            A::Andcm | A::AndcmImm8 => {
                self.get(RDX, r3);
                asm!(self.code ; not rdx);
                if a == A::Andcm {
                    self.get(RAX, r2);
                    asm!(self.code ; and rdx, rax);
                } else {
                    asm!(self.code ; and rdx, DWORD op.imm as i32);
                }
                self.put_from(target, RDX, op.qp);
            }
            A::AndImm8 | A::OrImm8 | A::XorImm8 => {
                let result = self.result(target, op.qp, &[]);
                self.get(result, r3);
                let value = op.imm as i32;
                match a {
                    A::AndImm8 => asm!(self.code ; and Rq(result), DWORD value),
                    A::OrImm8 => asm!(self.code ; or Rq(result), DWORD value),
                    _ => asm!(self.code ; xor Rq(result), DWORD value),
                }
                self.put(target, result, op.qp);
            }
            A::Adds | A::Addl => self.add_immediate(op, target, r3),
            A::Shladd => {
                let count = (op.imm & 7) as u8;
                let result = self.result(target, op.qp, &[r3]);
                match (r3, count) {
                    (Home::Host(right), 0..=3) => {
                        let left = self.host(r2, RAX);
                        match count {
                            0 => asm!(self.code ; lea Rq(result), [Rq(right) + Rq(left)]),
                            1 => asm!(self.code ; lea Rq(result), [Rq(right) + Rq(left) * 2]),
                            2 => asm!(self.code ; lea Rq(result), [Rq(right) + Rq(left) * 4]),
                            _ => asm!(self.code ; lea Rq(result), [Rq(right) + Rq(left) * 8]),
                        }
                    }
                    _ => {
                        self.get(result, r2);
                        asm!(self.code ; shl Rq(result), BYTE count as i8);
                        self.add(result, r3);
                    }
                }
                self.put(target, result, op.qp);
            }
            _ => {
                // A 32-bit pointer: bits 31:30 of r3 select the region (SDM 3:14).
                match a {
                    A::Addp4Imm14 => self.set(RAX, op.imm as u64),
                    _ => self.get(RAX, r2),
                }
                if a == A::Shladdp4 {
                    asm!(self.code ; shl rax, BYTE (op.imm & 7) as i8);
                }
                self.get(RDX, r3);
                asm!(self.code
                    ; add eax, edx
                    ; shr edx, 30
                    ; shl rdx, 61
                    ; or rax, rdx
                );
                self.put(target, RAX, op.qp);
            }
        }
    }

    fn put_from(&mut self, target: Home, from: Host, qp: u8) {
        self.copy(RAX, from);
        self.put(target, RAX, qp);
    }

    fn add_immediate(&mut self, op: &Op, target: Home, r3: Home) {
        let value = op.imm as i32;
        if op.qp == 0 && target == r3 {
            match (target, i8::try_from(value)) {
                (Home::Zero, _) => {}
                (Home::Host(host), Ok(value)) => asm!(self.code ; add Rq(host), BYTE value),
                (Home::Host(host), Err(_)) => asm!(self.code ; add Rq(host), DWORD value),
                (Home::Memory(at), _) => asm!(self.code ; add QWORD [rbp + at], value),
            }
            return;
        }
        let result = self.result(target, op.qp, &[]);
        match r3 {
            Home::Zero => self.set(result, op.imm as u64),
            Home::Host(host) if value == 0 => self.copy(result, host),
            Home::Host(host) => asm!(self.code ; lea Rq(result), [Rq(host) + value]),
            Home::Memory(at) => {
                self.load(result, at);
                if value != 0 {
                    asm!(self.code ; add Rq(result), DWORD value);
                }
            }
        }
        self.put(target, result, op.qp);
    }

    fn commuting(&mut self, op: &Op, operation: Commutes) {
        let (target, r2, r3) = (self.home(op.r1), self.home(op.r2), self.home(op.r3));
        let result = self.result(target, op.qp, &[]);
        let other = if r3 == Home::Host(result) {
            r2
        } else {
            if operation == Commutes::Add
                && let (Home::Host(left), Home::Host(right)) = (r2, r3)
                && left != result
            {
                asm!(self.code ; lea Rq(result), [Rq(left) + Rq(right)]);
                self.put(target, result, op.qp);
                return;
            }
            self.get(result, r2);
            r3
        };
        match (operation, other) {
            (Commutes::And, Home::Zero) => asm!(self.code ; xor Rd(result), Rd(result)),
            (_, Home::Zero) => {}
            (Commutes::Add, Home::Host(host)) => asm!(self.code ; add Rq(result), Rq(host)),
            (Commutes::And, Home::Host(host)) => asm!(self.code ; and Rq(result), Rq(host)),
            (Commutes::Or, Home::Host(host)) => asm!(self.code ; or Rq(result), Rq(host)),
            (Commutes::Xor, Home::Host(host)) => asm!(self.code ; xor Rq(result), Rq(host)),
            (Commutes::Add, Home::Memory(at)) => asm!(self.code ; add Rq(result), QWORD [rbp + at]),
            (Commutes::And, Home::Memory(at)) => asm!(self.code ; and Rq(result), QWORD [rbp + at]),
            (Commutes::Or, Home::Memory(at)) => asm!(self.code ; or Rq(result), QWORD [rbp + at]),
            (Commutes::Xor, Home::Memory(at)) => asm!(self.code ; xor Rq(result), QWORD [rbp + at]),
        }
        self.put(target, result, op.qp);
    }

    /// Adds a register to a host register.
    pub(super) fn add(&mut self, to: Host, home: Home) {
        match home {
            Home::Zero => {}
            Home::Host(host) => asm!(self.code ; add Rq(to), Rq(host)),
            Home::Memory(at) => asm!(self.code ; add Rq(to), QWORD [rbp + at]),
        }
    }

    fn subtract(&mut self, from: Host, home: Home) {
        match home {
            Home::Zero => {}
            Home::Host(host) => asm!(self.code ; sub Rq(from), Rq(host)),
            Home::Memory(at) => asm!(self.code ; sub Rq(from), QWORD [rbp + at]),
        }
    }

    /// An I-type instruction of the bundle at `ip`.
    pub(super) fn integer_i(&mut self, op: &Op, i: I, ip: u64) {
        let (target, r2, r3) = (self.home(op.r1), self.home(op.r2), self.home(op.r3));
        let position = op.completer & 63;
        let length = op.r4.clamp(1, 64 - position);
        let mask = u64::MAX >> (64 - length) << position;
        match i {
            I::Shl | I::ShrU | I::Shr => {
                let (value, count) = if i == I::Shl { (r2, r3) } else { (r3, r2) };
                self.get(RCX, count);
                self.get(RAX, value);
                match i {
                    I::Shr => {
                        // More than 63 is as 63.
                        asm!(self.code
                            ; mov edx, 63
                            ; cmp rcx, 63
                            ; cmova rcx, rdx
                            ; sar rax, cl
                        );
                    }
                    I::Shl => asm!(self.code ; xor edx, edx ; cmp rcx, 63 ; cmova rax, rdx ; shl rax, cl),
                    _ => asm!(self.code ; xor edx, edx ; cmp rcx, 63 ; cmova rax, rdx ; shr rax, cl),
                }
                self.put(target, RAX, op.qp);
            }
            I::Shrp => {
                self.get(RAX, r3);
                let high = self.host(r2, RDX);
                asm!(self.code ; shrd rax, Rq(high), BYTE (op.imm & 63) as i8);
                self.put(target, RAX, op.qp);
            }
            I::ExtrU | I::Extr => {
                let result = self.result(target, op.qp, &[]);
                if i == I::ExtrU && position == 0 && length == 32 {
                    let value = self.host(r3, RAX);
                    asm!(self.code ; mov Rd(result), Rd(value));
                } else {
                    self.get(result, r3);
                    asm!(self.code ; shl Rq(result), BYTE (64 - position - length) as i8);
                    if i == I::ExtrU {
                        asm!(self.code ; shr Rq(result), BYTE (64 - length) as i8);
                    } else {
                        asm!(self.code ; sar Rq(result), BYTE (64 - length) as i8);
                    }
                }
                self.put(target, result, op.qp);
            }
            I::DepZ => {
                let result = self.result(target, op.qp, &[]);
                self.get(result, r2);
                asm!(self.code
                    ; shl Rq(result), BYTE (64 - length) as i8
                    ; shr Rq(result), BYTE (64 - length - position) as i8
                );
                self.put(target, result, op.qp);
            }
            I::DepZImm8 => {
                self.set(RAX, (op.imm as u64) << position & mask);
                self.put(target, RAX, op.qp);
            }
            I::DepImm1 => {
                let deposited = (op.imm as u64) << position & mask;
                self.get(RAX, r3);
                if deposited == 0 {
                    self.set(RDX, !mask);
                    asm!(self.code ; and rax, rdx);
                } else {
                    // All ones or all zeros.
                    self.set(RDX, mask);
                    asm!(self.code ; or rax, rdx);
                }
                self.put(target, RAX, op.qp);
            }
            I::Dep => {
                self.get(RAX, r2);
                asm!(self.code
                    ; shl rax, BYTE (64 - length) as i8
                    ; shr rax, BYTE (64 - length - position) as i8
                );
                self.set(RDX, !mask);
                match r3 {
                    Home::Zero => asm!(self.code ; xor edx, edx),
                    Home::Host(host) => asm!(self.code ; and rdx, Rq(host)),
                    Home::Memory(at) => asm!(self.code ; and rdx, QWORD [rbp + at]),
                }
                asm!(self.code ; or rax, rdx);
                self.put(target, RAX, op.qp);
            }
            I::Zxt1 | I::Zxt2 | I::Zxt4 | I::Sxt1 | I::Sxt2 | I::Sxt4 => {
                let value = self.host(r3, RAX);
                let result = self.result(target, op.qp, &[]);
                match i {
                    I::Zxt1 => asm!(self.code ; movzx Rd(result), Rb(value)),
                    I::Zxt2 => asm!(self.code ; movzx Rd(result), Rw(value)),
                    I::Zxt4 => asm!(self.code ; mov Rd(result), Rd(value)),
                    I::Sxt1 => asm!(self.code ; movsx Rq(result), Rb(value)),
                    I::Sxt2 => asm!(self.code ; movsx Rq(result), Rw(value)),
                    _ => asm!(self.code ; movsxd Rq(result), Rd(value)),
                }
                self.put(target, result, op.qp);
            }
            I::Popcnt => {
                let value = self.host(r3, RAX);
                asm!(self.code ; popcnt rax, Rq(value));
                self.put(target, RAX, op.qp);
            }
            I::Mpy4 => {
                self.get(RAX, r2);
                self.get(RDX, r3);
                asm!(self.code ; mov eax, eax ; mov edx, edx ; imul rax, rdx);
                self.put(target, RAX, op.qp);
            }
            I::Mpyshl4 => {
                self.get(RAX, r2);
                self.get(RDX, r3);
                asm!(self.code ; shr rax, 32 ; imul rax, rdx ; shl rax, 32);
                self.put(target, RAX, op.qp);
            }
            I::Mix4R | I::Unpack4L => {
                // The low words of r2 and r3.
                self.get(RAX, r2);
                self.get(RDX, r3);
                asm!(self.code ; shl rax, 32 ; mov edx, edx ; or rax, rdx);
                self.put(target, RAX, op.qp);
            }
            I::Mix4L | I::Unpack4H => {
                // The high words of r2 and r3.
                self.get(RAX, r2);
                self.get(RDX, r3);
                asm!(self.code ; shr rax, 32 ; shl rax, 32 ; shr rdx, 32 ; or rax, rdx);
                self.put(target, RAX, op.qp);
            }
            I::MovToBr | I::MovRetToBr => {
                let value = self.host(r2, RAX);
                self.put(Home::Memory(branch(op.r1)), value, op.qp);
            }
            I::MovFromBr => {
                let result = self.result(target, op.qp, &[]);
                self.load(result, branch(op.r2));
                self.put(target, result, op.qp);
            }
            I::MovFromIp => {
                self.set(RAX, ip);
                self.put(target, RAX, op.qp);
            }
            // No register is NaT in compiled code.
            _ => {}
        }
    }
}
