//! Plugins at work.

use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use patchbay_plugin_api::class::ClassKey;
use patchbay_plugin_api::classifier::ClassifierRef;
use patchbay_plugin_api::conditions::Conditions;
use patchbay_plugin_api::instruction::Instruction;
use patchbay_plugin_api::patch_manager::{Decision, PatchManagerRef, Review};
use patchbay_plugin_api::plugin::{Counter, Failure, State};
use patchbay_plugin_api::routines::{Routine, RoutinesRef, Template};
use patchbay_plugin_api::site::{Site, SiteFault, SiteStatistics};
use patchbay_plugin_api::vp::Outcome;

use super::crash;
use super::host;
use super::kind::{Descriptor, Plugin, PluginKind};
use super::trial::{self, Limit, TrialError};
use crate::fast_path::lock;
use crate::plugins::deadline::{self, NothingGiven};
use patchbay_machine::text;

/// How long whoever drops an instance waits until it is destroyed.
const PATIENCE: Duration = Duration::from_secs(5);

/// More counters than these are not shown.
const COUNTERS_MAX: usize = 1000;

/// A classifier at work.
pub type Classifier = Instance<ClassifierRef>;
/// A patch manager at work.
pub type PatchManager = Instance<PatchManagerRef>;
/// A set of routines at work.
pub type Routines = Instance<RoutinesRef>;

/// Why a plugin does not serve, or serves no longer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Failed {
    /// `create` returned an error or panicked.
    #[error("{plugin} cannot be created: {failure}")]
    Create {
        /// The plugin.
        plugin: Arc<Descriptor>,
        /// Its own words.
        failure: Failure,
    },
    /// It does not take the state of the instance before it.
    #[error("{plugin} does not take over the state of its predecessor: {failure}")]
    Import {
        /// The plugin.
        plugin: Arc<Descriptor>,
        /// Its own words.
        failure: Failure,
    },
    /// The self-test failed.
    #[error("{plugin} fails its self-test: {failure}")]
    SelfTest {
        /// The plugin.
        plugin: Arc<Descriptor>,
        /// Its own words.
        failure: Failure,
    },
    /// It fails in a process of its own.
    #[error(transparent)]
    Trial(Arc<TrialError>),
    /// A function panicked at work.
    #[error("{plugin} fails in {function}: {failure}")]
    AtWork {
        /// The plugin.
        plugin: Arc<Descriptor>,
        /// Which.
        function: &'static str,
        /// Its own words.
        failure: Failure,
    },
    /// A function does not return.
    #[error("{plugin} does not return from {function} within {limit:?}")]
    Late {
        /// The plugin.
        plugin: Arc<Descriptor>,
        /// Which.
        function: &'static str,
        /// How long it had.
        limit: Duration,
    },
    /// The host gives no thread on which a function could be given up.
    #[error("the host gives no thread for {function} of {plugin}: {error}")]
    NoThread {
        /// The plugin.
        plugin: Arc<Descriptor>,
        /// Which.
        function: &'static str,
        /// Why.
        error: Arc<std::io::Error>,
    },
    /// A defect of the host.
    #[error("the thread for {function} of {plugin} has panicked")]
    Panicked {
        /// The plugin.
        plugin: Arc<Descriptor>,
        /// Which.
        function: &'static str,
    },
}

impl Failed {
    fn nothing_given(plugin: Arc<Descriptor>, function: &'static str, why: NothingGiven) -> Failed {
        match why {
            NothingGiven::NoThread(error) => Failed::NoThread { plugin, function, error: Arc::new(error) },
            NothingGiven::Late(limit) => Failed::Late { plugin, function, limit },
            NothingGiven::Panicked => Failed::Panicked { plugin, function },
        }
    }
}

/// An instance of a plugin. It may be called on any threads at once; dropping it destroys it, and waits a few seconds for
/// that at most.
pub struct Instance<T: PluginKind> {
    plugin: Plugin<T>,
    config: String,
    /// Null when it is destroyed.
    pointer: *mut c_void,
    number: u64,
    /// Of threads that nobody waits for any more, as long as they have not ended.
    late: Mutex<Vec<Weak<()>>>,
}

// SAFETY: plugins are `Send` and `Sync`; the pointer is only ever given to the plugin's own functions.
unsafe impl<T: PluginKind> Send for Instance<T> {}
// SAFETY: as above.
unsafe impl<T: PluginKind> Sync for Instance<T> {}

