//! What the processors of one machine share: pending external interrupts, global purges.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A global purge that another processor asked for (`ptc.g`, `ptc.ga`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purge {
    /// The region identifier.
    pub rid: u32,
    /// The virtual address; its region bits do not count.
    pub address: u64,
    /// The size of the range, as a power of two.
    pub page_size: u8,
}

/// Purges that a processor has yet to perform.
#[derive(Debug)]
pub struct Purges {
    /// Which, in order.
    pub each: Vec<Purge>,
    /// They became too many, so that all translation cache entries are purged first.
    pub all: bool,
}

impl Purges {
    /// A processor that executes is waited for, so that only one that does not gets to so many.
    const MOST: usize = 64;

    fn push(&mut self, purge: Purge) {
        if self.each.len() == Purges::MOST {
            self.each.clear();
            self.all = true;
        }
        self.each.push(purge);
    }

    /// Forgets them.
    pub fn clear(&mut self) {
        self.each.clear();
        self.all = false;
    }
}

impl Default for Purges {
    fn default() -> Purges {
        Purges { each: Vec::with_capacity(Purges::MOST), all: false }
    }
}

/// The side of a processor that other threads reach.
#[derive(Debug, Default)]
pub struct Mailbox {
    irr: [AtomicU64; 4],
    attention: AtomicBool,
    exit: AtomicBool,
    parked: AtomicBool,
    purges: Mutex<Purges>,
    purging: AtomicBool,
}

impl Mailbox {
    /// Makes an external interrupt pending (its bit in cr.irr).
    pub fn raise(&self, vector: u8) {
        self.irr[usize::from(vector >> 6)].fetch_or(1 << (vector & 63), Ordering::Release);
        self.attention.store(true, Ordering::Release);
    }

    /// One of the four interrupt request registers.
    #[must_use]
    pub fn irr(&self, index: usize) -> u64 {
        self.irr[index].load(Ordering::Acquire)
    }

    /// Takes a pending interrupt.
    pub fn clear(&self, vector: u8) {
        self.irr[usize::from(vector >> 6)].fetch_and(!(1 << (vector & 63)), Ordering::AcqRel);
    }

    /// Makes the processor leave its run loop at the next block boundary.
    pub fn request_exit(&self) {
        self.exit.store(true, Ordering::Release);
        self.attention.store(true, Ordering::Release);
    }

    /// Whether an exit was asked for since the last call.
    pub fn take_exit(&self) -> bool {
        self.exit.load(Ordering::Relaxed) && self.exit.swap(false, Ordering::AcqRel)
    }

    /// Whether anything above may have changed since the last call.
    #[inline]
    #[must_use]
    pub fn attention(&self) -> bool {
        self.attention.load(Ordering::Relaxed)
    }

    /// Where the attention flag is: what compiled code looks at.
    pub(crate) fn attention_address(&self) -> usize {
        std::ptr::from_ref(&self.attention).expose_provenance()
    }

    /// Takes the attention flag.
    pub fn take_attention(&self) -> bool {
        self.attention.swap(false, Ordering::AcqRel)
    }

    /// Sets the attention flag, so that the processor looks at its pending interrupts again.
    pub fn request_attention(&self) {
        self.attention.store(true, Ordering::Release);
    }

    /// Says whether the processor executes no instructions for now; purges do not wait for a parked one, which
    /// performs them before its next instruction.
    pub fn set_parked(&self, parked: bool) {
        self.parked.store(parked, Ordering::SeqCst);
    }

    /// Whether the processor executes no instructions for now.
    #[must_use]
    pub fn is_parked(&self) -> bool {
        self.parked.load(Ordering::SeqCst)
    }

    /// Whether purges wait. In one order with [`Mailbox::set_parked`]: a processor that is no longer parked sees every purge
    /// that was not waited for.
    #[must_use]
    pub fn has_purges(&self) -> bool {
        self.purging.load(Ordering::SeqCst)
    }

    /// Exchanges the purges that wait for `none`. [`Mailbox::purged`] must follow when they are done.
    pub fn take_purges(&self, none: &mut Purges) {
        std::mem::swap(&mut *self.purges(), none);
    }

    /// Says that all purges taken are done.
    pub fn purged(&self) {
        let waiting = self.purges();
        if waiting.each.is_empty() {
            self.purging.store(false, Ordering::Release);
        }
    }

    fn purges(&self) -> MutexGuard<'_, Purges> {
        self.purges.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn purge(&self, purge: Purge) {
        let mut waiting = self.purges();
        waiting.push(purge);
        self.purging.store(true, Ordering::SeqCst);
        self.attention.store(true, Ordering::Release);
    }
}

/// The processors of one machine.
#[derive(Debug)]
pub struct CoherenceDomain {
    mailboxes: Vec<Arc<Mailbox>>,
    cooperative: bool,
    ended: AtomicBool,
}

impl CoherenceDomain {
    /// A domain of `processors`. In a cooperative one all of them run on one thread in turns, so none waits
    /// for another.
    #[must_use]
    pub fn new(processors: usize, cooperative: bool) -> CoherenceDomain {
        CoherenceDomain {
            mailboxes: (0..processors).map(|_| Arc::default()).collect(),
            cooperative,
            ended: AtomicBool::new(false),
        }
    }

    /// The mailbox of a processor.
    #[must_use]
    pub fn mailbox(&self, processor: usize) -> &Arc<Mailbox> {
        &self.mailboxes[processor]
    }

    /// The number of processors.
    #[must_use]
    pub fn processors(&self) -> usize {
        self.mailboxes.len()
    }

    /// Whether all of them run on one thread in turns.
    #[must_use]
    pub fn takes_turns(&self) -> bool {
        self.cooperative
    }

    /// Whether no other thread changes memory while a processor of the domain runs.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        self.mailboxes.len() == 1
    }

    /// The machine has ended: no processor waits for another any longer.
    pub fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    /// Sends a purge to all processors but `from`.
    pub fn broadcast(&self, from: usize, purge: Purge) {
        for (index, mailbox) in self.mailboxes.iter().enumerate() {
            if index != from {
                mailbox.purge(purge);
            }
        }
    }

    /// Whether every purge broadcast is done by all processors but `from` that execute instructions, or is not waited
    /// for because the machine has ended.
    #[must_use]
    pub fn purges_done(&self, from: usize) -> bool {
        let done =
            |mailbox: &Arc<Mailbox>| !mailbox.purging.load(Ordering::Acquire) || mailbox.parked.load(Ordering::SeqCst);
        self.cooperative
            || self.ended.load(Ordering::Acquire)
            || self.mailboxes.iter().enumerate().all(|(index, mailbox)| index == from || done(mailbox))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_purges_of_a_processor_that_executes_nothing_do_not_become_more_and_more() {
        let domain = CoherenceDomain::new(2, false);
        let capacity = Purges::default().each.capacity();
        for address in 0..1000 {
            domain.broadcast(0, Purge { rid: 7, address: address << 12, page_size: 12 });
        }
        let (mailbox, mut taken) = (domain.mailbox(1), Purges::default());
        mailbox.take_purges(&mut taken);
        assert!(taken.all && taken.each.len() <= capacity);
        assert_eq!(taken.each.last().map(|purge| purge.address), Some(999 << 12));
        assert_eq!(taken.each.capacity(), capacity);
        assert!(mailbox.has_purges());
        mailbox.purged();
        assert!(!mailbox.has_purges());
    }
}
