//! The kinds of plugins, and what the host knows of one.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use patchbay_plugin_api::classifier::{self, ClassifierRef};
use patchbay_plugin_api::export::LibraryRef;
use patchbay_plugin_api::loading::ApiVersion;
use patchbay_plugin_api::patch_manager::{self, PatchManagerRef};
use patchbay_plugin_api::plugin::{Failure, PluginRef, Tunable};
use patchbay_plugin_api::routines::{self, RoutinesRef};
use serde::{Deserialize, Serialize};

use super::library::Mapping;
use patchbay_machine::loader::symbols::Symbols;
use patchbay_machine::text;

/// What a plugin does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Says which instructions share a routine.
    Classifier,
    /// Decides which sites are patched.
    PatchManager,
    /// Builds emulation routines.
    Routines,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; 3] = [Kind::Classifier, Kind::PatchManager, Kind::Routines];

    /// As policies and the command line write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Classifier => "classifier",
            Kind::PatchManager => "patch-manager",
            Kind::Routines => "routines",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Something that is not the name of a kind.
#[derive(Debug, thiserror::Error)]
#[error("a kind is one of {}", Kind::ALL.map(Kind::name).join(", "))]
pub struct NoKind;

impl FromStr for Kind {
    type Err = NoKind;

    fn from_str(name: &str) -> Result<Kind, NoKind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name).ok_or(NoKind)
    }
}

/// The functions of a kind of plugin, as a library exports them.
pub trait PluginKind: Copy + Send + Sync + 'static {
    /// The kind.
    const KIND: Kind;
    /// What it has in common with other kinds.
    fn plugin(self) -> PluginRef;
    /// Those that a library exports.
    fn all(library: LibraryRef) -> &'static [Self];
}

impl PluginKind for ClassifierRef {
    const KIND: Kind = Kind::Classifier;
    fn plugin(self) -> PluginRef {
        ClassifierRef::plugin(&self)
    }
    fn all(library: LibraryRef) -> &'static [Self] {
        library.classifiers().as_slice()
    }
}

impl PluginKind for PatchManagerRef {
    const KIND: Kind = Kind::PatchManager;
    fn plugin(self) -> PluginRef {
        PatchManagerRef::plugin(&self)
    }
    fn all(library: LibraryRef) -> &'static [Self] {
        library.patch_managers().as_slice()
    }
}

impl PluginKind for RoutinesRef {
    const KIND: Kind = Kind::Routines;
    fn plugin(self) -> PluginRef {
        RoutinesRef::plugin(&self)
    }
    fn all(library: LibraryRef) -> &'static [Self] {
        library.routines().as_slice()
    }
}

/// What a plugin says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// What it does.
    pub kind: Kind,
    /// The name that policies use.
    pub name: String,
    /// Its own version.
    pub version: String,
    /// The version of the plugin API that it was built against.
    pub api: ApiVersion,
    /// What it does, in one line.
    pub description: String,
    /// The file it was loaded from; `None` if it is linked into the host.
    pub file: Option<PathBuf>,
}

/// `patch-manager patch-hot (target/release/libpatchbay_patch_hot.so)`
impl fmt::Display for Descriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)?;
        self.file.as_ref().map_or(Ok(()), |file| write!(f, " ({})", file.display()))
    }
}

/// A plugin that can be instantiated.
#[derive(Clone)]
pub struct Plugin<T> {
    pub(super) descriptor: Arc<Descriptor>,
    /// The descriptor as text.
    pub(super) label: Arc<str>,
    pub(super) table: T,
    /// The library that exports it; `None` if it is linked into the host.
    pub(super) library: Option<Arc<Mapping>>,
    /// The names of the addresses of the guest that its instances are for.
    pub(super) symbols: Option<Arc<Symbols>>,
}

impl<T: PluginKind> Plugin<T> {
    pub(super) fn new(table: T, api: ApiVersion, from: Option<(&Path, Arc<Mapping>)>) -> Plugin<T> {
        let plugin = table.plugin();
        let descriptor = Descriptor {
            kind: T::KIND,
            name: plugin.name().into(),
            version: plugin.version().into(),
            api,
            description: text::line(plugin.description().as_str(), text::NAME),
            file: from.as_ref().map(|(file, _)| (*file).to_owned()),
        };
        let label = descriptor.to_string().into();
        Plugin {
            descriptor: Arc::new(descriptor),
            label,
            table,
            library: from.map(|(_, library)| library),
            symbols: None,
        }
    }

    /// The same for a guest with these symbols, which its instances can ask for.
    #[must_use]
    pub fn with_symbols(self, symbols: Option<Arc<Symbols>>) -> Plugin<T> {
        Plugin { symbols, ..self }
    }

    /// The symbols of the guest that its instances are for, if they are known.
    #[must_use]
    pub fn symbols(&self) -> Option<&Arc<Symbols>> {
        self.symbols.as_ref()
    }

    /// The settings that a search may vary. A plugin of API 1.0 names none.
    ///
    /// # Errors
    /// What it says if it panics.
    pub fn tunables(&self) -> Result<Vec<Tunable>, Failure> {
        let Some(tunables) = self.table.plugin().tunables() else { return Ok(Vec::new()) };
        tunables().into_result().map(Into::into)
    }

    /// What it says of itself.
    #[must_use]
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }
}

impl Plugin<ClassifierRef> {
    /// A classifier that is linked into the host.
    #[must_use]
    pub fn linked<T: classifier::Classifier>() -> Self {
        Plugin::new(classifier::classifier::<T>(), ApiVersion::host(), None)
    }
}

impl Plugin<PatchManagerRef> {
    /// A patch manager that is linked into the host.
    #[must_use]
    pub fn linked<T: patch_manager::PatchManager>() -> Self {
        Plugin::new(patch_manager::patch_manager::<T>(), ApiVersion::host(), None)
    }
}

impl Plugin<RoutinesRef> {
    /// A set of routines that is linked into the host.
    #[must_use]
    pub fn linked<T: routines::Routines>() -> Self {
        Plugin::new(routines::routines::<T>(), ApiVersion::host(), None)
    }
}
