//! Guest code in memory: bundles, read as a whole while processors write them.

use patchbay_cpu::bus::{Bus, PhysicalAddress};
use patchbay_isa::Bundle;

/// The bundle at an address; `None` if that is not RAM.
#[must_use]
pub fn read(bus: &dyn Bus, address: PhysicalAddress) -> Option<Bundle> {
    bus.ram(address).map(|page| page.bundle(address))
}

/// Makes decoded copies of a page's code stale.
pub fn invalidate(bus: &dyn Bus, address: PhysicalAddress) {
    if let Some(page) = bus.ram(address) {
        page.invalidate();
    }
}
