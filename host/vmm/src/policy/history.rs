//! What served before, so that a rollback can have it back.

use std::sync::Arc;

use patchbay_plugin_api::classifier::ClassifierRef;
use patchbay_plugin_api::patch_manager::PatchManagerRef;
use patchbay_plugin_api::plugin::State;
use patchbay_plugin_api::routines::RoutinesRef;

use crate::plugins::{Plugin, PluginKind, Routines};
use crate::routines::map::RoutineMap;
use crate::swap::SwapError;

/// The swaps of a kind that can be taken back.
const DEPTH: usize = 16;

/// What an instance is made of again.
#[derive(Clone)]
pub(crate) struct Recipe<T> {
    pub(crate) plugin: Plugin<T>,
    pub(crate) config: String,
    /// What it exported when it was replaced.
    pub(crate) state: Option<State>,
}

/// The routines that a swap has replaced, and the tables they were in.
pub(crate) type RoutinesBefore = Vec<(Vec<usize>, Recipe<RoutinesRef>)>;

/// The parts of a policy that a swap has replaced.
#[derive(Clone)]
pub(crate) struct PolicyBefore {
    pub(crate) classifier: Recipe<ClassifierRef>,
    pub(crate) patch_manager: Recipe<PatchManagerRef>,
    pub(crate) routines: RoutinesBefore,
}

/// What the last swaps have replaced, the latest last.
#[derive(Default)]
pub(crate) struct History {
    pub(crate) classifiers: Vec<Recipe<ClassifierRef>>,
    pub(crate) patch_managers: Vec<Recipe<PatchManagerRef>>,
    pub(crate) routines: Vec<RoutinesBefore>,
    pub(crate) policies: Vec<PolicyBefore>,
}

impl History {
    /// Forgets what is too old.
    pub(crate) fn trim(&mut self) {
        fn trim<T>(before: &mut Vec<T>) {
            before.drain(..before.len().saturating_sub(DEPTH));
        }
        trim(&mut self.classifiers);
        trim(&mut self.patch_managers);
        trim(&mut self.routines);
        trim(&mut self.policies);
    }
}

/// The recipe of the only instance that was replaced.
pub(crate) fn first<T: PluginKind>(recipes: Vec<Recipe<T>>) -> Result<Recipe<T>, SwapError> {
    recipes.into_iter().next().ok_or(SwapError::NothingBefore(T::KIND))
}

/// The instances in some tables, each with its tables.
pub(crate) fn by_instance(tables: &[Arc<RoutineMap>], places: &[usize]) -> Vec<(Arc<Routines>, Vec<usize>)> {
    let mut groups: Vec<(Arc<Routines>, Vec<usize>)> = Vec::new();
    for &place in places {
        let Some(routines) = tables.get(place).map(|table| table.routines()) else { continue };
        match groups.iter_mut().find(|(other, _)| Arc::ptr_eq(other, routines)) {
            Some((_, places)) => places.push(place),
            None => groups.push((Arc::clone(routines), vec![place])),
        }
    }
    groups
}
