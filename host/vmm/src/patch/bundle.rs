//! Guest code in memory: bundles, read and changed as a whole while other processors execute them.

use std::sync::atomic::Ordering;

use patchbay_cpu::bus::{Bus, PAGE_SIZE, PhysicalAddress, RamPage};
use patchbay_isa::{Bundle, Slot};
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

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exchange {
    /// The slot is changed.
    Done,
    /// Another virtual processor has just changed it.
    Already,
    /// The slot does not hold what it should; nothing is changed.
    Differs,
    /// It is not RAM, or cannot be written.
    Impossible,
    /// Too many triggers were written already.
    Full,
}

/// Changes one slot of a bundle from `old` to `new`. The other slots and the template stay, whatever they are.
pub fn exchange(bus: &dyn Bus, address: PhysicalAddress, slot: Slot, old: u64, new: u64) -> Exchange {
    let Some(page) = bus.ram(address).filter(|page| page.writable) else { return Exchange::Impossible };
    let place = place(&page, address);
    let mut found = place.load(Ordering::Acquire);
    loop {
        let bundle = Bundle(u128::from_le(found));
        if bundle.slot(slot) != old {
            return Exchange::Differs;
        }
        let changed = bundle.with_slot(slot, new).0.to_le();
        match place.compare_exchange_weak(found, changed, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => break,
            Err(now) => found = now,
        }
    }
    touch(&page);
    Exchange::Done
}

/// Makes decoded copies of a page's code stale.
pub fn invalidate(bus: &dyn Bus, address: PhysicalAddress) {
    if let Some(page) = bus.ram(address) {
        touch(&page);
    }
}

fn touch(page: &RamPage) {
    // SAFETY: the page's generation lives as long as the bus.
    unsafe { page.generation.as_ref() }.fetch_add(1, Ordering::Release);
}
