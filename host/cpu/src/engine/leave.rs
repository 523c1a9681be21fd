//! How a block ends: at a branch, after what serializes, with a trap, a fault, a return or an exit. Instruction count,
//! IP, PSR.ri, cr.iipa's bundle and ISR.ei become exact here.

use patchbay_isa::Slot;

use super::block::Block;
use super::cache::Prepared;
use super::interpreter::Op;
use crate::exit::{Exit, Stuck};
use crate::interruption::{MOST_FAULTS, SINGLE_STEP};
use crate::outcome::Leave;
use crate::processor::Processor;
use crate::psr::Psr;

/// What the last instructions did.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Faults delivered since an instruction completed.
    pub(super) faults: u32,
    /// Whether the last instruction set PSR as `rfi` does: the bits for one instruction are then those of the next.
    pub(super) returned: bool,
    /// Whether PSR.ic was 1 before the block: only then what completes is the last instruction of cr.iipa (SDM 2:40).
    /// Instructions that change PSR.ic end their block.
    pub(super) collecting: bool,
}

/// What completing an instruction does to PSR.
pub(super) fn clear_one_instruction_bits(p: &mut Processor) {
    let psr = u64::from(p.registers.psr);
    if psr & Psr::ONE_INSTRUCTION != 0 {
        p.set_psr(Psr::from(psr & !Psr::ONE_INSTRUCTION));
    }
}

/// Leaves a block that began at `ip` through its end.
#[inline]
pub(super) fn fall_through(p: &mut Processor, block: &Block, ip: u64, progress: &mut Progress) {
    progress.faults = 0;
    p.instructions += u64::from(block.length);
    let end = ip.wrapping_add(u64::from(block.bundles) << 4);
    let last = end.wrapping_sub(16);
    if progress.collecting {
        p.last_ip = last;
    }
    if block.resume_slot == Slot::Zero {
        p.registers.ip = end;
    } else {
        p.registers.ip = last;
        p.registers.psr.set_ri(block.resume_slot as u8);
    }
}

/// Leaves a block that began at `ip` at a branch that was taken.
#[inline]
pub(super) fn branch(p: &mut Processor, op: &Op, ip: u64, progress: &mut Progress) {
    p.instructions += u64::from(op.preceding) + 1;
    if progress.collecting {
        p.last_ip = ip.wrapping_add(u64::from(op.bundle) << 4);
    }
    progress.faults = 0;
}

/// Leaves a block that began at `ip` after an instruction that serializes.
#[inline]
pub(super) fn serialize(p: &mut Processor, op: &Op, ip: u64, progress: &mut Progress) {
    let bundle = ip.wrapping_add(u64::from(op.bundle) << 4);
    p.instructions += u64::from(op.preceding) + 1;
    if progress.collecting {
        p.last_ip = bundle;
    }
    progress.faults = 0;
    progress.returned = false;
    clear_one_instruction_bits(p);
    p.advance_past(bundle, op.slot, op.long);
}

/// Leaves a block that began at `ip` at an instruction; `None` is the fetch of its first.
#[cold]
pub(super) fn finish(
    p: &mut Processor,
    at: Option<(&Prepared, &Op)>,
    leave: Leave,
    ip: u64,
    progress: &mut Progress,
) -> Option<Exit> {
    let op = at.map(|(_, op)| op);
    let (bundle, slot) =
        op.map_or((ip, p.registers.psr.ri()), |op| (ip.wrapping_add(u64::from(op.bundle) << 4), op.slot));
    let completed = !matches!(leave, Leave::Fault | Leave::Virtualized | Leave::Exit);
    if let Some(op) = op {
        p.instructions += u64::from(op.preceding) + u64::from(completed);
        let last_ip = if completed || slot > 0 { bundle } else { bundle.wrapping_sub(16) };
        if progress.collecting && (completed || op.preceding > 0) {
            p.last_ip = last_ip;
        }
        if completed {
            progress.faults = 0;
            progress.returned = leave == Leave::Return;
            if !progress.returned {
                clear_one_instruction_bits(p);
            }
        } else if op.preceding > 0 {
            progress.faults = 0;
        }
    }
    match leave {
        Leave::Branch | Leave::Serialize | Leave::Return | Leave::BranchTrap | Leave::IncompleteFrame => {}
        Leave::Trap => p.advance_past(bundle, slot, op.is_some_and(|op| op.long)),
        Leave::Fault | Leave::Virtualized | Leave::Exit => {
            p.registers.ip = bundle;
            p.registers.psr.set_ri(slot);
        }
    }
    match leave {
        Leave::Branch | Leave::Serialize => None,
        Leave::Return => match p.complete_frame() {
            Ok(()) => None,
            Err(leave) => finish(p, None, leave, p.registers.ip, progress),
        },
        Leave::Fault | Leave::Trap | Leave::BranchTrap => {
            p.raised.isr.set_ei(slot);
            if leave != Leave::Fault && p.registers.psr.ss() {
                p.raised.isr.set_code(p.raised.isr.code() | SINGLE_STEP);
            }
            interrupt(p, progress)
        }
        Leave::IncompleteFrame => {
            p.raised.isr.set_ei(p.registers.psr.ri());
            interrupt(p, progress)
        }
        Leave::Virtualized => at.and_then(|(block, op)| block.instruction(op)).map(Exit::Virtualization),
        Leave::Exit => p.exit.take(),
    }
}

/// Delivers `raised`, or leaves with it at PSR.vm = 1.
pub(super) fn interrupt(p: &mut Processor, progress: &mut Progress) -> Option<Exit> {
    p.raised.isr.set_ir(p.rse.is_incomplete());
    if p.registers.psr.vm() {
        return Some(Exit::Interruption(p.raised));
    }
    progress.faults += 1;
    if progress.faults > MOST_FAULTS {
        progress.faults = 0;
        return Some(Exit::Stuck(Stuck::DoubleFault(p.registers.ip)));
    }
    let raised = p.raised;
    p.deliver(&raised);
    None
}
