//! Exchanging a policy as a whole: classifier, patch manager and routines at once, or none of them.

use std::sync::Arc;
use std::time::Duration;

use patchbay_machine::handle::Handle;
use patchbay_plugin_api::classifier::ClassifierRef;
use patchbay_plugin_api::patch_manager::PatchManagerRef;
use patchbay_plugin_api::routines::RoutinesRef;

use super::prepare::{self, Source};
use super::{Step, SwapError, Swapped, Transaction, sites};
use crate::plugins::Registry;
use crate::policy::Policy;
use crate::policy::history::{self, PolicyBefore};
use crate::policy::serving::{Serving, templates};
use crate::vm::Vm;
use crate::vp::review::Reviews;

/// What a swap of a policy is to do.
#[derive(Clone, Debug)]
pub struct PolicyOrder {
    /// The policy that is to serve.
    pub policy: Policy,
    /// Whether sites that are patched are decided anew. Those that are not are at their next fault.
    pub repatch: bool,
    /// Whether what the instances before have learned is lost: they are not asked.
    pub discard_state: bool,
    /// How long it may take.
    pub limit: Duration,
}

/// Where the parts of a policy come from.
struct Sources {
    classifier: Source<ClassifierRef>,
    patch_manager: Source<PatchManagerRef>,
    /// For each group of tables.
    routines: Vec<(Vec<usize>, Source<RoutinesRef>)>,
}

impl Vm {
    /// Swaps all parts of the policy at once; `log` is told of each step that has ended.
    ///
    /// # Errors
    /// Why the old policy still serves.
    pub fn swap_policy(
        &self,
        machine: &Handle,
        registry: &Arc<Registry>,
        order: &PolicyOrder,
        log: &mut dyn FnMut(&Step),
    ) -> Result<Swapped, SwapError> {
        let PolicyOrder { policy, repatch, discard_state, limit } = order.clone();
        let name = policy.name.clone();
        let swapped = self.transact(machine, limit, discard_state, log, |transaction, history| {
            let registry = || Arc::clone(registry);
            let tables = transaction.places(None)?;
            let sources = Sources {
                classifier: Source::Choice { registry: registry(), choice: policy.classifier },
                patch_manager: Source::Choice { registry: registry(), choice: policy.patch_manager },
                routines: vec![(tables, Source::Choice { registry: registry(), choice: policy.routines })],
            };
            history.policies.push(transaction.policy(sources, repatch)?);
            history.trim();
            Ok(())
        });
        swapped.map(|(_, swapped)| Swapped { plugin: format!("policy {name}"), ..swapped })
    }

    /// Goes back to the policy before the last swap of a whole policy.
    ///
    /// # Errors
    /// Why the present one still serves.
    pub fn rollback_policy(
        &self,
        machine: &Handle,
        discard_state: bool,
        limit: Duration,
        log: &mut dyn FnMut(&Step),
    ) -> Result<Swapped, SwapError> {
        let swapped = self.transact(machine, limit, discard_state, log, |transaction, history| {
            let before = history.policies.last().cloned().ok_or(SwapError::NoPolicyBefore)?;
            let routines = before.routines.into_iter().map(|(places, recipe)| (places, Source::Recipe(recipe)));
            let sources = Sources {
                classifier: Source::Recipe(before.classifier),
                patch_manager: Source::Recipe(before.patch_manager),
                routines: routines.collect(),
            };
            transaction.policy(sources, false)?;
            history.policies.pop();
            Ok(())
        });
        swapped.map(|(_, swapped)| Swapped { plugin: "the policy before".to_owned(), ..swapped })
    }
}

impl Transaction<'_> {
    /// Makes all parts, and lets them serve together.
    fn policy(&mut self, sources: Sources, repatch: bool) -> Result<PolicyBefore, SwapError> {
        let Sources { classifier, patch_manager, routines } = sources;
        let (old, sites, terms) = (Arc::clone(&self.old), self.vm.sites.all(), self.terms.clone());
        let (vmm, conditions) = (Arc::clone(&self.vm.vmm), self.vm.conditions());
        let (before, new, classes, decisions) = self.apart(move |done| {
            let (classifiers, classifier) = prepare::make(classifier, vec![Arc::clone(&old.classifier)], &terms, done)?;
            let (managers, patch_manager) =
                prepare::make(patch_manager, vec![Arc::clone(&old.patch_manager)], &terms, done)?;
            let (routines, tables) = prepare::routines(routines, &old, &vmm, &terms, done)?;
            let classes = sites::classes(&classifier, &sites)?;
            done("classify");
            let decided = if repatch { &sites[..] } else { &[] };
            let decisions = sites::decisions(&patch_manager, old.table(0).map(|table| &**table), decided, &conditions)?;
            let new = Serving {
                reviews: Reviews::of(&patch_manager)?,
                templates: templates(&tables)?,
                classifier,
                patch_manager,
                tables,
                scope: old.scope,
            };
            let before = PolicyBefore {
                classifier: history::first(classifiers)?,
                patch_manager: history::first(managers)?,
                routines,
            };
            Ok((before, new, classes, decisions))
        })?;
        self.replace(new, |transaction, new| {
            transaction.complete(new)?;
            transaction.rekey(new, classes)?;
            transaction.obey(&decisions);
            Ok(())
        })?;
        Ok(before)
    }
}
