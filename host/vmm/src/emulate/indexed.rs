//! Moves to and from registers that a general register selects (SDM 3:180-184). All but CPUID are the processor's.

use patchbay_cpu::op::{Outcome, Stop};
use patchbay_cpu::semantics::indexed::{is_pkr, is_rr};
use patchbay_plugin_api::instruction::Instruction;

use crate::guest::Guest;

/// The number in a general register, below `registers`.
fn index(g: &mut Guest, r: u8, registers: usize) -> Result<usize, Stop> {
    let index = (g.p.gr_not_nat(r)? & 0xff) as usize;
    g.not_reserved(index >= registers)?;
    Ok(index)
}

/// Index and value of a move to a register.
fn to(g: &mut Guest, i: &Instruction, registers: usize) -> Result<(usize, u64), Stop> {
    g.p.privileged()?;
    let value = g.p.gr_not_nat(i.r2)?;
    Ok((index(g, i.r3, registers)?, value))
}

/// Index of a move from a register.
fn from(g: &mut Guest, i: &Instruction, registers: usize) -> Result<usize, Stop> {
    g.target(i.r1)?;
    g.p.privileged()?;
    index(g, i.r3, registers)
}

pub(super) fn mov_to_rr(g: &mut Guest, i: &Instruction) -> Outcome {
    g.p.privileged()?;
    let value = g.p.gr_not_nat(i.r2)?;
    let region = (g.p.gr_not_nat(i.r3)? >> 61) as usize;
    g.not_reserved(!is_rr(value))?;
    g.p.write_rr(region, value);
    Err(Stop::Serialize)
}

pub(super) fn mov_to_dbr(g: &mut Guest, i: &Instruction) -> Outcome {
    let (index, value) = to(g, i, g.p.registers.dbr.len())?;
    g.p.write_dbr(index, value);
    Err(Stop::Serialize)
}

pub(super) fn mov_to_ibr(g: &mut Guest, i: &Instruction) -> Outcome {
    let (index, value) = to(g, i, g.p.registers.ibr.len())?;
    g.p.registers.ibr[index] = value;
    Err(Stop::Serialize)
}

pub(super) fn mov_to_pkr(g: &mut Guest, i: &Instruction) -> Outcome {
    let (index, value) = to(g, i, g.p.registers.pkr.len())?;
    g.not_reserved(!is_pkr(value))?;
    g.p.write_pkr(index, value);
    Err(Stop::Serialize)
}

pub(super) fn mov_to_pmc(g: &mut Guest, i: &Instruction) -> Outcome {
    let (index, value) = to(g, i, g.p.registers.pmc.len())?;
    g.p.registers.pmc[index] = value;
    Ok(())
}

pub(super) fn mov_to_pmd(g: &mut Guest, i: &Instruction) -> Outcome {
    let (index, value) = to(g, i, g.p.registers.pmd.len())?;
    g.p.registers.pmd[index] = value;
    Ok(())
}

pub(super) fn mov_from_rr(g: &mut Guest, i: &Instruction) -> Outcome {
    g.target(i.r1)?;
    g.p.privileged()?;
    let region = (g.p.gr_not_nat(i.r3)? >> 61) as usize;
    let value = g.p.registers.rr[region];
    g.set_gr(i.r1, value, false);
    Ok(())
}

pub(super) fn mov_from_dbr(g: &mut Guest, i: &Instruction) -> Outcome {
    let index = from(g, i, g.p.registers.dbr.len())?;
    let value = g.p.registers.dbr[index];
    g.set_gr(i.r1, value, false);
    Ok(())
}

pub(super) fn mov_from_ibr(g: &mut Guest, i: &Instruction) -> Outcome {
    let index = from(g, i, g.p.registers.ibr.len())?;
    let value = g.p.registers.ibr[index];
    g.set_gr(i.r1, value, false);
    Ok(())
}

pub(super) fn mov_from_pkr(g: &mut Guest, i: &Instruction) -> Outcome {
    let index = from(g, i, g.p.registers.pkr.len())?;
    let value = g.p.registers.pkr[index];
    g.set_gr(i.r1, value, false);
    Ok(())
}

pub(super) fn mov_from_pmc(g: &mut Guest, i: &Instruction) -> Outcome {
    let index = from(g, i, g.p.registers.pmc.len())?;
    let value = g.p.registers.pmc[index];
    g.set_gr(i.r1, value, false);
    Ok(())
}

/// Not privileged.
pub(super) fn mov_from_cpuid(g: &mut Guest, i: &Instruction) -> Outcome {
    g.target(i.r1)?;
    let index = index(g, i.r3, g.vpd.vcpuid.len())?;
    let value = g.vpd.vcpuid[index];
    g.set_gr(i.r1, value, false);
    Ok(())
}
