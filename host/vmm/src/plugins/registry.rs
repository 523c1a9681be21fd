//! The plugins that can be named: those next to the executable, and those on `PATCHBAY_PLUGIN_PATH`.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use patchbay_machine::loader::symbols::Symbols;

use super::kind::{Descriptor, Kind, Plugin, PluginKind};
use super::library::{Library, LoadError};
use super::trial::Limit;

/// The environment variable that lists files and directories to look at before others.
const PATH: &str = "PATCHBAY_PLUGIN_PATH";
/// How the libraries that come with Patchbay begin.
const BUNDLED: &str = "libpatchbay_";

/// Why there is no such plugin.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// The name is not known.
    #[error("there is no {kind} named {name}; there {}", known.are())]
    Unknown {
        /// What is looked for.
        kind: Kind,
        /// How it is called.
        name: String,
        /// What there is instead.
        known: Names,
    },
    /// A file that exports none, or several, of the kind.
    #[error("{} exports no {kind} named {name}; there {}", file.display(), known.are())]
    NotInFile {
        /// What is looked for.
        kind: Kind,
        /// How it is called.
        name: String,
        /// The library.
        file: PathBuf,
        /// What there is instead.
        known: Names,
    },
    /// A file without a plugin of the kind.
    #[error("{} exports no {kind}", file.display())]
    NoneInFile {
        /// What is looked for.
        kind: Kind,
        /// The library.
        file: PathBuf,
    },
    /// A file with several plugins of the kind.
    #[error("{0} exports several plugins of the kind {kind}: say {0}#NAME; there {1}", file.display(), known.are())]
    SeveralInFile {
        /// What is looked for.
        kind: Kind,
        /// The library.
        file: PathBuf,
        /// Which.
        known: Names,
    },
    /// A file that cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
}

/// A list of names in an error.
#[derive(Debug)]
pub struct Names(Vec<String>);

impl Names {
    fn are(&self) -> String {
        match &*self.0 {
            [] => format!("is none in the directory of the executable, in ../lib/patchbay, and on {PATH}"),
            [name] => format!("is {name}"),
            names => format!("are {}", names.join(", ")),
        }
    }
}

/// Where plugins are looked for by name: libraries that are loaded, and those that come with Patchbay, which are loaded
/// when one of their plugins is named.
#[derive(Default)]
pub struct Registry {
    libraries: Vec<Library>,
    refused: Vec<LoadError>,
    bundled: Vec<PathBuf>,
    /// These, once all their names were needed: what is loaded stays.
    named: OnceLock<Vec<Library>>,
    /// Those of the guest that plugins are looked for.
    symbols: Option<Arc<Symbols>>,
}

impl Registry {
    /// Loads the files and directories of `PATCHBAY_PLUGIN_PATH`, and looks at what is next to the executable.
    #[must_use]
    pub fn discover() -> Registry {
        let listed = std::env::var_os(PATH).unwrap_or_default();
        let places = std::env::split_paths(&listed).filter(|place| !place.as_os_str().is_empty());
        let mut registry = Registry { bundled: bundled(), ..Registry::default() };
        for place in places {
            registry.add(&place);
        }
        registry
    }

    /// The same for a guest with these symbols: instances of the plugins that are found can ask for them.
    #[must_use]
    pub fn with_symbols(self, symbols: Arc<Symbols>) -> Registry {
        Registry { symbols: Some(symbols), ..self }
    }

    /// The libraries that come with Patchbay.
    #[must_use]
    pub fn bundled() -> Vec<PathBuf> {
        bundled()
    }

    /// Loads a file, or all shared libraries of a directory in the order of their names.
    pub fn add(&mut self, place: &Path) {
        if place.is_dir() {
            shared_libraries(place, "").iter().for_each(|file| self.load(file));
        } else {
            self.load(place);
        }
    }

    /// Loads what comes with Patchbay, too.
    #[must_use]
    pub fn complete(mut self) -> Registry {
        for file in std::mem::take(&mut self.bundled) {
            self.load(&file);
        }
        self
    }

    fn load(&mut self, file: &Path) {
        match Library::load(file) {
            Ok(library) => self.libraries.push(library),
            Err(error) => self.refused.push(error),
        }
    }

    /// What is loaded, those that come first in the search first.
    #[must_use]
    pub fn descriptors(&self) -> Vec<Descriptor> {
        self.libraries.iter().flat_map(Library::descriptors).collect()
    }

    /// What was found and cannot be loaded.
    #[must_use]
    pub fn refused(&self) -> &[LoadError] {
        &self.refused
    }

