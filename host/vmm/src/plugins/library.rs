//! Loading a plugin library.

use std::ffi::c_void;
use std::fmt;
use std::fs::File;
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, Read, Seek, Write};
use std::mem;
use std::path::{Path, PathBuf};

use libloading::os::unix::{Library as Mapped, RTLD_LOCAL, RTLD_NOW, Symbol};
use memmap2::MmapMut;
use patchbay_plugin_api::classifier::ClassifierRef;
use patchbay_plugin_api::export::LibraryRef;
use patchbay_plugin_api::loading::{self, ApiVersion, Incompatible, ROOT_MODULE};
use patchbay_plugin_api::patch_manager::PatchManagerRef;
use patchbay_plugin_api::routines::RoutinesRef;

use tempfile::TempPath;

use super::elf::{self, NotAPlugin};
use super::kind::{Descriptor, Plugin, PluginKind};
use super::watch;

/// Larger files are refused, in bytes.
const LARGEST: u64 = 1 << 30;
/// Why a file that a compiler is writing is not loaded.
const CHANGES: &str = "it changes while it is read";

/// Why a library is not loaded. Nothing of it stays active.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be opened or read.
    #[error("cannot read {}: {source}", file.display())]
    Read {
        /// The library.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A directory, a pipe, a device.
    #[error("{} is not a regular file", file.display())]
    NotAFile {
        /// The library.
        file: PathBuf,
    },
    /// Larger than any library.
    #[error("{} is larger than {LARGEST} bytes", file.display())]
    TooLarge {
        /// The library.
        file: PathBuf,
    },
    /// Something else than a plugin library.
    #[error("{} {source}", file.display())]
    NotAPlugin {
        /// The library.
        file: PathBuf,
        /// What it is.
        source: NotAPlugin,
    },
    /// No room for a copy.
    #[error("cannot copy {} to {}: {source}", file.display(), std::env::temp_dir().display())]
    Copy {
        /// The library.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The dynamic linker refuses it.
    #[error("cannot load {}: {}", file.display(), reason(source))]
    Link {
        /// The library.
        file: PathBuf,
        /// Why.
        source: libloading::Error,
    },
    /// It was built against another plugin API.
    #[error("{}: {source}", file.display())]
    Incompatible {
        /// The library.
        file: PathBuf,
        /// In what.
        source: Incompatible,
    },
}

/// What the dynamic linker says, without the name of the copy.
fn reason(error: &libloading::Error) -> String {
    let text = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    text.rsplit_once(".so: ").map_or(text.as_str(), |(_, reason)| reason).to_owned()
}

/// A library that is loaded. It stays mapped when it is dropped.
#[derive(Clone)]
pub struct Library {
    file: PathBuf,
    /// Of the file's bytes when it was loaded.
    hash: u64,
    api: ApiVersion,
    root: LibraryRef,
}

impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Library({})", self.file.display())
    }
}

