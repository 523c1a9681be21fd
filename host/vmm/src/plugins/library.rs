//! Loading a plugin library.

use std::ffi::c_void;
use std::fmt;
use std::fs::File;
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, Read, Seek, Write};
use std::mem;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Weak};

use libloading::os::unix::{Library as Mapped, RTLD_LOCAL, RTLD_NOW, Symbol};
use memmap2::MmapMut;
use patchbay_plugin_api::classifier::ClassifierRef;
use patchbay_plugin_api::export::LibraryRef;
use patchbay_plugin_api::loading::{self, ApiVersion, Incompatible, NO_STATICS, ROOT_MODULE};
use patchbay_plugin_api::patch_manager::PatchManagerRef;
use patchbay_plugin_api::routines::RoutinesRef;

use tempfile::TempPath;

use super::elf::{self, NotAPlugin};
use super::kind::{Descriptor, Plugin, PluginKind};
use super::trial::{self, Limit, TrialError};
use super::{crash, watch};
use crate::fast_path::lock;
use patchbay_machine::text;

/// Larger files are refused, in bytes.
const LARGEST: u64 = 1 << 30;
/// Names and versions of plugins that are longer are refused, in bytes.
const NAME_MAX: usize = 100;
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
    /// A plugin has a name or a version that is not for people.
    #[error("{}: the {what} of a plugin has no characters but those that can be seen, and at most {NAME_MAX} bytes: {text:?}", file.display())]
    Name {
        /// The library.
        file: PathBuf,
        /// `name` or `version`.
        what: &'static str,
        /// Its beginning.
        text: String,
    },
    /// It fails in a process of its own.
    #[error(transparent)]
    Trial(TrialError),
}

impl LoadError {
    /// How the library's types differ from this host's, in many lines, if that is why it is not loaded.
    #[must_use]
    pub fn differences(&self) -> Option<&str> {
        match self {
            LoadError::Incompatible { source: Incompatible::Layout(differences), .. } => Some(differences),
            LoadError::Trial(TrialError::Refused { differences, .. }) => differences.as_deref(),
            _ => None,
        }
    }
}

/// What the dynamic linker says, without the name of the copy.
fn reason(error: &libloading::Error) -> String {
    let said = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    let without_name = match said.split_once(": ") {
        Some((name, reason)) if name.starts_with('/') => reason,
        _ => &said,
    };
    text::line(without_name, text::MESSAGE)
}

/// A library that is loaded. It stays mapped when it is dropped.
#[derive(Clone)]
pub struct Library {
    file: PathBuf,
    /// Of the file's bytes when it was loaded.
    hash: u64,
    mapped: Arc<Mapping>,
}

/// Libraries without statics, as long as somebody has a plugin of theirs: they need not be mapped again.
static WITHOUT_STATICS: Mutex<Vec<(u64, Weak<Mapping>)>> = Mutex::new(Vec::new());

/// What a library is in this process.
pub(super) struct Mapping {
    /// What it exports.
    pub(super) root: LibraryRef,
    /// The version of the plugin API that it was built against.
    api: ApiVersion,
    /// What of its file the dynamic linker needs, which nobody changes.
    pub(super) copy: File,
}

impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Library({})", self.file.display())
    }
}

