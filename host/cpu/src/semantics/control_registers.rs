//! `mov cr=` and `mov =cr` (SDM 3:175).

use crate::engine::interpreter::Op;
use crate::outcome::{Leave, Outcome};
use crate::processor::Processor;
use crate::processor::control_registers::{from, to};

pub(super) fn mov_to_cr(p: &mut Processor, op: &Op) -> Outcome {
    let number = usize::from(op.r3);
    let value = to(p, number, op.r2)?;
    p.leave_if_virtualized()?;
    p.write_cr(number, value);
    Err(Leave::Serialize)
}

pub(super) fn mov_from_cr(p: &mut Processor, op: &Op) -> Outcome {
    let number = usize::from(op.r3);
    from(p, number)?;
    p.leave_if_virtualized()?;
    let value = p.read_cr(number);
    p.set_gr(op.r1, value, false);
    Ok(())
}
