//! External interrupts: pending, in service, masked; the interval timer (SDM 2:114-130).

use super::Processor;
use crate::registers::cr;

/// What `cr.ivr` reads when no interrupt is pending and unmasked.
pub const SPURIOUS: u8 = 15;

const NMI: u8 = 2;
const EXTINT: u8 = 0;
/// The mask bit of ITV, PMV, CMCV and LRR.
const MASKED: u64 = 1 << 16;

/// The interrupt state of a processor that other threads do not touch.
#[derive(Clone, Debug, Default)]
pub struct ExternalInterrupts {
    in_service: [u64; 4],
    /// `ar.itc` minus the machine's ticks.
    itc_offset: u64,
    /// Whether ar.itc has yet to reach cr.itm.
    armed: bool,
}

/// The order of priorities (SDM 2:116): NMI, ExtINT, then by vector number.
const fn priority(vector: u8) -> u16 {
    match vector {
        NMI => 257,
        EXTINT => 256,
        other => other as u16,
    }
}

/// The interrupt of the highest priority among 256, given in four words.
pub fn highest(words: impl Fn(usize) -> u64) -> Option<u8> {
    let low = words(0);
    for special in [NMI, EXTINT] {
        if low >> special & 1 != 0 {
            return Some(special);
        }
    }
    (0..4).rev().find_map(|index| {
        let word = if index == 0 { low & !0xffff } else { words(index) };
        word.checked_ilog2().map(|bit| (index * 64) as u8 + bit as u8)
    })
}

/// The pending interrupt that TPR and those in service let through, if there is one.
pub fn deliverable(pending: impl Fn(usize) -> u64, in_service: &[u64; 4], tpr: u64) -> Option<u8> {
    let pending = highest(pending)?;
    if let Some(serving) = highest(|index| in_service[index])
        && priority(pending) <= priority(serving)
    {
        return None;
    }
    let mmi = tpr >> 16 & 1 != 0;
    let masked = match pending {
        NMI => false,
        EXTINT => mmi,
        vector => mmi || u64::from(vector >> 4) <= tpr >> 4 & 0xf,
    };
    (!masked).then_some(pending)
}

impl Processor {
    fn deliverable(&self) -> Option<u8> {
        deliverable(|index| self.mailbox().irr(index), &self.external.in_service, self.registers.cr[cr::TPR])
    }

    /// Whether an external interrupt would be taken if PSR.i were 1. Also ends a halt.
    #[must_use]
    pub fn external_interrupt_pending(&self) -> bool {
        self.deliverable().is_some()
    }

    /// Whether any external interrupt is pending, masked or not.
    #[must_use]
    pub fn any_interrupt_pending(&self) -> bool {
        (0..4).any(|index| self.mailbox().irr(index) != 0)
    }

    /// Reads `cr.ivr`: takes the interrupt of the highest priority into service (SDM 2:124).
    pub fn read_ivr(&mut self) -> u8 {
        let Some(vector) = self.deliverable() else { return SPURIOUS };
        self.mailbox().clear(vector);
        self.external.in_service[usize::from(vector >> 6)] |= 1 << (vector & 63);
        vector
    }

    /// Writes `cr.eoi`: the interrupt of the highest priority in service is done (SDM 2:125).
    pub fn end_of_interrupt(&mut self) {
        if let Some(vector) = highest(|index| self.external.in_service[index]) {
            self.external.in_service[usize::from(vector >> 6)] &= !(1 << (vector & 63));
            self.mailbox().request_attention();
        }
    }

    /// The interval time counter.
    #[must_use]
    pub fn itc(&self) -> u64 {
        self.configuration.clock.ticks().wrapping_add(self.external.itc_offset)
    }

    /// Writes the interval time counter.
    pub fn set_itc(&mut self, value: u64) {
        self.check_timer();
        self.external.itc_offset = value.wrapping_sub(self.configuration.clock.ticks());
        self.arm();
    }

    /// Writes `cr.itm`. The timer fires when ar.itc reaches it; a value in the past is reached when ar.itc has
    /// wrapped.
    pub fn set_itm(&mut self, value: u64) {
        self.check_timer();
        self.registers.cr[cr::ITM] = value;
        self.arm();
    }

    fn arm(&mut self) {
        self.external.armed = self.registers.cr[cr::ITM].wrapping_sub(self.itc()) as i64 > 0;
    }

    /// Ticks until the interval timer fires, if it will and is not masked.
    #[must_use]
    pub fn ticks_to_timer(&self) -> Option<u64> {
        let itm = self.registers.cr[cr::ITM];
        let fires = self.external.armed && self.registers.cr[cr::ITV] & MASKED == 0;
        fires.then(|| (itm.wrapping_sub(self.itc()) as i64).max(0) as u64)
    }

    /// Raises the interval timer's interrupt if its time has come.
    pub fn check_timer(&mut self) {
        if self.external.armed && self.registers.cr[cr::ITM].wrapping_sub(self.itc()) as i64 <= 0 {
            self.external.armed = false;
            let itv = self.registers.cr[cr::ITV];
            if itv & MASKED == 0 {
                self.mailbox().raise(itv as u8);
            }
        }
    }
}
