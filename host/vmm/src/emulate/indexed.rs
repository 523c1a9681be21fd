//! Moves to and from registers that a general register selects (SDM 3:180-184). All but CPUID are the processor's.

use patchbay_cpu::outcome::{Leave, Outcome};
use patchbay_cpu::semantics::indexed::{from, from_rr, index, to, to_pkr, to_rr};
use patchbay_plugin_api::instruction::Instruction;

use crate::guest::Guest;

pub(super) fn mov_to_rr(g: &mut Guest, i: &Instruction) -> Outcome {
    let (region, value) = to_rr(g.p, i.r3, i.r2)?;
    g.p.write_rr(region, value);
    Err(Leave::Serialize)
}

pub(super) fn mov_to_dbr(g: &mut Guest, i: &Instruction) -> Outcome {
    let (index, value) = to(g.p, i.r3, i.r2, g.p.registers.dbr.len())?;
    g.p.write_dbr(index, value);
    Err(Leave::Serialize)
}

pub(super) fn mov_to_ibr(g: &mut Guest, i: &Instruction) -> Outcome {
    let (index, value) = to(g.p, i.r3, i.r2, g.p.registers.ibr.len())?;
    g.p.registers.ibr[index] = value;
    Err(Leave::Serialize)
}

pub(super) fn mov_to_pkr(g: &mut Guest, i: &Instruction) -> Outcome {
    let (index, value) = to_pkr(g.p, i.r3, i.r2)?;
    g.p.write_pkr(index, value);
    Err(Leave::Serialize)
}

pub(super) fn mov_to_pmc(g: &mut Guest, i: &Instruction) -> Outcome {
    let (index, value) = to(g.p, i.r3, i.r2, g.p.registers.pmc.len())?;
    g.p.registers.pmc[index] = value;
    Ok(())
}

pub(super) fn mov_to_pmd(g: &mut Guest, i: &Instruction) -> Outcome {
    let (index, value) = to(g.p, i.r3, i.r2, g.p.registers.pmd.len())?;
    g.p.registers.pmd[index] = value;
    Ok(())
}

pub(super) fn mov_from_rr(g: &mut Guest, i: &Instruction) -> Outcome {
    g.target(i.r1)?;
    let region = from_rr(g.p, i.r3)?;
    let value = g.p.registers.rr[region];
    g.set_gr(i.r1, value, false);
    Ok(())
}

pub(super) fn mov_from_dbr(g: &mut Guest, i: &Instruction) -> Outcome {
    g.target(i.r1)?;
    let index = from(g.p, i.r3, g.p.registers.dbr.len())?;
    let value = g.p.registers.dbr[index];
    g.set_gr(i.r1, value, false);
    Ok(())
}

pub(super) fn mov_from_ibr(g: &mut Guest, i: &Instruction) -> Outcome {
    g.target(i.r1)?;
    let index = from(g.p, i.r3, g.p.registers.ibr.len())?;
    let value = g.p.registers.ibr[index];
    g.set_gr(i.r1, value, false);
    Ok(())
}

pub(super) fn mov_from_pkr(g: &mut Guest, i: &Instruction) -> Outcome {
    g.target(i.r1)?;
    let index = from(g.p, i.r3, g.p.registers.pkr.len())?;
    let value = g.p.registers.pkr[index];
    g.set_gr(i.r1, value, false);
    Ok(())
}

pub(super) fn mov_from_pmc(g: &mut Guest, i: &Instruction) -> Outcome {
    g.target(i.r1)?;
    let index = from(g.p, i.r3, g.p.registers.pmc.len())?;
    let value = g.p.registers.pmc[index];
    g.set_gr(i.r1, value, false);
    Ok(())
}

/// Not privileged.
pub(super) fn mov_from_cpuid(g: &mut Guest, i: &Instruction) -> Outcome {
    g.target(i.r1)?;
    let index = index(g.p, i.r3, g.vpd.vcpuid.len())?;
    let value = g.vpd.vcpuid[index];
    g.set_gr(i.r1, value, false);
    Ok(())
}
