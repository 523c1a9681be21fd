//! The conventional path: how a monitor without triggers emulates an instruction that has faulted.

pub mod fetch;
pub mod without;

use std::ops::AddAssign;

use patchbay_cpu::interruption::Interruption;
use patchbay_cpu::outcome::Outcome;
use patchbay_cpu::processor::Processor;
use patchbay_isa::{Bundle, Instruction, Opcode, Slot, Template};
use patchbay_plugin_api::instruction::Instruction as SiteInstruction;
use patchbay_plugin_api::vpd::Vpd;
use serde::Serialize;

use crate::conventional::fetch::{Fetch, Fetches};
use crate::conventional::without::Without;
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
    /// What is left out, for measurement only.
    pub without: Without,
    /// What it did.
    pub counts: Counts,
}

impl Conventional {
    /// A path that fetches in this way, without some of its parts.
    #[must_use]
    pub fn new(fetch: Fetch, without: Without) -> Conventional {
        Conventional { fetch, without, ..Conventional::default() }
    }

    /// Emulates the instruction at IP and PSR.ri, whose slot was `bits` when it faulted. `None` if something else stands
    /// there now: the guest executes that.
    pub fn emulate(&mut self, p: &mut Processor, vpd: &mut Vpd, bits: u64) -> Option<Outcome> {
        self.save(p);
        let outcome = self.fetch_and_emulate(p, vpd, bits);
        self.restore(p);
        outcome
    }

    /// Emulates an instruction that has faulted without having fetched it: for measurement only.
    pub fn emulate_unfetched(
        &mut self,
        p: &mut Processor,
        vpd: &mut Vpd,
        instruction: &Instruction,
    ) -> Option<Outcome> {
        let slot = Slot::new(p.registers.psr.ri())?;
        // A template with slots of its unit: bbb, or mmi.
        let template = Template::new(if matches!(instruction.opcode, Opcode::B(_)) { 0x16 } else { 0x08 });
        let bundle = Bundle::new(template, [0; 3]).with_slot(slot, instruction.slot());
        self.save(p);
        self.counts.decodes += 1;
        self.counts.emulated += 1;
        let outcome = decode::of_slot(bundle, slot).map(|decoded| emulate(&mut self.guest(p, vpd), &decoded));
        self.restore(p);
        outcome
    }

    /// Emulates the instruction at IP and PSR.ri, which its site has: all of the path but the fetch.
    pub fn emulate_site(&mut self, p: &mut Processor, vpd: &mut Vpd, site: &SiteInstruction) -> Outcome {
        self.save(p);
        self.counts.emulated += 1;
        let decoded = if self.without.decode { Some(*site) } else { self.decode(site) };
        let outcome = match decoded {
            Some(instruction) => emulate(&mut self.guest(p, vpd), &instruction),
            None => Err(p.raise(Interruption::ILLEGAL_OPERATION)),
        };
        self.restore(p);
        outcome
    }

    fn decode(&mut self, site: &SiteInstruction) -> Option<SiteInstruction> {
        self.counts.decodes += 1;
        let slot = Slot::new(site.slot).unwrap_or(Slot::Zero);
        decode::of_slot(Bundle::new(Template::new(site.template), [0; 3]).with_slot(slot, site.bits), slot)
    }

    fn save(&mut self, p: &Processor) {
        if !self.without.frame {
            self.frame.save(p);
            self.counts.frame_bytes += TrapFrame::SIZE;
        }
    }

    fn restore(&self, p: &mut Processor) {
        if !self.without.frame {
            self.frame.restore(p);
        }
    }

    /// The guest, whose registers are in the frame.
    fn guest<'a>(&'a mut self, p: &'a mut Processor, vpd: &'a mut Vpd) -> Guest<'a> {
        Guest { p, vpd, frame: (!self.without.frame).then_some(&mut self.frame) }
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
        Some(emulate(&mut self.guest(p, vpd), &instruction))
    }
}
