//! Static patching: the patch manager decides about all sites that a sweep of the guest's code finds, before the guest
//! executes its first instruction.

use patchbay_cpu::bus::{PAGE_SIZE, PhysicalAddress};
use patchbay_cpu::processor::Processor;
use patchbay_machine::loader::CodeRange;
use patchbay_plugin_api::conditions::Conditions;
use patchbay_plugin_api::instruction::Instruction;
use patchbay_plugin_api::site::{Site, SiteFault};

use crate::patch::survey::candidates;
use crate::patch::window::addresses::BUNDLE;
use crate::plugins::Failed;
use crate::policy::serving::Serving;
use crate::vp::VirtualProcessor;

/// Whether there is more to ask about.
type GoesOn = bool;

impl VirtualProcessor {
    /// Surveys the code that its virtual machine was given, if nobody has yet. Sites that are patched are met without a
    /// fault; others, when they fault.
    pub(crate) fn survey(&mut self, p: &Processor) {
        let code = self.vm.take_code();
        let Some(serving) = self.serving.clone() else { return };
        for range in &code {
            match self.survey_range(p, &serving, range) {
                Ok(true) => {}
                Ok(false) => break,
                Err(failed) => {
                    self.failure = Some(failed);
                    break;
                }
            }
        }
    }

    fn survey_range(&mut self, p: &Processor, serving: &Serving, range: &CodeRange) -> Result<GoesOn, Failed> {
        let CodeRange { physical, address } = range;
        let mut at = physical.start.next_multiple_of(BUNDLE);
        while at.checked_add(BUNDLE).is_some_and(|end| end <= physical.end) {
            let Some(page) = p.bus().ram(PhysicalAddress(at)) else { break };
            let page_end = (at | (PAGE_SIZE - 1)).saturating_add(1).min(physical.end);
            while page_end - at >= BUNDLE {
                for instruction in candidates(page.bundle(PhysicalAddress(at))) {
                    let ip = address.wrapping_add(at - physical.start);
                    let site = Site { bundle: at, ip, rid: 0, vm: self.vm.number, vp: 0, reserved: 0 };
                    if !self.survey_site(p, serving, site, &instruction)? {
                        return Ok(false);
                    }
                }
                at += BUNDLE;
            }
        }
        Ok(true)
    }

    fn survey_site(
        &mut self,
        p: &Processor,
        serving: &Serving,
        place: Site,
        instruction: &Instruction,
    ) -> Result<GoesOn, Failed> {
        let has_template = instruction.mnemonic().is_some_and(|mnemonic| serving.templates.contains(&mnemonic));
        let class = if has_template { serving.classifier.classify(instruction, &place)? } else { None };
        let Some(class) = class else { return Ok(true) };
        let fault = SiteFault { site: place, class, instruction: *instruction, faults: 0 };
        let conditions = Conditions { before_start: 1, site_unit: instruction.unit.into(), ..self.vm.conditions() };
        let Some(decision) = serving.patch_manager.survey(&fault, &conditions)? else { return Ok(false) };
        let Some(trigger) = decision.trigger() else { return Ok(true) };
        match self.vm.sites.meet(place, instruction) {
            Some(met) => {
                if let Some(replaced) = met.replaced {
                    self.vm.view.remove(p.bus(), &replaced);
                }
                self.place_trigger(p, serving, &class, &met.site, trigger)?;
            }
            None => self.counters.fallbacks.no_site += 1,
        }
        Ok(true)
    }
}
