//! What happens at a virtualization fault: figure 3 of the method. Classifier, code template, routine database,
//! customization, patch; or the conventional path.

use std::sync::Arc;

use patchbay_cpu::processor::Processor;
use patchbay_isa::{Instruction, Slot};
use patchbay_plugin_api::class::ClassKey;
use patchbay_plugin_api::patch_manager::Trigger;
use patchbay_plugin_api::site::{Site, SiteFault};

use crate::emulate::decode;
use crate::patch::bundle;
use crate::patch::code_view::Placed;
use crate::patch::site::{PatchSite, Standing};
use crate::patch::site_cache::At;
use crate::patch::trigger::KindIndex;
use crate::plugins::Failed;
use crate::policy::conditions::at_site;
use crate::policy::serving::{Provided, Serving};
use crate::statistics::counters::Time;
use crate::vp::VirtualProcessor;
use crate::vp::resume::Before;

/// What to do at a fault.
enum Next {
    /// The conventional path.
    Conventional,
    /// The guest executes what stands there now.
    Resume,
    /// The routine of the site runs at once.
    Run(Arc<PatchSite>),
}

impl VirtualProcessor {
    /// A virtualization fault of the instruction at IP and PSR.ri.
    pub(crate) fn virtualization(&mut self, p: &mut Processor, instruction: &Instruction) {
        let cause = instruction.row().facts.cause.map_or(0, |cause| cause as usize);
        self.counters.faults[cause] += 1;
        let before = Before::new(p);
        match self.consider(p, instruction) {
            Ok(Next::Conventional) => {
                let started = Time::sample(self.counters.faults[cause]);
                let outcome = if self.conventional.without.fetch {
                    self.conventional.emulate_unfetched(p, &mut self.vpd, instruction)
                } else {
                    self.conventional.emulate(p, &mut self.vpd, instruction.slot())
                };
                if let Some(outcome) = outcome {
                    self.conclude(p, &before, outcome);
                }
                if let Some(started) = started {
                    self.counters.conventional_time.add(started);
                }
            }
            Ok(Next::Resume) => {}
            Ok(Next::Run(site)) => {
                self.counters.on_behalf += 1;
                self.counters.trigger(site.instruction.cause);
                let outcome = self.run(p, before.ip, site.class(), &site.instruction);
                if self.failure.is_none() {
                    self.conclude(p, &before, outcome);
                }
            }
            Err(failed) => self.failure = Some(failed),
        }
    }

    /// Decides about a fault, and patches its site if that is the decision.
    fn consider(&mut self, p: &mut Processor, instruction: &Instruction) -> Result<Next, Failed> {
        let Some(site) = self.site_of(p, instruction) else { return Ok(Next::Conventional) };
        let faults = site.fault();
        let Some(serving) = self.serving.clone() else { return Ok(Next::Conventional) };
        if site.is_patched() {
            // It was patched while this processor ran an older copy of the code.
            bundle::invalidate(p.bus(), site.address());
            return Ok(Next::Resume);
        }
        let place = self.place(p, p.registers.ip, site.place.bundle);
        let span = tracing::debug_span!(target: "patch", "fault", ip = place.ip, slot = site.instruction.slot);
        let _entered = span.enter();
        let Some(class) = serving.classifier.classify(&site.instruction, &place)? else {
            self.counters.fallbacks.left_by_classifier += 1;
            return Ok(Next::Conventional);
        };
        tracing::debug!(target: "patch", %class, "classified");
        if !site.instruction.mnemonic().is_some_and(|mnemonic| serving.templates.contains(&mnemonic)) {
            self.counters.fallbacks.no_template += 1;
            return Ok(Next::Conventional);
        }
        let fault = SiteFault { site: place, class, instruction: site.instruction, faults };
        self.publish(p.itc());
        let conditions = at_site(&self.vm.conditions(), &site);
        let decision = serving.patch_manager.decide(&fault, &conditions)?;
        let Some(trigger) = decision.trigger() else {
            self.counters.fallbacks.left_by_patch_manager += 1;
            return Ok(Next::Conventional);
        };
        match self.place_trigger(p, &serving, &class, &site, trigger)? {
            Some(Placed::Done { .. } | Placed::Already) if decision.runs_on_behalf() => Ok(Next::Run(site)),
            Some(Placed::Done { .. } | Placed::Already) => Ok(Next::Resume),
            _ => Ok(Next::Conventional),
        }
    }

