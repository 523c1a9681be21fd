//! What all plugins have in common.

use core::ffi::c_void;
use core::fmt;

use abi_stable::StableAbi;
use abi_stable::std_types::{ROption, RResult, RSlice, RStr, RString, RVec};

use crate::export::{Of, guard, guard_result};
use crate::host::Host;
use crate::patch_manager::Trigger;

/// A plugin of any kind.
///
/// The host owns instances: it makes them with `create`, calls them through shared references from many threads at
/// once, and drops them on any thread when no call is under way and no routine of theirs can run any more. The library
/// stays mapped for ever. State that changes is kept in atomics, or behind a lock that no routine takes.
pub trait Plugin: Send + Sync + Sized + 'static {
    /// The name that policies use: lower case, with hyphens.
    const NAME: &'static str;
    /// Its own version, as a rule `env!("CARGO_PKG_VERSION")`.
    const VERSION: &'static str;
    /// What it does, in one line.
    const DESCRIPTION: &'static str;

    /// Makes an instance from the settings of a policy ([`Settings`](crate::settings::Settings) reads them).
    ///
    /// Called on any thread, before anything else. May block, for as long as the host's time limit for a swap allows.
    /// The host keeps `config`; `host` may be copied and kept.
    ///
    /// # Errors
    /// One sentence that says which setting is wrong, or what is missing.
    fn create(config: &str, host: &Host) -> Result<Self, String>;

    /// Takes over what an earlier instance exported, maybe one of another version of the plugin.
    ///
    /// Called at most once, after `create` and before `self_test`, on the same thread. May block. `state` is the host's.
    ///
    /// # Errors
    /// One sentence that says why the state cannot be used. The instance then starts without it.
    fn import_state(&mut self, state: &State) -> Result<(), String> {
        Err(format!("{} imports no state, and was given one of version {}", Self::NAME, state.version()))
    }

    /// What the instance has learned, for the next one. It goes on working.
    ///
    /// Called on any thread, while others call the instance. May block. The host owns the result.
    fn export_state(&self) -> Option<State> {
        None
    }

    /// Tests the instance before it is used.
    ///
    /// Called once, on the thread of `create`. May block.
    ///
    /// # Errors
    /// One sentence that says what does not work. The instance is dropped.
    fn self_test(&self) -> Result<(), String> {
        Ok(())
    }

    /// Counters that the host shows.
    ///
    /// Called on any thread, while others call the instance. May allocate; must not wait. The host owns the result.
    fn counters(&self) -> Vec<Counter> {
        Vec::new()
    }

    /// A text that the host shows to those who ask for it, such as the last events.
    ///
    /// Called on any thread, while others call the instance. May allocate; must not wait. The host owns the result.
    fn report(&self) -> String {
        String::new()
    }

    /// The settings that a search for the best ones may vary, with the values to try. Since API 1.1.
    ///
    /// Each value is one that `create` takes, whatever values the other settings here have.
    ///
    /// Called on any thread, with or without an instance. May allocate; must not wait. The host owns the result.
    fn tunables() -> Vec<Tunable> {
        Vec::new()
    }
}

/// A setting that a search may vary.
#[derive(Clone, Debug, PartialEq, Eq, StableAbi)]
#[repr(C)]
pub struct Tunable {
    name: RString,
    values: RVec<RString>,
}

impl Tunable {
    /// The setting of this name, and the values to try.
    #[must_use]
    pub fn new<V: fmt::Display>(name: &str, values: impl IntoIterator<Item = V>) -> Tunable {
        Tunable { name: name.into(), values: values.into_iter().map(|value| value.to_string().into()).collect() }
    }

    /// The settings of [`Settings::decision`](crate::settings::Settings::decision): `trigger`, with the names of all
    /// triggers, and `then`.
    #[must_use]
    pub fn decision() -> [Tunable; 2] {
        [Tunable::new("trigger", Trigger::ALL.map(|(_, name)| name)), Tunable::new("then", ["resume", "run"])]
    }

    /// The setting's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The values to try, as settings have them.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.values.iter().map(RString::as_str)
    }
}

/// A counter and its value.
#[derive(Clone, Debug, PartialEq, Eq, StableAbi)]
#[repr(C)]
pub struct Counter {
    name: RString,
    /// Its value.
    pub value: u64,
}

impl Counter {
    /// A counter with this name.
    #[must_use]
    pub fn new(name: &str, value: u64) -> Counter {
        Counter { name: name.into(), value }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// What an instance knows, in a form of its own.
#[derive(Clone, Debug, PartialEq, Eq, StableAbi)]
#[repr(C)]
pub struct State {
    version: u32,
    bytes: RVec<u8>,
}

impl State {
    /// A state; `version` says what form the bytes have.
    #[must_use]
    pub fn new(version: u32, bytes: Vec<u8>) -> State {
        State { version, bytes: bytes.into() }
    }

    /// What form the bytes have.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// The state itself.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Why a function of a plugin did not return what it should.
#[derive(Clone, Debug, PartialEq, Eq, StableAbi)]
#[repr(C)]
pub struct Failure {
    message: RString,
    panicked: bool,
}

impl Failure {
    /// It returned an error.
    #[must_use]
    pub fn error(message: String) -> Failure {
        Failure { message: message.into(), panicked: false }
    }

    /// It panicked.
    #[must_use]
    pub fn panic(message: String) -> Failure {
        Failure { message: message.into(), panicked: true }
    }

    /// Whether it panicked.
    #[must_use]
    pub const fn panicked(&self) -> bool {
        self.panicked
    }
}

/// `panicked: index out of bounds (src/lib.rs:12)`, or the plugin's own sentence. A message is made one line.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.panicked {
            f.write_str("panicked: ")?;
        }
        let mut lines = self.message.lines().map(str::trim).filter(|line| !line.is_empty());
        f.write_str(lines.next().unwrap_or("no reason given"))?;
        lines.try_for_each(|line| write!(f, " {line}"))
    }
}

