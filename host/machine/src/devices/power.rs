//! The ACPI fixed hardware: power management event and control blocks, timer, reset register.

use std::sync::{Arc, Mutex, PoisonError};

use patchbay_cpu::bus::Clock;

use super::Device;
use crate::clock::{ITC_FREQUENCY, MachineClock};
use crate::outcome::{Outcome, Switch};

/// The I/O ports of the block.
pub const PORTS: std::ops::Range<u16> = 0x1000..0x1010;
/// The offset of the PM1a event block.
pub const EVENT: u16 = 0;
/// The offset of the PM1a control block.
pub const CONTROL: u16 = 4;
/// The offset of the power management timer.
pub const TIMER: u16 = 8;
/// The offset of the reset register.
pub const RESET: u16 = 12;
/// The value that, written to the reset register, resets the machine.
pub const RESET_VALUE: u8 = 6;
/// The sleep type that switches the power off (`\_S5`).
pub const SLEEP_TYPE_OFF: u8 = 5;

const TIMER_FREQUENCY: u64 = 3_579_545;
const SCI_ENABLE: u16 = 1;
const SLEEP_ENABLE: u16 = 1 << 13;

/// The ACPI fixed hardware.
#[derive(Debug)]
pub struct Power {
    clock: Arc<MachineClock>,
    switch: Arc<Switch>,
    registers: Mutex<Registers>,
}

#[derive(Debug, Default)]
struct Registers {
    enable: u16,
    control: u16,
}

impl Power {
    /// Fixed hardware that ends the machine through `switch`.
    #[must_use]
    pub fn new(clock: Arc<MachineClock>, switch: Arc<Switch>) -> Power {
        Power { clock, switch, registers: Mutex::default() }
    }

    fn timer(&self) -> u64 {
        let ticks = u128::from(self.clock.ticks()) * u128::from(TIMER_FREQUENCY) / u128::from(ITC_FREQUENCY);
        ticks as u64 & 0xff_ffff
    }
}

impl Device for Power {
    fn read(&self, offset: u64, _size: u8) -> u64 {
        let registers = self.registers.lock().unwrap_or_else(PoisonError::into_inner);
        match offset as u16 {
            EVENT => u64::from(registers.enable) << 16,
            2 => u64::from(registers.enable),
            CONTROL => u64::from(registers.control | SCI_ENABLE),
            TIMER => self.timer(),
            _ => 0,
        }
    }

    fn write(&self, offset: u64, size: u8, value: u64) {
        let mut registers = self.registers.lock().unwrap_or_else(PoisonError::into_inner);
        match offset as u16 {
            EVENT if size == 4 => registers.enable = (value >> 16) as u16,
            2 => registers.enable = value as u16,
            CONTROL => {
                let control = value as u16;
                registers.control = control & !SLEEP_ENABLE;
                if control & SLEEP_ENABLE != 0 && control >> 10 & 7 == u16::from(SLEEP_TYPE_OFF) {
                    self.switch.end(Outcome::PowerOff(None));
                }
            }
            RESET if value as u8 == RESET_VALUE => self.switch.end(Outcome::Reset),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use patchbay_cpu::coherence_domain::CoherenceDomain;

    use super::*;
    use crate::interrupts::Interrupts;

    fn power() -> Power {
        let domain = Arc::new(CoherenceDomain::new(1, false));
        let interrupts = Arc::new(Interrupts::new(Arc::clone(&domain)));
        Power::new(Arc::new(MachineClock::deterministic()), Arc::new(Switch::new(domain, interrupts)))
    }

    #[test]
    fn only_the_sleep_type_of_s5_with_sleep_enable_switches_off() {
        let power = power();
        power.write(u64::from(CONTROL), 2, 5 << 10);
        power.write(u64::from(CONTROL), 2, 1 << 13 | 3 << 10);
        assert!(!power.switch.is_off());
        power.write(u64::from(CONTROL), 2, 1 << 13 | 5 << 10);
        assert!(matches!(power.switch.outcome(), Some(Outcome::PowerOff(None))));
    }

    #[test]
    fn the_reset_register_resets() {
        let power = power();
        power.write(u64::from(RESET), 1, u64::from(RESET_VALUE));
        assert!(matches!(power.switch.outcome(), Some(Outcome::Reset)));
    }

    #[test]
    fn acpi_mode_is_always_on_and_the_enable_register_holds_its_value() {
        let power = power();
        assert_eq!(power.read(u64::from(CONTROL), 2) & 1, 1);
        power.write(2, 2, 0x120);
        assert_eq!(power.read(2, 2), 0x120);
        assert_eq!(power.read(0, 2) & 0xffff, 0);
    }

    #[test]
    fn the_timer_counts_at_3_579545_mhz() {
        let power = power();
        power.clock.advance(1_000_000_000);
        assert_eq!(power.read(u64::from(TIMER), 4), 3_579_545);
    }
}
