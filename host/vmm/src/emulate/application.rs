//! Moves to and from ar.itc, the only application register that is virtualized (SDM 3:173).

use patchbay_cpu::interruption::Interruption;
use patchbay_cpu::outcome::Outcome;
use patchbay_cpu::registers::ar;
use patchbay_plugin_api::instruction::Instruction;

use crate::guest::Guest;

pub(super) fn mov_to_ar(g: &mut Guest, i: &Instruction) -> Outcome {
    g.illegal_if(usize::from(i.register) != ar::ITC)?;
    let value = g.p.source(i.r2)?;
    write(g, value)
}

pub(super) fn mov_imm_to_ar(g: &mut Guest, i: &Instruction) -> Outcome {
    g.illegal_if(usize::from(i.register) != ar::ITC)?;
    write(g, i.immediate)
}

fn write(g: &mut Guest, value: u64) -> Outcome {
    if g.p.registers.psr.cpl() != 0 {
        return Err(g.p.raise(Interruption::PRIVILEGED_REGISTER));
    }
    g.set_itc(value);
    Ok(())
}

pub(super) fn mov_from_ar(g: &mut Guest, i: &Instruction) -> Outcome {
    g.illegal_if(usize::from(i.register) != ar::ITC)?;
    g.target(i.r1)?;
    if g.p.registers.psr.si() && g.p.registers.psr.cpl() != 0 {
        return Err(g.p.raise(Interruption::PRIVILEGED_REGISTER));
    }
    let value = g.itc();
    g.set_gr(i.r1, value, false);
    Ok(())
}
