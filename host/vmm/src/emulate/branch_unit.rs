//! `cover`, `rfi` and `vmsw` (SDM 3:48, 3:237, 3:273).

use patchbay_cpu::interruption::{Interruption, Vector};
use patchbay_cpu::outcome::{Leave, Outcome};
use patchbay_cpu::psr::{Cfm, Psr};
use patchbay_cpu::registers::cr;

use crate::guest::Guest;

/// `cover`; not privileged.
///
/// # Errors
/// [`Leave::Serialize`], always.
pub fn cover(g: &mut Guest) -> Outcome {
    let cfm = g.p.cover_frame();
    if !g.ic() {
        g.vpd.vcr[cr::IFS] = 1 << 63 | u64::from(cfm);
    }
    Err(Leave::Serialize)
}

/// `rfi`.
///
/// # Errors
/// [`Leave::Return`] or a fault.
pub fn rfi(g: &mut Guest) -> Outcome {
    g.p.check_privilege()?;
    let psr = Psr::from(g.vpd.vcr[cr::IPSR]);
    g.illegal_if(psr.is())?;
    g.p.registers.ip = g.vpd.vcr[cr::IIP] & !0xf;
    // Whatever it changes, all is looked up again after this.
    let _ = g.set_psr(psr);
    let ifs = g.vpd.vcr[cr::IFS];
    if ifs >> 63 != 0 {
        g.p.uncover_frame(Cfm::from(ifs & Cfm::MASK));
    }
    g.p.enable_frame_load();
    Err(Leave::Return)
}

/// A virtual processor has no virtual machines of its own: `vmsw` is disabled (SDM 3:273).
pub(super) fn vmsw(g: &mut Guest) -> Outcome {
    g.p.check_privilege()?;
    Err(g.p.raise(Interruption::fault(Vector::Virtualization, 0)))
}
