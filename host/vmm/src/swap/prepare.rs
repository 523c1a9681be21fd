//! Everything about a swap that is a plugin's code and may fail, or never end: on a thread of its own, while the old
//! instance serves.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, unbounded};

use super::{Order, SwapError, Transaction};
use crate::fast_path::lock;
use crate::plugins::deadline;
use crate::plugins::trial::Limit;
use crate::plugins::{self, Failed, Instance, Registry, Routines};
use crate::policy::Choice;
use crate::policy::history::{self, Recipe, RoutinesBefore};
use crate::policy::serving::Serving;
use crate::routines::map::RoutineMap;
use crate::vm::{Scope, Vmm};
use patchbay_plugin_api::routines::RoutinesRef;

/// Where an instance comes from.
pub(super) enum Source<T> {
    /// A plugin that is looked for.
    Reference { registry: Arc<Registry>, order: Order },
    /// One that a policy chooses.
    Choice { registry: Arc<Registry>, choice: Choice },
    /// One that has served before.
    Recipe(Recipe<T>),
    /// The one that serves, with other settings.
    Again { config: String },
}

impl<T> Source<T> {
    /// The plugin that an order names.
    pub(super) fn of(registry: &Arc<Registry>, order: &Order) -> Source<T> {
        Source::Reference { registry: Arc::clone(registry), order: order.clone() }
    }
}

/// How a plugin is exchanged.
#[derive(Clone)]
pub(super) struct Terms {
    pub(super) limit: Limit,
    /// Whether instances start without what those before have learned.
    pub(super) discard_state: bool,
    /// What does not succeed and is no obstacle.
    pub(super) notes: Arc<Mutex<Vec<String>>>,
}

/// How long a thread whose time is spent may take to say why.
const LAST_WORDS: Duration = Duration::from_millis(100);

enum Message<X> {
    Done(&'static str),
    Ended(Result<X, SwapError>),
}

impl Transaction<'_> {
    /// Does what calls plugins on a thread of its own, within what is left of the time limit.
    pub(super) fn apart<X: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut dyn FnMut(&'static str)) -> Result<X, SwapError> + Send + 'static,
    ) -> Result<X, SwapError> {
        let (sender, messages) = unbounded();
        let work = move || {
            let mut done = |step| {
                let _nobody_waits = sender.send(Message::Done(step));
            };
            let result = work(&mut done);
            let _nobody_waits = sender.send(Message::Ended(result));
        };
        thread::Builder::new().name("swap".to_owned()).spawn(work)?;
        loop {
            match messages.recv_timeout(self.deadline.saturating_duration_since(Instant::now())) {
                Ok(Message::Done(step)) => self.done(step),
                Ok(Message::Ended(result)) => return result,
                Err(RecvTimeoutError::Disconnected) => return Err(SwapError::Panicked),
                // The thread is left behind. What it makes is destroyed when it ends.
                Err(RecvTimeoutError::Timeout) => {
                    if let Ok(Message::Ended(Err(why))) = messages.recv_timeout(LAST_WORDS) {
                        return Err(why);
                    }
                    deadline::dropped(messages);
                    return Err(SwapError::Late { after: self.steps.last().map(|step| step.step), limit: self.limit });
                }
            }
        }
    }
}

/// How to make instances again that are replaced, and the one that replaces them.
type Made<T> = (Vec<Recipe<T>>, Arc<Instance<T>>);

