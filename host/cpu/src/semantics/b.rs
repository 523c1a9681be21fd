//! B-type instructions: branches, the register stack, interruptions and privilege.

use patchbay_isa::rows::B;

use super::{mov, rse};
use crate::engine::interpreter::{Execute, Op};
use crate::interruption::{Interruption, Vector, general};
use crate::outcome::{Leave, Outcome};
use crate::processor::Processor;
use crate::psr::{Cfm, Psr};
use crate::registers::{ar, cr};

/// The semantics of a B-type instruction.
#[must_use]
pub fn of(instruction: B) -> Execute {
    match instruction {
        B::Cond => cond,
        B::CondIndirect => cond_indirect,
        B::Call => call,
        B::CallIndirect => call_indirect,
        B::Ret => ret,
        B::Ia => ia,
        B::Cloop => cloop,
        B::Ctop => |p, op| counted_loop(p, op, true),
        B::Cexit => |p, op| counted_loop(p, op, false),
        B::Wtop => |p, op| while_loop(p, op, true),
        B::Wexit => |p, op| while_loop(p, op, false),
        B::Cover => rse::cover,
        B::Clrrrb => |p, _| rse::clear_rotation(p, false),
        B::ClrrrbPr => |p, _| rse::clear_rotation(p, true),
        B::Rfi => rfi,
        B::Bsw0 => |p, _| switch_bank(p, false),
        B::Bsw1 => |p, _| switch_bank(p, true),
        B::Epc => epc,
        B::Vmsw0 => |p, op| switch_vm(p, op, false),
        B::Vmsw1 => |p, op| switch_vm(p, op, true),
        B::Break => break_b,
        B::Brp | B::BrpIndirect | B::BrpRet | B::Nop => |_, _| Ok(()),
        B::Hint => mov::pause,
    }
}

/// The target of an IP-relative branch.
#[inline]
pub(super) fn target(p: &Processor, op: &Op) -> u64 {
    p.ip(op).wrapping_add(op.imm as u64)
}

#[inline]
fn indirect_target(p: &Processor, op: &Op) -> u64 {
    p.registers.br[usize::from(op.r2 & 7)]
}

pub(super) fn cond(p: &mut Processor, op: &Op) -> Outcome {
    let target = target(p, op);
    Err(p.branch(target))
}

fn cond_indirect(p: &mut Processor, op: &Op) -> Outcome {
    let target = indirect_target(p, op);
    Err(p.branch(target))
}

pub(super) fn call(p: &mut Processor, op: &Op) -> Outcome {
    let target = target(p, op);
    call_to(p, op, target)
}

fn call_indirect(p: &mut Processor, op: &Op) -> Outcome {
    let target = indirect_target(p, op);
    call_to(p, op, target)
}

#[inline]
fn call_to(p: &mut Processor, op: &Op, target: u64) -> Outcome {
    let registers = &mut p.registers;
    let previous = u64::from(registers.cfm) | (registers.ar[ar::EC] & 0x3f) << 52;
    registers.ar[ar::PFS] = previous | u64::from(registers.psr.cpl()) << 62;
    p.call_frame();
    p.registers.br[usize::from(op.r1 & 7)] = p.ip(op).wrapping_add(16);
    Err(p.branch(target))
}

/// `br.ret`. A load of the frame that faults after it gives way to the traps of the branch itself: the frame then
/// stays incomplete, and the handler's `rfi` loads the rest.
fn ret(p: &mut Processor, op: &Op) -> Outcome {
    let target = indirect_target(p, op);
    let pfs = p.registers.ar[ar::PFS];
    p.registers.ar[ar::EC] = pfs >> 52 & 0x3f;
    p.return_frame(Cfm::from(pfs & Cfm::MASK));
    let psr = p.registers.psr;
    let privilege = (pfs >> 62) as u8;
    let lowers = privilege > psr.cpl();
    if lowers {
        p.set_psr(psr.with_cpl(privilege));
    }
    let loaded = p.complete_frame();
    let branch = p.branch(target);
    if lowers && psr.lp() {
        return Err(p.trap_branch(true));
    }
    if branch == Leave::Branch && !psr.ss() {
        p.registers.psr.set_ri(0);
        loaded?;
    }
    Err(branch)
}

