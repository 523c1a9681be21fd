//! Policies: which plugin of each kind a virtual machine runs under, with which settings.
//!
//! A policy is a TOML file:
//!
//! ```toml
//! description = "Patches what faults often"
//!
//! [classifier]
//! plugin = "classify-operands"
//!
//! [patch-manager]
//! plugin = "patch-hot"
//! threshold = 16
//!
//! [routines]
//! plugin = "routines-standard"
//! ```
//!
//! `plugin` is a name or a file (see [`Registry::find`]); a file is relative to the policy's. All other keys are the
//! plugin's settings. A kind that is not mentioned is the default policy's.
//!
//! A library of plugins is a policy, too: it names the plugin that it exports of each kind.

pub(crate) mod conditions;
pub(crate) mod history;
pub mod serving;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::{Table as Toml, Value};

use crate::plugins::trial::Limit;
use crate::plugins::{Failed, FindError, Instance, Kind, Plugin, PluginKind, Registry};
use crate::policy::serving::Plugins;

/// The policies that come with Patchbay, by name. The first is the default.
pub const BUNDLED: &[(&str, &str)] = &[
    ("default", include_str!("../../policies/default.toml")),
    ("mnemonic", include_str!("../../policies/mnemonic.toml")),
    ("hot", include_str!("../../policies/hot.toml")),
    ("adaptive", include_str!("../../policies/adaptive.toml")),
    ("static", include_str!("../../policies/static.toml")),
    ("conditions", include_str!("../../policies/conditions.toml")),
    ("never", include_str!("../../policies/never.toml")),
];

/// What a policy has that does not say otherwise.
const CLASSIFIER: &str = "classify-operands";
const PATCH_MANAGER: &str = "patch-first-fault";
const ROUTINES: &str = "routines-standard";

