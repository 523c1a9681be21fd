//! The entry points of firmware procedures: bundles that hand the processor to the host.
//!
//! Each procedure has a portal, followed by the two ways to return from it: `br.cond b0` for a caller that branched
//! (static PAL procedures), `br.ret b0` for one that called. A fourth bundle loads from the address in r11 and
//! branches to the portal: so the operating system gets a TLB miss on a buffer that a procedure could not reach.

use patchbay_cpu::bus::PhysicalAddress;

use crate::layout::{PAL, PORTALS};

/// The distance between portals, in bytes.
const STRIDE: u64 = 0x40;
/// From the portal to `br.cond.sptk.few b0`.
pub const BRANCH_BACK: u64 = 0x10;
/// From the portal to `br.ret.sptk.few b0`.
pub const RETURN: u64 = 0x20;
/// From the portal to `ld1 r11=[r11]` and `br.cond.sptk.few` to the portal.
pub const TOUCH: u64 = 0x30;
/// The register whose address is loaded from.
pub const TOUCHED: usize = 11;

/// EFI's runtime services, in the order of their table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the specification's names")]
pub enum RuntimeService {
    GetTime,
    SetTime,
    GetWakeupTime,
    SetWakeupTime,
    SetVirtualAddressMap,
    ConvertPointer,
    GetVariable,
    GetNextVariableName,
    SetVariable,
    GetNextHighMonotonicCount,
    ResetSystem,
}

impl RuntimeService {
    /// All of them, in order.
    pub const ALL: [RuntimeService; 11] = [
        RuntimeService::GetTime,
        RuntimeService::SetTime,
        RuntimeService::GetWakeupTime,
        RuntimeService::SetWakeupTime,
        RuntimeService::SetVirtualAddressMap,
        RuntimeService::ConvertPointer,
        RuntimeService::GetVariable,
        RuntimeService::GetNextVariableName,
        RuntimeService::SetVariable,
        RuntimeService::GetNextHighMonotonicCount,
        RuntimeService::ResetSystem,
    ];
}

/// What a portal leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Portal {
    /// `PAL_PROC`.
    Pal,
    /// `SAL_PROC`.
    Sal,
    /// The firmware that a processor was started from: b0 at the entry of a guest.
    Firmware,
    /// An EFI runtime service.
    Efi(RuntimeService),
}

impl Portal {
    fn all() -> impl Iterator<Item = Portal> {
        [Portal::Pal, Portal::Sal, Portal::Firmware].into_iter().chain(RuntimeService::ALL.map(Portal::Efi))
    }

    /// The address of its bundle.
    #[must_use]
    pub fn address(self) -> u64 {
        match self {
            Portal::Pal => PAL.start,
            Portal::Sal => PORTALS.start,
            Portal::Firmware => PORTALS.start + STRIDE,
            Portal::Efi(service) => PORTALS.start + STRIDE * (2 + service as u64),
        }
    }

    /// The portal whose bundle is at an address.
    #[must_use]
    pub fn at(bundle: PhysicalAddress) -> Option<Portal> {
        Portal::all().find(|portal| portal.address() == bundle.0)
    }

    /// The addresses and bytes of all portals.
    pub fn bundles() -> impl Iterator<Item = (u64, [u8; STRIDE as usize])> {
        Portal::all().map(|portal| {
            let mut bytes = [0; STRIDE as usize];
            for (bytes, bundle) in bytes.chunks_exact_mut(16).zip([BREAK, BR_COND_B0, BR_RET_B0, TOUCH_R11]) {
                bytes.copy_from_slice(&bundle.to_le_bytes());
            }
            (portal.address(), bytes)
        })
    }
}

/// `break.m 0; break.i 0; break.i 0`: what a portal is at another privilege level.
const BREAK: u128 = 0;
/// `nop.m 0; nop.i 0; br.cond.sptk.few b0;;`
const BR_COND_B0: u128 = mib(NOP, 0x20 << 27);
/// `nop.m 0; nop.i 0; br.ret.sptk.few b0;;`
const BR_RET_B0: u128 = mib(NOP, 0x21 << 27 | 4 << 6);
/// `ld1 r11=[r11]; nop.i 0; br.cond.sptk.few .-0x30;;`
const TOUCH_R11: u128 = mib(4 << 37 | 11 << 20 | 11 << 6, 4 << 37 | 1 << 36 | 0xffffd << 13);

const NOP: u64 = 1 << 27;

const fn mib(memory: u64, branch: u64) -> u128 {
    0x11 | (memory as u128) << 5 | (NOP as u128) << 46 | (branch as u128) << 87
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn portals_are_found_by_address_and_only_there() {
        for portal in Portal::all() {
            assert_eq!(Portal::at(PhysicalAddress(portal.address())), Some(portal));
            assert_eq!(Portal::at(PhysicalAddress(portal.address() + RETURN)), None);
        }
    }

    /// The bytes are what ia64-linux-gnu-as 2.40 makes of the same text.
    #[test]
    fn the_ways_back_are_branches_through_b0() {
        assert_eq!(BR_COND_B0, 0x0080_0000_0000_0200_0000_0001_0000_0011);
        assert_eq!(BR_RET_B0, 0x0084_0000_8000_0200_0000_0001_0000_0011);
        assert_eq!(TOUCH_R11, 0x48ff_ffd0_0000_0200_0000_1000_1600_5811);
    }
}
