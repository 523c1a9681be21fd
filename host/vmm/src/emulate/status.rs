//! Instructions on the processor status register (SDM 3:193, 3:239-241, 3:254-256) and `bsw`.

use patchbay_cpu::outcome::Outcome;
use patchbay_cpu::psr::Psr;
use patchbay_cpu::semantics::status::{system_mask, to_psr};
use patchbay_plugin_api::instruction::Instruction;

use crate::guest::Guest;

/// What `mov psr.l=` writes.
const LOW: u64 = 0xffff_ffff;

pub(super) fn mov_to_psr(g: &mut Guest, i: &Instruction) -> Outcome {
    let value = to_psr(g.p, i.r2)?;
    g.set_psr(Psr::from(u64::from(g.psr()) & !LOW | value & LOW))
}

pub(super) fn mov_from_psr(g: &mut Guest, i: &Instruction) -> Outcome {
    g.target(i.r1)?;
    g.p.check_privilege()?;
    g.set_gr(i.r1, u64::from(g.psr()) & Psr::READABLE, false);
    Ok(())
}

pub(super) fn ssm(g: &mut Guest, i: &Instruction) -> Outcome {
    system_mask(g.p, i.immediate)?;
    g.set_psr(Psr::from(u64::from(g.psr()) | i.immediate))
}

pub(super) fn rsm(g: &mut Guest, i: &Instruction) -> Outcome {
    system_mask(g.p, i.immediate)?;
    g.set_psr(Psr::from(u64::from(g.psr()) & !i.immediate))
}

pub(super) fn bsw(g: &mut Guest, bank: bool) -> Outcome {
    g.p.check_privilege()?;
    g.select_bank(bank);
    Ok(())
}
