//! The conventional path: how a monitor without triggers emulates an instruction that has faulted.

pub mod fetch;

use std::ops::AddAssign;

use patchbay_cpu::interruption::Interruption;
use patchbay_cpu::outcome::Outcome;
use patchbay_cpu::processor::Processor;
use patchbay_isa::{Bundle, Slot, Template};
use patchbay_plugin_api::instruction::Instruction as SiteInstruction;
use patchbay_plugin_api::vpd::Vpd;
use serde::Serialize;

use crate::conventional::fetch::{Fetch, Fetches};
use crate::emulate::decode;
use crate::emulate::emulate;
use crate::guest::Guest;
use crate::guest::trap_frame::TrapFrame;
use crate::patch::bundle;
use crate::statistics::counters::sum;

/// What the path did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Instructions emulated.
    pub emulated: u64,
    /// Bundles fetched.
    pub fetches: Fetches,
    /// Instructions decoded.
    pub decodes: u64,
    /// Bytes of trap frames saved.
    pub frame_bytes: u64,
}

sum! { Counts: emulated fetches decodes frame_bytes }

/// The path of one virtual processor.
#[derive(Debug, Default)]
pub struct Conventional {
    frame: TrapFrame,
    /// How bundles are fetched.
    pub fetch: Fetch,
    /// What it did.
    pub counts: Counts,
}

impl Conventional {
    /// A path that fetches in this way.
    #[must_use]
    pub fn new(fetch: Fetch) -> Conventional {
        Conventional { fetch, ..Conventional::default() }
    }

    /// Emulates the instruction at IP and PSR.ri, whose slot was `bits` when it faulted. `None` if something else stands
    /// there now: the guest executes that.
    pub fn emulate(&mut self, p: &mut Processor, vpd: &mut Vpd, bits: u64) -> Option<Outcome> {
        self.frame.save(p);
        self.counts.frame_bytes += TrapFrame::SIZE;
        let outcome = self.fetch_and_emulate(p, vpd, bits);
        self.frame.restore(p);
        outcome
    }

    /// Emulates the instruction at IP and PSR.ri, which its site has: all of the path but the fetch.
    pub fn emulate_site(&mut self, p: &mut Processor, vpd: &mut Vpd, site: &SiteInstruction) -> Outcome {
        self.frame.save(p);
        self.counts.frame_bytes += TrapFrame::SIZE;
        self.counts.decodes += 1;
        self.counts.emulated += 1;
        let slot = Slot::new(site.slot).unwrap_or(Slot::Zero);
        let original = Bundle::new(Template::new(site.template), [0; 3]).with_slot(slot, site.bits);
        let outcome = match decode::of_slot(original, slot) {
            Some(instruction) => emulate(&mut Guest { p, vpd, frame: Some(&mut self.frame) }, &instruction),
            None => Err(p.raise(Interruption::ILLEGAL_OPERATION)),
        };
        self.frame.restore(p);
        outcome
    }

    fn fetch_and_emulate(&mut self, p: &mut Processor, vpd: &mut Vpd, bits: u64) -> Option<Outcome> {
        let slot = Slot::new(p.registers.psr.ri())?;
        let (address, bundle) = match fetch::bundle(p, p.registers.ip, self.fetch, &mut self.counts.fetches) {
            Ok(found) => found?,
            Err(stop) => return Some(Err(stop)),
        };
        self.counts.decodes += 1;
        let Some(instruction) = decode::of_slot(bundle, slot).filter(|instruction| instruction.bits == bits) else {
            // The guest has written code without making it visible; the copy that has faulted would fault again.
            bundle::invalidate(p.bus(), address);
            return None;
        };
        self.counts.emulated += 1;
        let mut guest = Guest { p, vpd, frame: Some(&mut self.frame) };
        Some(emulate(&mut guest, &instruction))
    }
}
