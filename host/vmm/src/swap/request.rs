//! What a swap is asked to do.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use patchbay_plugin_api::settings;
use serde::{Deserialize, Serialize};

use super::prepare::Source;
use crate::plugins::{self, Instance, Kind, Library};

/// What is exchanged: the plugin of a kind, or the whole policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum Part {
    /// The plugin of a kind.
    Plugin(Kind),
    /// All of them.
    Policy,
}

/// Something that is not the name of a part.
#[derive(Debug, thiserror::Error)]
#[error("what can be exchanged is {} or policy", Kind::ALL.map(Kind::name).join(", "))]
pub struct NoPart;

impl FromStr for Part {
    type Err = NoPart;

    fn from_str(name: &str) -> Result<Part, NoPart> {
        if name == "policy" { Ok(Part::Policy) } else { name.parse().map(Part::Plugin).map_err(|_| NoPart) }
    }
}

impl TryFrom<String> for Part {
    type Error = NoPart;

    fn try_from(name: String) -> Result<Part, NoPart> {
        name.parse()
    }
}

impl From<Part> for String {
    fn from(part: Part) -> String {
        match part {
            Part::Plugin(kind) => kind.to_string(),
            Part::Policy => "policy".to_owned(),
        }
    }
}

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
    /// Whether what the instance before has learned is lost: it is not asked.
    pub discard_state: bool,
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
    /// Whether what the instance before has learned is lost: it is not asked.
    pub discard_state: bool,
    /// How long it may take.
    pub limit: Duration,
}

/// The plugin before the last swap of a kind is to serve again.
#[derive(Clone, Copy, Debug)]
pub struct Rollback {
    /// The kind.
    pub kind: Kind,
    /// Whether what instances have learned is lost: the present one is not asked, the one before starts anew.
    pub discard_state: bool,
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
        let (kind, limit) = (Kind::PatchManager, Duration::default());
        let setting = Setting { kind, vp: None, name, value, repatch: false, discard_state: false, limit };
        assert_eq!(setting.within(""), "threshold = \"3\"");
        let config = "threshold = 8\ntext = \"a, b = c\"; then=run\n# threshold = 9";
        assert_eq!(setting.within(config), "text = \"a, b = c\"\nthen=run\nthreshold = \"3\"");
    }
}
