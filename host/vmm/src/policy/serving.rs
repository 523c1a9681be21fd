//! The plugins in force: what a virtual machine runs under at a moment.

use std::sync::Arc;
use std::time::Duration;

use patchbay_plugin_api::class::ClassKey;
use patchbay_plugin_api::instruction::{Instruction, Mnemonic};
use patchbay_plugin_api::routines::{Routine, Template};

use crate::plugins::{Classifier, Failed, PatchManager, Routines};
use crate::routines::class_ids::ClassId;
use crate::routines::map::RoutineMap;
use crate::statistics::PluginReport;
use crate::vm::{Scope, Vm, Vmm};
use crate::vp::review::Reviews;

/// How long a plugin may take to give its counters for statistics.
const COUNTERS: Duration = Duration::from_secs(1);

/// The plugins that a virtual machine runs under.
pub struct Plugins {
    /// Says which instructions share a routine.
    pub classifier: Arc<Classifier>,
    /// Decides which sites are patched.
    pub patch_manager: Arc<PatchManager>,
    /// Build the routines: those of virtual processor n are the n-th's, or the last's if there are fewer.
    pub routines: Vec<Arc<Routines>>,
}

impl Plugins {
    pub(crate) fn report(&self) -> Vec<PluginReport> {
        let Plugins { classifier, patch_manager, routines } = self;
        let each = routines.len() > 1;
        let mut all =
            vec![PluginReport::new(classifier, None, COUNTERS), PluginReport::new(patch_manager, None, COUNTERS)];
        let vp = |vp: usize| each.then_some(vp);
        all.extend(routines.iter().enumerate().map(|(n, routines)| PluginReport::new(routines, vp(n), COUNTERS)));
        all
    }
}

/// What patches a virtual machine's code.
#[derive(Clone)]
pub(crate) struct Serving {
    pub(crate) classifier: Arc<Classifier>,
    pub(crate) patch_manager: Arc<PatchManager>,
    /// Those that the patch manager asks for.
    pub(crate) reviews: Option<Arc<Reviews>>,
    /// Whether there is one table for all virtual processors, or one for each.
    pub(crate) scope: Scope,
    /// These.
    pub(crate) tables: Vec<Arc<RoutineMap>>,
    /// The mnemonics for which a table has a template.
    pub(crate) templates: Vec<Mnemonic>,
}

impl Serving {
    pub(crate) fn new(vmm: &Vmm, plugins: &Plugins, processors: usize, scope: Scope) -> Result<Serving, Failed> {
        let count = if scope == Scope::Vp { processors } else { 1 };
        let routines = |index: usize| plugins.routines.get(index).or(plugins.routines.last());
        let tables: Vec<_> = (0..count)
            .filter_map(routines)
            .map(|routines| Arc::new(RoutineMap::new(vmm.ids.count(), Arc::clone(routines))))
            .map(|table| if scope == Scope::Vmm { vmm.share(table) } else { Ok(table) })
            .collect::<Result<_, _>>()?;
        let templates = templates(&tables)?;
        let reviews = Reviews::of(&plugins.patch_manager)?;
        let (classifier, patch_manager) = (Arc::clone(&plugins.classifier), Arc::clone(&plugins.patch_manager));
        Ok(Serving { classifier, patch_manager, reviews, scope, tables, templates })
    }

    /// The same with another classifier.
    pub(crate) fn with_classifier(&self, classifier: Arc<Classifier>) -> Serving {
        Serving { classifier, ..self.clone() }
    }

    /// The same with another patch manager, and the reviews that it asks for.
    pub(crate) fn with_patch_manager(
        &self,
        patch_manager: Arc<PatchManager>,
        reviews: Option<Arc<Reviews>>,
    ) -> Serving {
        Serving { patch_manager, reviews, ..self.clone() }
    }

    /// The same with other tables, and the mnemonics that they have [`templates`] for.
    pub(crate) fn with_tables(&self, tables: Vec<Arc<RoutineMap>>, templates: Vec<Mnemonic>) -> Serving {
        Serving { tables, templates, ..self.clone() }
    }

    /// Gives a class an id, and an entry to every table. The caller keeps classes in use until the site is patched.
    pub(crate) fn provide(&self, vm: &Vm, class: &ClassKey, instruction: &Instruction) -> Result<Provided, Failed> {
        self.provide_with(vm, class, instruction, |table| self.tables[table].routines().build(class))
    }

    /// The same with routines that somebody else builds for each table.
    pub(crate) fn provide_with<E>(
        &self,
        vm: &Vm,
        class: &ClassKey,
        instruction: &Instruction,
        build: impl Fn(usize) -> Result<Option<Routine>, E>,
    ) -> Result<Provided, E> {
        if !class.contains(instruction) {
            return Ok(Provided::NoTemplate);
        }
        let Some(id) = vm.ids().assign(vm.holder(), class) else { return Ok(Provided::NoId) };
        let (mut built, mut shared) = (0, 0);
        for (number, table) in self.tables.iter().enumerate() {
            let (entry, is_new) = table.provide_with(id, class, instruction, || build(number))?;
            let count = if is_new { &mut built } else { &mut shared };
            *count += u64::from(entry.routine.is_some());
        }
        Ok(if built + shared > 0 { Provided::Class { id, built, shared } } else { Provided::NoTemplate })
    }

    /// The table of a virtual processor.
    pub(crate) fn table(&self, vp: usize) -> Option<&Arc<RoutineMap>> {
        self.tables.get(vp).or(self.tables.last())
    }
}

/// What became of a class.
pub(crate) enum Provided {
    /// It has an id, and so many routines that were built now, or before.
    Class { id: ClassId, built: u64, shared: u64 },
    /// No id is left.
    NoId,
    /// No table can serve it, or it is not one of the instruction.
    NoTemplate,
}

impl Provided {
    /// The id.
    pub(crate) fn id(&self) -> Option<ClassId> {
        match self {
            Provided::Class { id, .. } => Some(*id),
            Provided::NoId | Provided::NoTemplate => None,
        }
    }
}

/// The mnemonics for which a table has a template.
pub(crate) fn templates(tables: &[Arc<RoutineMap>]) -> Result<Vec<Mnemonic>, Failed> {
    let mut templates = Vec::new();
    for table in tables {
        templates.extend(table.routines().templates()?.iter().filter_map(Template::mnemonic));
    }
    Ok(templates)
}