/// `br.ia`: there is no IA-32 instruction set.
fn ia(p: &mut Processor, op: &Op) -> Outcome {
    if op.predicate != 0 {
        return Err(p.raise(Interruption::ILLEGAL_OPERATION));
    }
    Err(p.raise(Interruption::fault(Vector::GeneralException, general::DISABLED_ISA_TRANSITION)))
}

fn cloop(p: &mut Processor, op: &Op) -> Outcome {
    if op.predicate != 0 {
        return Err(p.raise(Interruption::ILLEGAL_OPERATION));
    }
    let lc = p.registers.ar[ar::LC];
    if lc == 0 {
        return Ok(());
    }
    p.registers.ar[ar::LC] = lc - 1;
    cond(p, op)
}

/// `br.ctop` branches while the loop goes on, `br.cexit` when it ends (SDM 1:78).
fn counted_loop(p: &mut Processor, op: &Op, top: bool) -> Outcome {
    if op.predicate != 0 {
        return Err(p.raise(Interruption::ILLEGAL_OPERATION));
    }
    let lc = p.registers.ar[ar::LC];
    let goes_on = if lc != 0 {
        p.registers.ar[ar::LC] = lc - 1;
        p.set_pr(63, true);
        p.registers.rotate();
        true
    } else {
        epilog(p)
    };
    if goes_on == top { cond(p, op) } else { Ok(()) }
}

/// `br.wtop` branches while the loop goes on, `br.wexit` when it ends (SDM 1:79).
fn while_loop(p: &mut Processor, op: &Op, top: bool) -> Outcome {
    let goes_on = if p.pr(op.predicate) {
        p.set_pr(63, false);
        p.registers.rotate();
        true
    } else {
        epilog(p)
    };
    if goes_on == top { cond(p, op) } else { Ok(()) }
}

/// A turn of a modulo-scheduled loop that starts no iteration. Returns whether another follows.
fn epilog(p: &mut Processor) -> bool {
    let ec = p.registers.ar[ar::EC] & 0x3f;
    p.set_pr(63, false);
    if ec != 0 {
        p.registers.ar[ar::EC] = ec - 1;
        p.registers.rotate();
    }
    ec > 1
}

fn rfi(p: &mut Processor, _: &Op) -> Outcome {
    p.check_privilege()?;
    p.leave_if_virtualized()?;
    let psr = Psr::from(p.registers.cr[cr::IPSR]);
    if psr.is() {
        return Err(p.raise(Interruption::ILLEGAL_OPERATION));
    }
    p.registers.ip = p.registers.cr[cr::IIP] & !0xf;
    p.set_psr(psr);
    let ifs = p.registers.cr[cr::IFS];
    if ifs >> 63 != 0 {
        p.uncover_frame(Cfm::from(ifs & Cfm::MASK));
    }
    p.enable_frame_load();
    Err(Leave::Return)
}

fn switch_bank(p: &mut Processor, bank: bool) -> Outcome {
    p.check_privilege()?;
    p.leave_if_virtualized()?;
    p.set_psr(p.registers.psr.with_bn(bank));
    Ok(())
}

/// Access rights of pages from which `epc` raises the privilege (SDM 2:56).
const PROMOTION: u8 = 7;

fn epc(p: &mut Processor, op: &Op) -> Outcome {
    let psr = p.registers.psr;
    if p.registers.ar[ar::PFS] >> 62 < u64::from(psr.cpl()) {
        return Err(p.raise(Interruption::ILLEGAL_OPERATION));
    }
    let privilege = if !psr.it() {
        0
    } else {
        match p.code_page_rights(p.ip(op)) {
            Some((PROMOTION, privilege)) => privilege.min(psr.cpl()),
            _ => psr.cpl(),
        }
    };
    p.set_psr(psr.with_cpl(privilege));
    Err(Leave::Serialize)
}

/// `vmsw` (SDM 3:273).
fn switch_vm(p: &mut Processor, op: &Op, vm: bool) -> Outcome {
    p.check_privilege()?;
    let psr = p.registers.psr;
    let allowed = matches!(p.code_page_rights(p.ip(op)), Some((PROMOTION, _)));
    if !allowed || p.vmsw_disabled {
        p.leave_if_virtualized()?;
        return Err(p.raise(Interruption::fault(Vector::Virtualization, 0)));
    }
    p.set_psr(psr.with_vm(vm));
    Err(Leave::Serialize)
}

/// `break.b` ignores its immediate (SDM 3:29).
fn break_b(p: &mut Processor, _: &Op) -> Outcome {
    mov::break_with(p, 0)
}