/// Why there is no such policy.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Neither a name nor a file.
    #[error("there is no policy {0}: it is neither a file nor one of {names}", names = names())]
    Unknown(String),
    /// The file cannot be read.
    #[error("cannot read {}: {source}", file.display())]
    Read {
        /// The policy.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not a policy.
    #[error("{policy} is not a policy: {why}")]
    Syntax {
        /// The policy.
        policy: String,
        /// Why, with line and column if it is not TOML.
        why: String,
    },
    /// A plugin cannot be found or loaded.
    #[error(transparent)]
    Find(#[from] FindError),
    /// A plugin does not start.
    #[error(transparent)]
    Start(#[from] Failed),
}

fn names() -> String {
    BUNDLED.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// A plugin and its settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// A name or a file.
    pub plugin: String,
    /// The directory that a file is relative to.
    pub base: PathBuf,
    /// Its settings, one `name = value` a line.
    pub config: String,
    /// The plugin to choose instead if the file exports none of the kind.
    pub otherwise: Option<&'static str>,
}

impl Choice {
    /// A choice as the command line gives it: `PLUGIN`, or `PLUGIN,NAME=VALUE,…`. Files are relative to the working
    /// directory.
    #[must_use]
    pub fn from_argument(argument: &str) -> Choice {
        let (plugin, config) = argument.split_once(',').unwrap_or((argument, ""));
        Choice { plugin: plugin.to_owned(), base: PathBuf::new(), config: config.to_owned(), otherwise: None }
    }

    /// The plugin; `done` is told of each step of loading a library that has ended.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn find<T: PluginKind>(
        &self,
        registry: &Registry,
        limit: Limit,
        done: &mut dyn FnMut(&'static str),
    ) -> Result<Plugin<T>, FindError> {
        match (registry.find_in_steps::<T>(&self.plugin, &self.base, limit, done), self.otherwise) {
            (Err(FindError::NoneInFile { .. }), Some(name)) => {
                registry.find_in_steps::<T>(name, &self.base, limit, done)
            }
            (found, _) => found,
        }
    }

    /// An instance of the plugin.
    ///
    /// # Errors
    /// Why there is none.
    pub fn start<T: PluginKind>(&self, registry: &Registry) -> Result<Instance<T>, Error> {
        let plugin = self.find::<T>(registry, Limit::default(), &mut |_| ())?;
        Ok(Instance::create(&plugin, &self.config, None)?)
    }
}

/// A plugin of each kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Its name, or its file.
    pub name: String,
    /// What it is for, in one line.
    pub description: String,
    /// Says which instructions share a routine.
    pub classifier: Choice,
    /// Decides which sites are patched.
    pub patch_manager: Choice,
    /// Builds the routines.
    pub routines: Choice,
}

impl Policy {
    /// The policy of this name, or else of this file.
    ///
    /// # Errors
    /// Why there is none.
    pub fn load(reference: &str) -> Result<Policy, Error> {
        if let Some((name, text)) = BUNDLED.iter().find(|(name, _)| *name == reference) {
            return Policy::parse(name, text, Path::new(""));
        }
        if reference.ends_with(".so") {
            return Ok(Policy::of_library(reference));
        }
        let file = PathBuf::from(reference);
        match std::fs::read_to_string(&file) {
            Ok(text) => Policy::parse(reference, &text, file.parent().unwrap_or(Path::new(""))),
            Err(_) if !file.exists() => Err(Error::Unknown(reference.to_owned())),
            Err(source) => Err(Error::Read { file, source }),
        }
    }

    /// The policy of a library: what it exports of each kind, and else what the default policy has.
    #[must_use]
    pub fn of_library(file: &str) -> Policy {
        let choice = |otherwise| Choice {
            plugin: if file.contains('/') { file.to_owned() } else { format!("./{file}") },
            base: PathBuf::new(),
            config: String::new(),
            otherwise: Some(otherwise),
        };
        Policy {
            name: file.to_owned(),
            description: String::new(),
            classifier: choice(CLASSIFIER),
            patch_manager: choice(PATCH_MANAGER),
            routines: choice(ROUTINES),
        }
    }

    /// A policy from its text; `base` is the directory that its files are relative to.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(name: &str, text: &str, base: &Path) -> Result<Policy, Error> {
        let wrong = |why: String| Error::Syntax { policy: name.to_owned(), why };
        let mut table: Toml = text.parse().map_err(|why: toml::de::Error| wrong(sentence(text, &why)))?;
        let description = match table.remove("description") {
            None => String::new(),
            Some(Value::String(description)) => description,
            Some(_) => return Err(wrong("its description is not a string".to_owned())),
        };
        let mut take = |kind: Kind, default: &str| choice(&mut table, kind, default, base).map_err(wrong);
        let classifier = take(Kind::Classifier, CLASSIFIER)?;
        let patch_manager = take(Kind::PatchManager, PATCH_MANAGER)?;
        let routines = take(Kind::Routines, ROUTINES)?;
        match table.keys().next() {
            None => Ok(Policy { name: name.to_owned(), description, classifier, patch_manager, routines }),
            Some(key) => Err(wrong(format!(
                "it has {key}, and only description, [classifier], [patch-manager] and [routines] mean something"
            ))),
        }
    }

    /// Instances of the three plugins.
    ///
    /// # Errors
    /// Why there is one missing.
    pub fn start(&self, registry: &Registry) -> Result<Plugins, Error> {
        Ok(Plugins {
            classifier: Arc::new(self.classifier.start(registry)?),
            patch_manager: Arc::new(self.patch_manager.start(registry)?),
            routines: vec![Arc::new(self.routines.start(registry)?)],
        })
    }
}

/// What a kind's table says.
fn choice(table: &mut Toml, kind: Kind, default: &str, base: &Path) -> Result<Choice, String> {
    let mut settings = match table.remove(&kind.to_string()) {
        None => Toml::new(),
        Some(Value::Table(settings)) => settings,
        Some(_) => return Err(format!("its {kind} is not a table: write [{kind}]")),
    };
    let plugin = match settings.remove("plugin") {
        None if settings.is_empty() => default.to_owned(),
        None => return Err(format!("[{kind}] has settings, and no plugin = \"NAME\"")),
        Some(Value::String(plugin)) => plugin,
        Some(_) => return Err(format!("plugin of [{kind}] is not a string")),
    };
    let mut config = String::new();
    for (name, value) in settings {
        if matches!(value, Value::Table(_) | Value::Array(_)) {
            return Err(format!("{name} of [{kind}] is neither a string nor a number nor true nor false"));
        }
        config += &format!("{name} = {value}\n");
    }
    Ok(Choice { plugin, base: base.to_owned(), config, otherwise: None })
}

/// A syntax error in one line.
fn sentence(text: &str, why: &toml::de::Error) -> String {
    let before = why.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.lines().count().max(1);
    format!("line {line}: {}", why.message().lines().collect::<Vec<_>>().join(" "))
}
