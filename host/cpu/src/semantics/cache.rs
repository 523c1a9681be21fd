//! Caches and the order of accesses: `lfetch`, `fc`, `mf`, `sync.i` (SDM 3:61, 3:164, 3:170, 3:262).

use std::sync::atomic::{Ordering, fence};

use super::memory::{FLUSH_CACHE, LINE_PREFETCH, Update, address, nat_consumption, update};
use crate::engine::interpreter::Op;
use crate::outcome::{Leave, Outcome};
use crate::processor::Processor;

/// `lfetch`: there is nothing to prefetch into.
pub(super) fn lfetch<U: Update>(p: &mut Processor, op: &Op) -> Outcome {
    let (base, nat) = (p.gr(op.r3), p.nat(op.r3));
    update::<U>(p, op, base, nat);
    Ok(())
}

/// `lfetch.fault`, which PSR.ed makes an `lfetch`.
pub(super) fn lfetch_fault<U: Update>(p: &mut Processor, op: &Op) -> Outcome {
    if !p.registers.psr.ed() {
        if p.nat(op.r3) {
            return Err(nat_consumption(p, LINE_PREFETCH));
        }
        p.lfetch_fault(p.gr(op.r3))?;
    }
    lfetch::<U>(p, op)
}

/// `fc`, `fc.i`.
pub(super) fn fc(p: &mut Processor, op: &Op) -> Outcome {
    let address = address(p, op.r3, FLUSH_CACHE)?;
    p.flush_cache(address)
}

/// `mf`, `mf.a`.
pub(super) fn mf(_: &mut Processor, _: &Op) -> Outcome {
    fence(Ordering::SeqCst);
    Ok(())
}

/// `sync.i`: what `fc` made stale is decoded again.
pub(super) fn sync_i(_: &mut Processor, _: &Op) -> Outcome {
    Err(Leave::Serialize)
}