impl core::error::Error for Failure {}

/// What all plugins have in common as it crosses the boundary.
#[derive(StableAbi)]
#[repr(C)]
#[sabi(kind(Prefix(prefix_ref = PluginRef)))]
#[sabi(missing_field(option))]
pub struct PluginTable {
    /// [`Plugin::NAME`].
    pub name: RStr<'static>,
    /// [`Plugin::VERSION`].
    pub version: RStr<'static>,
    /// [`Plugin::DESCRIPTION`].
    pub description: RStr<'static>,
    /// [`Plugin::create`]. The result is for `destroy`.
    pub create: extern "C" fn(RStr<'_>, &Host) -> RResult<*mut c_void, Failure>,
    /// Drops an instance.
    pub destroy: unsafe extern "C" fn(*mut c_void) -> RResult<(), Failure>,
    /// [`Plugin::import_state`].
    pub import_state: unsafe extern "C" fn(*mut c_void, u32, RSlice<'_, u8>) -> RResult<(), Failure>,
    /// [`Plugin::export_state`].
    pub export_state: unsafe extern "C" fn(*const c_void) -> RResult<ROption<State>, Failure>,
    /// [`Plugin::self_test`].
    pub self_test: unsafe extern "C" fn(*const c_void) -> RResult<(), Failure>,
    /// [`Plugin::counters`].
    pub counters: unsafe extern "C" fn(*const c_void) -> RResult<RVec<Counter>, Failure>,
    /// [`Plugin::report`].
    #[sabi(last_prefix_field)]
    pub report: unsafe extern "C" fn(*const c_void) -> RResult<RString, Failure>,
    /// [`Plugin::tunables`].
    pub tunables: extern "C" fn() -> RResult<RVec<Tunable>, Failure>,
}

impl<T: Plugin> Of<T> {
    abi_stable::staticref! {
        const PLUGIN: abi_stable::prefix_type::WithMetadata<PluginTable> =
            abi_stable::prefix_type::WithMetadata::new(PluginTable {
                name: RStr::from_str(T::NAME),
                version: RStr::from_str(T::VERSION),
                description: RStr::from_str(T::DESCRIPTION),
                create: create::<T>,
                destroy: destroy::<T>,
                import_state: import_state::<T>,
                export_state: export_state::<T>,
                self_test: self_test::<T>,
                counters: counters::<T>,
                report: report::<T>,
                tunables: tunables::<T>,
            })
    }

    pub(crate) const PLUGIN_REF: PluginRef = PluginRef(Self::PLUGIN.as_prefix());
}

extern "C" fn create<T: Plugin>(config: RStr<'_>, host: &Host) -> RResult<*mut c_void, Failure> {
    let instance = |plugin: T| Box::into_raw(Box::new(plugin)).cast::<c_void>();
    guard_result(|| T::create(config.as_str(), host).map(instance)).into()
}

unsafe extern "C" fn destroy<T: Plugin>(instance: *mut c_void) -> RResult<(), Failure> {
    // SAFETY: `instance` came from this type's `create`, and is not used again.
    let plugin = unsafe { Box::from_raw(instance.cast::<T>()) };
    guard(|| drop(plugin)).into()
}

unsafe extern "C" fn import_state<T: Plugin>(
    instance: *mut c_void,
    version: u32,
    bytes: RSlice<'_, u8>,
) -> RResult<(), Failure> {
    // SAFETY: `instance` came from this type's `create`, and nobody else has it yet.
    let plugin = unsafe { &mut *instance.cast::<T>() };
    guard_result(|| plugin.import_state(&State::new(version, bytes.to_vec()))).into()
}

unsafe extern "C" fn export_state<T: Plugin>(instance: *const c_void) -> RResult<ROption<State>, Failure> {
    // SAFETY: `instance` came from this type's `create`.
    let plugin = unsafe { &*instance.cast::<T>() };
    guard(|| plugin.export_state().into()).into()
}

unsafe extern "C" fn self_test<T: Plugin>(instance: *const c_void) -> RResult<(), Failure> {
    // SAFETY: `instance` came from this type's `create`.
    let plugin = unsafe { &*instance.cast::<T>() };
    guard_result(|| plugin.self_test()).into()
}

unsafe extern "C" fn counters<T: Plugin>(instance: *const c_void) -> RResult<RVec<Counter>, Failure> {
    // SAFETY: `instance` came from this type's `create`.
    let plugin = unsafe { &*instance.cast::<T>() };
    guard(|| plugin.counters().into()).into()
}

unsafe extern "C" fn report<T: Plugin>(instance: *const c_void) -> RResult<RString, Failure> {
    // SAFETY: `instance` came from this type's `create`.
    let plugin = unsafe { &*instance.cast::<T>() };
    guard(|| plugin.report().into()).into()
}

extern "C" fn tunables<T: Plugin>() -> RResult<RVec<Tunable>, Failure> {
    guard(|| T::tunables().into()).into()
}