impl<T: PluginKind> Instance<T> {
    /// Creates an instance, gives it the state of its predecessor, and lets it test itself, after a
    /// [trial](super::trial) of all that. State that it does not take is logged and no obstacle, unless it panics.
    ///
    /// # Errors
    /// Why it does not serve; nothing of it is left.
    pub fn create(plugin: &Plugin<T>, config: &str, state: Option<&State>) -> Result<Instance<T>, Failed> {
        Instance::create_in_steps(plugin, config, state, Limit::default(), &mut |_| ())
    }

    /// The same, with a limit for the trial; `done` is told of each step that has ended: `try`, `create`, `import`,
    /// `self-test`.
    ///
    /// # Errors
    /// Why it does not serve; nothing of it is left.
    pub fn create_in_steps(
        plugin: &Plugin<T>,
        config: &str,
        state: Option<&State>,
        limit: Limit,
        done: &mut dyn FnMut(&'static str),
    ) -> Result<Instance<T>, Failed> {
        if let Some(library) = &plugin.library {
            let tried = trial::create(plugin, &library.copy, config, state, limit);
            tried.map_err(|error| Failed::Trial(Arc::new(error)))?;
            done("try");
        }
        Instance::create_here(plugin, config, state, done)
    }

    /// The same without a trial.
    pub(super) fn create_here(
        plugin: &Plugin<T>,
        config: &str,
        state: Option<&State>,
        done: &mut dyn FnMut(&'static str),
    ) -> Result<Instance<T>, Failed> {
        let functions = plugin.table.plugin();
        let descriptor = || plugin.descriptor.clone();
        let host = host::enter(&plugin.descriptor.name, plugin.symbols());
        let number = host.instance;
        let creating = crash::note("create", &plugin.label);
        let pointer = functions.create()(config.into(), &host).into_result().map_err(|failure| {
            host::leave(number);
            Failed::Create { plugin: descriptor(), failure: clean(&failure) }
        })?;
        drop(creating);
        let instance =
            Instance { plugin: plugin.clone(), config: config.to_owned(), pointer, number, late: Mutex::default() };
        done("create");
        if let Some(state) = state {
            let _importing = crash::note("import_state", &plugin.label);
            // SAFETY: the instance is this plugin's, and nobody else has it yet.
            let imported = unsafe { functions.import_state()(pointer, state.version(), state.bytes().into()) };
            if let Err(failure) = imported.into_result() {
                let failed = Failed::Import { plugin: descriptor(), failure: clean(&failure) };
                if failure.panicked() {
                    return Err(failed);
                }
                tracing::warn!("{failed}");
            }
            done("import");
        }
        let _testing = crash::note("self_test", &plugin.label);
        // SAFETY: the instance is this plugin's.
        let tested = unsafe { functions.self_test()(pointer) };
        tested.into_result().map_err(|failure| Failed::SelfTest { plugin: descriptor(), failure: clean(&failure) })?;
        done("self-test");
        Ok(instance)
    }

    /// Whether another instance is of the same plugin, of the same mapping of its library, with the same settings.
    #[must_use]
    pub(crate) fn is_like(&self, other: &Instance<T>) -> bool {
        let code = |instance: &Instance<T>| instance.plugin.table.plugin().create() as usize;
        code(self) == code(other) && self.config == other.config
    }

    /// The plugin of which it is an instance.
    #[must_use]
    pub fn plugin(&self) -> &Plugin<T> {
        &self.plugin
    }

    /// The settings it was created with.
    #[must_use]
    pub fn config(&self) -> &str {
        &self.config
    }

    /// What the plugin says of itself.
    #[must_use]
    pub fn descriptor(&self) -> &Descriptor {
        &self.plugin.descriptor
    }

    /// What it has learned.
    ///
    /// # Errors
    /// It panicked.
    pub fn export_state(&self) -> Result<Option<State>, Failed> {
        let _calling = crash::note("export_state", &self.plugin.label);
        // SAFETY: the instance is this plugin's.
        let state = unsafe { self.plugin.table.plugin().export_state()(self.pointer) };
        state.into_result().map(Into::into).map_err(|failure| self.failed("export_state", &failure))
    }

    /// Its counters; the first thousand.
    ///
    /// # Errors
    /// It panicked.
    pub fn counters(&self) -> Result<Vec<Counter>, Failed> {
        let _calling = crash::note("counters", &self.plugin.label);
        // SAFETY: the instance is this plugin's.
        let counters = unsafe { self.plugin.table.plugin().counters()(self.pointer) };
        let named = |counter: &Counter| Counter::new(&text::line(counter.name(), text::NAME), counter.value);
        let counters = counters.into_result().map_err(|failure| self.failed("counters", &failure))?;
        Ok(counters.iter().take(COUNTERS_MAX).map(named).collect())
    }

    /// What it has to tell, fit for a terminal.
    ///
    /// # Errors
    /// It panicked.
    pub fn report(&self) -> Result<String, Failed> {
        let _calling = crash::note("report", &self.plugin.label);
        // SAFETY: the instance is this plugin's.
        let report = unsafe { self.plugin.table.plugin().report()(self.pointer) };
        let report = report.into_result().map_err(|failure| self.failed("report", &failure))?;
        Ok(text::lines(&report, text::REPORT))
    }

    /// Asks it something that may take so long. Afterwards nobody waits for it, and until it and all others like it have
    /// ended, nothing else is asked so.
    ///
    /// # Errors
    /// What the question gives, or that it takes too long.
    pub fn within<X: Send + 'static>(
        self: &Arc<Self>,
        limit: Duration,
        function: &'static str,
        question: impl FnOnce(&Self) -> Result<X, Failed> + Send + 'static,
    ) -> Result<X, Failed> {
        let nothing = |why| Err(Failed::nothing_given(self.plugin.descriptor.clone(), function, why));
        {
            let mut late = lock(&self.late);
            late.retain(|thread| thread.strong_count() > 0);
            if !late.is_empty() {
                return nothing(NothingGiven::Late(limit));
            }
        }
        let under_way = Arc::new(());
        let (asked, asking) = (Arc::clone(self), Arc::clone(&under_way));
        let answer = deadline::within(limit, move || {
            let _asking = asking;
            question(&asked)
        });
        match answer {
            Ok(answer) => answer,
            Err(why) => {
                lock(&self.late).push(Arc::downgrade(&under_way));
                nothing(why)
            }
        }
    }

    /// Destroys it on this thread, however long that takes.
    ///
    /// # Errors
    /// It panicked, and may have left something behind.
    pub fn destroy(mut self) -> Result<(), Failed> {
        self.end().map_or(Ok(()), |mut ending| ending.end())
    }

    /// Its end, unless it has begun.
    fn end(&mut self) -> Option<Ending<T>> {
        let pointer = std::mem::replace(&mut self.pointer, null_mut());
        (!pointer.is_null()).then(|| Ending { plugin: self.plugin.clone(), pointer, number: self.number })
    }

    fn failed(&self, function: &'static str, failure: &Failure) -> Failed {
        Failed::AtWork { plugin: self.plugin.descriptor.clone(), function, failure: clean(failure) }
    }
}

/// What a plugin says of its failure, fit for a terminal.
fn clean(failure: &Failure) -> Failure {
    let said = failure.to_string();
    match said.strip_prefix("panicked: ") {
        Some(message) if failure.panicked() => Failure::panic(text::line(message, text::MESSAGE)),
        _ => Failure::error(text::line(&said, text::MESSAGE)),
    }
}

impl<T: PluginKind> Drop for Instance<T> {
    fn drop(&mut self) {
        let Some(mut ending) = self.end() else { return };
        let plugin = self.plugin.descriptor.clone();
        let ended = deadline::within(PATIENCE, move || ending.end());
        if let Err(failed) = ended.unwrap_or_else(|why| Err(Failed::nothing_given(plugin, "drop", why))) {
            tracing::warn!("{failed}");
        }
    }
}

/// An instance that is to be destroyed: with it at the latest, if there is no thread for that.
struct Ending<T: PluginKind> {
    plugin: Plugin<T>,
    /// Null when it is destroyed.
    pointer: *mut c_void,
    number: u64,
}

// SAFETY: plugins are `Send`.
unsafe impl<T: PluginKind> Send for Ending<T> {}

impl<T: PluginKind> Ending<T> {
    fn end(&mut self) -> Result<(), Failed> {
        let pointer = std::mem::replace(&mut self.pointer, null_mut());
        if pointer.is_null() {
            return Ok(());
        }
        let _calling = crash::note("drop", &self.plugin.label);
        // SAFETY: the instance is this plugin's, and this is its last use.
        let destroyed = unsafe { self.plugin.table.plugin().destroy()(pointer) };
        host::leave(self.number);
        let plugin = self.plugin.descriptor.clone();
        let failed = |failure| Failed::AtWork { plugin, function: "drop", failure: clean(&failure) };
        destroyed.into_result().map_err(failed)
    }
}

impl<T: PluginKind> Drop for Ending<T> {
    fn drop(&mut self) {
        if let Err(failed) = self.end() {
            tracing::warn!("{failed}");
        }
    }
}

impl Instance<ClassifierRef> {
    /// The class of an instruction; `None` leaves it to the conventional path.
    ///
    /// # Errors
    /// It panicked.
    pub fn classify(&self, instruction: &Instruction, site: &Site) -> Result<Option<ClassKey>, Failed> {
        let _calling = crash::note("classify", &self.plugin.label);
        // SAFETY: the instance is this plugin's.
        let class = unsafe { self.plugin.table.classify()(self.pointer, instruction, site) };
        class.into_result().map(Into::into).map_err(|failure| self.failed("classify", &failure))
    }
}

impl Instance<PatchManagerRef> {
    /// What to do about a fault. A plugin of API 1.0 decides without the conditions.
    ///
    /// # Errors
    /// It panicked.
    pub fn decide(&self, fault: &SiteFault, conditions: &Conditions) -> Result<Decision, Failed> {
        let _calling = crash::note("decide", &self.plugin.label);
        let table = self.plugin.table;
        // SAFETY: the instance is this plugin's.
        let decision = unsafe {
            match table.decide_under() {
                Some(decide) => decide(self.pointer, fault, conditions),
                None => table.decide()(self.pointer, fault),
            }
        };
        decision.into_result().map_err(|failure| self.failed("decide", &failure))
    }

