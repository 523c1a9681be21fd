//! The loop over the operations of a block.

use crate::engine::cache::Prepared;
use crate::engine::leave::{Progress, branch, fall_through, finish, serialize};
use crate::exit::Exit;
use crate::outcome::Leave;
use crate::processor::Processor;

/// Executes a block from its first instruction on.
#[inline]
pub(in crate::engine) fn execute(p: &mut Processor, prepared: &Prepared, progress: &mut Progress) -> Option<Exit> {
    p.registers.psr.set_ri(0);
    execute_from(p, prepared, 0, progress)
}

/// Executes the rest of a block, from a step on. IP is that of the block, and nothing is counted yet.
#[inline]
pub(in crate::engine) fn execute_from(
    p: &mut Processor,
    prepared: &Prepared,
    step: usize,
    progress: &mut Progress,
) -> Option<Exit> {
    let ip = p.registers.ip;
    let block = &prepared.block;
    progress.collecting = p.interruption_collection();
    for op in &prepared.ops[step..] {
        if p.registers.pr >> (op.qp & 63) & 1 != 0
            && let Err(leave) = (op.execute)(p, op)
        {
            if leave == Leave::Branch {
                branch(p, op, ip, progress);
                return None;
            }
            if leave == Leave::Serialize {
                serialize(p, op, ip, progress);
                return None;
            }
            return finish(p, Some((prepared, op)), leave, ip, progress);
        }
    }
    fall_through(p, block, ip, progress);
    None
}
