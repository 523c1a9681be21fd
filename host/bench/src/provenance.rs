//! What results are made of: hashes of command, guest and plugins, and the host.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use patchbay_vmm::plugins::{Descriptor, Registry, split_reference};

use crate::Command;
use crate::plan::{GuestChoice, Plan};
use crate::record::{Host, PluginFile, Provenance, short};
use crate::strategy::Strategy;

/// Why it is not known what a run would be made of.
#[derive(Debug, thiserror::Error)]
pub enum ProvenanceError {
    /// A file cannot be read.
    #[error("cannot read {0}: {1}")]
    Read(PathBuf, io::Error),
    /// There is no such guest.
    #[error("{0}")]
    Guest(String),
}

/// Finds out what runs are made of; each file is read once.
pub struct Sources<'a> {
    command: &'a Command<'a>,
    bundled: Vec<Descriptor>,
    hashes: HashMap<PathBuf, String>,
}

impl<'a> Sources<'a> {
    /// With the plugins that the command finds.
    #[must_use]
    pub fn new(command: &'a Command<'a>) -> Sources<'a> {
        Sources { command, bundled: Registry::discover().complete().descriptors(), hashes: HashMap::new() }
    }

    /// What a run of a strategy on a guest is made of.
    ///
    /// # Errors
    /// If a file is missing.
    pub fn of(&mut self, plan: &Plan, guest: &GuestChoice, strategy: &Strategy) -> Result<Provenance, ProvenanceError> {
        let found = (self.command.find)(&guest.guest, &plan.directory).map_err(ProvenanceError::Guest)?;
        let mut hasher = blake3::Hasher::new();
        let more = guest.initrd.iter().map(|part| plan.directory.join(part));
        for file in [found.kernel.clone()].into_iter().chain(found.initrd.clone()).chain(more) {
            hasher.update(self.hash(&file)?.as_bytes());
        }
        hasher.update(found.append.as_bytes());
        let names = strategy.plugins(&plan.directory);
        let plugins = names.iter().map(|name| self.plugin(name, &plan.directory)).collect::<Result<_, _>>()?;
        Ok(Provenance {
            version: self.command.version.to_owned(),
            plugins,
            command: self.hash(&self.command.file.clone())?,
            guest: short(&hasher.finalize()),
            host: host(),
        })
    }

    fn plugin(&mut self, name: &str, directory: &Path) -> Result<PluginFile, ProvenanceError> {
        let (file, _) = split_reference(name);
        let bundled = self.bundled.iter().find(|plugin| plugin.name == name).map(|plugin| plugin.file.clone());
        let hash = match bundled {
            Some(Some(file)) => self.hash(&file)?,
            Some(None) => String::new(),
            // A name that is not known is refused when it is tried.
            None if directory.join(file).is_file() => self.hash(&directory.join(file))?,
            None => String::new(),
        };
        Ok(PluginFile { name: name.to_owned(), hash })
    }

    fn hash(&mut self, path: &Path) -> Result<String, ProvenanceError> {
        if let Some(hash) = self.hashes.get(path) {
            return Ok(hash.clone());
        }
        let mut hasher = blake3::Hasher::new();
        let read = File::open(path).and_then(|file| hasher.update_reader(file).map(|_| ()));
        read.map_err(|error| ProvenanceError::Read(path.to_owned(), error))?;
        let hash = short(&hasher.finalize());
        self.hashes.insert(path.to_owned(), hash.clone());
        Ok(hash)
    }
}

/// The identity of what runs: two runs with one cell differ only by chance.
#[must_use]
pub fn cell(provenance: &Provenance, arguments: &[String], expect: Option<&str>) -> String {
    let mut hasher = blake3::Hasher::new();
    let plugins = provenance.plugins.iter().flat_map(|plugin| [plugin.name.as_str(), plugin.hash.as_str()]);
    let parts = [provenance.command.as_str(), &provenance.guest].into_iter().chain(plugins);
    for part in parts.chain(arguments.iter().map(String::as_str)).chain(expect) {
        hasher.update(part.as_bytes()).update(&[0]);
    }
    short(&hasher.finalize())
}

/// This machine.
#[must_use]
pub fn host() -> Host {
    let names = rustix::system::uname();
    let text = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
    let information = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = information.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let load = std::fs::read_to_string("/proc/loadavg").ok();
    Host {
        name: text(names.nodename()),
        processor: processor.map(|(_, name)| name.to_owned()).unwrap_or_default(),
        processors: std::thread::available_parallelism().map_or(0, usize::from),
        kernel: text(names.release()),
        load: load.and_then(|load| load.split(' ').next()?.parse().ok()).unwrap_or_default(),
    }
}
