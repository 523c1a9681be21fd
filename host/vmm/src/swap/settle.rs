//! What becomes of the sites that are patched when a plugin is swapped.

use std::collections::HashMap;
use std::sync::Arc;

use patchbay_plugin_api::class::ClassKey;
use patchbay_plugin_api::site::SiteFault;

use super::Transaction;
use crate::plugins::{Classifier, Failed, PatchManager};
use crate::sites::Site;
use crate::table::Table;
use crate::trigger::break_slot;
use crate::vm::Patching;

/// The classes of sites, by bundle and slot.
pub(super) type Classes = HashMap<(u64, u8), Option<ClassKey>>;

fn key(site: &Site) -> (u64, u8) {
    (site.place.bundle, site.instruction.slot)
}

/// The classes that a classifier gives the sites that are patched.
pub(super) fn classes(classifier: &Classifier, sites: &[Arc<Site>]) -> Result<Classes, Failed> {
    let patched = sites.iter().filter(|site| site.is_patched());
    patched.map(|site| Ok((key(site), classifier.classify(&site.instruction, &site.place)?))).collect()
}

/// The sites that are patched, and that a patch manager leaves.
pub(super) fn to_unpatch(
    patch_manager: &PatchManager,
    table: Option<&Table>,
    sites: &[Arc<Site>],
) -> Result<Vec<Arc<Site>>, Failed> {
    let mut left = Vec::new();
    for site in sites.iter().filter(|site| site.is_patched()) {
        let Some(entry) = table.and_then(|table| table.find(site.class())) else { continue };
        let (class, faults) = (entry.class, site.faults());
        let fault = SiteFault { site: site.place, class, instruction: site.instruction, faults };
        if patch_manager.decide(&fault)?.trigger().is_none() {
            left.push(Arc::clone(site));
        }
    }
    Ok(left)
}

impl Transaction<'_> {
    /// Unpatches sites.
    pub(super) fn unpatch(&self, sites: &[Arc<Site>]) {
        if let Some(bus) = self.machine.bus() {
            sites.iter().for_each(|site| self.vm.sites.unpatch(&*bus, site));
        }
    }

    /// Unpatches the sites of classes for which no table has a routine.
    pub(super) fn unpatch_unserved(&self, new: &Patching) {
        let served =
            |site: &Site| new.tables.iter().any(|table| table.find(site.class()).is_some_and(|e| e.routine.is_some()));
        let mut sites = self.vm.sites.all();
        sites.retain(|site| site.is_patched() && !served(site));
        self.unpatch(&sites);
    }

    /// Gives sites that are patched the triggers of the classes that they have now.
    pub(super) fn rekey(&self, new: &Patching, classes: &Classes) -> Result<(), Failed> {
        let Some(bus) = self.machine.bus() else { return Ok(()) };
        let vm = self.vm;
        let _in_use = vm.classes_in_use();
        for site in vm.sites.all() {
            if !site.is_patched() {
                continue;
            }
            let class = match classes.get(&key(&site)) {
                Some(class) => *class,
                None => new.classifier.classify(&site.instruction, &site.place)?,
            };
            let has = new.table(0).and_then(|table| table.find(site.class())).map(|entry| entry.class);
            if class.is_some() && class == has {
                continue;
            }
            let id = match class {
                Some(class) => new.provide(vm, &class, &site.instruction)?.id(),
                None => None,
            };
            match id {
                Some(id) => {
                    let trigger = break_slot(site.instruction.qp, vm.ids().immediate(id));
                    let _overwritten_ones_are_forgotten = vm.sites.change(&*bus, &site, id, trigger);
                }
                None => vm.sites.unpatch(&*bus, &site),
            }
        }
        Ok(())
    }
}
