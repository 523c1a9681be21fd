//! What the host does for plugin instances: it writes their log, and knows the symbols of their guest.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use patchbay_machine::loader::symbols::Symbols;
use patchbay_machine::text;
use patchbay_plugin_api::host::{Functions, Host, Level};

/// What is known of an instance.
struct Known {
    name: String,
    symbols: Option<Arc<Symbols>>,
}

/// The instances that exist, by their number.
static KNOWN: Mutex<Option<HashMap<u64, Known>>> = Mutex::new(None);
static NEXT: AtomicU64 = AtomicU64::new(1);

fn known<T>(function: impl FnOnce(&mut HashMap<u64, Known>) -> T) -> T {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    function(known.get_or_insert_default())
}

/// The host as an instance of this name, for a guest with these symbols, will know it.
pub(super) fn enter(name: &str, symbols: Option<&Arc<Symbols>>) -> Host {
    let instance = NEXT.fetch_add(1, Ordering::Relaxed);
    known(|known| known.insert(instance, Known { name: name.to_owned(), symbols: symbols.cloned() }));
    Host::of::<ThisHost>(instance)
}

/// Ends what `enter` began.
pub(super) fn leave(instance: u64) {
    known(|known| known.remove(&instance));
}

fn symbols(instance: u64) -> Option<Arc<Symbols>> {
    known(|known| known.get(&instance)?.symbols.clone())
}

/// What this host does for instances.
struct ThisHost;

impl Functions for ThisHost {
    /// Writes a line of a plugin to the host's log.
    fn log(instance: u64, level: Level, message: &str) {
        // Whatever a plugin says is one line.
        let message = text::line(&message.lines().collect::<Vec<_>>().join(" "), text::MESSAGE);
        let plugin = known(|known| known.get(&instance).map(|known| known.name.clone())).unwrap_or_default();
        match level {
            Level::ERROR => tracing::error!(target: "plugin", plugin, "{message}"),
            Level::WARN => tracing::warn!(target: "plugin", plugin, "{message}"),
            Level::INFO => tracing::info!(target: "plugin", plugin, "{message}"),
            _ => tracing::debug!(target: "plugin", plugin, "{message}"),
        }
    }

    fn symbol(instance: u64, address: u64) -> Option<String> {
        let symbols = symbols(instance)?;
        let (name, offset) = symbols.name(address)?;
        Some(format!("{name}+{offset:#x}"))
    }

    fn address(instance: u64, name: &str) -> Option<u64> {
        symbols(instance)?.place(name)
    }
}
