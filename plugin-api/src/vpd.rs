//! The virtual processor descriptor: the guest's copies of what belongs to the VMM (SDM 2, section 11.7).

use abi_stable::StableAbi;

/// The virtual state of one virtual processor. Guests run at machine PSR.vm = ic = i = bn = 1, with machine register
/// bank 0 and the machine's control registers in the VMM's hands.
///
/// What is not here is the processor's and holds the guest's values: the registers that instructions name, region
/// and protection key registers, TLBs, cr.pta, PSR.be, up, ac, mfl, mfh, pk, dt, dfl, dfh, sp, pp, di, si, db, lp, tb, rt,
/// cpl, it, id, da, dd, ss, ed, ia, the RSE, ALAT and FP.
#[derive(Clone, Debug, PartialEq, Eq, StableAbi)]
#[repr(C)]
pub struct Vpd {
    /// The bits of the guest's PSR that the machine's does not hold for it: ic, i, bn, mc, vm. All others are 0.
    pub vpsr: u64,
    /// The guest's control registers, by number; cr.ivr and cr.irr are not used, cr.pta is the processor's.
    pub vcr: [u64; 128],
    /// r16-r31 of the guest's bank that is not in use. Those in use are in the machine's bank 1.
    pub vbank: [u64; 16],
    /// Their NaT bits.
    pub vbank_nat: u64,
    /// CPUID registers as the guest reads them.
    pub vcpuid: [u64; 5],
    /// What to add to the processor's ar.itc to get the guest's.
    pub vitc_offset: u64,
    /// Pending external interrupts of the guest (cr.irr0-3).
    pub virr: [u64; 4],
    /// Its external interrupts in service.
    pub vin_service: [u64; 4],
}

/// Bits of vpsr.
#[expect(missing_docs, reason = "the SDM's names")]
pub mod vpsr {
    pub const IC: u64 = 1 << 13;
    pub const I: u64 = 1 << 14;
    pub const MC: u64 = 1 << 35;
    pub const BN: u64 = 1 << 44;
    pub const VM: u64 = 1 << 46;
    /// All bits that vpsr holds.
    pub const ALL: u64 = IC | I | MC | BN | VM;
}
