//! Guest code in memory: bundles, read as a whole while processors write them.

use std::sync::atomic::Ordering;

use patchbay_cpu::bus::{Bus, PAGE_SIZE, PhysicalAddress, RamPage};
use patchbay_isa::Bundle;
use portable_atomic::AtomicU128;

/// The bundle at an address; `None` if that is not RAM.
#[must_use]
pub fn read(bus: &dyn Bus, address: PhysicalAddress) -> Option<Bundle> {
    let page = bus.ram(address)?;
    let offset = (address.0 % PAGE_SIZE) as usize & !0xf;
    // SAFETY: the bundle is in the page, aligned, and the page lives as long as the bus; all accesses are atomic.
    let bits = unsafe { page.bytes.add(offset).cast::<AtomicU128>().as_ref() }.load(Ordering::Acquire);
    Some(Bundle(u128::from_le(bits)))
}

/// Makes decoded copies of a page's code stale.
pub fn invalidate(bus: &dyn Bus, address: PhysicalAddress) {
    if let Some(page) = bus.ram(address) {
        touch(&page);
    }
}

/// The same, where the page is at hand.
pub(super) fn touch(page: &RamPage) {
    // SAFETY: the page's generation lives as long as the bus.
    unsafe { page.generation.as_ref() }.fetch_add(1, Ordering::Release);
}
