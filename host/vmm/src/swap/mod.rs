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

mod missing_classes;
mod mode;
mod outcome;
mod prepare;
mod request;
mod retire;
mod sites;
mod whole;

pub use outcome::{Step, SwapError, Swapped};
pub use request::{NoPart, Order, Part, Rollback, Setting};
pub use whole::PolicyOrder;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::time::{Duration, Instant};

use crossbeam_channel::RecvTimeoutError;
use patchbay_machine::handle::{Handle, NoAnswer};
use patchbay_plugin_api::classifier::ClassifierRef;
use patchbay_plugin_api::patch_manager::PatchManagerRef;
use patchbay_plugin_api::routines::RoutinesRef;
use serde::Serialize;

use crate::fast_path::lock;
use crate::plugins::deadline;
use crate::plugins::trial::Limit;
use crate::plugins::{Descriptor, Kind, PluginKind, Registry};
use crate::policy::history::{self, History};
use crate::policy::serving::{Serving, templates};
use crate::vm::{Scope, Vm};
use crate::vp::VirtualProcessor;
use crate::vp::review::Reviews;
use prepare::{Source, Terms};

/// How long a swap waits for plugins that need not end before it goes on.
const GRACE: Duration = Duration::from_millis(200);
/// The pauses that statistics are of: the latest.
const PAUSES: usize = 4096;

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
    /// The latest, in nanoseconds.
    pauses: VecDeque<u64>,
}

/// A plugin that served before.
#[derive(Clone, Debug, Serialize)]
pub struct Before {
    /// Its kind.
    pub kind: Kind,
    /// How many rollbacks bring it back.
    pub steps: usize,
    /// The tables that it served, of routines.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub vps: Vec<usize>,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its settings.
    pub config: String,
    /// The bytes of what it has learned, if it starts with them.
    pub state: Option<usize>,
    /// Its file.
    pub file: Option<PathBuf>,
}

impl Before {
    fn of<T: PluginKind>(recipe: &history::Recipe<T>) -> Before {
        let Descriptor { kind, name, version, file, .. } = recipe.plugin.descriptor().clone();
        let state = recipe.state.as_ref().map(|state| state.bytes().len());
        Before { kind, steps: 0, vps: Vec::new(), name, version, config: recipe.config.clone(), state, file }
    }
}

/// What swaps did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SwapStatistics {
    /// Swaps, rollbacks and changes of settings and scope that were done.
    pub done: u64,
    /// Those that were not.
    pub failed: u64,
    /// The median of the latest pauses of virtual processors, in nanoseconds.
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
    old: Arc<Serving>,
    limit: Duration,
    deadline: Instant,
    terms: Terms,
    last: Instant,
    steps: Vec<Step>,
    pauses: Vec<u64>,
    log: &'a mut dyn FnMut(&Step),
}

