//! The firmware: its tables in memory, and the procedures behind its portals.
//!
//! | module | what |
//! |---|---|
//! | [`portal`] | where a call of the guest becomes a call of the host |
//! | [`call`] | what a procedure sees of its caller, and what it can answer |
//! | [`pal`], [`sal`], [`efi`] | the procedures, and the tables of SAL and EFI |
//! | [`acpi`], [`pcdp`] | tables |
//! | [`boot`] | what the boot loader hands to a kernel |

pub mod acpi;
pub mod boot;
pub mod call;
pub mod efi;
pub mod pal;
pub mod pcdp;
pub mod portal;
pub mod sal;

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use patchbay_cpu::bus::PhysicalAddress;

use crate::clock::MachineClock;
use crate::memory::{Memory, OutsideMemory};
use call::{Answer, Call};
use efi::runtime::Efi;
use efi::{memory_map, tables};
use portal::Portal;
use sal::procedures::{Sal, Vector};

/// The firmware of a machine.
#[derive(Debug)]
pub struct Firmware {
    clock: Arc<MachineClock>,
    efi: Mutex<Efi>,
    sal: Mutex<Sal>,
}

/// What the loader has put into memory for the guest.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The memory that it occupies.
    pub ranges: Vec<Range<u64>>,
    /// The initial RAM disk among it.
    pub initrd: Option<Range<u64>>,
    /// The command line.
    pub command_line: String,
}

impl Firmware {
    /// Firmware with its portals and tables in `memory`.
    ///
    /// # Errors
    /// If there is too little memory for it.
    pub fn install(
        memory: &Memory,
        clock: Arc<MachineClock>,
        processors: usize,
        loaded: &Loaded,
    ) -> Result<Firmware, OutsideMemory> {
        let map = memory_map::memory_map(memory, &loaded.ranges);
        let mut pieces = tables::tables(|address| address);
        pieces.push((tables::SAL_TABLE, sal::table::table()));
        pieces.push((tables::PCDP_TABLE, pcdp::table()));
        pieces.extend(acpi::tables(processors));
        pieces.extend(boot::pieces(&loaded.command_line, &map, loaded.initrd.as_ref()));
        pieces.extend(Portal::bundles().map(|(address, bytes)| (address, bytes.to_vec())));
        for (address, bytes) in pieces {
            memory.write(PhysicalAddress(address), &bytes)?;
        }
        Ok(Firmware { clock, efi: Mutex::default(), sal: Mutex::default() })
    }

    /// Performs the procedure behind a portal.
    pub fn call(&self, portal: Portal, call: &Call) -> Answer {
        match portal {
            Portal::Pal => pal::call(call),
            Portal::Sal => self.sal.lock().unwrap_or_else(PoisonError::into_inner).call(call),
            Portal::Efi(service) => {
                self.efi.lock().unwrap_or_else(PoisonError::into_inner).call(service, call, &self.clock)
            }
            Portal::Firmware => Answer::Return([0; 4]),
        }
    }

    /// Where application processors enter the operating system, once it is set.
    #[must_use]
    pub fn boot_rendezvous(&self) -> Option<Vector> {
        self.sal.lock().unwrap_or_else(PoisonError::into_inner).boot_rendezvous
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_fit_where_the_layout_puts_them() {
        let memory = Memory::new(64 << 20).unwrap();
        let clock = Arc::new(MachineClock::deterministic());
        let loaded = Loaded { command_line: "x".repeat(boot::COMMAND_LINE_MAX), ..Loaded::default() };
        Firmware::install(&memory, clock, crate::layout::PROCESSORS_MAX, &loaded).unwrap();
        let mut signature = [0; 8];
        memory.read(PhysicalAddress(tables::SYSTEM_TABLE), &mut signature).unwrap();
        assert_eq!(&signature, b"IBI SYST");
        memory.read(PhysicalAddress(crate::layout::ACPI.start), &mut signature).unwrap();
        assert_eq!(&signature, b"RSD PTR ");
        let mut last = [0];
        memory.read(PhysicalAddress(boot::PARAMETERS + 0x1000 + boot::COMMAND_LINE_MAX as u64), &mut last).unwrap();
        assert_eq!(last, [0]);
    }
}
