//! Memory as the guest wrote it.

use patchbay_cpu::bus::{PAGE_SIZE, PhysicalAddress};

use super::site::PatchSite;
use super::sites::{Sites, page};
use crate::fast_path::lock;

impl Sites {
    /// Gives bytes of memory at an address the original slots in the place of triggers.
    pub fn show_originals(&self, address: PhysicalAddress, bytes: &mut [u8]) {
        let end = address.0 + bytes.len() as u64;
        let known = lock(&self.known);
        for page in page(address)..end.div_ceil(PAGE_SIZE) {
            for site in known.pages.get(&page).into_iter().flatten() {
                let bundle = site.place.bundle;
                if bundle + 16 <= address.0 || bundle >= end {
                    continue;
                }
                show_original(site, address.0, bytes);
            }
        }
    }
}

/// Replaces the trigger of a site in bytes that hold some or all of its bundle.
fn show_original(site: &PatchSite, address: u64, bytes: &mut [u8]) {
    let Some(trigger) = site.shown() else { return };
    let shift = 5 + 41 * u32::from(site.instruction.slot);
    let mask = ((1_u128 << 41) - 1) << shift;
    let (trigger, original) = (u128::from(trigger) << shift, u128::from(site.instruction.bits) << shift);
    let length = bytes.len() as u64;
    let inside = |index: u64| (site.place.bundle + index).checked_sub(address).filter(|at| *at < length);
    let stands = (0..16).all(|index| {
        let bits = (mask >> (8 * index)) as u8;
        inside(index).is_none_or(|at| bytes[at as usize] & bits == (trigger >> (8 * index)) as u8)
    });
    if stands {
        for index in 0..16 {
            let bits = (mask >> (8 * index)) as u8;
            if let Some(at) = inside(index) {
                let byte = &mut bytes[at as usize];
                *byte = *byte & !bits | (original >> (8 * index)) as u8;
            }
        }
    }
}
