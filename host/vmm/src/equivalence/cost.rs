//! What emulation costs.

use std::time::Instant;

use patchbay_cpu::outcome::Leave;
use patchbay_plugin_api::class::ClassKey;
use patchbay_plugin_api::instruction::Mnemonic;

use super::random::{Instructions, Random};
use super::state::State;
use super::{Difference, conventional};
use crate::conventional::Conventional;
use crate::plugins::Routines;
use crate::routines::services;

/// How often the same is done.
const RUNS: u32 = 2000;
/// How many states are tried to find one in which nothing faults.
const STATES: u32 = 256;

/// What one emulation costs, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// By the routine.
    pub routine: f64,
    /// By the conventional path.
    pub conventional: f64,
}

/// Measures the routine of a class that fixes all operands, and the conventional path, on some state in which the
/// instruction does not fault; `None` if there is no routine or no such state.
///
/// # Errors
/// `build` panicked.
pub fn measure(routines: &Routines, mnemonic: Mnemonic, seed: u64) -> Result<Option<Cost>, Difference> {
    let instructions = Instructions::of(mnemonic).ok_or(Difference::Mnemonic(mnemonic.name()))?;
    let mut random = Random::new(seed ^ (mnemonic as u64) << 32);
    for _ in 0..STATES {
        let placed = instructions.random(&mut random, None);
        let state = State::random(&mut random, &placed);
        if matches!(conventional(&mut state.machine(), &placed), None | Some(Err(Leave::Fault))) {
            continue;
        }
        let Some(routine) = routines.build(&ClassKey::new(&placed.instruction, mnemonic.operands()))? else {
            return Ok(None);
        };
        let services = services::services();
        let mut machine = state.machine();
        let at = services::At { ip: machine.p.registers.ip, identity: [0; 2] };
        let routine = nanoseconds(|| {
            let _ = services::run(&routine, services, &mut machine.p, &mut machine.vpd, at, &placed.instruction);
        });
        let mut machine = state.machine();
        let mut path = Conventional::default();
        let conventional = nanoseconds(|| {
            let _ = path.emulate(&mut machine.p, &mut machine.vpd, placed.instruction.bits);
            machine.p.registers.ip = at.ip;
            machine.p.registers.psr.set_ri(placed.instruction.slot);
        });
        return Ok(Some(Cost { routine, conventional }));
    }
    Ok(None)
}

fn nanoseconds(mut function: impl FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..RUNS {
        function();
    }
    start.elapsed().as_nanos() as f64 / f64::from(RUNS)
}
