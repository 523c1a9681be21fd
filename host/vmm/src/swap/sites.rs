//! What becomes of the sites that are patched when a plugin is swapped.

use std::collections::hash_map::Entry::Vacant;
use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::sync::Arc;

use patchbay_plugin_api::class::ClassKey;
use patchbay_plugin_api::conditions::Conditions;
use patchbay_plugin_api::instruction::Instruction;
use patchbay_plugin_api::patch_manager::Trigger;
use patchbay_plugin_api::routines::Routine;
use patchbay_plugin_api::site::SiteFault;

use super::{SwapError, Transaction};
use crate::patch::site::{PatchSite, Standing};
use crate::patch::trigger::KindIndex;
use crate::plugins::{Classifier, Failed, PatchManager};
use crate::policy::conditions::at_site;
use crate::policy::serving::Serving;
use crate::routines::map::RoutineMap;

/// The classes of sites, by bundle and instruction: the guest may replace its code while they are found.
pub(super) type Classes = HashMap<(u64, Instruction), Option<ClassKey>>;

fn key(site: &PatchSite) -> (u64, Instruction) {
    (site.place.bundle, site.instruction)
}

/// The classes that a classifier gives the sites that are patched.
pub(super) fn classes(classifier: &Classifier, sites: &[Arc<PatchSite>]) -> Result<Classes, Failed> {
    let patched = sites.iter().filter(|site| site.is_patched());
    patched.map(|site| Ok((key(site), classifier.classify(&site.instruction, &site.place)?))).collect()
}

/// What a patch manager decides about the sites that are patched: the trigger that each is to have, or none.
pub(super) type Decisions = Vec<(Arc<PatchSite>, Option<Trigger>)>;

/// What a patch manager decides about the sites that are patched.
pub(super) fn decisions(
    patch_manager: &PatchManager,
    table: Option<&RoutineMap>,
    sites: &[Arc<PatchSite>],
    conditions: &Conditions,
) -> Result<Decisions, Failed> {
    let mut decisions = Vec::new();
    for site in sites.iter().filter(|site| site.is_patched()) {
        let Some(entry) = table.and_then(|table| table.find(site.class())) else { continue };
        let (class, faults) = (entry.class, site.faults());
        let fault = SiteFault { site: site.place, class, instruction: site.instruction, faults };
        decisions.push((Arc::clone(site), patch_manager.decide(&fault, &at_site(conditions, site))?.trigger()));
    }
    Ok(decisions)
}

/// What a classifier says of the sites that are patched, and the routines for classes that a table does not have yet.
pub(super) struct Answers {
    classes: Classes,
    /// A table each.
    routines: Vec<HashMap<ClassKey, Option<Routine>>>,
}

impl Answers {
    /// Asks new plugins about sites; some are classified already.
    pub(super) fn of(new: &Serving, mut classes: Classes, sites: &[Arc<PatchSite>]) -> Result<Answers, Failed> {
        for site in sites.iter().filter(|site| site.is_patched()) {
            if let Vacant(place) = classes.entry(key(site)) {
                place.insert(new.classifier.classify(&site.instruction, &site.place)?);
            }
        }
        let build = |table: &Arc<RoutineMap>| {
            let has: HashSet<ClassKey> = table.entries().iter().map(|(_, entry)| entry.class).collect();
            let classes: HashSet<ClassKey> = classes.values().flatten().copied().collect();
            let lacks = classes.difference(&has);
            lacks.map(|class| Ok((*class, table.routines().build(class)?))).collect::<Result<_, Failed>>()
        };
        let routines = new.tables.iter().map(build).collect::<Result<_, _>>()?;
        Ok(Answers { classes, routines })
    }
}

