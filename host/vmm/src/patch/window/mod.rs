//! The window: memory of the monitor that holds stubs, at physical addresses that no guest can name.
//!
//! A stub is a run of real bundles: copies of the slots that a branch into the window displaced, and in place of each site
//! a portal: `vmsw.0`, which enters the monitor without an interruption (SDM 3:273), and a long branch to the routine. A
//! branch leads back to the bundle after the guest's.
//!
//! Where the window appears decides nothing that a guest could see. It is entered only by a trigger and left only by its
//! way back; the decoder follows both, so that what a stub does is done at the guest's address and slot, whatever mapping
//! the guest uses. A stub therefore appears at one distance from its bundle, under every alias of it: see [`addresses`].

pub mod addresses;
pub mod displace;
pub mod encode;

use std::collections::VecDeque;

use patchbay_isa::Bundle;

use self::addresses::{Place, Pools};
use super::trigger::{Decline, Reach};
use crate::vp::grace::{Grace, Ticket};

/// A stub.
#[derive(Debug)]
pub struct Stub {
    /// Where it lies.
    pub place: Place,
    /// Its bundles.
    pub bundles: Vec<Bundle>,
    /// The bundle at which the copy of each slot begins, where it has one.
    pub entries: [Option<usize>; 3],
    /// The guest-physical address of the bundle that leads here.
    pub at: u64,
}

impl Stub {
    /// The number of the class to whose routine a bundle of the stub branches, if it does.
    #[must_use]
    pub fn routine(&self, index: usize) -> Option<u64> {
        let instruction = self.bundles.get(index)?.decode()?[1]?.ok()?;
        let field = encode::target(&instruction)?;
        let from = self.place.appears + index as u64 * addresses::BUNDLE;
        let target = from.wrapping_add_signed(instruction.field(field));
        let offset = target.checked_sub(addresses::ROUTINES)?;
        (offset < 1 << 32).then_some(offset / addresses::BUNDLE)
    }
}

/// The stubs of a virtual machine: which room is taken, and which will be free again.
#[derive(Debug, Default)]
pub struct Window {
    pools: Pools,
    /// Room of stubs that are out of use, the oldest first. It is free when every virtual processor has passed a block
    /// boundary since.
    retired: VecDeque<(Place, usize, Ticket)>,
    stubs: u64,
}

impl Window {
    /// Room for a stub of so many bundles that the bundle at `from` reaches.
    ///
    /// # Errors
    /// [`Decline::WindowFull`].
    pub fn allocate(&mut self, from: u64, reach: Reach, bundles: usize, grace: &Grace) -> Result<Place, Decline> {
        while let Some((place, bundles, ticket)) = self.retired.front()
            && grace.is_over(ticket)
        {
            self.pools.free(*place, *bundles);
            self.retired.pop_front();
        }
        let place = self.pools.allocate(from, reach, bundles).ok_or(Decline::WindowFull)?;
        self.stubs += 1;
        Ok(place)
    }

    /// Gives the room of a stub back that was never used.
    pub fn give_back(&mut self, place: Place, bundles: usize) {
        self.stubs -= 1;
        self.pools.free(place, bundles);
    }

    /// Takes a stub out of use.
    pub fn retire(&mut self, stub: &Stub, grace: &Grace) {
        self.stubs -= 1;
        self.retired.push_back((stub.place, stub.bundles.len(), grace.ticket()));
    }

    /// The stubs in use.
    #[must_use]
    pub fn stubs(&self) -> u64 {
        self.stubs
    }

    /// The bytes that stubs take, those among them that are out of use and not free yet.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.pools.bytes()
    }

    /// The bytes that are left.
    #[must_use]
    pub fn bytes_left(&self) -> u64 {
        addresses::SIZE.saturating_sub(self.bytes())
    }
}
