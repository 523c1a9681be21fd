//! How the conventional path gets at the bundle of a guest's instruction.

use std::ops::AddAssign;

use patchbay_cpu::bus::PhysicalAddress;
use patchbay_cpu::op::Stop;
use patchbay_cpu::processor::Processor;
use patchbay_isa::Bundle;
use serde::{Deserialize, Serialize};

use crate::code;
use crate::counters::sum;

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
) -> Result<Option<(PhysicalAddress, Bundle)>, Stop> {
    let address = p.translate_instruction(ip)?;
    let translated = fetch == Fetch::Translated && p.registers.psr.it();
    let lent = if translated { p.lend_to_data(ip) } else { None };
    match lent {
        Some(true) => fetches.temporary_entry += 1,
        Some(false) => fetches.existing_entry += 1,
        None => fetches.physical += 1,
    }
    let bundle = code::read(p.bus(), address);
    if lent == Some(true) {
        p.end_lending(ip);
    }
    Ok(bundle.map(|bundle| (address, bundle)))
}
