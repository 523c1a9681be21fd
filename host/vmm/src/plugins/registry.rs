//! The plugins that can be named: those next to the executable, and those on `PATCHBAY_PLUGIN_PATH`.

use std::path::{Path, PathBuf};

use super::kind::{Descriptor, Kind, Plugin, Table};
use super::library::{Library, LoadError};

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
    #[error("{} exports several plugins of the kind {kind}: say {}#NAME; there {}", file.display(), file.display(), known.are())]
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
            [] => "is none".to_owned(),
            [name] => format!("is {name}"),
            names => format!("are {}", names.join(", ")),
        }
    }
}

/// Libraries that were found and loaded.
#[derive(Default)]
pub struct Registry {
    libraries: Vec<Library>,
    refused: Vec<LoadError>,
}

impl Registry {
    /// Looks at the files and directories of `PATCHBAY_PLUGIN_PATH`, and then next to the executable.
    #[must_use]
    pub fn discover() -> Registry {
        let listed = std::env::var_os(PATH).unwrap_or_default();
        let places = std::env::split_paths(&listed).filter(|place| !place.as_os_str().is_empty());
        let mut registry = Registry::default();
        for place in places {
            registry.add(&place);
        }
        registry.add_bundled();
        registry
    }

    /// Loads a file, or all shared libraries of a directory in the order of their names.
    pub fn add(&mut self, place: &Path) {
        if place.is_dir() {
            shared_libraries(place, "").iter().for_each(|file| self.load(file));
        } else {
            self.load(place);
        }
    }

    /// Loads what comes with Patchbay: next to the executable, or where Cargo leaves the libraries of dependencies.
    fn add_bundled(&mut self) {
        let Ok(executable) = std::env::current_exe() else { return };
        let Some(folder) = executable.parent() else { return };
        // Cargo may leave a stale copy above `deps`.
        let folders = [folder.join("deps"), folder.to_owned(), folder.join("plugins"), folder.join("../lib/patchbay")];
        let mut names = Vec::new();
        for file in folders.iter().flat_map(|folder| shared_libraries(folder, BUNDLED)) {
            let name = file.file_name().map(ToOwned::to_owned);
            if !names.contains(&name) && Library::is_candidate(&file) {
                names.push(name);
                self.load(&file);
            }
        }
    }

    fn load(&mut self, file: &Path) {
        match Library::load(file) {
            Ok(library) => self.libraries.push(library),
            Err(error) => self.refused.push(error),
        }
    }

    /// What was found, those that come first in the search first.
    #[must_use]
    pub fn descriptors(&self) -> Vec<Descriptor> {
        self.libraries.iter().flat_map(Library::descriptors).collect()
    }

    /// What was found and cannot be loaded.
    #[must_use]
    pub fn refused(&self) -> &[LoadError] {
        &self.refused
    }

    /// The plugin that a policy names: `NAME`, the first of this name that was found; or, with a slash or the suffix
    /// `.so`, `FILE` or `FILE#NAME`, relative to `base`, which is loaded anew.
    ///
    /// # Errors
    /// Why there is none.
    pub fn find<T: Table>(&self, reference: &str, base: &Path) -> Result<Plugin<T>, FindError> {
        let (file, name) = split_reference(reference);
        if file.contains('/') || file.ends_with(".so") {
            return find_in_file(&base.join(file), name);
        }
        let mut all = self.libraries.iter().flat_map(Library::plugins::<T>);
        all.find(|plugin| plugin.descriptor().name == reference).ok_or_else(|| {
            let mut known: Vec<_> = self
                .libraries
                .iter()
                .flat_map(Library::plugins::<T>)
                .map(|known| known.descriptor().name.clone())
                .collect();
            known.dedup();
            FindError::Unknown { kind: T::KIND, name: reference.to_owned(), known: Names(known) }
        })
    }
}

/// The file and the name of `FILE#NAME`.
#[must_use]
pub fn split_reference(reference: &str) -> (&str, Option<&str>) {
    reference.split_once('#').map_or((reference, None), |(file, name)| (file, Some(name)))
}

fn find_in_file<T: Table>(file: &Path, name: Option<&str>) -> Result<Plugin<T>, FindError> {
    let library = Library::load(file)?;
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