    /// The plugin that a policy names: `NAME`, the first of this name that is found, loaded anew if its file has changed;
    /// or, with a slash or the suffix `.so`, `FILE` or `FILE#NAME`, relative to `base`, which is loaded anew.
    ///
    /// # Errors
    /// Why there is none.
    pub fn find<T: PluginKind>(&self, reference: &str, base: &Path) -> Result<Plugin<T>, FindError> {
        self.find_in_steps(reference, base, Limit::default(), &mut |_| ())
    }

    /// The same, with a limit for trials; `done` is told of each step of loading a library that has ended.
    ///
    /// # Errors
    /// Why there is none.
    pub fn find_in_steps<T: PluginKind>(
        &self,
        reference: &str,
        base: &Path,
        limit: Limit,
        done: &mut dyn FnMut(&'static str),
    ) -> Result<Plugin<T>, FindError> {
        Ok(self.look_for(reference, base, limit, done)?.with_symbols(self.symbols.clone()))
    }

    fn look_for<T: PluginKind>(
        &self,
        reference: &str,
        base: &Path,
        limit: Limit,
        done: &mut dyn FnMut(&'static str),
    ) -> Result<Plugin<T>, FindError> {
        if names_file(reference) {
            let (file, name) = split_reference(reference);
            return find_in_file(&base.join(file), name, limit, done);
        }
        for library in &self.libraries {
            if let Some(plugin) = library.plugin(reference) {
                // It may have been built again.
                let is_current = library.is_current();
                return if is_current {
                    Ok(plugin)
                } else {
                    find_in_file(library.file(), Some(reference), limit, done)
                };
            }
        }
        let file_name = format!("{BUNDLED}{}.so", reference.replace('-', "_"));
        if let Some(file) = self.bundled.iter().find(|file| file.ends_with(&file_name)) {
            return find_in_file(file, Some(reference), limit, done);
        }
        Err(FindError::Unknown { kind: T::KIND, name: reference.to_owned(), known: self.names::<T>() })
    }

    /// The names of all plugins of a kind.
    fn names<T: PluginKind>(&self) -> Names {
        let load = || self.bundled.iter().filter_map(|file| Library::load(file).ok()).collect();
        let plugins = self.libraries.iter().chain(self.named.get_or_init(load)).flat_map(Library::plugins::<T>);
        let mut names: Vec<_> = plugins.map(|plugin| plugin.descriptor().name.clone()).collect();
        names.dedup();
        Names(names)
    }
}

/// What comes with Patchbay: next to the executable, or where Cargo leaves the libraries of dependencies.
fn bundled() -> Vec<PathBuf> {
    let Ok(executable) = std::env::current_exe() else { return Vec::new() };
    let Some(folder) = executable.parent() else { return Vec::new() };
    // Cargo may leave a stale copy above `deps`.
    let folders = [folder.join("deps"), folder.to_owned(), folder.join("plugins"), folder.join("../lib/patchbay")];
    let mut files: Vec<PathBuf> = Vec::new();
    for file in folders.iter().flat_map(|folder| shared_libraries(folder, BUNDLED)) {
        if !files.iter().any(|other| other.file_name() == file.file_name()) {
            files.push(file);
        }
    }
    files
}

/// The file and the name of `FILE#NAME`.
#[must_use]
pub fn split_reference(reference: &str) -> (&str, Option<&str>) {
    reference.split_once('#').map_or((reference, None), |(file, name)| (file, Some(name)))
}

/// Whether it is a `FILE` or a `FILE#NAME`.
pub(crate) fn names_file(reference: &str) -> bool {
    let (file, _) = split_reference(reference);
    file.contains('/') || file.ends_with(".so")
}

fn find_in_file<T: PluginKind>(
    file: &Path,
    name: Option<&str>,
    limit: Limit,
    done: &mut dyn FnMut(&'static str),
) -> Result<Plugin<T>, FindError> {
    let library = Library::load_in_steps(file, limit, done)?;
    let (kind, file) = (T::KIND, file.to_owned());
    let mut plugins: Vec<_> = library.plugins::<T>().collect();
    let known = Names(plugins.iter().map(|plugin| plugin.descriptor().name.clone()).collect());
    match (name, plugins.len()) {
        (_, 0) => Err(FindError::NoneInFile { kind, file }),
        (None, 1) => Ok(plugins.remove(0)),
        (None, _) => Err(FindError::SeveralInFile { kind, file, known }),
        (Some(name), _) => match plugins.into_iter().find(|plugin| plugin.descriptor().name == name) {
            Some(plugin) => Ok(plugin),
            None => Err(FindError::NotInFile { kind, name: name.to_owned(), file, known }),
        },
    }
}

/// The shared libraries of a directory whose names begin so, in the order of their names.
fn shared_libraries(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let wanted = |file: &PathBuf| {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with(prefix) && name.ends_with(".so")
    };
    let mut files: Vec<_> = entries.filter(wanted).collect();
    files.sort();
    files
}
