//! Whether emulation routines do what the conventional path does: both are run on the same random states, with
//! instructions of all operands, slots and templates, for classes that tell much or little apart.

mod cost;
mod random;
mod state;

use std::fmt;

use patchbay_cpu::interruption::Interruption;
use patchbay_cpu::outcome::{Leave, Outcome};
use patchbay_isa::disassemble::Assembly;
use patchbay_isa::{Slot, decode};
use patchbay_plugin_api::class::{Attributes, ClassKey};
use patchbay_plugin_api::instruction::{Instruction, Mnemonic};
use patchbay_plugin_api::routines::Routine;
use patchbay_plugin_api::vp::Outcome as Returned;

pub use self::cost::{Cost, measure};
pub use self::random::{Instructions, Placed, Random};
use self::state::{Machine, State};
use crate::conventional::Conventional;
use crate::conventional::fetch::Fetch;
use crate::plugins::{Failed, Routines};
use crate::routines::services::{self, Refused};

/// What was found out about the routines for one mnemonic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// States on which both paths did the same.
    pub states: u32,
    /// States among them in which the instruction faulted.
    pub faults: u32,
    /// States among them in which the routine left the instruction to the conventional path.
    pub left: u32,
    /// Classes for which there was no routine.
    pub unbuilt: u32,
}

/// A routine does something else than the conventional path, or worse.
#[derive(Debug, thiserror::Error)]
pub enum Difference {
    /// It differs.
    #[error("{case}: {what}")]
    State {
        /// The instruction.
        case: Box<Case>,
        /// What is different.
        what: String,
    },
    /// The routine panicked.
    #[error("{case}: {failed}")]
    Panicked {
        /// The instruction.
        case: Box<Case>,
        /// The message.
        failed: Failed,
    },
    /// `build` panicked.
    #[error(transparent)]
    Build(#[from] Failed),
    /// There are no instructions with the mnemonic.
    #[error("the host knows no instruction {0}")]
    Mnemonic(&'static str),
}

/// An instruction that was tried.
#[derive(Clone, Debug)]
pub struct Case {
    placed: Placed,
    class: ClassKey,
    /// The number of the state.
    state: u32,
}

/// `mov r14=psr in slot 1, class "mov r=psr", state 17`
impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Placed { bundle, instruction } = &self.placed;
        let slot = Slot::new(instruction.slot).unwrap_or(Slot::Zero);
        let unit = bundle.template().units().map(|units| units[slot as usize]);
        match unit.and_then(|unit| decode(unit, instruction.bits, 0).ok()) {
            Some(decoded) => Assembly { instruction: &decoded, ip: 0, bare_targets: false }.fmt(f)?,
            None => write!(f, "{:#x}", instruction.bits)?,
        }
        write!(f, " in slot {}, class \"{}\", state {}", instruction.slot, self.class, self.state)
    }
}

const ALL: Attributes = Attributes::R1
    .and(Attributes::R2)
    .and(Attributes::R3)
    .and(Attributes::REGISTER)
    .and(Attributes::IMMEDIATE)
    .and(Attributes::SLOT)
    .and(Attributes::QP)
    .and(Attributes::UNIT)
    .and(Attributes::BANKED);

/// What classifiers may tell apart: nothing, all operands, everything, or anything.
fn attributes(random: &mut Random, mnemonic: Mnemonic) -> Attributes {
    const EACH: [Attributes; 9] = [
        Attributes::R1,
        Attributes::R2,
        Attributes::R3,
        Attributes::REGISTER,
        Attributes::IMMEDIATE,
        Attributes::SLOT,
        Attributes::QP,
        Attributes::UNIT,
        Attributes::BANKED,
    ];
    match random.below(4) {
        0 => Attributes::NONE,
        1 => mnemonic.operands(),
        2 => ALL,
        _ => EACH.into_iter().filter(|_| random.once_in(2)).fold(Attributes::NONE, Attributes::and),
    }
}

/// What is tried.
#[derive(Clone, Copy)]
pub struct Trial {
    /// The random states.
    pub states: u32,
    /// What they are made from.
    pub seed: u64,
    /// Says what the fast path must not do and a routine has done since this was called last.
    pub forbidden: fn() -> Option<&'static str>,
}

impl Trial {
    /// A trial in which routines may do anything.
    #[must_use]
    pub fn new(states: u32, seed: u64) -> Trial {
        Trial { states, seed, forbidden: || None }
    }
}

