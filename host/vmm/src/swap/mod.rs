//! Hot swap: another plugin takes a kind over while all virtual processors run.
//!
//! A swap is a transaction: a copy of the library is loaded and checked, an instance is created, given what the old one
//! exports, and tests itself; what follows from it (routines for the classes that exist, classes or decisions for the sites
//! that are patched) is computed; then every virtual processor takes it over at a block boundary. Until then a failure,
//! or a spent time limit, leaves the old instance serving, and nothing of the new one. Behind that, the old instance is
//! destroyed. Its library stays mapped.
//!
//! Class ids and patches stay valid. A class that a table's plugin cannot build is emulated by the host in that table; one
//! that no table can serve is unpatched. Classes that no site has any more are taken out of use.

mod collect;
mod history;
mod prepare;
mod settle;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::time::{Duration, Instant};

use patchbay_machine::handle::{Handle, NoAnswer};
use patchbay_plugin_api::classifier::ClassifierRef;
use patchbay_plugin_api::patch_manager::PatchManagerRef;
use patchbay_plugin_api::routines::RoutinesRef;
use serde::Serialize;

use crate::fast::lock;
use crate::plugins::{Failed, FindError, Kind, Registry, Routines};
use crate::review::Reviews;
use crate::table::Table;
use crate::vm::{Patching, Scope, Vm};
use crate::vp::VirtualProcessor;
use history::History;
use prepare::Source;

/// What a swap is to do.
#[derive(Clone, Debug)]
pub struct Order {
    /// Which kind is swapped.
    pub kind: Kind,
    /// The plugin that is to serve, as [`Registry::find`] takes it.
    pub plugin: String,
    /// What a relative file is relative to.
    pub base: PathBuf,
    /// Its settings; `None` for those of the instance before if the plugin has the same name, else none.
    pub config: Option<String>,
    /// For routines with a table a virtual processor: the one to swap them for.
    pub vp: Option<usize>,
    /// For patch managers: whether sites that are patched are decided anew. Those that are not are at their next fault.
    pub repatch: bool,
    /// How long it may take.
    pub limit: Duration,
}

/// A step of a swap, behind it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Step {
    /// Its name.
    pub step: &'static str,
    /// How long it took, in seconds.
    pub seconds: f64,
}

/// What a swap has done.
#[derive(Clone, Debug, Serialize)]
pub struct Swapped {
    /// The plugin that serves now: kind, name, and file.
    pub plugin: String,
    /// The steps.
    pub steps: Vec<Step>,
    /// How long each virtual processor was kept from its guest, in nanoseconds.
    pub pauses: Vec<u64>,
}