impl Library {
    /// Loads a copy of a file, after a [trial](super::trial). The file may be replaced while that happens and afterwards;
    /// each load gives a library with statics of its own.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn load(file: &Path) -> Result<Library, LoadError> {
        Library::load_in_steps(file, Limit::default(), &mut |_| ())
    }

    /// The same, with a limit for the trial; `done` is told of each step that has ended: `copy`, `try`, `load`, `check`.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn load_in_steps(file: &Path, limit: Limit, done: &mut dyn FnMut(&'static str)) -> Result<Library, LoadError> {
        let (data, needed) = read_library(file)?;
        let failed = |source| LoadError::Copy { file: file.to_owned(), source };
        if let Some(mapped) = without_statics(hash(&data), &data[..needed]) {
            return Ok(Library { file: file.to_owned(), hash: hash(&data), mapped });
        }
        let copy = copy(&data[..needed]).map_err(failed)?;
        let bytes = File::open(&copy).map_err(failed)?;
        done("copy");
        trial::load(file, &bytes, limit)?;
        done("try");
        Library::map(file, &data, &copy, bytes, done, |_, _| Ok(()))
    }

    /// Loads a library without a trial and watches what it does: see [`forbidden`](super::forbidden).
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn load_watched(file: &Path) -> Result<Library, LoadError> {
        let (data, needed) = read_library(file)?;
        let failed = |source| LoadError::Copy { file: file.to_owned(), source };
        let copy = copy(&data[..needed]).map_err(failed)?;
        let bytes = File::open(&copy).map_err(failed)?;
        // SAFETY: it is the symbol of the library that has just been mapped; only its initializers have run.
        let watch = |data: &[u8], root_module| unsafe { watch::watch(data, root_module) };
        Library::map(file, &data, &copy, bytes, &mut |_| (), watch)
    }

    /// Loads a copy that a host has made of `file`, in the process of a trial.
    pub(super) fn of_copy(file: &Path, copy: File) -> Result<Library, LoadError> {
        let opened = PathBuf::from(format!("/proc/self/fd/{}", copy.as_raw_fd()));
        // The host has checked the whole file, and copied what the dynamic linker needs.
        let data = read(&opened)?;
        Library::map(file, &data, &opened, copy, &mut |_| (), |_, _| Ok(()))
    }

    /// Maps the copy of a library, and does something with its bytes and its root module before anything of it is called.
    fn map(
        file: &Path,
        data: &[u8],
        copy: &Path,
        bytes: File,
        done: &mut dyn FnMut(&'static str),
        prepare: impl FnOnce(&[u8], *const c_void) -> io::Result<()>,
    ) -> Result<Library, LoadError> {
        let file = file.to_owned();
        let name = file.display().to_string();
        let initializing = crash::note("its initializers", &name);
        // SAFETY: running the initializers of a library is what loading a plugin means.
        let mapped = match unsafe { Mapped::open(Some(copy), RTLD_NOW | RTLD_LOCAL) } {
            Ok(mapped) => mapped,
            Err(source) => return Err(LoadError::Link { file, source }),
        };
        drop(initializing);
        done("load");
        // SAFETY: the symbol is a static, whose address this takes.
        let root_module = unsafe { mapped.get::<*const ()>(ROOT_MODULE.to_bytes_with_nul()) }.map(Symbol::as_raw_ptr);
        // SAFETY: the symbol is a static, which nobody reads.
        let has_no_statics = unsafe { mapped.get::<*const u8>(NO_STATICS.to_bytes_with_nul()) }.is_ok();
        // It stays mapped for ever.
        mem::forget(mapped);
        let root_module = match root_module {
            Ok(root_module) => root_module,
            Err(source) => return Err(LoadError::Link { file, source }),
        };
        crash::mapped(&file, data, root_module);
        if let Err(source) = prepare(data, root_module) {
            return Err(LoadError::Read { file, source });
        }
        let exporting = crash::note("what it exports", &name);
        // SAFETY: it is the root module of a library that stays mapped.
        let (root, api) = match unsafe { loading::open(root_module) } {
            Ok(opened) => opened,
            Err(source) => return Err(LoadError::Incompatible { file, source }),
        };
        drop(exporting);
        let library = Library { file, hash: hash(data), mapped: Arc::new(Mapping { root, api, copy: bytes }) };
        library.check_names()?;
        if has_no_statics {
            lock(&WITHOUT_STATICS).push((library.hash, Arc::downgrade(&library.mapped)));
        }
        done("check");
        Ok(library)
    }

    /// Names and versions are printed, compared and typed.
    fn check_names(&self) -> Result<(), LoadError> {
        for Descriptor { name, version, .. } in self.descriptors() {
            for (what, given) in [("name", name), ("version", version)] {
                if given.len() > NAME_MAX || !given.chars().all(text::is_plain) {
                    let text = given.chars().take(NAME_MAX).collect();
                    return Err(LoadError::Name { file: self.file.clone(), what, text });
                }
            }
        }
        Ok(())
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
        self.mapped.api
    }

    /// Its plugins of a kind.
    pub fn plugins<T: PluginKind>(&self) -> impl Iterator<Item = Plugin<T>> {
        let tables = T::all(self.mapped.root).iter();
        tables.map(|&table| Plugin::new(table, self.mapped.api, Some((&self.file, Arc::clone(&self.mapped)))))
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

/// The library without statics that is mapped from these bytes.
fn without_statics(hash: u64, needed: &[u8]) -> Option<Arc<Mapping>> {
    let mut mapped = lock(&WITHOUT_STATICS);
    mapped.retain(|(_, mapping)| mapping.strong_count() > 0);
    let mut same = mapped.iter().filter(|(other, _)| *other == hash).filter_map(|(_, mapping)| mapping.upgrade());
    same.find(|mapping| (&mapping.copy).rewind().is_ok() && has_still(&mapping.copy, needed).is_ok_and(|same| same))
}

/// What tells contents of files apart.
pub(crate) fn hash(content: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(content);
    hasher.finish()
}

/// The bytes of a library, and how many of them the dynamic linker needs.
fn read_library(file: &Path) -> Result<(MmapMut, usize), LoadError> {
    let data = read(file)?;
    match elf::check(&data) {
        Ok(needed) => Ok((data, needed)),
        Err(source) => Err(LoadError::NotAPlugin { file: file.to_owned(), source }),
    }
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
