//! `--vm FILE`: descriptions of virtual machines that run side by side.
//!
//! ```toml
//! guest = "linux"                  # as on the command line; the only key that must be there
//! processors = 2
//! memory = "512M"
//! append = "run=smoke"
//! initrd = ["more.cpio.gz"]
//! console = "first.log"            # or "pty", or "unix:PATH", or "stdio", which one machine may have
//! mode = "patch"
//! policy = "hot"
//! classifier = "classify-mnemonic"
//! patch-manager = "patch-hot,threshold=4"
//! routines = ["routines-standard"]
//! ```
//!
//! Files are relative to the description's. What it does not say is as on the command line.

use std::path::{Path, PathBuf};

use patchbay::monitor::Mode;
use patchbay_machine::guest::{SizeError, parse_size};
use patchbay_vmm::policy::{BUNDLED, Choice};
use serde::Deserialize;

use crate::run::Run;

/// Why there is no such description.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VmError {
    #[error("cannot read {0}: {1}")]
    Read(PathBuf, std::io::Error),
    #[error("{0}: line {1}: {2}")]
    Parse(PathBuf, usize, String),
    #[error("{0}: memory: {1}")]
    Size(PathBuf, SizeError),
    #[error("{0} and {1} have the same console, {2}: give one of them another console = \"FILE\"")]
    Console(PathBuf, PathBuf, String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Description {
    guest: String,
    processors: Option<usize>,
    memory: Option<String>,
    append: Option<String>,
    #[serde(default)]
    initrd: Vec<PathBuf>,
    console: Option<String>,
    mode: Option<Mode>,
    policy: Option<String>,
    classifier: Option<String>,
    patch_manager: Option<String>,
    routines: Option<Vec<String>>,
}

/// A virtual machine as a file describes it; what it does not say is as in `run`.
fn read(file: &Path, run: &Run) -> Result<Run, VmError> {
    let text = std::fs::read_to_string(file).map_err(|error| VmError::Read(file.to_owned(), error))?;
    let description: Description = toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
        VmError::Parse(file.to_owned(), line, error.message().replace('\n', " "))
    })?;
    let base = file.parent().unwrap_or(Path::new(""));
    let mut run = run.clone();
    let Description { guest, processors, memory, append, initrd, console, .. } = description;
    run.guest = guest;
    run.base = base.to_owned();
    run.processors = processors.or(run.processors);
    if let Some(memory) = memory {
        run.memory = Some(parse_size(&memory).map_err(|error| VmError::Size(file.to_owned(), error))?);
    }
    run.append.splice(0..0, append);
    run.initrd.splice(0..0, initrd.into_iter().map(|part| base.join(part)));
    match console.as_deref().map(|console| (console, console.strip_prefix("unix:"))) {
        None | Some(("stdio", _)) => {}
        Some(("pty", _)) => run.console = "pty".to_owned(),
        Some((_, Some(socket))) => run.console = format!("unix:{}", base.join(socket).display()),
        Some((file, None)) => run.console = base.join(file).to_string_lossy().into_owned(),
    }
    let monitor = &mut run.monitor;
    monitor.mode = description.mode.unwrap_or(monitor.mode);
    if let Some(policy) = description.policy {
        let bundled = BUNDLED.iter().any(|(name, _)| *name == policy);
        monitor.policy = if bundled { policy } else { base.join(policy).to_string_lossy().into_owned() };
    }
    let choice = |argument: String| Choice { base: base.to_owned(), ..Choice::from_argument(&argument) };
    monitor.classifier = description.classifier.map(choice).or(monitor.classifier.take());
    monitor.patch_manager = description.patch_manager.map(choice).or(monitor.patch_manager.take());
    if let Some(routines) = description.routines {
        monitor.routines = routines.into_iter().map(choice).collect();
    }
    Ok(run)
}

/// The virtual machines that these files describe; no two have the same console.
pub(crate) fn read_all(files: &[PathBuf], run: &Run) -> Result<Vec<Run>, VmError> {
    let runs: Vec<Run> = files.iter().map(|file| read(file, run)).collect::<Result<_, _>>()?;
    for (index, (file, run)) in files.iter().zip(&runs).enumerate() {
        if let Some(other) = runs[..index].iter().position(|other| other.console == run.console && run.console != "pty")
        {
            return Err(VmError::Console(files[other].clone(), file.clone(), run.console.clone()));
        }
    }
    Ok(runs)
}
