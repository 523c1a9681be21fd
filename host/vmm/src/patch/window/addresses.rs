//! Where stubs lie, and where they appear from the guest's code.
//!
//! The window is cut into pockets of 256 KiB. A pocket for branches of any distance appears where it lies, beyond the
//! physical addresses that the processor implements. A pocket for branches that reach 16 MiB serves one zone of 16 MiB of
//! guest-physical memory, and appears at its end: each bundle of the zone reaches it. What appears there is seen by nobody
//! but a branch into a stub: data accesses, fetches of the guest and other processors find the guest's memory.

use std::collections::HashMap;

use super::super::trigger::Reach;

/// Bytes of a bundle.
pub const BUNDLE: u64 = 16;
/// Where the window lies: physical addresses have 50 bits.
pub const WINDOW: u64 = 1 << 51;
/// Where the monitor's routines appear: a portal branches to 16 bytes a class after this.
pub const ROUTINES: u64 = WINDOW + (1 << 32);
/// The window's size in bytes.
pub const SIZE: u64 = 16 << 20;
/// A pocket's size in bytes.
const POCKET: u64 = 256 << 10;
/// The size of a zone, as a power of two.
const ZONE: u32 = 24;

/// Room in the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The address of its first bundle in the window.
    pub lies: u64,
    /// The address at which the guest's bundle reaches it, where the guest's own is guest-physical.
    pub appears: u64,
}

#[derive(Debug, Default)]
struct Pool {
    /// Addresses of free runs, by their length in bundles.
    free: HashMap<usize, Vec<Place>>,
    /// What was never used of the last pocket.
    fresh: Option<(Place, u64)>,
    pockets: u64,
}

/// The pockets of a window.
#[derive(Debug, Default)]
pub struct Pools {
    pools: HashMap<Option<u64>, Pool>,
    pockets: u64,
    bytes: u64,
}

impl Pools {
    /// Room for so many bundles; `None` if there is none.
    pub(super) fn allocate(&mut self, from: u64, reach: Reach, bundles: usize) -> Option<Place> {
        let length = bundles as u64 * BUNDLE;
        let zone = (reach == Reach::Near).then_some(from >> ZONE);
        let pool = self.pools.entry(zone).or_default();
        let place = pool.free.get_mut(&bundles).and_then(Vec::pop).or_else(|| {
            if pool.fresh.is_none_or(|(_, left)| left < length) {
                // A zone has room for one pocket at its end.
                if (self.pockets + 1) * POCKET > SIZE || zone.is_some() && pool.pockets > 0 {
                    return None;
                }
                let lies = WINDOW + self.pockets * POCKET;
                let appears = zone.map_or(lies, |zone| ((zone + 1) << ZONE) - POCKET);
                pool.fresh = Some((Place { lies, appears }, POCKET));
                pool.pockets += 1;
                self.pockets += 1;
            }
            let (place, left) = pool.fresh.as_mut()?;
            let first = *place;
            *place = Place { lies: place.lies + length, appears: place.appears + length };
            *left -= length;
            Some(first)
        })?;
        self.bytes += length;
        Some(place)
    }

    /// Takes room back.
    pub(super) fn free(&mut self, place: Place, bundles: usize) {
        self.bytes -= bundles as u64 * BUNDLE;
        let zone = (place.appears != place.lies).then_some(place.appears >> ZONE);
        self.pools.entry(zone).or_default().free.entry(bundles).or_default().push(place);
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bundle_of_a_zone_reaches_its_pocket() {
        let mut pools = Pools::default();
        for from in [0x400_0000, 0x4ff_fff0] {
            let place = pools.allocate(from, Reach::Near, 5).unwrap();
            assert!((place.appears as i64 - from as i64).abs() < 1 << 24);
            assert!(place.lies >= WINDOW);
        }
    }

    #[test]
    fn a_pocket_and_the_window_are_bounded_and_room_is_given_again() {
        let mut pools = Pools::default();
        let all: Vec<Place> = std::iter::from_fn(|| pools.allocate(0, Reach::Near, 4)).collect();
        assert_eq!(all.len() as u64, POCKET / (4 * BUNDLE));
        assert!(pools.allocate(1 << ZONE, Reach::Near, 4).is_some(), "another zone has its own");
        pools.free(all[7], 4);
        assert_eq!(pools.allocate(0, Reach::Near, 4), Some(all[7]));
        let far = std::iter::from_fn(|| pools.allocate(0, Reach::Far, 4)).count() as u64;
        assert_eq!(far, (SIZE - 2 * POCKET) / (4 * BUNDLE));
        assert!(pools.allocate(9 << ZONE, Reach::Near, 4).is_none());
    }
}