/// Makes an instance that takes over from others, the first of which gives it its state if it has the same name.
pub(super) fn make<T: plugins::PluginKind>(
    source: Source<T>,
    olds: Vec<Arc<Instance<T>>>,
    terms: &Terms,
    done: &mut dyn FnMut(&'static str),
) -> Result<Made<T>, SwapError> {
    let Terms { limit, discard_state, notes } = terms;
    // Who cannot say what it knows, or never ends saying it, can still be replaced: half of the time is left for that.
    let asked = limit.end.saturating_duration_since(Instant::now()) / 2;
    let state = |old: &Arc<Instance<T>>| {
        let state = old.within(asked, "export_state", Instance::export_state);
        state.unwrap_or_else(|failed| {
            let note = format!("{failed}: what it has learned is lost");
            tracing::warn!("{note}");
            lock(notes).push(note);
            None
        })
    };
    let recipe = |old: &Arc<Instance<T>>| Recipe {
        plugin: old.plugin().clone(),
        config: old.config().to_owned(),
        state: if *discard_state { None } else { state(old) },
    };
    let recipes: Vec<Recipe<T>> = olds.iter().map(recipe).collect();
    let symbols = recipes.first().and_then(|old| old.plugin.symbols().cloned());
    drop(olds);
    done("export");
    let next = match source {
        Source::Recipe(recipe) => recipe,
        Source::Again { config } => Recipe { config, ..history::first(recipes.clone())? },
        Source::Choice { registry, choice } => {
            let plugin = choice.find::<T>(&registry, *limit, done)?;
            let name = &plugin.descriptor().name;
            let state = recipes.first().filter(|old| old.plugin.descriptor().name == *name);
            let state = state.and_then(|old| old.state.clone());
            Recipe { config: choice.config, plugin, state }
        }
        Source::Reference { registry, order: Order { plugin, library, base, config, .. } } => {
            let (_, name) = plugins::split_reference(&plugin);
            let loaded = library.zip(name).and_then(|(library, name)| library.plugin(name));
            let plugin = loaded.map_or_else(|| registry.find_in_steps::<T>(&plugin, &base, *limit, done), Ok)?;
            // Neither settings nor state mean anything to another plugin.
            let same = |old: &&Recipe<T>| old.plugin.descriptor().name == plugin.descriptor().name;
            let same = recipes.first().filter(same);
            let kept = same.map(|old| old.config.clone());
            let state = same.and_then(|old| old.state.clone());
            Recipe { plugin, config: config.or(kept).unwrap_or_default(), state }
        }
    };
    // All of them are for the same guest.
    let next = Recipe { plugin: next.plugin.with_symbols(symbols), ..next };
    let state = next.state.as_ref().filter(|_| !discard_state);
    let instance = Instance::create_in_steps(&next.plugin, &next.config, state, *limit, done)?;
    Ok((recipes, Arc::new(instance)))
}

/// Makes instances of routines that take over from those in some of `old`'s tables, and the tables that they are in then.
pub(super) fn routines(
    sources: Vec<(Vec<usize>, Source<RoutinesRef>)>,
    old: &Serving,
    vmm: &Vmm,
    terms: &Terms,
    done: &mut dyn FnMut(&'static str),
) -> Result<(RoutinesBefore, Vec<Arc<RoutineMap>>), SwapError> {
    let (mut tables, mut before) = (old.tables.clone(), Vec::new());
    for (places, source) in sources {
        let groups = history::by_instance(&old.tables, &places);
        let replaced = groups.iter().map(|(routines, _)| Arc::clone(routines)).collect();
        let (recipes, routines) = make(source, replaced, terms, done)?;
        for place in places.into_iter().filter(|place| *place < old.tables.len()) {
            let table = rebuild(vmm.ids.count(), &old.tables[place], Arc::clone(&routines))?;
            tables[place] = if old.scope == Scope::Vmm { vmm.share(table)? } else { table };
        }
        done("build");
        before.extend(groups.into_iter().map(|(_, places)| places).zip(recipes));
    }
    Ok((before, tables))
}

/// A table with the classes of another one, whose routines this plugin builds.
pub(super) fn rebuild(count: u32, old: &RoutineMap, routines: Arc<Routines>) -> Result<Arc<RoutineMap>, Failed> {
    let table = RoutineMap::new(count, routines);
    for (id, entry) in old.entries() {
        table.provide(id, &entry.class, &entry.instruction)?;
    }
    Ok(Arc::new(table))
}
