//! What the host does for a plugin as a whole.

use core::marker::PhantomData;

use abi_stable::StableAbi;
use abi_stable::prefix_type::WithMetadata;
use abi_stable::std_types::{ROption, RStr, RString};

/// How important a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, StableAbi)]
#[repr(transparent)]
pub struct Level(pub u32);

impl Level {
    /// Something failed.
    pub const ERROR: Level = Level(1);
    /// Something is not as it should be.
    pub const WARN: Level = Level(2);
    /// Something worth knowing.
    pub const INFO: Level = Level(3);
    /// Details.
    pub const DEBUG: Level = Level(4);
}

/// The host, as one instance of a plugin knows it. May be copied, kept as long as the instance, and used on any thread,
/// but not by a routine: the fast path logs nothing.
#[derive(Clone, Copy, StableAbi)]
#[repr(C)]
pub struct Host {
    /// Which instance this is, in the host's numbers.
    pub instance: u64,
    table: HostRef,
}

/// What a host does for instances of plugins, by their numbers in its count. A type without a value implements it.
pub trait Functions: 'static {
    /// [`Host::log`].
    fn log(instance: u64, level: Level, message: &str);

    /// [`Host::symbol`].
    fn symbol(instance: u64, address: u64) -> Option<String> {
        let _ = (instance, address);
        None
    }

    /// [`Host::address`].
    fn address(instance: u64, name: &str) -> Option<u64> {
        let _ = (instance, name);
        None
    }
}

impl Host {
    /// The host for an instance, with what writes its log. It knows no symbols.
    #[must_use]
    pub fn new<F: Fn(u64, Level, &str) + Copy + Send + Sync + 'static>(instance: u64, log: F) -> Host {
        const { assert!(size_of::<F>() == 0, "this must not capture anything") };
        let _ = log;
        Host::of::<Logging<F>>(instance)
    }

    /// The host for an instance.
    #[must_use]
    pub fn of<F: Functions>(instance: u64) -> Host {
        Host { instance, table: HostRef(Of::<F>::TABLE.as_prefix()) }
    }

    /// Writes a line to the host's log, with the name of the plugin. May wait for the log.
    pub fn log(&self, level: Level, message: &str) {
        self.table.log()(self.instance, level, RStr::from_str(message));
    }

    /// The name of an address of the guest's code, as `name+0x10`: the symbol at or before it, and the distance in bytes.
    /// `None` if no symbol is near, or the host knows none of the guest. May wait. Since API 1.1.
    #[must_use]
    pub fn symbol(&self, address: u64) -> Option<String> {
        let symbol = self.table.symbol()?(self.instance, address);
        symbol.into_option().map(Into::into)
    }

    /// The address of a symbol, or of the place `name+0x10`, of the guest's code; `None` if the host knows none, or if
    /// several symbols have the name. May wait. Since API 1.1.
    #[must_use]
    pub fn address(&self, name: &str) -> Option<u64> {
        self.table.address()?(self.instance, RStr::from_str(name)).into_option()
    }
}

/// The host's functions.
#[derive(StableAbi)]
#[repr(C)]
#[sabi(kind(Prefix(prefix_ref = HostRef)))]
#[sabi(missing_field(option))]
pub struct HostTable {
    /// [`Host::log`].
    #[sabi(last_prefix_field)]
    pub log: extern "C" fn(u64, Level, RStr<'_>),
    /// [`Host::symbol`].
    pub symbol: extern "C" fn(u64, u64) -> ROption<RString>,
    /// [`Host::address`].
    pub address: extern "C" fn(u64, RStr<'_>) -> ROption<u64>,
}

struct Of<F>(PhantomData<F>);

impl<F: Functions> Of<F> {
    abi_stable::staticref! {
        const TABLE: WithMetadata<HostTable> =
            WithMetadata::new(HostTable { log: log::<F>, symbol: symbol::<F>, address: address::<F> })
    }
}

extern "C" fn log<F: Functions>(instance: u64, level: Level, message: RStr<'_>) {
    F::log(instance, level, message.as_str());
}

extern "C" fn symbol<F: Functions>(instance: u64, address: u64) -> ROption<RString> {
    F::symbol(instance, address).map(RString::from).into()
}

extern "C" fn address<F: Functions>(instance: u64, name: RStr<'_>) -> ROption<u64> {
    F::address(instance, name.as_str()).into()
}

/// The functions of a host that has a log alone.
struct Logging<F>(PhantomData<F>);

impl<F: Fn(u64, Level, &str) + Copy + 'static> Functions for Logging<F> {
    fn log(instance: u64, level: Level, message: &str) {
        // SAFETY: `F` has no size, and `Host::new` was given a value of it.
        let function: F = unsafe { core::ptr::NonNull::<F>::dangling().read() };
        function(instance, level, message);
    }
}
