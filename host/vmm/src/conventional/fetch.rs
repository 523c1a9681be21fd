//! How the conventional path gets at the bundle of a guest's instruction.

use std::ops::AddAssign;

use patchbay_cpu::bus::PhysicalAddress;
use patchbay_cpu::outcome::Leave;
use patchbay_cpu::processor::Processor;
use patchbay_isa::Bundle;
use serde::{Deserialize, Serialize};

use crate::patch::bundle;
use crate::statistics::counters::sum;

/// How bundles are fetched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fetch {
    /// As data, through an entry of the data TLB made for it where there is none.
    #[default]
    Translated,
    /// At their physical address.
    Physical,
}

/// Bundles fetched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Fetches {
    /// Through a temporary entry of the data TLB.
    pub temporary_entry: u64,
    /// Through an entry of the data TLB that was there.
    pub existing_entry: u64,
    /// At their physical address.
    pub physical: u64,
}

sum! { Fetches: temporary_entry existing_entry physical }

/// The physical address of the bundle at `ip`, and the bundle; `None` if it is not in RAM.
///
/// # Errors
/// The fault of the guest's instruction fetch, if the translation has gone.
pub fn bundle(
    p: &mut Processor,
    ip: u64,
    fetch: Fetch,
    fetches: &mut Fetches,
) -> Result<Option<(PhysicalAddress, Bundle)>, Leave> {
    let physical = p.translate_instruction(ip)?;
    let translated = fetch == Fetch::Translated && p.registers.psr.it();
    let lent = if translated { p.lend_to_data(ip) } else { None };
    match lent {
        Some(true) => fetches.temporary_entry += 1,
        Some(false) => fetches.existing_entry += 1,
        None => fetches.physical += 1,
    }
    let address = if lent.is_some() { p.translate_as_data(ip) } else { Some(physical) };
    let bundle = address.and_then(|address| bundle::read(p.bus(), address));
    if lent == Some(true) {
        p.end_lending(ip);
    }
    Ok(bundle.map(|bundle| (physical, bundle)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use patchbay_cpu::flat_machine::{self, FlatMemory};
    use patchbay_cpu::mmu::Side;
    use patchbay_cpu::psr::Psr;
    use patchbay_cpu::registers::cr;

    use super::*;

    const IP: u64 = 0x4000_0000_0000_1230;
    /// p, a; read and execute, privilege level 0.
    const EXECUTABLE: u64 = 1 | 1 << 5 | 1 << 9;
    /// The same, but not accessed.
    const NOT_ACCESSED: u64 = 1 | 1 << 9;

    fn processor() -> Processor {
        let memory = Arc::new(FlatMemory::new(0x1_0000));
        for (page, number) in [(0x8000, 8), (0x9000, 9)] {
            memory.write_bytes(page + (IP & 0xfff), &Bundle(number).to_bytes()).expect("RAM");
        }
        let mut p = flat_machine::processor(memory);
        p.write_rr(2, 12 << 2);
        p.set_psr(Psr::new().with_it(true).with_ic(true));
        map(&mut p, Side::Instruction, 0x8000 | EXECUTABLE);
        p
    }

    fn map(p: &mut Processor, side: Side, pte: u64) {
        (p.registers.cr[cr::IFA], p.registers.cr[cr::ITIR]) = (IP, 12 << 2);
        p.insert_tc(side, pte).expect("a translation");
    }

    /// The bundle, and how it was fetched: temporary entry, entry that was there, physical address.
    fn fetched(p: &mut Processor) -> (u128, [u64; 3]) {
        let mut fetches = Fetches::default();
        let found = bundle(p, IP, Fetch::Translated, &mut fetches).expect("no fault").expect("RAM");
        assert_eq!(found.0, PhysicalAddress(0x8000 + (IP & 0xfff)));
        (found.1.0, [fetches.temporary_entry, fetches.existing_entry, fetches.physical])
    }

    #[test]
    fn a_temporary_entry_is_gone_afterwards() {
        let mut p = processor();
        for _ in 0..2 {
            assert_eq!(fetched(&mut p), (8, [1, 0, 0]));
            assert_eq!(p.translate_as_data(IP), None);
        }
    }

    #[test]
    fn the_data_tlb_s_own_entry_is_used_where_it_is_of_use() {
        for (pte, of_use) in [(0x8000 | EXECUTABLE, true), (0x8000 | NOT_ACCESSED, false), (0x9000 | EXECUTABLE, false)]
        {
            let mut p = processor();
            map(&mut p, Side::Data, pte);
            assert_eq!(fetched(&mut p), (8, if of_use { [0, 1, 0] } else { [1, 0, 0] }), "{pte:#x}");
        }
    }

    #[test]
    fn a_translation_register_is_not_overlapped() {
        let mut p = processor();
        (p.registers.cr[cr::IFA], p.registers.cr[cr::ITIR]) = (IP, 12 << 2);
        p.insert_tr(Side::Data, 0, 0x9000 | EXECUTABLE).expect("a translation");
        assert_eq!(fetched(&mut p), (8, [0, 0, 1]));
    }
}
