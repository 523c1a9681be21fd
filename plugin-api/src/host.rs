//! What the host does for a plugin as a whole.

use core::marker::PhantomData;

use abi_stable::StableAbi;
use abi_stable::prefix_type::WithMetadata;
use abi_stable::std_types::RStr;

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

impl Host {
    /// The host for an instance, with what writes its log.
    #[must_use]
    pub fn new<F: Fn(u64, Level, &str) + Copy + Send + Sync + 'static>(instance: u64, log: F) -> Host {
        const { assert!(size_of::<F>() == 0, "this must not capture anything") };
        let _ = log;
        Host { instance, table: HostRef(Logging::<F>::TABLE.as_prefix()) }
    }

    /// Writes a line to the host's log, with the name of the plugin. May wait for the log.
    pub fn log(&self, level: Level, message: &str) {
        self.table.log()(self.instance, level, RStr::from_str(message));
    }
}

/// The host's functions.
#[derive(StableAbi)]
#[repr(C)]
#[sabi(kind(Prefix(prefix_ref = HostRef)))]
pub struct HostTable {
    /// [`Host::log`].
    #[sabi(last_prefix_field)]
    pub log: extern "C" fn(u64, Level, RStr<'_>),
}

struct Logging<F>(PhantomData<F>);

impl<F: Fn(u64, Level, &str) + Copy + 'static> Logging<F> {
    abi_stable::staticref! {
        const TABLE: WithMetadata<HostTable> = WithMetadata::new(HostTable { log: log::<F> })
    }
}

extern "C" fn log<F: Fn(u64, Level, &str) + Copy>(instance: u64, level: Level, message: RStr<'_>) {
    // SAFETY: `F` has no size, and `Host::new` was given a value of it.
    let function: F = unsafe { core::ptr::NonNull::<F>::dangling().read() };
    function(instance, level, message.as_str());
}
