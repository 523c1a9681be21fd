//! What the host does for plugin instances: it writes their log.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use patchbay_plugin_api::host::{Host, Level};

use patchbay_machine::text;

/// The names of the instances that exist, by their number.
static NAMES: Mutex<Option<HashMap<u64, String>>> = Mutex::new(None);
static NEXT: AtomicU64 = AtomicU64::new(1);

fn names<T>(function: impl FnOnce(&mut HashMap<u64, String>) -> T) -> T {
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    function(names.get_or_insert_default())
}

/// The host as an instance of this name will know it.
pub(super) fn enter(name: &str) -> Host {
    let instance = NEXT.fetch_add(1, Ordering::Relaxed);
    names(|names| names.insert(instance, name.to_owned()));
    Host::new(instance, log)
}

/// Ends what `enter` began.
pub(super) fn leave(instance: u64) {
    names(|names| names.remove(&instance));
}

/// Writes a line of a plugin to the host's log.
fn log(instance: u64, level: Level, message: &str) {
    // Whatever a plugin says is one line.
    let message = text::line(&message.lines().collect::<Vec<_>>().join(" "), text::MESSAGE);
    let plugin = names(|names| names.get(&instance).cloned()).unwrap_or_default();
    match level {
        Level::ERROR => tracing::error!(target: "plugin", plugin, "{message}"),
        Level::WARN => tracing::warn!(target: "plugin", plugin, "{message}"),
        Level::INFO => tracing::info!(target: "plugin", plugin, "{message}"),
        _ => tracing::debug!(target: "plugin", plugin, "{message}"),
    }
}