/// Compares the routines that a plugin builds for a mnemonic with the conventional path.
///
/// # Errors
/// The first difference.
pub fn compare(routines: &Routines, mnemonic: Mnemonic, trial: Trial) -> Result<Comparison, Difference> {
    let instructions = Instructions::of(mnemonic).ok_or(Difference::Mnemonic(mnemonic.name()))?;
    let mut random = Random::new(trial.seed ^ (mnemonic as u64) << 32);
    let mut comparison = Comparison::default();
    for state in 0..trial.states {
        let first = instructions.random(&mut random, None).instruction;
        let class = ClassKey::new(&first, attributes(&mut random, mnemonic));
        let placed = instructions.random(&mut random, Some(&class));
        let Some(routine) = routines.build(&class)? else {
            comparison.unbuilt += 1;
            continue;
        };
        let case = Box::new(Case { placed, class, state });
        let given = if routine.needs_site() { &placed.instruction } else { &first };
        let state = State::random(&mut random, &placed);
        let (should, left) = run(routines, &routine, given, &state, case, trial)?;
        comparison.faults += u32::from(should == Err(Leave::Fault));
        comparison.left += u32::from(left);
        comparison.states += 1;
    }
    Ok(comparison)
}

/// Runs both on one state; what the instruction did, and whether the routine left it to the conventional path.
fn run(
    routines: &Routines,
    routine: &Routine,
    given: &Instruction,
    state: &State,
    case: Box<Case>,
    trial: Trial,
) -> Result<(Outcome, bool), Difference> {
    let mut expected = state.machine();
    let Some(should) = conventional(&mut expected, &case.placed) else {
        return Err(Difference::State { case, what: "the conventional path cannot fetch it".to_owned() });
    };
    let mut ours = state.machine();
    let at = services::At { ip: ours.p.registers.ip, identity: [0; 2] };
    let services = services::services();
    (trial.forbidden)();
    let did = services::run(routine, services, &mut ours.p, &mut ours.vpd, at, given);
    let forbidden = (trial.forbidden)();
    let did = match did {
        Ok(did) => did,
        Err(Refused::Conventional) => {
            let differs = ours.difference(&mut state.machine());
            return match differs {
                None => Ok((should, true)),
                Some(what) => {
                    let what = format!("it is left to the conventional path, but {what}");
                    Err(Difference::State { case, what })
                }
            };
        }
        Err(Refused::Panicked) => return Err(Difference::Panicked { case, failed: routines.routine_panicked() }),
        Err(Refused::Unknown(Returned(outcome))) => {
            return Err(Difference::State { case, what: format!("the routine returns the outcome {outcome}") });
        }
    };
    if let Some(what) = forbidden {
        return Err(Difference::State { case, what: format!("the routine {what}, and it is on the fast path") });
    }
    let differs = outcome((did, ours.p.raised), (should, expected.p.raised));
    match differs.or_else(|| ours.difference(&mut expected)) {
        None => Ok((should, false)),
        Some(what) => Err(Difference::State { case, what }),
    }
}

fn conventional(machine: &mut Machine, placed: &Placed) -> Option<Outcome> {
    // As data it would be read through an entry of the data TLB made for it, which replaces others.
    let mut path = Conventional::default();
    path.fetch = Fetch::Physical;
    path.emulate(&mut machine.p, &mut machine.vpd, placed.instruction.bits)
}

/// How outcomes differ. To serialize where that is not needed is harmless.
fn outcome((did, raised): (Outcome, Interruption), (should, expected): (Outcome, Interruption)) -> Option<String> {
    let describe = |outcome: Outcome, raised: Interruption| match outcome {
        Ok(()) => "goes on".to_owned(),
        Err(Leave::Serialize) => "goes on with what follows looked up again".to_owned(),
        Err(Leave::Return) => "goes on at the address in ip".to_owned(),
        Err(Leave::Fault) => {
            format!("raises {:?} with ISR.code {:#x}", raised.vector, raised.isr.code())
        }
        Err(stop) => format!("ends with {stop:?}"),
    };
    let same = match (did, should) {
        (Err(Leave::Fault), Err(Leave::Fault)) => raised == expected,
        (Err(Leave::Serialize), Ok(())) => true,
        (did, should) => did == should,
    };
    (!same).then(|| format!("it {}, not: {}", describe(did, raised), describe(should, expected)))
}
