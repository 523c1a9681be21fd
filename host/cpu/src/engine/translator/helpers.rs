//! What compiled code calls.

use std::sync::atomic::Ordering::Relaxed;

use crate::data::Integer;
use crate::engine::interpreter::Op;
use crate::outcome::Leave;
use crate::processor::Processor;

/// Outcomes as compiled code sees them: 0 if execution goes on, otherwise 1 and the position here.
const LEAVES: [Leave; 9] = [
    Leave::Branch,
    Leave::Return,
    Leave::Serialize,
    Leave::Fault,
    Leave::Trap,
    Leave::BranchTrap,
    Leave::IncompleteFrame,
    Leave::Virtualized,
    Leave::Exit,
];

/// The number of [`Leave::Branch`].
pub(super) const BRANCH: i32 = 1;

fn number(leave: Leave) -> u64 {
    LEAVES.iter().position(|other| *other == leave).map_or(0, |index| index as u64 + 1)
}

/// The reason to leave that a number means.
pub(super) fn leave(number: u8) -> Leave {
    LEAVES[usize::from(number.wrapping_sub(1)) % LEAVES.len()]
}

/// Executes an instruction whose predicate is true.
///
/// # Safety
/// Compiled code has stored all registers, and `op` is one of the region that calls.
pub(super) unsafe extern "sysv64" fn execute(p: &mut Processor, op: *const Op) -> u64 {
    p.compiled.helped += 1;
    // SAFETY: the caller's.
    let op = unsafe { &*op };
    let outcome = (op.execute)(p, op);
    p.compiled.follow(p.mmu.soft.epoch);
    outcome.map_or_else(number, |()| 0)
}

/// What a load gives: a value, and why it does not.
#[repr(C)]
pub(super) struct Loaded {
    value: u64,
    leave: u64,
}

/// Loads, where the software TLB does not say at once where the bytes are.
pub(super) extern "sysv64" fn load<T: Integer>(p: &mut Processor, va: u64) -> Loaded {
    let loaded = p.load::<T>(va, Relaxed);
    p.compiled.follow(p.mmu.soft.epoch);
    match loaded {
        Ok(value) => Loaded { value: value.into(), leave: 0 },
        Err(leave) => {
            p.compiled.block_ip = p.registers.ip;
            Loaded { value: 0, leave: number(leave) }
        }
    }
}

/// Stores, where the software TLB does not say at once where the bytes are or the ALAT is not empty.
pub(super) extern "sysv64" fn store<T: Integer>(p: &mut Processor, va: u64, value: u64) -> u64 {
    let stored = p.store(va, T::low_bits(value), Relaxed);
    p.compiled.follow(p.mmu.soft.epoch);
    match stored {
        Ok(place) => {
            p.alat.stored(place, T::SIZE);
            0
        }
        Err(leave) => {
            p.compiled.block_ip = p.registers.ip;
            number(leave)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_have_numbers() {
        assert!(LEAVES.iter().all(|&reason| leave(number(reason) as u8) == reason));
        assert_eq!(number(Leave::Branch), BRANCH as u64);
    }
}
