//! Delivery of interrupts to processors, and the sleep of those that halt.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use patchbay_cpu::coherence_domain::CoherenceDomain;

/// How an interrupt message is delivered (SDM 2:129).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The vector of the message.
    Interrupt,
    /// The vector of the message, to the processor of lowest priority; here the one that is named.
    LowestPriority,
    /// Platform management interrupt.
    Pmi,
    /// Vector 2.
    Nmi,
    /// Initialization interrupt.
    Init,
    /// Vector 0.
    External,
}

impl Delivery {
    /// The delivery that a 3-bit field names, unless it is reserved.
    #[must_use]
    pub fn from_bits(bits: u64) -> Option<Delivery> {
        Some(match bits & 7 {
            0 => Delivery::Interrupt,
            1 => Delivery::LowestPriority,
            2 => Delivery::Pmi,
            4 => Delivery::Nmi,
            5 => Delivery::Init,
            7 => Delivery::External,
            _ => return None,
        })
    }
}

/// The local SAPICs of a machine's processors. Processor n has local identifier n, extended identifier 0.
#[derive(Debug)]
pub struct Interrupts {
    domain: Arc<CoherenceDomain>,
    wakers: Vec<(Sender<()>, Receiver<()>)>,
}

impl Interrupts {
    /// Those of the processors of `domain`.
    #[must_use]
    pub fn new(domain: Arc<CoherenceDomain>) -> Interrupts {
        let wakers = (0..domain.processors()).map(|_| bounded(1)).collect();
        Interrupts { domain, wakers }
    }

    /// Delivers a message to the processor with this identifier. PMI and INIT have no handler in this machine's
    /// firmware, and a message for a processor that does not exist is lost.
    pub fn deliver(&self, id: u8, eid: u8, delivery: Delivery, vector: u8) {
        let processor = usize::from(id);
        if eid != 0 || processor >= self.domain.processors() {
            return;
        }
        let vector = match delivery {
            Delivery::Interrupt | Delivery::LowestPriority if vector >= 16 => vector,
            Delivery::Nmi => 2,
            Delivery::External => 0,
            Delivery::Interrupt | Delivery::LowestPriority | Delivery::Pmi | Delivery::Init => return,
        };
        self.domain.mailbox(processor).raise(vector);
        self.wake(processor);
    }

    /// Ends the sleep of a processor, or its next one.
    pub fn wake(&self, processor: usize) {
        let _already_awake = self.wakers[processor].0.try_send(());
    }

    /// Sleeps until the processor is woken or the time has passed; `None` is without end.
    pub fn sleep(&self, processor: usize, limit: Option<Duration>) {
        let woken = &self.wakers[processor].1;
        let _timeout = match limit {
            Some(limit) => woken.recv_timeout(limit).is_err(),
            None => woken.recv().is_err(),
        };
    }

    /// Whether an external interrupt is pending at a processor.
    #[must_use]
    pub fn pending(&self, processor: usize) -> bool {
        (0..4).any(|index| self.domain.mailbox(processor).irr(index) != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interrupts() -> Interrupts {
        Interrupts::new(Arc::new(CoherenceDomain::new(2, false)))
    }

    #[test]
    fn a_message_becomes_pending_at_its_processor_and_ends_its_sleep() {
        let interrupts = interrupts();
        interrupts.deliver(1, 0, Delivery::Interrupt, 0xef);
        assert!(interrupts.pending(1) && !interrupts.pending(0));
        assert_eq!(interrupts.domain.mailbox(1).irr(3), 1 << (0xef - 192));
        interrupts.sleep(1, None);
    }

    #[test]
    fn delivery_modes_choose_the_vector() {
        let interrupts = interrupts();
        interrupts.deliver(0, 0, Delivery::Nmi, 0x55);
        interrupts.deliver(0, 0, Delivery::External, 0x55);
        assert_eq!(interrupts.domain.mailbox(0).irr(0), 0b101);
        assert_eq!(interrupts.domain.mailbox(0).irr(1), 0);
    }

    #[test]
    fn messages_to_nobody_are_lost() {
        let interrupts = interrupts();
        interrupts.deliver(2, 0, Delivery::Interrupt, 0x30);
        interrupts.deliver(0, 1, Delivery::Interrupt, 0x30);
        interrupts.deliver(0, 0, Delivery::Init, 0x30);
        interrupts.deliver(0, 0, Delivery::Interrupt, 5);
        assert!(!interrupts.pending(0) && !interrupts.pending(1));
    }
}