impl Library {
    /// Loads a copy of a file. The file may be replaced while that happens and afterwards; each load gives a library with
    /// statics of its own.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn load(file: &Path) -> Result<Library, LoadError> {
        Library::load_in_steps(file, &mut |_| ())
    }

    /// The same; `done` is told of each step behind it: `copy`, `load`, `check`.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn load_in_steps(file: &Path, done: &mut dyn FnMut(&'static str)) -> Result<Library, LoadError> {
        Library::load_and(file, done, |_, _| Ok(()))
    }

    /// Loads a library and watches what it does: see [`forbidden`](super::forbidden).
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn load_watched(file: &Path) -> Result<Library, LoadError> {
        // SAFETY: it is the symbol of the library that has just been mapped; only its initializers have run.
        Library::load_and(file, &mut |_| (), |data, root_module| unsafe { watch::watch(data, root_module) })
    }

    /// Loads a library, and does something with its bytes and its root module before anything of it is called.
    fn load_and(
        file: &Path,
        done: &mut dyn FnMut(&'static str),
        prepare: impl FnOnce(&[u8], *const c_void) -> io::Result<()>,
    ) -> Result<Library, LoadError> {
        let file = file.to_owned();
        let data = read(&file)?;
        let needed = match elf::check(&data) {
            Ok(needed) => needed,
            Err(source) => return Err(LoadError::NotAPlugin { file, source }),
        };
        let copy = match copy(&data[..needed]) {
            Ok(copy) => copy,
            Err(source) => return Err(LoadError::Copy { file, source }),
        };
        done("copy");
        let mapped = match map(&copy) {
            Ok(mapped) => mapped,
            Err(source) => return Err(LoadError::Link { file, source }),
        };
        done("load");
        // SAFETY: the symbol is a static, whose address this takes.
        let root_module = unsafe { mapped.get::<*const ()>(ROOT_MODULE.to_bytes_with_nul()) }.map(Symbol::as_raw_ptr);
        // It stays mapped for ever.
        mem::forget(mapped);
        let root_module = match root_module {
            Ok(root_module) => root_module,
            Err(source) => return Err(LoadError::Link { file, source }),
        };
        if let Err(source) = prepare(&data, root_module) {
            return Err(LoadError::Read { file, source });
        }
        // SAFETY: it is the root module of a library that stays mapped.
        let (root, api) = match unsafe { loading::open(root_module) } {
            Ok(opened) => opened,
            Err(source) => return Err(LoadError::Incompatible { file, source }),
        };
        done("check");
        Ok(Library { file, hash: hash(&data), api, root })
    }

    /// The file it was loaded from.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Whether its file has the same bytes as when it was loaded, or is gone.
    pub(super) fn is_current(&self) -> bool {
        !self.file.exists() || read(&self.file).is_ok_and(|data| hash(&data) == self.hash)
    }

    /// The version of the plugin API that it was built against.
    #[must_use]
    pub fn api(&self) -> ApiVersion {
        self.api
    }

    /// Its plugins of a kind.
    pub fn plugins<T: PluginKind>(&self) -> impl Iterator<Item = Plugin<T>> {
        T::all(self.root).iter().map(|&table| Plugin::new(table, self.api, Some((&self.file, self.root))))
    }

    /// Its plugin of a kind and a name.
    pub(crate) fn plugin<T: PluginKind>(&self, name: &str) -> Option<Plugin<T>> {
        self.plugins().find(|plugin| plugin.descriptor().name == name)
    }

    /// What its plugins say of themselves.
    #[must_use]
    pub fn descriptors(&self) -> Vec<Descriptor> {
        let classifiers = self.plugins::<ClassifierRef>().map(|plugin| plugin.descriptor().clone());
        let patch_managers = self.plugins::<PatchManagerRef>().map(|plugin| plugin.descriptor().clone());
        let routines = self.plugins::<RoutinesRef>().map(|plugin| plugin.descriptor().clone());
        classifiers.chain(patch_managers).chain(routines).collect()
    }
}

/// What tells contents of files apart.
pub(crate) fn hash(content: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(content);
    hasher.finish()
}

/// The bytes of a regular file. Others are not opened: a pipe would block. The heap would keep the room of so large a
/// block.
fn read(file: &Path) -> Result<MmapMut, LoadError> {
    let failed = |source: io::Error| {
        let changes = source.kind() == io::ErrorKind::UnexpectedEof;
        let source = if changes { io::Error::other(CHANGES) } else { source };
        LoadError::Read { file: file.to_owned(), source }
    };
    if !std::fs::metadata(file).map_err(failed)?.is_file() {
        return Err(LoadError::NotAFile { file: file.to_owned() });
    }
    let mut opened = File::open(file).map_err(failed)?;
    let length = opened.metadata().map_err(failed)?.len();
    if length > LARGEST {
        return Err(LoadError::TooLarge { file: file.to_owned() });
    }
    let mut data = MmapMut::map_anon(length as usize).map_err(failed)?;
    opened.read_exact(&mut data).map_err(failed)?;
    // A compiler may be writing it. What is half of one library and half of another might crash when it is mapped.
    opened.rewind().map_err(failed)?;
    if !has_still(&opened, &data).map_err(failed)? {
        return Err(failed(io::Error::other(CHANGES)));
    }
    Ok(data)
}

/// Whether a file has these bytes and no more.
fn has_still(mut file: impl Read, mut data: &[u8]) -> io::Result<bool> {
    let mut part = vec![0; 1 << 16];
    loop {
        let length = file.read(&mut part)?;
        match data.split_at_checked(length) {
            Some(([], rest)) => return Ok(rest.is_empty()),
            Some((expected, rest)) if *expected == part[..length] => data = rest,
            _ => return Ok(false),
        }
    }
}

/// A copy that nothing else can change, and that takes its room as long as the library is mapped: for ever. It has a name
/// of its own, because the dynamic linker takes a name it knows for the library it has.
fn copy(data: &[u8]) -> io::Result<TempPath> {
    let mut copy = tempfile::Builder::new().prefix("patchbay-plugin-").suffix(".so").tempfile()?;
    copy.write_all(data)?;
    Ok(copy.into_temp_path())
}

fn map(copy: &TempPath) -> Result<Mapped, libloading::Error> {
    // SAFETY: running the initializers of a library is what loading a plugin means.
    unsafe { Mapped::open(Some(copy.as_os_str()), RTLD_NOW | RTLD_LOCAL) }
}