impl Transaction<'_> {
    /// Unpatches sites.
    pub(super) fn unpatch(&self, sites: &[Arc<PatchSite>]) {
        if let Some(bus) = self.machine.bus() {
            sites.iter().for_each(|site| {
                self.vm.view.remove(&*bus, site);
            });
        }
    }

    /// Gives sites that are patched the triggers that were decided.
    pub(super) fn obey(&self, decisions: &Decisions) {
        let Some(bus) = self.machine.bus() else { return };
        let _in_use = self.vm.classes_in_use();
        for (site, trigger) in decisions {
            let (Some(standing), view) = (site.standing(), &self.vm.view) else { continue };
            match trigger {
                None => {
                    view.remove(&*bus, site);
                }
                Some(trigger) => {
                    let kind = KindIndex::of(*trigger).unwrap_or(KindIndex::FALLBACK);
                    let number = self.vm.ids().immediate(standing.class);
                    let _counted_there = view.place(&*bus, site, Standing { kind, ..standing }, number);
                }
            }
        }
    }

    /// Unpatches the sites of classes for which no table has a routine.
    pub(super) fn unpatch_unserved(&self, new: &Serving) {
        let served = |site: &PatchSite| {
            new.tables.iter().any(|table| table.find(site.class()).is_some_and(|e| e.routine.is_some()))
        };
        let mut sites = self.vm.sites.all();
        sites.retain(|site| site.is_patched() && !served(site));
        self.unpatch(&sites);
    }

    /// Gives sites that are patched the triggers of the classes that they have now.
    pub(super) fn rekey(&mut self, new: &Arc<Serving>, classes: Classes) -> Result<(), SwapError> {
        let (given, sites) = (Arc::clone(new), self.vm.sites.all());
        let Answers { classes, routines } = self.apart(move |_| Ok(Answers::of(&given, classes, &sites)?))?;
        let Some(bus) = self.machine.bus() else { return Ok(()) };
        let vm = self.vm;
        let _in_use = vm.classes_in_use();
        for site in vm.sites.all() {
            // Others were patched when the new classifier served.
            let Some(class) = classes.get(&key(&site)).filter(|_| site.is_patched()) else { continue };
            let now = new.table(0).and_then(|table| table.find(site.class())).map(|entry| entry.class);
            if class.is_some() && *class == now {
                continue;
            }
            let id = class.and_then(|class| {
                let routine = |table: usize| has(routines[table].get(&class).copied().flatten());
                let Ok(provided) = new.provide_with(vm, &class, &site.instruction, routine);
                provided.id()
            });
            let Some(now) = site.standing() else { continue };
            match id {
                Some(class) => {
                    let standing = Standing { class, ..now };
                    let _dropped_ones_fault_again = vm.view.place(&*bus, &site, standing, vm.ids().immediate(class));
                }
                None => {
                    vm.view.remove(&*bus, &site);
                }
            }
        }
        Ok(())
    }
}

/// A routine that is there already.
fn has(routine: Option<Routine>) -> Result<Option<Routine>, Infallible> {
    Ok(routine)
}

#[cfg(test)]
mod tests {
    use patchbay_cpu::flat_machine::FlatMemory;
    use patchbay_isa::{Bundle, Slot, Template};
    use patchbay_plugin_api::class::Attributes;
    use patchbay_plugin_api::site::Site;

    use super::*;
    use crate::conventional::fetch::Fetch;
    use crate::emulate::decode::of_slot;
    use crate::plugins::Registry;
    use crate::policy::Policy;
    use crate::policy::serving::Provided;
    use crate::routines::class_ids::ClassId;
    use crate::vm::{Scope, Vm, Vmm};

    /// `mov r14=psr` (M36), `mov r15=psr`.
    const MOV_PSR: u64 = 1 << 37 | 0x25 << 27 | 14 << 6;
    const MOV_PSR_15: u64 = MOV_PSR ^ (14 ^ 15) << 6;
    const NOP: u64 = 1 << 27;

    fn mov_psr(bits: u64) -> Instruction {
        of_slot(Bundle::new(Template::new(1), [bits, NOP, NOP]), Slot::Zero).unwrap()
    }

    /// The site of an instruction at 0x1000, which is patched.
    fn site(vm: &Vm, memory: &FlatMemory, bits: u64) -> Arc<PatchSite> {
        let bundle = Bundle::new(Template::new(1), [bits, NOP, NOP]);
        memory.write_bytes(0x1000, &bundle.to_bytes()).unwrap();
        let place = Site { bundle: 0x1000, ip: 0x1000, rid: 0, vm: 0, vp: 0, reserved: 0 };
        let site = vm.sites.meet(place, &mov_psr(bits)).unwrap().site;
        vm.view.place(memory, &site, Standing { kind: KindIndex::FALLBACK, class: ClassId(0) }, 0x10_0800);
        assert!(site.is_patched());
        site
    }

    /// The guest replaces its code while the swap's thread classifies what it had.
    #[test]
    fn a_class_is_not_that_of_the_code_that_came_later() {
        let classifier = Policy::load("default").unwrap().start(&Registry::discover()).unwrap().classifier;
        let memory = FlatMemory::new(0x2000);
        let vm = Vm::new(Arc::new(Vmm::new()), 0, 1, None, Scope::Vm, Fetch::Translated).unwrap();
        let before = site(&vm, &memory, MOV_PSR);
        let classes = classes(&classifier, &vm.sites.all()).unwrap();
        let class = classes[&key(&before)].unwrap();
        let later = site(&vm, &memory, MOV_PSR_15);
        assert_ne!(classifier.classify(&later.instruction, &later.place).unwrap(), Some(class));
        assert_eq!(classes.get(&key(&later)), None);
    }

    /// A classifier that is wrong about an instruction has no routine of another one run for it.
    #[test]
    fn an_instruction_gets_no_class_that_is_not_its_own() {
        let plugins = Policy::load("default").unwrap().start(&Registry::discover()).unwrap();
        let vm = Vm::new(Arc::new(Vmm::new()), 0, 1, Some(&plugins), Scope::Vm, Fetch::Translated).unwrap();
        let serving = vm.serving().unwrap();
        let class = ClassKey::new(&mov_psr(MOV_PSR), Attributes::R1);
        let provide = |bits| serving.provide(&vm, &class, &mov_psr(bits)).unwrap();
        assert!(matches!(provide(MOV_PSR_15), Provided::NoTemplate));
        assert!(matches!(provide(MOV_PSR), Provided::Class { .. }));
    }
}