    /// Places a trigger of a class at a site; `None` if the class has no routine or no id. What becomes of it is counted.
    pub(crate) fn place_trigger(
        &mut self,
        p: &Processor,
        serving: &Serving,
        class: &ClassKey,
        site: &Arc<PatchSite>,
        trigger: Trigger,
    ) -> Result<Option<Placed>, Failed> {
        let vm = Arc::clone(&self.vm);
        let _in_use = vm.classes_in_use();
        let counters = &mut self.counters;
        let id = match serving.provide(&vm, class, &site.instruction)? {
            Provided::Class { id, built, shared } => {
                tracing::debug!(target: "patch", class = id.0, built, shared, "routine");
                counters.built += built;
                counters.shared += shared;
                id
            }
            Provided::NoId => {
                counters.fallbacks.no_class_id += 1;
                return Ok(None);
            }
            Provided::NoTemplate => {
                counters.fallbacks.no_template += 1;
                return Ok(None);
            }
        };
        let asked = KindIndex::of(trigger);
        let standing = Standing { kind: asked.unwrap_or(KindIndex::FALLBACK), class: id };
        let placed = vm.view.place(p.bus(), site, standing, vm.ids().immediate(id));
        match placed {
            Placed::Done { kind, declined, .. } => {
                if asked.is_none() {
                    vm.view.note_unknown(site);
                }
                let kind = kind.kind().name;
                tracing::debug!(target: "patch", site = site.place.bundle, kind, ?declined, "placed");
            }
            Placed::Already => {}
            Placed::Changed => counters.fallbacks.changed += 1,
            Placed::NotInRam => counters.fallbacks.not_in_ram += 1,
            Placed::Declined(why) => tracing::debug!(target: "patch", site = site.place.bundle, %why, "declined"),
        }
        Ok(Some(placed))
    }

    /// The site of the instruction at IP and PSR.ri; `None` if it has none. The reason why not is counted.
    fn site_of(&mut self, p: &mut Processor, instruction: &Instruction) -> Option<Arc<PatchSite>> {
        let (ip, slot) = (p.registers.ip, p.registers.psr.ri());
        let at = At::new(ip, slot, p.code_context(ip));
        if let Some(site) = self.cache.find(at)
            && site.instruction.bits == instruction.slot()
            && !site.is_retired()
        {
            return Some(Arc::clone(site));
        }
        let address = p.translate_instruction(ip).ok();
        let bundle = address.and_then(|address| bundle::read(p.bus(), address));
        let Some((address, bundle)) = address.zip(bundle) else {
            self.counters.fallbacks.not_in_ram += 1;
            return None;
        };
        let decoded = decode::of(instruction, bundle, Slot::new(slot)?)?;
        let Some(met) = self.vm.sites.meet(self.place(p, ip, address.0 & !0xf), &decoded) else {
            self.counters.fallbacks.no_site += 1;
            return None;
        };
        if let Some(replaced) = met.replaced {
            self.vm.view.remove(p.bus(), &replaced);
        }
        self.cache.remember(at, Arc::clone(&met.site));
        Some(met.site)
    }

    pub(crate) fn place(&self, p: &Processor, ip: u64, bundle: u64) -> Site {
        let rid = if p.registers.psr.it() { p.rid(ip) } else { 0 };
        Site { bundle, ip, rid, vm: self.vm.number, vp: self.index as u32, reserved: 0 }
    }
}