impl Vm {
    /// Swaps a plugin; `log` is told of each step that has ended.
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
        self.transact(machine, order.limit, order.discard_state, log, |transaction, history| {
            if order.kind != Kind::Routines && order.vp.is_some() {
                return Err(SwapError::Shared(order.kind));
            }
            match order.kind {
                Kind::Classifier => {
                    let before = transaction.classifier(Source::of(registry, order))?;
                    history.classifiers.push(before);
                }
                Kind::PatchManager => {
                    let before = transaction.patch_manager(Source::of(registry, order), order.repatch)?;
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
        .map(|(serving, swapped)| Swapped { plugin: name(&serving, order.kind, order.vp), ..swapped })
    }

    /// Changes a setting of the plugins that serve; `log` is told of each step that has ended.
    ///
    /// # Errors
    /// Why they serve as before.
    pub fn set(&self, machine: &Handle, setting: &Setting, log: &mut dyn FnMut(&Step)) -> Result<Swapped, SwapError> {
        let kind = setting.kind;
        self.transact(machine, setting.limit, setting.discard_state, log, |transaction, history| {
            if kind != Kind::Routines && setting.vp.is_some() {
                return Err(SwapError::Shared(kind));
            }
            match kind {
                Kind::Classifier => {
                    let source = setting.source(&transaction.old.classifier);
                    history.classifiers.push(transaction.classifier(source)?);
                }
                Kind::PatchManager => {
                    let source = setting.source(&transaction.old.patch_manager);
                    history.patch_managers.push(transaction.patch_manager(source, setting.repatch)?);
                }
                Kind::Routines => {
                    let groups = history::by_instance(&transaction.old.tables, &transaction.places(setting.vp)?);
                    let sources = groups.into_iter().map(|(routines, places)| (places, setting.source(&routines)));
                    history.routines.push(transaction.routines(sources.collect())?);
                }
            }
            history.trim();
            Ok(())
        })
        .map(|(serving, swapped)| Swapped { plugin: name(&serving, kind, setting.vp), ..swapped })
    }

    /// Goes back to the plugin before the last swap of a kind: recreates it from its library and what it exported then.
    ///
    /// # Errors
    /// Why the present one still serves.
    pub fn rollback(
        &self,
        machine: &Handle,
        rollback: Rollback,
        log: &mut dyn FnMut(&Step),
    ) -> Result<Swapped, SwapError> {
        let Rollback { kind, discard_state, limit } = rollback;
        let nothing = || SwapError::NothingBefore(kind);
        self.transact(machine, limit, discard_state, log, |transaction, history| {
            match kind {
                Kind::Classifier => {
                    let recipe = history.classifiers.last().cloned().ok_or_else(nothing)?;
                    transaction.classifier(Source::Recipe(recipe))?;
                    history.classifiers.pop();
                }
                Kind::PatchManager => {
                    let recipe = history.patch_managers.last().cloned().ok_or_else(nothing)?;
                    transaction.patch_manager(Source::Recipe(recipe), false)?;
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
        .map(|(serving, swapped)| Swapped { plugin: name(&serving, kind, None), ..swapped })
    }

    /// What there is to go back to: of each kind, what the next rollback would bring back first.
    ///
    /// # Errors
    /// If a swap is under way.
    pub fn rollbacks(&self) -> Result<Vec<Before>, SwapError> {
        let history = match self.swaps.history.try_lock() {
            Ok(history) => history,
            Err(TryLockError::Poisoned(history)) => history.into_inner(),
            Err(TryLockError::WouldBlock) => return Err(SwapError::Busy),
        };
        let mut all = Vec::new();
        let mut add = |steps: usize, places: &[usize], before: Before| {
            all.push(Before { steps, vps: places.to_vec(), ..before });
        };
        for (steps, recipe) in (1..).zip(history.classifiers.iter().rev()) {
            add(steps, &[], Before::of(recipe));
        }
        for (steps, recipe) in (1..).zip(history.patch_managers.iter().rev()) {
            add(steps, &[], Before::of(recipe));
        }
        for (steps, recipes) in (1..).zip(history.routines.iter().rev()) {
            recipes.iter().for_each(|(places, recipe)| add(steps, places, Before::of(recipe)));
        }
        Ok(all)
    }

    /// Gives virtual processors a routine table together, or each its own. There is no way back to routines of before.
    ///
    /// # Errors
    /// Why all is as it was.
    pub fn set_scope(&self, machine: &Handle, scope: Scope, limit: Duration) -> Result<(), SwapError> {
        self.transact(machine, limit, false, &mut |_| (), |transaction, history| {
            let old = Arc::clone(&transaction.old);
            let tables = if scope == Scope::Vp { transaction.machine.processors() } else { 1 };
            let (count, vmm) = (self.ids().count(), Arc::clone(&self.vmm));
            let (tables, templates) = transaction.apart(move |_| {
                let tables = (0..tables).filter_map(|vp| old.table(vp));
                let tables = tables.map(|table| prepare::rebuild(count, table, Arc::clone(table.routines())));
                let share = |table| if scope == Scope::Vmm { vmm.share(table) } else { Ok(table) };
                let tables: Vec<_> = tables.map(|table| table.and_then(share)).collect::<Result<_, _>>()?;
                let templates = templates(&tables)?;
                Ok((tables, templates))
            })?;
            let new = Serving { scope, ..transaction.old.with_tables(tables, templates) };
            transaction.replace(new, Transaction::complete)?;
            history.routines.clear();
            Ok(())
        })
        .map(|_| ())
    }

    /// What swaps did until now.
    #[must_use]
    pub fn swap_statistics(&self) -> SwapStatistics {
        let counts = lock(&self.swaps.counts);
        let mut pauses: Vec<u64> = counts.pauses.iter().copied().collect();
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

    /// Does a change, and counts it.
    fn transact(
        &self,
        machine: &Handle,
        limit: Duration,
        discard_state: bool,
        log: &mut dyn FnMut(&Step),
        work: impl FnOnce(&mut Transaction, &mut History) -> Result<(), SwapError>,
    ) -> Result<(Arc<Serving>, Swapped), SwapError> {
        let changed = self.change(machine, limit, discard_state, log, work);
        let mut counts = lock(&self.swaps.counts);
        match &changed {
            Ok((_, Swapped { pauses, .. })) => {
                counts.done += 1;
                counts.pauses.extend(pauses);
                let surplus = counts.pauses.len().saturating_sub(PAUSES);
                counts.pauses.drain(..surplus);
            }
            Err(_) => counts.failed += 1,
        }
        changed
    }

    fn change(
        &self,
        machine: &Handle,
        limit: Duration,
        discard_state: bool,
        log: &mut dyn FnMut(&Step),
        work: impl FnOnce(&mut Transaction, &mut History) -> Result<(), SwapError>,
    ) -> Result<(Arc<Serving>, Swapped), SwapError> {
        let mut history: MutexGuard<History> = match self.swaps.history.try_lock() {
            Ok(history) => history,
            Err(TryLockError::Poisoned(history)) => history.into_inner(),
            Err(TryLockError::WouldBlock) => return Err(SwapError::Busy),
        };
        let old = self.serving().ok_or(SwapError::NoPlugins)?;
        let now = Instant::now();
        let (steps, pauses) = (Vec::new(), Vec::new());
        let ends = Limit::new(limit);
        let terms = Terms { limit: ends, discard_state, notes: Arc::default() };
        let mut transaction =
            Transaction { vm: self, machine, old, limit, deadline: ends.end, terms, last: now, steps, pauses, log };
        work(&mut transaction, &mut history)?;
        transaction.retire();
        drop(history);
        // What serves no longer is destroyed with its last reference. The next swap does not wait for that.
        let now = self.serving().ok_or(SwapError::NoPlugins)?;
        let ends = deadline::dropped(std::mem::replace(&mut transaction.old, now));
        let destroyed = ends.recv_timeout(GRACE) == Err(RecvTimeoutError::Disconnected);
        if destroyed {
            transaction.done("destroy");
        }
        let Transaction { old, steps, pauses, terms, .. } = transaction;
        let notes = std::mem::take(&mut *lock(&terms.notes));
        Ok((old, Swapped { plugin: String::new(), steps, pauses, destroyed, notes }))
    }
}

/// What the plugin of a kind is called.
fn name(serving: &Serving, kind: Kind, vp: Option<usize>) -> String {
    match kind {
        Kind::Classifier => serving.classifier.descriptor().to_string(),
        Kind::PatchManager => serving.patch_manager.descriptor().to_string(),
        Kind::Routines => {
            serving.table(vp.unwrap_or(0)).map(|table| table.routines().descriptor().to_string()).unwrap_or_default()
        }
    }
}

impl Transaction<'_> {
    /// A step has ended.
    fn done(&mut self, step: &'static str) {
        let now = Instant::now();
        if let Some(trace) = self.vm.trace() {
            trace.swap(self.vm.number, step, self.last);
        }
        let step = Step { step, seconds: now.duration_since(self.last).as_secs_f64() };
        self.last = now;
        tracing::debug!(target: "patch", step = step.step, seconds = step.seconds, "swap");
        self.steps.push(step);
        (self.log)(&step);
    }

    /// The tables that the routines of a virtual processor, or of all, are in.
    fn places(&self, vp: Option<usize>) -> Result<Vec<usize>, SwapError> {
        let (tables, processors) = (self.old.tables.len(), self.machine.processors());
        match vp {
            None => Ok((0..tables).collect()),
            Some(vp) if vp >= processors => Err(SwapError::NoVp { vp, processors }),
            Some(vp) if self.old.scope == Scope::Vp || processors == 1 => Ok(vec![vp]),
            Some(_) => Err(SwapError::Shared(Kind::Routines)),
        }
    }

    /// Every virtual processor takes new plugins over at a block boundary.
    fn publish(&mut self, new: &Arc<Serving>) -> Result<(), SwapError> {
        self.vm.set_serving(Some(Arc::clone(new)));
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
            Err(NoAnswer::Stuck { processors, .. }) => Err(NoAnswer::Stuck { processors, limit: self.limit }.into()),
            Err(ended @ NoAnswer::Ended) => Err(ended.into()),
        }
    }

    /// Every virtual processor goes back to what it had; one that is late does so before its next instruction.
    fn take_back(&self, new: &Arc<Serving>) {
        self.vm.set_serving(Some(Arc::clone(&self.old)));
        let given = Arc::clone(&self.old);
        let _late_ones_follow = self.machine.ask(Duration::from_millis(100), move |executor, _| {
            if let Some(mut vp) = executor.processor.take_hook::<VirtualProcessor>() {
                // Not here: a virtual processor is not to be kept by the end of a plugin.
                deadline::dropped(vp.adopt(&given));
                executor.processor.hook = Some(vp);
            }
        });
        self.complete_old(new);
    }

    /// Makes new plugins serve; if one of them fails while sites are adapted to them, the old ones serve again.
    fn replace(
        &mut self,
        new: Serving,
        adapt: impl FnOnce(&mut Self, &Arc<Serving>) -> Result<(), SwapError>,
    ) -> Result<(), SwapError> {
        let new = Arc::new(new);
        let adapted = self.publish(&new).and_then(|()| adapt(self, &new));
        match adapted {
            Ok(()) => self.done("adapt"),
            Err(_) => {
                self.take_back(&new);
                deadline::dropped(new);
            }
        }
        adapted
    }

    fn classifier(&mut self, source: Source<ClassifierRef>) -> Result<history::Recipe<ClassifierRef>, SwapError> {
        let (sites, old) = (self.vm.sites.all(), vec![Arc::clone(&self.old.classifier)]);
        let terms = self.terms.clone();
        let (before, classifier, classes) = self.apart(move |done| {
            let (before, classifier) = prepare::make(source, old, &terms, done)?;
            let classes = sites::classes(&classifier, &sites)?;
            done("classify");
            Ok((before, classifier, classes))
        })?;
        self.replace(self.old.with_classifier(classifier), |transaction, new| transaction.rekey(new, classes))?;
        history::first(before)
    }

    fn patch_manager(
        &mut self,
        source: Source<PatchManagerRef>,
        repatch: bool,
    ) -> Result<history::Recipe<PatchManagerRef>, SwapError> {
        let sites = if repatch { self.vm.sites.all() } else { Vec::new() };
        let (table, old) = (self.old.table(0).cloned(), vec![Arc::clone(&self.old.patch_manager)]);
        let (terms, conditions) = (self.terms.clone(), self.vm.conditions());
        let (before, patch_manager, reviews, decisions) = self.apart(move |done| {
            let (before, patch_manager) = prepare::make(source, old, &terms, done)?;
            let decisions = sites::decisions(&patch_manager, table.as_deref(), &sites, &conditions)?;
            if repatch {
                done("decide");
            }
            let reviews = Reviews::of(&patch_manager)?;
            Ok((before, patch_manager, reviews, decisions))
        })?;
        self.replace(self.old.with_patch_manager(patch_manager, reviews), |transaction, _| {
            transaction.obey(&decisions);
            Ok(())
        })?;
        history::first(before)
    }

    fn routines(
        &mut self,
        sources: Vec<(Vec<usize>, Source<RoutinesRef>)>,
    ) -> Result<history::RoutinesBefore, SwapError> {
        let (old, vmm, terms) = (Arc::clone(&self.old), Arc::clone(&self.vm.vmm), self.terms.clone());
        let (before, tables, templates) = self.apart(move |done| {
            let (before, tables) = prepare::routines(sources, &old, &vmm, &terms, done)?;
            let templates = templates(&tables)?;
            Ok((before, tables, templates))
        })?;
        self.replace(self.old.with_tables(tables, templates), Transaction::complete)?;
        Ok(before)
    }
}
