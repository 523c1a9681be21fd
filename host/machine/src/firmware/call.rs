//! A firmware procedure's view of the processor that calls it.

use patchbay_cpu::bus::PhysicalAddress;

use crate::memory::Memory;
use crate::outcome::Outcome;

/// An address that is not translated or not memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadAddress;

/// A call of a firmware procedure.
pub struct Call<'a> {
    /// Its arguments: in0-in7, or r28-r31 of a static PAL procedure.
    pub arguments: [u64; 8],
    /// The processor that calls.
    pub processor: usize,
    /// Whether it is in a virtual machine (PSR.vm).
    pub is_virtual: bool,
    /// The machine's memory.
    pub memory: &'a Memory,
    /// Translates a data address as the caller's loads and stores would.
    pub translate: &'a dyn Fn(u64) -> Option<PhysicalAddress>,
}

/// What a procedure makes of a call.
#[derive(Clone, Debug)]
pub enum Answer {
    /// It returns r8-r11.
    Return([u64; 4]),
    /// It returns 0 when an interrupt is pending.
    Halt,
    /// The machine ends.
    End(Outcome),
}

/// Translations are asked for at least this often, in bytes: the smallest page.
const PAGE: u64 = 4096;

impl Call<'_> {
    /// Copies out what the caller has at an address.
    ///
    /// # Errors
    /// If not all of it is translated memory.
    pub fn read(&self, address: u64, bytes: &mut [u8]) -> Result<(), BadAddress> {
        let mut rest = bytes;
        let mut at = address;
        while !rest.is_empty() {
            let (now, later) = rest.split_at_mut(in_page(at, rest.len()));
            let physical = (self.translate)(at).ok_or(BadAddress)?;
            self.memory.read(physical, now).map_err(|_| BadAddress)?;
            at = at.wrapping_add(now.len() as u64);
            rest = later;
        }
        Ok(())
    }

    /// Copies bytes to an address of the caller.
    ///
    /// # Errors
    /// If not all of it is translated memory; a part may be written then.
    pub fn write(&self, address: u64, bytes: &[u8]) -> Result<(), BadAddress> {
        let mut rest = bytes;
        let mut at = address;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(in_page(at, rest.len()));
            let physical = (self.translate)(at).ok_or(BadAddress)?;
            self.memory.write(physical, now).map_err(|_| BadAddress)?;
            at = at.wrapping_add(now.len() as u64);
            rest = later;
        }
        Ok(())
    }

    /// A little-endian 64-bit number of the caller.
    ///
    /// # Errors
    /// If it is not translated memory.
    pub fn read_u64(&self, address: u64) -> Result<u64, BadAddress> {
        let mut bytes = [0; 8];
        self.read(address, &mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }
}

fn in_page(address: u64, length: usize) -> usize {
    length.min((PAGE - address % PAGE) as usize)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Region 7, as Linux uses it, and physical addresses.
    pub(crate) fn identity(address: u64) -> Option<PhysicalAddress> {
        Some(PhysicalAddress(address & u64::MAX >> 3))
    }

    /// A call by processor 0 with these arguments.
    pub(crate) fn call<'a>(memory: &'a Memory, arguments: &[u64]) -> Call<'a> {
        let mut all = [0; 8];
        all[..arguments.len()].copy_from_slice(arguments);
        Call { arguments: all, processor: 0, is_virtual: false, memory, translate: &identity }
    }

    #[test]
    fn a_buffer_is_translated_page_by_page() {
        let memory = Memory::new(64 << 20).unwrap();
        let swap = |address: u64| {
            (address < 0x20_2000).then_some(PhysicalAddress(if address < 0x20_1000 {
                address + 0x1000
            } else {
                address - 0x1000
            }))
        };
        let call = Call { arguments: [0; 8], processor: 0, is_virtual: false, memory: &memory, translate: &swap };
        call.write(0x20_0ffc, &1_u64.to_le_bytes()).unwrap();
        assert_eq!(call.read_u64(0x20_0ffc), Ok(1));
        let mut byte = [0];
        memory.read(PhysicalAddress(0x20_1ffc), &mut byte).unwrap();
        assert_eq!(byte, [1]);
        assert_eq!(call.write(0x20_1ffc, &[0; 8]), Err(BadAddress));
    }
}
