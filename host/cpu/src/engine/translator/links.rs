//! From where execution goes on to compiled code for it: what the dispatching code looks in.

use crate::engine::run::CAREFUL;
use crate::psr::Psr;

/// The jumps that are remembered.
pub(super) const JUMPS: usize = 4096;

/// The bits of PSR that decide which code is for a block: those of careful steps, ic, dfl, dfh, tb, ri, vm. Bit 0 is none of
/// PSR's and says whether the guest collects interruption state.
pub(super) const MODE: u64 = CAREFUL | 1 << 13 | 1 << 18 | 1 << 19 | 1 << 26 | 3 << 41 | 1 << 46;
/// PSR bits with which blocks are not compiled: those of careful steps, and tb.
const NEVER: u64 = CAREFUL | 1 << 26;

/// What decides which compiled code execution continues in, besides the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(super) struct Mode(u64);

impl Mode {
    /// The mode of a processor.
    #[inline]
    pub(super) fn of(psr: Psr, guest_ic: bool) -> Mode {
        Mode(u64::from(psr) & MODE | u64::from(guest_ic))
    }

    /// The mode in which blocks that begin in slot 0 continue.
    pub(super) fn in_slot_zero(self) -> Mode {
        Mode(self.0 & !(3 << 41))
    }

    /// As a number.
    pub(super) fn number(self) -> u64 {
        self.0
    }

    /// Whether there is compiled code for it.
    pub(super) fn is_compiled(self) -> bool {
        self.0 & NEVER == 0
    }
}

/// A jump to compiled code.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Jump {
    ip: u64,
    mode: Mode,
    context: u64,
    code: u64,
}

/// No bundle has this address.
const NOWHERE: Jump = Jump { ip: 1, mode: Mode(0), context: 0, code: 0 };

/// The jumps.
#[derive(Debug)]
pub(super) struct Links(Box<[Jump; JUMPS]>);

impl Links {
    pub(super) fn new() -> Links {
        Links(Box::new([NOWHERE; JUMPS]))
    }

    /// Where they are.
    pub(super) fn address(&self) -> usize {
        self.0.as_ptr().expose_provenance()
    }

    /// Remembers code for a place, in place of another.
    pub(super) fn enter(&mut self, ip: u64, mode: Mode, context: u64, code: u64) {
        self.0[(ip >> 4) as usize % JUMPS] = Jump { ip, mode, context, code };
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.0.fill(NOWHERE);
    }
}

const _: () = assert!(size_of::<Jump>() == 32);