    /// What to do about a site before the guest starts; `None` if it is to be asked about no other, as a plugin of API 1.0.
    ///
    /// # Errors
    /// It panicked.
    pub fn survey(&self, site: &SiteFault, conditions: &Conditions) -> Result<Option<Decision>, Failed> {
        let Some(survey) = self.plugin.table.survey() else { return Ok(None) };
        let _calling = crash::note("survey", &self.plugin.label);
        // SAFETY: the instance is this plugin's.
        let decision = unsafe { survey(self.pointer, site, conditions) };
        decision.into_result().map(Into::into).map_err(|failure| self.failed("survey", &failure))
    }

    /// How often sites are to be reviewed, on the virtual machine's clock.
    ///
    /// # Errors
    /// It panicked.
    pub fn review_period(&self) -> Result<Option<Duration>, Failed> {
        let _calling = crash::note("review_period", &self.plugin.label);
        // SAFETY: the instance is this plugin's.
        let period = unsafe { self.plugin.table.review_period()(self.pointer) };
        match period.into_result() {
            Ok(nanoseconds) => Ok((nanoseconds != 0).then(|| Duration::from_nanos(nanoseconds))),
            Err(failure) => Err(self.failed("review_period", &failure)),
        }
    }

    /// What to do about a site at the end of a period. A plugin of API 1.0 answers without the conditions.
    ///
    /// # Errors
    /// It panicked.
    pub fn review(&self, site: &SiteStatistics, conditions: &Conditions) -> Result<Review, Failed> {
        let _calling = crash::note("review", &self.plugin.label);
        let table = self.plugin.table;
        // SAFETY: the instance is this plugin's.
        let review = unsafe {
            match table.review_under() {
                Some(review) => review(self.pointer, site, conditions),
                None => table.review()(self.pointer, site),
            }
        };
        review.into_result().map_err(|failure| self.failed("review", &failure))
    }
}

impl Instance<RoutinesRef> {
    /// The code template map.
    ///
    /// # Errors
    /// It panicked.
    pub fn templates(&self) -> Result<Vec<Template>, Failed> {
        let _calling = crash::note("templates", &self.plugin.label);
        // SAFETY: the instance is this plugin's.
        let templates = unsafe { self.plugin.table.templates()(self.pointer) };
        templates.into_result().map(Into::into).map_err(|failure| self.failed("templates", &failure))
    }

    /// The routine of a class, if there is one. It may be called as long as the instance exists.
    ///
    /// # Errors
    /// It panicked.
    pub fn build(&self, class: &ClassKey) -> Result<Option<Routine>, Failed> {
        let _calling = crash::note("build", &self.plugin.label);
        // SAFETY: the instance is this plugin's.
        let routine = unsafe { self.plugin.table.build()(self.pointer, class) };
        routine.into_result().map(Into::into).map_err(|failure| self.failed("build", &failure))
    }

    /// What became of a routine that has just returned
    /// [`Outcome::PANICKED`](patchbay_plugin_api::vp::Outcome::PANICKED) on this thread.
    #[must_use]
    pub fn routine_panicked(&self) -> Failed {
        let message = match &self.plugin.library {
            Some(library) => library.root.take_panic()(),
            None => patchbay_plugin_api::export::take_panic(),
        };
        self.failed("a routine", &Failure::panic(message.into()))
    }

    /// What became of a routine that has returned an outcome that it must not return.
    #[must_use]
    pub fn routine_returned(&self, outcome: Outcome) -> Failed {
        self.failed("a routine", &Failure::error(format!("it returned the outcome {}, which means nothing", outcome.0)))
    }
}
