//! The SAL procedures.

use crate::clock::{BASE_FREQUENCY, ITC_FREQUENCY};
use crate::firmware::call::{Answer, Call};

const SET_VECTORS: u64 = 0x0100_0000;
const GET_STATE_INFO: u64 = 0x0100_0001;
const GET_STATE_INFO_SIZE: u64 = 0x0100_0002;
const CLEAR_STATE_INFO: u64 = 0x0100_0003;
const MC_RENDEZ: u64 = 0x0100_0004;
const MC_SET_PARAMS: u64 = 0x0100_0005;
const REGISTER_PHYSICAL_ADDR: u64 = 0x0100_0006;
const CACHE_FLUSH: u64 = 0x0100_0008;
const CACHE_INIT: u64 = 0x0100_0009;
const PCI_CONFIG_READ: u64 = 0x0100_0010;
const PCI_CONFIG_WRITE: u64 = 0x0100_0011;
const FREQ_BASE: u64 = 0x0100_0012;
const PHYSICAL_ID_INFO: u64 = 0x0100_0013;

const OK: u64 = 0;
const NOT_IMPLEMENTED: u64 = -1_i64 as u64;
const INVALID_ARGUMENT: u64 = -2_i64 as u64;
const NO_INFORMATION: u64 = -5_i64 as u64;
/// The frequency of a clock, or its drift, is not known.
const UNKNOWN: u64 = u64::MAX;

/// An entry point that the operating system registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vector {
    /// The physical address.
    pub entry: u64,
    /// The global pointer for it.
    pub global_pointer: u64,
}

/// What SAL remembers between calls.
#[derive(Debug, Default)]
pub struct Sal {
    /// Where application processors enter the operating system, once it is set.
    pub boot_rendezvous: Option<Vector>,
}

impl Sal {
    /// Performs a procedure.
    pub fn call(&mut self, call: &Call) -> Answer {
        let [procedure, first, second, third, ..] = call.arguments;
        Answer::Return(match procedure {
            SET_VECTORS => [self.set_vectors(first, second, third), 0, 0, 0],
            // No machine check and no initialization event has a record.
            GET_STATE_INFO => [NO_INFORMATION, 0, 0, 0],
            GET_STATE_INFO_SIZE
            | CLEAR_STATE_INFO
            | MC_RENDEZ
            | MC_SET_PARAMS
            | REGISTER_PHYSICAL_ADDR
            | CACHE_INIT => [OK, 0, 0, 0],
            CACHE_FLUSH => {
                call.memory.flush();
                [OK, 0, 0, 0]
            }
            PCI_CONFIG_READ => config_read(second),
            PCI_CONFIG_WRITE => [OK, 0, 0, 0],
            FREQ_BASE => frequency(first),
            PHYSICAL_ID_INFO => [OK, call.processor as u64, 0, 0],
            _ => [NOT_IMPLEMENTED, 0, 0, 0],
        })
    }

    /// `SAL_SET_VECTORS(type, entry, global_pointer, length, …)`; machine checks and INIT never come.
    fn set_vectors(&mut self, kind: u64, entry: u64, global_pointer: u64) -> u64 {
        const OS_MCA: u64 = 0;
        const OS_INIT: u64 = 1;
        const OS_BOOT_RENDEZ: u64 = 2;
        match kind {
            OS_MCA | OS_INIT => OK,
            OS_BOOT_RENDEZ => {
                self.boot_rendezvous = Some(Vector { entry, global_pointer });
                OK
            }
            _ => INVALID_ARGUMENT,
        }
    }
}

/// `SAL_PCI_CONFIG_READ(address, size, …)`: no device answers, so the bytes are ones.
fn config_read(size: u64) -> [u64; 4] {
    match size {
        1 | 2 | 4 => [OK, u64::MAX >> (64 - 8 * size), 0, 0],
        _ => [INVALID_ARGUMENT, 0, 0, 0],
    }
}

/// `SAL_FREQ_BASE(clock)`: the frequency in hertz, and the drift in parts per million.
fn frequency(clock: u64) -> [u64; 4] {
    match clock {
        0 => [OK, BASE_FREQUENCY, UNKNOWN, 0],
        1 => [OK, ITC_FREQUENCY, UNKNOWN, 0],
        2 => [OK, UNKNOWN, UNKNOWN, 0],
        _ => [INVALID_ARGUMENT, 0, 0, 0],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::firmware::call::tests::call;
    use crate::memory::Memory;

    fn answer(sal: &mut Sal, arguments: &[u64]) -> [u64; 4] {
        let memory = Memory::new(64 << 20).unwrap();
        match sal.call(&call(&memory, arguments)) {
            Answer::Return(values) => values,
            answer => panic!("{answer:?}"),
        }
    }

    #[test]
    fn the_boot_rendezvous_is_remembered() {
        let mut sal = Sal::default();
        assert_eq!(answer(&mut sal, &[SET_VECTORS, 2, 0x400_0000, 0x500_0000, 0])[0], 0);
        assert_eq!(sal.boot_rendezvous, Some(Vector { entry: 0x400_0000, global_pointer: 0x500_0000 }));
        assert_eq!(answer(&mut sal, &[SET_VECTORS, 3])[0] as i64, -2);
    }

    #[test]
    fn no_pci_device_answers() {
        let mut sal = Sal::default();
        for (size, ones) in [(1, 0xff), (2, 0xffff), (4, 0xffff_ffff)] {
            assert_eq!(answer(&mut sal, &[PCI_CONFIG_READ, 0, size])[..2], [0, ones]);
        }
        assert_eq!(answer(&mut sal, &[PCI_CONFIG_READ, 0, 8])[0] as i64, -2);
    }

    /// Linux takes anything below 40 MHz for a bogus frequency.
    #[test]
    fn the_platform_has_a_base_frequency() {
        assert!(answer(&mut Sal::default(), &[FREQ_BASE, 0])[1] >= 40_000_000);
    }

    #[test]
    fn what_does_not_exist_says_so() {
        let mut sal = Sal::default();
        assert_eq!(answer(&mut sal, &[0x0100_0020])[0] as i64, -1);
        assert_eq!(answer(&mut sal, &[GET_STATE_INFO, 0])[0] as i64, -5);
        assert_eq!(answer(&mut sal, &[GET_STATE_INFO_SIZE, 0])[..2], [0, 0]);
    }
}