/// Why a swap did not happen: all is as it was.
#[derive(Debug, thiserror::Error)]
pub enum SwapError {
    /// There are no plugins.
    #[error("no plugin serves in this mode: only --mode patch has any")]
    NoPlugins,
    /// Another swap is under way.
    #[error("another swap is under way")]
    Busy,
    /// The plugin is not found or cannot be loaded.
    #[error(transparent)]
    Find(#[from] FindError),
    /// The plugin fails.
    #[error(transparent)]
    Failed(#[from] Failed),
    /// It takes too long.
    #[error("the plugin has not come {} within {limit:?}", behind(after))]
    Late {
        /// The last step that ended.
        after: Option<&'static str>,
        /// How long it had.
        limit: Duration,
    },
    /// A virtual processor does not take it over.
    #[error(transparent)]
    NoAnswer(#[from] NoAnswer),
    /// There is no such virtual processor.
    #[error("there is no virtual processor {vp}: there are {processors}")]
    NoVp {
        /// Which.
        vp: usize,
        /// How many there are.
        processors: usize,
    },
    /// A plugin for one virtual processor that cannot have its own.
    #[error("virtual processors share their {0}: each has its own only of routines, with the scope vp")]
    Shared(Kind),
    /// Rollback without a swap before.
    #[error("there is no {0} to go back to")]
    NothingBefore(Kind),
    /// No thread.
    #[error("the host gives no thread: {0}")]
    Thread(#[from] std::io::Error),
}

fn behind(after: &Option<&'static str>) -> String {
    after.map_or_else(|| "to its first step".to_owned(), |step| format!("further than the step {step}"))
}

/// The swaps of a virtual machine.
#[derive(Default)]
pub(crate) struct Swaps {
    /// Locked as long as a swap takes.
    history: Mutex<History>,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    done: u64,
    failed: u64,
    /// In nanoseconds.
    pauses: Vec<u64>,
}

/// What swaps did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SwapStatistics {
    /// Swaps and rollbacks done.
    pub done: u64,
    /// Those that were not.
    pub failed: u64,
    /// The median of the pauses of virtual processors, in nanoseconds.
    pub pause_p50: u64,
    /// Their 99th percentile.
    pub pause_p99: u64,
    /// The longest.
    pub pause_max: u64,
}

/// A swap under way.
struct Transaction<'a> {
    vm: &'a Vm,
    machine: &'a Handle,
    old: Arc<Patching>,
    limit: Duration,
    deadline: Instant,
    last: Instant,
    steps: Vec<Step>,
    pauses: Vec<u64>,
    log: &'a mut dyn FnMut(&Step),
}

impl Vm {
    /// Swaps a plugin; `log` is told of each step behind it.
    ///
    /// # Errors
    /// Why the old one still serves.
    pub fn swap(
        &self,
        machine: &Handle,
        registry: &Arc<Registry>,
        order: &Order,
        log: &mut dyn FnMut(&Step),
    ) -> Result<Swapped, SwapError> {
        self.transact(machine, order.limit, log, |transaction, history| {
            if order.kind != Kind::Routines && order.vp.is_some() {
                return Err(SwapError::Shared(order.kind));
            }
            match order.kind {
                Kind::Classifier => {
                    let before = transaction.classifier(|| Source::of(registry, order))?;
                    history.classifiers.push(before);
                }
                Kind::PatchManager => {
                    let before = transaction.patch_manager(|| Source::of(registry, order), order.repatch)?;
                    history.patch_managers.push(before);
                }
                Kind::Routines => {
                    let places = transaction.places(order.vp)?;
                    let before = transaction.routines(vec![(places, Source::of(registry, order))])?;
                    history.routines.push(before);
                }
            }
            history.trim();
            Ok(())
        })
        .inspect_err(|_| lock(&self.swaps.counts).failed += 1)
        .map(|(patching, swapped)| Swapped { plugin: name(&patching, order.kind, order.vp), ..swapped })
    }

    /// Goes back to the plugin before the last swap of a kind: recreates it from its library and what it exported then.
    ///
    /// # Errors
    /// Why the present one still serves.
    pub fn rollback(
        &self,
        machine: &Handle,
        kind: Kind,
        limit: Duration,
        log: &mut dyn FnMut(&Step),
    ) -> Result<Swapped, SwapError> {
        let nothing = || SwapError::NothingBefore(kind);
        self.transact(machine, limit, log, |transaction, history| {
            match kind {
                Kind::Classifier => {
                    let recipe = history.classifiers.last().cloned().ok_or_else(nothing)?;
                    transaction.classifier(|| Source::Recipe(recipe))?;
                    history.classifiers.pop();
                }
                Kind::PatchManager => {
                    let recipe = history.patch_managers.last().cloned().ok_or_else(nothing)?;
                    transaction.patch_manager(|| Source::Recipe(recipe), false)?;
                    history.patch_managers.pop();
                }
                Kind::Routines => {
                    let before = history.routines.last().cloned().ok_or_else(nothing)?;
                    let sources = before.into_iter().map(|(places, recipe)| (places, Source::Recipe(recipe)));
                    transaction.routines(sources.collect())?;
                    history.routines.pop();
                }
            }
            Ok(())
        })
        .inspect_err(|_| lock(&self.swaps.counts).failed += 1)
        .map(|(patching, swapped)| Swapped { plugin: name(&patching, kind, None), ..swapped })
    }

    /// Gives virtual processors a routine table together, or each its own. There is no way back to routines of before.
    ///
    /// # Errors
    /// Why all is as it was.
    pub fn set_scope(&self, machine: &Handle, scope: Scope, limit: Duration) -> Result<(), SwapError> {
        self.transact(machine, limit, &mut |_| (), |transaction, history| {
            let old = Arc::clone(&transaction.old);
            let count = if scope == Scope::Vp { transaction.machine.processors() } else { 1 };
            let tables = (0..count).filter_map(|vp| old.table(vp));
            let tables = tables.map(|table| prepare::table(self, table, Arc::clone(table.routines())));
            let new = old.with_tables(tables.collect::<Result<_, _>>()?)?;
            transaction.replace(new, |_, new| prepare::complete_all(new, &old))?;
            history.routines.clear();
            Ok(())
        })
        .map(|_| ())
    }

    /// What swaps did until now.
    #[must_use]
    pub fn swap_statistics(&self) -> SwapStatistics {
        let counts = lock(&self.swaps.counts);
        let mut pauses = counts.pauses.clone();
        pauses.sort_unstable();
        let at = |percent: usize| pauses.get((pauses.len() * percent).div_ceil(100).max(1) - 1).copied();
        SwapStatistics {
            done: counts.done,
            failed: counts.failed,
            pause_p50: at(50).unwrap_or_default(),
            pause_p99: at(99).unwrap_or_default(),
            pause_max: at(100).unwrap_or_default(),
        }
    }

    fn transact(
        &self,
        machine: &Handle,
        limit: Duration,
        log: &mut dyn FnMut(&Step),
        work: impl FnOnce(&mut Transaction, &mut History) -> Result<(), SwapError>,
    ) -> Result<(Arc<Patching>, Swapped), SwapError> {
        let mut history: MutexGuard<History> = match self.swaps.history.try_lock() {
            Ok(history) => history,
            Err(TryLockError::Poisoned(history)) => history.into_inner(),
            Err(TryLockError::WouldBlock) => return Err(SwapError::Busy),
        };
        let old = self.patching().ok_or(SwapError::NoPlugins)?;
        let now = Instant::now();
        let (steps, pauses) = (Vec::new(), Vec::new());
        let mut transaction =
            Transaction { vm: self, machine, old, limit, deadline: now + limit, last: now, steps, pauses, log };
        work(&mut transaction, &mut history)?;
        transaction.collect();
        // What serves no longer is destroyed with its last reference.
        drop(std::mem::replace(&mut transaction.old, self.patching().ok_or(SwapError::NoPlugins)?));
        transaction.done("destroy");
        let mut counts = lock(&self.swaps.counts);
        counts.done += 1;
        counts.pauses.extend(&transaction.pauses);
        let Transaction { old, steps, pauses, .. } = transaction;
        Ok((old, Swapped { plugin: String::new(), steps, pauses }))
    }
}

/// What the plugin of a kind is called.
fn name(patching: &Patching, kind: Kind, vp: Option<usize>) -> String {
    match kind {
        Kind::Classifier => patching.classifier.descriptor().to_string(),
        Kind::PatchManager => patching.patch_manager.descriptor().to_string(),
        Kind::Routines => {
            patching.table(vp.unwrap_or(0)).map(|table| table.routines().descriptor().to_string()).unwrap_or_default()
        }
    }
}

impl Transaction<'_> {
    /// A step has ended.
    fn done(&mut self, step: &'static str) {
        let now = Instant::now();
        let step = Step { step, seconds: now.duration_since(self.last).as_secs_f64() };
        self.last = now;
        self.steps.push(step);
        (self.log)(&step);
    }

    /// The tables that the routines of a virtual processor, or of all, are in.
    fn places(&self, vp: Option<usize>) -> Result<Vec<usize>, SwapError> {
        let (tables, processors) = (self.old.tables.len(), self.machine.processors());
        match vp {
            None => Ok((0..tables).collect()),
            Some(vp) if vp >= processors => Err(SwapError::NoVp { vp, processors }),
            Some(vp) if vp < tables && tables == processors && tables > 1 || processors == 1 => Ok(vec![vp]),
            Some(_) => Err(SwapError::Shared(Kind::Routines)),
        }
    }

    /// Every virtual processor takes new plugins over at a block boundary; if one does not, none does.
    fn publish(&mut self, new: &Arc<Patching>) -> Result<(), SwapError> {
        self.vm.set_patching(new);
        let given = Arc::clone(new);
        let left = self.deadline.saturating_duration_since(Instant::now());
        let taken = self.machine.ask(left, move |executor, _| {
            let start = Instant::now();
            let mut vp = executor.processor.take_hook::<VirtualProcessor>()?;
            let before = vp.adopt(&given);
            executor.processor.hook = Some(vp);
            // What it had is dropped by who asked.
            Some((before, u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)))
        });
        match taken {
            Ok(taken) => {
                self.pauses.extend(taken.into_iter().flatten().map(|(_, pause)| pause));
                self.done("publish");
                Ok(())
            }
            Err(error) => {
                self.take_back(new);
                Err(match error {
                    NoAnswer::Stuck { processors, .. } => NoAnswer::Stuck { processors, limit: self.limit },
                    ended @ NoAnswer::Ended => ended,
                }
                .into())
            }
        }
    }

