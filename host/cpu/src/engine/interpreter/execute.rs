//! The loop over the operations of a block.

use crate::engine::cache::Prepared;
use crate::engine::leave::{Progress, branch, fall_through, finish, serialize};
use crate::exit::Exit;
use crate::outcome::Leave;
use crate::processor::Processor;

/// Executes a block from its first instruction on.
#[inline]
pub(super) fn execute(p: &mut Processor, prepared: &Prepared, progress: &mut Progress) -> Option<Exit> {
    let ip = p.registers.ip;
    let block = &prepared.block;
    progress.collecting = p.interruption_collection();
    p.registers.psr.set_ri(0);
    for op in &prepared.ops {
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
