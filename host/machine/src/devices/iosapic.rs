//! The I/O SAPIC: turns interrupt lines into messages, as its redirection table says.

use std::sync::{Arc, Mutex, PoisonError};

use super::Device;
use crate::interrupts::{Delivery, Interrupts};

/// The number of interrupt lines; line n is global system interrupt n.
pub const LINES: usize = 24;

const SELECT: u64 = 0x00;
const WINDOW: u64 = 0x10;
const EOI: u64 = 0x40;

/// A redirection table entry.
#[derive(Clone, Copy, Debug)]
struct Entry(u64);

impl Entry {
    const REMOTE_IRR: u64 = 1 << 14;
    const READ_ONLY: u64 = 1 << 12 | Entry::REMOTE_IRR;
    const RESET: Entry = Entry(1 << 16);

    fn vector(self) -> u8 {
        self.0 as u8
    }

    fn is_level(self) -> bool {
        self.0 >> 15 & 1 != 0
    }

    fn is_masked(self) -> bool {
        self.0 >> 16 & 1 != 0
    }

    fn awaits_eoi(self) -> bool {
        self.0 & Entry::REMOTE_IRR != 0
    }
}

#[derive(Clone, Copy, Debug)]
struct Line {
    entry: Entry,
    asserted: bool,
}

#[derive(Debug)]
struct State {
    select: u8,
    lines: [Line; LINES],
}

/// The I/O SAPIC.
#[derive(Debug)]
pub struct Iosapic {
    interrupts: Arc<Interrupts>,
    state: Mutex<State>,
}

impl Iosapic {
    /// An I/O SAPIC whose messages go to `interrupts`; all its entries are masked.
    #[must_use]
    pub fn new(interrupts: Arc<Interrupts>) -> Iosapic {
        let lines = [Line { entry: Entry::RESET, asserted: false }; LINES];
        Iosapic { interrupts, state: Mutex::new(State { select: 0, lines }) }
    }

    /// Asserts or deasserts an interrupt line. Each line is wired with the polarity that its entry asks for, so the
    /// polarity bit means nothing here.
    pub fn set_line(&self, line: usize, asserted: bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(line) = state.lines.get_mut(line) else { return };
        let rises = asserted && !line.asserted;
        line.asserted = asserted;
        if line.entry.is_level() {
            self.send_level(line);
        } else if rises && !line.entry.is_masked() {
            self.send(line.entry);
        }
    }

    /// Asserts and deasserts an interrupt line: one edge.
    pub fn pulse(&self, line: usize) {
        self.set_line(line, true);
        self.set_line(line, false);
    }

    fn send(&self, entry: Entry) {
        if let Some(delivery) = Delivery::from_bits(entry.0 >> 8) {
            self.interrupts.deliver((entry.0 >> 56) as u8, (entry.0 >> 48) as u8, delivery, entry.vector());
        }
    }

    fn send_level(&self, line: &mut Line) {
        if line.asserted && !line.entry.is_masked() && !line.entry.awaits_eoi() {
            line.entry.0 |= Entry::REMOTE_IRR;
            self.send(line.entry);
        }
    }

    fn read_register(state: &State) -> u32 {
        match usize::from(state.select) {
            0 => 0,
            1 => (LINES as u32 - 1) << 16 | 0x21,
            register => match state.lines.get((register.wrapping_sub(0x10)) / 2) {
                Some(line) if register % 2 == 0 => line.entry.0 as u32,
                Some(line) => (line.entry.0 >> 32) as u32,
                None => u32::MAX,
            },
        }
    }

    fn write_register(&self, state: &mut State, value: u32) {
        let register = usize::from(state.select).wrapping_sub(0x10);
        let Some(line) = state.lines.get_mut(register / 2) else { return };
        let entry = line.entry.0;
        if register % 2 == 1 {
            line.entry.0 = entry & 0xffff_ffff | u64::from(value) << 32;
            return;
        }
        let kept = entry & (0xffff_ffff << 32 | Entry::READ_ONLY);
        line.entry.0 = kept | u64::from(value) & 0xffff_ffff & !Entry::READ_ONLY;
        if line.entry.is_level() {
            self.send_level(line);
        } else {
            line.entry.0 &= !Entry::REMOTE_IRR;
        }
    }