    /// Every virtual processor goes back to what it had; one that is late does so before its next instruction.
    fn take_back(&self, new: &Patching) {
        self.vm.set_patching(&self.old);
        let given = Arc::clone(&self.old);
        let _late_ones_follow = self.machine.ask(Duration::from_millis(100), move |executor, _| {
            if let Some(mut vp) = executor.processor.take_hook::<VirtualProcessor>() {
                drop(vp.adopt(&given));
                executor.processor.hook = Some(vp);
            }
        });
        if let Err(failed) = prepare::complete_all(&self.old, new) {
            tracing::warn!("{failed}");
        }
    }

    /// Makes new plugins serve; if a plugin fails while sites are adapted to them, the old ones serve again.
    fn replace(
        &mut self,
        new: Patching,
        adapt: impl FnOnce(&Transaction, &Patching) -> Result<(), Failed>,
    ) -> Result<(), SwapError> {
        let new = Arc::new(new);
        self.publish(&new)?;
        if let Err(failed) = adapt(self, &new) {
            self.take_back(&new);
            return Err(failed.into());
        }
        self.done("adapt");
        Ok(())
    }

    fn classifier(
        &mut self,
        source: impl FnOnce() -> Source<ClassifierRef>,
    ) -> Result<history::Recipe<ClassifierRef>, SwapError> {
        let sites = self.vm.sites.all();
        let old = vec![Arc::clone(&self.old.classifier)];
        let (before, (classifier, classes)) = self.prepare(source(), old, move |classifier, done| {
            let classes = settle::classes(&classifier, &sites)?;
            done("classify");
            Ok((classifier, classes))
        })?;
        self.replace(self.old.with_classifier(classifier), |transaction, new| transaction.rekey(new, &classes))?;
        history::first(before)
    }

