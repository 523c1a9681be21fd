//! Guest code in memory: bundles, read and changed as a whole while other processors execute them.

use std::sync::atomic::Ordering;

use patchbay_cpu::bus::{Bus, PAGE_SIZE, PhysicalAddress, RamPage};
use patchbay_isa::Bundle;
use portable_atomic::AtomicU128;

fn place(page: &RamPage, address: PhysicalAddress) -> &AtomicU128 {
    let offset = (address.0 % PAGE_SIZE) as usize & !0xf;
    // SAFETY: the bundle is in the page, aligned, and the page lives as long as the bus; all accesses are atomic.
    unsafe { page.bytes.add(offset).cast::<AtomicU128>().as_ref() }
}

/// The bundle at an address; `None` if that is not RAM.
#[must_use]
pub fn read(bus: &dyn Bus, address: PhysicalAddress) -> Option<Bundle> {
    let page = bus.ram(address)?;
    Some(Bundle(u128::from_le(place(&page, address).load(Ordering::Acquire))))
}