    fn end_of_interrupt(&self, state: &mut State, vector: u8) {
        for line in &mut state.lines {
            if line.entry.awaits_eoi() && line.entry.vector() == vector {
                line.entry.0 &= !Entry::REMOTE_IRR;
                self.send_level(line);
            }
        }
    }
}

impl Device for Iosapic {
    fn read(&self, offset: u64, _size: u8) -> u64 {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match offset {
            SELECT => u64::from(state.select),
            WINDOW => u64::from(Iosapic::read_register(&state)),
            _ => 0,
        }
    }

    fn write(&self, offset: u64, _size: u8, value: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match offset {
            SELECT => state.select = value as u8,
            WINDOW => self.write_register(&mut state, value as u32),
            EOI => self.end_of_interrupt(&mut state, value as u8),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use patchbay_cpu::coherence_domain::CoherenceDomain;

    use super::*;

    struct Fixture {
        domain: Arc<CoherenceDomain>,
        iosapic: Iosapic,
    }

    impl Fixture {
        fn new() -> Fixture {
            let domain = Arc::new(CoherenceDomain::new(2, false));
            let iosapic = Iosapic::new(Arc::new(Interrupts::new(Arc::clone(&domain))));
            Fixture { domain, iosapic }
        }

        fn set_entry(&self, line: u64, entry: u64) {
            for (register, value) in [(0x11 + 2 * line, entry >> 32), (0x10 + 2 * line, entry & 0xffff_ffff)] {
                self.iosapic.write(SELECT, 4, register);
                self.iosapic.write(WINDOW, 4, value);
            }
        }

        fn entry_low(&self, line: u64) -> u64 {
            self.iosapic.write(SELECT, 4, 0x10 + 2 * line);
            self.iosapic.read(WINDOW, 4)
        }

        /// Takes the interrupt 0x41 at a processor.
        fn taken(&self, processor: usize) -> bool {
            let pending = self.domain.mailbox(processor).irr(1) & 2 != 0;
            self.domain.mailbox(processor).clear(0x41);
            pending
        }
    }

    #[test]
    fn the_version_register_tells_the_number_of_entries() {
        let fixture = Fixture::new();
        fixture.iosapic.write(SELECT, 4, 1);
        assert_eq!(fixture.iosapic.read(WINDOW, 4) >> 16 & 0xff, 23);
    }

    #[test]
    fn an_edge_goes_to_the_processor_of_the_entry() {
        let fixture = Fixture::new();
        fixture.set_entry(4, 1 << 56 | 0x41);
        fixture.iosapic.pulse(4);
        assert!(fixture.taken(1) && !fixture.taken(0));
        fixture.iosapic.pulse(5);
        assert!(!fixture.taken(1));
    }

    #[test]
    fn a_masked_entry_sends_nothing() {
        let fixture = Fixture::new();
        fixture.iosapic.pulse(4);
        fixture.set_entry(4, 1 << 16 | 0x41);
        fixture.iosapic.pulse(4);
        assert!(!fixture.taken(0));
    }

    #[test]
    fn a_level_is_sent_again_after_the_eoi_while_it_holds() {
        let fixture = Fixture::new();
        fixture.set_entry(9, 1 << 15 | 0x41);
        fixture.iosapic.set_line(9, true);
        assert!(fixture.taken(0));
        assert_eq!(fixture.entry_low(9) & Entry::REMOTE_IRR, Entry::REMOTE_IRR);
        fixture.iosapic.set_line(9, true);
        assert!(!fixture.taken(0));
        fixture.iosapic.write(EOI, 4, 0x41);
        assert!(fixture.taken(0));
        fixture.iosapic.set_line(9, false);
        fixture.iosapic.write(EOI, 4, 0x41);
        assert!(!fixture.taken(0));
        assert_eq!(fixture.entry_low(9) & Entry::REMOTE_IRR, 0);
    }

    #[test]
    fn a_level_is_sent_when_it_is_unmasked_whatever_its_polarity() {
        for active_low in [0, 1 << 13] {
            let fixture = Fixture::new();
            fixture.set_entry(9, 1 << 16 | 1 << 15 | active_low | 0x41);
            assert!(!fixture.taken(0));
            fixture.iosapic.set_line(9, true);
            assert!(!fixture.taken(0));
            fixture.set_entry(9, 1 << 15 | active_low | 0x41);
            assert!(fixture.taken(0));
        }
    }
}