    fn patch_manager(
        &mut self,
        source: impl FnOnce() -> Source<PatchManagerRef>,
        repatch: bool,
    ) -> Result<history::Recipe<PatchManagerRef>, SwapError> {
        let sites = if repatch { self.vm.sites.all() } else { Vec::new() };
        let table = self.old.table(0).cloned();
        let old = vec![Arc::clone(&self.old.patch_manager)];
        let (before, (patch_manager, reviews, unpatch)) = self.prepare(source(), old, move |patch_manager, done| {
            let unpatch = settle::to_unpatch(&patch_manager, table.as_deref(), &sites)?;
            if repatch {
                done("decide");
            }
            let reviews = Reviews::of(&patch_manager)?;
            Ok((patch_manager, reviews, unpatch))
        })?;
        self.replace(self.old.with_patch_manager(patch_manager, reviews), |transaction, _| {
            transaction.unpatch(&unpatch);
            Ok(())
        })?;
        history::first(before)
    }

    fn routines(
        &mut self,
        sources: Vec<(Vec<usize>, Source<RoutinesRef>)>,
    ) -> Result<history::RoutinesBefore, SwapError> {
        let old = Arc::clone(&self.old);
        let mut tables = old.tables.clone();
        let mut before = Vec::new();
        for (places, source) in sources {
            let groups = history::by_instance(&old.tables, &places);
            let olds: Vec<(usize, Arc<Table>)> =
                places.iter().filter_map(|place| Some((*place, Arc::clone(old.tables.get(*place)?)))).collect();
            let replaced: Vec<Arc<Routines>> = groups.iter().map(|(routines, _)| Arc::clone(routines)).collect();
            let (count, build) = (self.vm.ids().count(), olds.clone());
            let (recipes, built) = self.prepare(source, replaced, move |routines, done| {
                let build =
                    build.iter().map(|(place, old)| Ok((*place, prepare::rebuild(count, old, Arc::clone(&routines))?)));
                let built: Vec<(usize, Arc<Table>)> = build.collect::<Result<_, Failed>>()?;
                done("build");
                Ok(built)
            })?;
            built.into_iter().for_each(|(place, table)| tables[place] = table);
            before.extend(groups.into_iter().map(|(_, places)| places).zip(recipes));
        }
        let new = old.with_tables(tables)?;
        self.replace(new, |transaction, new| {
            prepare::complete_all(new, &old)?;
            transaction.unpatch_unserved(new);
            Ok(())
        })?;
        Ok(before)
    }
}
