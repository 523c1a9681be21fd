//! What comes of a swap.

use std::time::Duration;

use patchbay_machine::handle::NoAnswer;
use serde::Serialize;

use crate::plugins::{Failed, FindError, Kind};

/// A completed step of a swap.
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
    /// Whether what served before is destroyed already. Nobody waits long for it.
    pub destroyed: bool,
    /// What did not succeed and was no obstacle, a sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
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
    /// Rollback of a policy without a swap of one before.
    #[error("there is no policy to go back to: none was swapped as a whole")]
    NoPolicyBefore,
    /// Rollback without a swap before.
    #[error("there is no {0} to go back to")]
    NothingBefore(Kind),
    /// No thread.
    #[error("the host gives no thread: {0}")]
    Thread(#[from] std::io::Error),
    /// A defect of the host.
    #[error("the thread of the swap has panicked")]
    Panicked,
}

fn behind(after: &Option<&'static str>) -> String {
    after.map_or_else(|| "to its first step".to_owned(), |step| format!("further than the step {step}"))
}
