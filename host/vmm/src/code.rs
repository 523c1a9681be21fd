//! Guest code in memory: bundles, read and changed as a whole while other processors execute them.

use patchbay_cpu::bus::{Bus, PhysicalAddress, RamPage};
use patchbay_isa::{Bundle, Slot};

/// The bundle at an address; `None` if that is not RAM.
#[must_use]
pub fn read(bus: &dyn Bus, address: PhysicalAddress) -> Option<Bundle> {
    Some(bus.ram(address)?.bundle(address))
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
    let Some(page) = bus.ram(address).filter(RamPage::is_writable) else { return Exchange::Impossible };
    let mut bundle = page.bundle(address);
    loop {
        if bundle.slot(slot) != old {
            return Exchange::Differs;
        }
        match page.exchange_bundle(address, bundle, bundle.with_slot(slot, new)) {
            Ok(()) => return Exchange::Done,
            Err(now) => bundle = now,
        }
    }
}

/// Makes decoded copies of a page's code stale.
pub fn invalidate(bus: &dyn Bus, address: PhysicalAddress) {
    if let Some(page) = bus.ram(address) {
        page.invalidate();
    }
}
