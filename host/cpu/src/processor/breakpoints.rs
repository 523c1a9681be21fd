//! Instruction breakpoints (SDM 2:151).

use super::Processor;
use crate::interruption::{Interruption, Isr, Vector};
use crate::outcome::Outcome;

/// Whether a breakpoint register pair matches accesses to `size` bytes at `address` from privilege level `cpl`;
/// the enabling bits at the top of the mask register are the caller's to test.
pub(crate) fn matches(address_register: u64, mask_register: u64, address: u64, size: u64, cpl: u8) -> bool {
    const ADDRESS_BITS: u64 = (1 << 56) - 1;
    // The mask does not reach the region bits and others above it: they always take part.
    let mask = mask_register & ADDRESS_BITS | !ADDRESS_BITS;
    let enabled = mask_register >> (56 + cpl) & 1 != 0;
    let first = address_register & mask;
    enabled && (0..size).any(|offset| address.wrapping_add(offset) & mask == first)
}

impl Processor {
    /// Raises an instruction Debug fault if a breakpoint covers the bundle.
    ///
    /// # Errors
    /// The fault.
    pub fn check_instruction_breakpoints(&mut self, ip: u64) -> Outcome {
        let psr = self.registers.psr;
        if !psr.db() || psr.id() {
            return Ok(());
        }
        let hit = self.registers.ibr.chunks_exact(2).any(|pair| {
            let executes = pair[1] >> 63 != 0;
            executes && matches(pair[0], pair[1], ip, 16, psr.cpl())
        });
        if hit {
            let isr = Isr::new().with_x(true);
            return Err(self.raise(Interruption { isr, ifa: Some(ip), ..Interruption::fault(Vector::Debug, 0) }));
        }
        Ok(())
    }
}
