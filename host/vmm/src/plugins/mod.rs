//! Plugins: finding libraries, loading them, and the instances that serve a virtual machine.
//!
//! A [`Library`] is loaded from a copy of its file and stays mapped for ever, because abi_stable and thread-local
//! destructors keep pointers into it. It offers [`Plugin`]s; an [`Instance`] is one of them at work. The [`Registry`]
//! holds the libraries that were found where plugins are looked for.

pub mod crash;
pub(crate) mod deadline;
mod elf;
mod host;
mod instance;
mod kind;
mod library;
mod registry;
pub mod trial;
mod watch;

pub use instance::{Classifier, Failed, Instance, PatchManager, Routines};
pub use kind::{Descriptor, Kind, NoKind, Plugin, PluginKind};
pub(crate) use library::hash;
pub use library::{Library, LoadError};
pub(crate) use registry::names_file;
pub use registry::{FindError, Registry, split_reference};
pub use watch::forbidden;
