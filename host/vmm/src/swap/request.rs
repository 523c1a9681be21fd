//! What a swap is asked to do.

use std::path::PathBuf;
use std::time::Duration;

use patchbay_plugin_api::settings;

use super::prepare::Source;
use crate::plugins::{self, Instance, Kind, Library};

/// What a swap is to do.
#[derive(Clone, Debug)]
pub struct Order {
    /// Which kind is swapped.
    pub kind: Kind,
    /// The plugin that is to serve, as [`Registry::find`](crate::plugins::Registry::find) takes it.
    pub plugin: String,
    /// The library that exports it, if that is loaded already.
    pub library: Option<Library>,
    /// What a relative file is relative to.
    pub base: PathBuf,
    /// Its settings; `None` for those of the instance before if the plugin has the same name, else none.
    pub config: Option<String>,
    /// For routines with a table a virtual processor: the one to swap them for.
    pub vp: Option<usize>,
    /// For patch managers: whether sites that are patched are decided anew. Those that are not are at their next fault.
    pub repatch: bool,
    /// How long it may take.
    pub limit: Duration,
}

/// A setting of plugins that is to change. They are created again, each with its other settings, from the library that it
/// has.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The kind of the plugins.
    pub kind: Kind,
    /// For routines with a table a virtual processor: the one whose plugin it is; `None` for all.
    pub vp: Option<usize>,
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// For patch managers: whether sites that are patched are decided anew.
    pub repatch: bool,
    /// How long it may take.
    pub limit: Duration,
}

impl Setting {
    /// Settings with this one changed.
    pub(super) fn within(&self, config: &str) -> String {
        let has = |line: &str| line.split_once('=').is_some_and(|(name, _)| name.trim() == self.name);
        let others = settings::lines(config).filter(|line| !has(line)).map(str::to_owned);
        let changed = format!("{} = \"{}\"", self.name, self.value);
        others.chain([changed]).collect::<Vec<_>>().join("\n")
    }

    /// How an instance is made again with it.
    pub(super) fn source<T: plugins::PluginKind>(&self, now: &Instance<T>) -> Source<T> {
        Source::Again { config: self.within(now.config()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_takes_the_place_of_the_one_before() {
        let (name, value) = ("threshold".to_owned(), "3".to_owned());
        let setting =
            Setting { kind: Kind::PatchManager, vp: None, name, value, repatch: false, limit: Duration::default() };
        assert_eq!(setting.within(""), "threshold = \"3\"");
        let config = "threshold = 8\ntext = \"a, b = c\"; then=run\n# threshold = 9";
        assert_eq!(setting.within(config), "text = \"a, b = c\"\nthen=run\nthreshold = \"3\"");
    }
}
