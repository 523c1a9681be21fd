//! What happens at a virtualization fault: figure 3 of the method. Classifier, code template, routine database,
//! customization, patch; or the conventional path.

use std::sync::Arc;
use std::time::Instant;

use patchbay_cpu::processor::Processor;
use patchbay_isa::Instruction;
use patchbay_isa::Slot;
use patchbay_plugin_api::class::ClassKey;
use patchbay_plugin_api::patch_manager::Trigger;
use patchbay_plugin_api::site::{Site as Place, SiteFault};

use crate::cache::At;
use crate::code::{self, Exchange};
use crate::ids::ClassId;
use crate::instruction;
use crate::plugins::Failed;
use crate::sites::Site;
use crate::trigger::break_slot;
use crate::vm::Patching;
use crate::vp::{Before, VirtualProcessor};

/// One time in so many is measured.
const SAMPLING: u64 = 64;

/// What to do at a fault.
enum Next {
    /// The conventional path.
    Conventional,
    /// The guest executes what stands there now.
    Resume,
    /// The routine of the site runs at once.
    Run(Arc<Site>),
}

impl VirtualProcessor {
    /// A virtualization fault of the instruction at IP and PSR.ri.
    pub(crate) fn virtualization(&mut self, p: &mut Processor, instruction: &Instruction) {
        let cause = instruction.row().facts.cause.map_or(0, |cause| cause as usize);
        self.counters.faults[cause] += 1;
        let before = Before::new(p);
        match self.consider(p, instruction) {
            Ok(Next::Conventional) => {
                let started = self.counters.faults[cause].is_multiple_of(SAMPLING).then(Instant::now);
                let outcome = self.conventional.emulate(p, &mut self.vpd, instruction.slot());
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
        let vm = Arc::clone(&self.vm);
        let Some(patching) = self.patching.clone() else { return Ok(Next::Conventional) };
        if site.is_patched() {
            // It was patched while this processor ran an older copy, or the guest has restored it.
            if vm.sites.check(p.bus(), &site) {
                return Ok(Next::Resume);
            }
            self.counters.forgotten += 1;
        }
        let place = self.place(p, site.place.bundle);
        let Some(class) = patching.classifier.classify(&site.instruction, &place)? else {
            self.counters.fallbacks.left_by_classifier += 1;
            return Ok(Next::Conventional);
        };
        if !site.instruction.mnemonic().is_some_and(|mnemonic| patching.templates.contains(&mnemonic)) {
            self.counters.fallbacks.no_template += 1;
            return Ok(Next::Conventional);
        }
        let fault = SiteFault { site: place, class, instruction: site.instruction, faults };
        let decision = patching.patch_manager.decide(&fault)?;
        let Some(trigger) = decision.trigger() else {
            self.counters.fallbacks.left_by_patch_manager += 1;
            return Ok(Next::Conventional);
        };
        if trigger != Trigger::BREAK {
            self.counters.fallbacks.unknown_trigger += 1;
        }
        let Some(id) = self.provide(&patching, &class, &site)? else { return Ok(Next::Conventional) };
        let bits = break_slot(site.instruction.qp, vm.ids().immediate(id));
        match vm.sites.patch(p.bus(), &site, id, bits) {
            Exchange::Done => {
                self.counters.patched += 1;
                Ok(if decision.runs_on_behalf() { Next::Run(site) } else { Next::Resume })
            }
            Exchange::Differs => {
                self.counters.fallbacks.changed += 1;
                Ok(Next::Conventional)
            }
            Exchange::Impossible => {
                self.counters.fallbacks.not_writable += 1;
                Ok(Next::Conventional)
            }
        }
    }

    /// Gives a class an id, and an entry to every table that can meet it.
    fn provide(&mut self, patching: &Patching, class: &ClassKey, site: &Site) -> Result<Option<ClassId>, Failed> {
        let Some(id) = self.vm.ids().assign(class) else {
            self.counters.fallbacks.no_class_id += 1;
            return Ok(None);
        };
        let mut serves = false;
        for table in &patching.tables {
            let (entry, built) = table.provide(id, class, &site.instruction)?;
            serves |= entry.routine.is_some();
            if entry.routine.is_some() {
                let count = if built { &mut self.counters.built } else { &mut self.counters.shared };
                *count += 1;
            }
        }
        if !serves {
            self.counters.fallbacks.no_template += 1;
        }
        Ok(serves.then_some(id))
    }

    /// The site of the instruction at IP and PSR.ri; `None` if it is not in RAM.
    fn site_of(&mut self, p: &mut Processor, instruction: &Instruction) -> Option<Arc<Site>> {
        let (ip, slot) = (p.registers.ip, p.registers.psr.ri());
        let at = At::new(ip, slot, p.code_context(ip));
        if let Some(site) = self.cache.find(at)
            && site.instruction.bits == instruction.slot()
        {
            return Some(Arc::clone(site));
        }
        let address = p.translate_instruction(ip).ok()?;
        let bundle = code::read(p.bus(), address)?;
        let decoded = instruction::of(instruction, bundle, Slot::new(slot)?)?;
        let place = self.place(p, address.0 & !0xf);
        let site = self.vm.sites.meet(place, &decoded);
        self.cache.remember(at, Arc::clone(&site));
        Some(site)
    }

    fn place(&self, p: &Processor, bundle: u64) -> Place {
        let ip = p.registers.ip;
        let rid = if p.registers.psr.it() { (p.registers.rr[(ip >> 61) as usize] >> 8) as u32 & 0xff_ffff } else { 0 };
        Place { bundle, ip, rid, vm: self.vm.number, vp: self.index as u32, reserved: 0 }
    }
}
