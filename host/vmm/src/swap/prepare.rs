//! Everything about a swap that is a plugin's code and may fail, or never end: on a thread of its own, while the old
//! instance serves.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use crossbeam_channel::{RecvTimeoutError, unbounded};

use super::history::Recipe;
use super::{Order, SwapError, Transaction};
use crate::plugins::{self, Failed, Instance, Registry, Routines};
use crate::table::Table;
use crate::vm::{Patching, Vm};

/// Where an instance comes from.
pub(super) enum Source<T> {
    /// A plugin that is looked for.
    Reference { registry: Arc<Registry>, plugin: String, base: PathBuf, config: Option<String> },
    /// One that has served before.
    Recipe(Recipe<T>),
}

impl<T> Source<T> {
    /// The plugin that an order names.
    pub(super) fn of(registry: &Arc<Registry>, order: &Order) -> Source<T> {
        let Order { plugin, base, config, .. } = order.clone();
        Source::Reference { registry: Arc::clone(registry), plugin, base, config }
    }
}

enum Message<X> {
    Done(&'static str),
    Ended(Result<X, SwapError>),
}

impl Transaction<'_> {
    /// Makes an instance that takes over from others, the first of which gives it its state; `then` does what else may
    /// fail. Returns how to make those again, and what `then` gave.
    pub(super) fn prepare<T: plugins::Table, X: Send + 'static>(
        &mut self,
        source: Source<T>,
        olds: Vec<Arc<Instance<T>>>,
        then: impl FnOnce(Arc<Instance<T>>, &mut dyn FnMut(&'static str)) -> Result<X, Failed> + Send + 'static,
    ) -> Result<(Vec<Recipe<T>>, X), SwapError> {
        let (sender, messages) = unbounded();
        let work = move || {
            let mut done = |step| {
                let _nobody_waits = sender.send(Message::Done(step));
            };
            let result = make(source, olds, then, &mut done);
            let _nobody_waits = sender.send(Message::Ended(result));
        };
        thread::Builder::new().name("swap".to_owned()).spawn(work)?;
        let mut after = None;
        loop {
            match messages.recv_timeout(self.deadline.saturating_duration_since(Instant::now())) {
                Ok(Message::Done(step)) => {
                    after = Some(step);
                    self.done(step);
                }
                Ok(Message::Ended(result)) => return result,
                // The thread is left behind. What it makes is destroyed when it ends.
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    return Err(SwapError::Late { after, limit: self.limit });
                }
            }
        }
    }
}

fn make<T: plugins::Table, X>(
    source: Source<T>,
    olds: Vec<Arc<Instance<T>>>,
    then: impl FnOnce(Arc<Instance<T>>, &mut dyn FnMut(&'static str)) -> Result<X, Failed>,
    done: &mut dyn FnMut(&'static str),
) -> Result<(Vec<Recipe<T>>, X), SwapError> {
    // Whoever cannot say what it knows can still be replaced.
    let state = |old: &Instance<T>| old.export_state().inspect_err(|failed| tracing::warn!("{failed}")).ok().flatten();
    let recipe = |old: &Arc<Instance<T>>| Recipe {
        plugin: old.plugin().clone(),
        config: old.config().to_owned(),
        state: state(old),
    };
    let recipes: Vec<Recipe<T>> = olds.iter().map(recipe).collect();
    drop(olds);
    done("export");
    let next = match source {
        Source::Recipe(recipe) => recipe,
        Source::Reference { registry, plugin, base, config } => {
            let plugin = registry.find_in_steps::<T>(&plugin, &base, done)?;
            let same = |old: &&Recipe<T>| old.plugin.descriptor().name == plugin.descriptor().name;
            let kept = recipes.first().filter(same).map(|old| old.config.clone());
            let state = recipes.first().and_then(|old| old.state.clone());
            Recipe { plugin, config: config.or(kept).unwrap_or_default(), state }
        }
    };
    let instance = Instance::create_in_steps(&next.plugin, &next.config, next.state.as_ref(), done)?;
    Ok((recipes, then(Arc::new(instance), done)?))
}

/// A table with the classes of another one, whose routines this plugin builds.
pub(super) fn rebuild(count: u32, old: &Table, routines: Arc<Routines>) -> Result<Arc<Table>, Failed> {
    let table = Table::new(count, routines);
    complete(&table, old)?;
    Ok(Arc::new(table))
}

/// The same for a virtual machine's ids.
pub(super) fn table(vm: &Vm, old: &Table, routines: Arc<Routines>) -> Result<Arc<Table>, Failed> {
    rebuild(vm.ids().count(), old, routines)
}

/// Gives tables the classes that others were given while these were built, or served for a moment.
pub(super) fn complete_all(to: &Patching, from: &Patching) -> Result<(), Failed> {
    let tables = to.tables.iter().enumerate().filter_map(|(vp, table)| Some((table, from.table(vp)?)));
    tables.filter(|(to, from)| !Arc::ptr_eq(to, from)).try_for_each(|(to, from)| complete(to, from))
}

/// Gives a table the classes of another one that it does not have.
fn complete(table: &Table, old: &Table) -> Result<(), Failed> {
    for (id, entry) in old.entries() {
        table.provide(id, &entry.class, &entry.instruction)?;
    }
    Ok(())
}
