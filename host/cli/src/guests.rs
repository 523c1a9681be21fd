//! `patchbay guests`: the bundled guests, and how a guest on the command line is found.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use patchbay::output::{OutputError, print};
use patchbay_machine::guest::{FILE, Guest, GuestError};

/// Names another directory of bundled guests.
const VARIABLE: &str = "PATCHBAY_GUESTS";

/// Lists the bundled guests
#[derive(Args)]
pub(crate) struct Guests {
    /// Print the list as JSON
    #[arg(long)]
    json: bool,
}

/// Why a guest is not found.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FindError {
    #[error("{0} is neither a bundled guest ({1}) nor a file nor a directory")]
    Unknown(String, String),
    #[error("cannot list the bundled guests in {0}: {1}")]
    List(PathBuf, io::Error),
    #[error(transparent)]
    Guest(#[from] GuestError),
    #[error(transparent)]
    Write(#[from] OutputError),
}

impl Guests {
    pub(crate) fn run(&self) -> Result<(), FindError> {
        if self.json {
            let list: Vec<_> = bundled()?.iter().map(described).collect();
            return Ok(print(format_args!("{}\n", serde_json::Value::from(list))).map_err(OutputError)?);
        }
        for guest in bundled()? {
            let processors = match guest.max_processors {
                1 => "1 processor".to_owned(),
                most => format!("1-{most} processors"),
            };
            print(format_args!(
                "{:<10} {} ({} MiB, {processors})\n",
                guest.name,
                guest.description,
                guest.memory >> 20
            ))
            .map_err(OutputError)?;
        }
        Ok(())
    }
}

/// A guest as JSON.
fn described(guest: &Guest) -> serde_json::Value {
    let Guest { name, description, kernel, memory, processors, max_processors, .. } = guest;
    serde_json::json!({
        "name": name,
        "description": description,
        "kernel": kernel,
        "memory": memory,
        "processors": processors,
        "max_processors": max_processors,
    })
}

/// Where the bundled guests are: beside the command where it is installed, in the source tree that it was built from, or the
/// current directory's.
pub(crate) fn directory() -> PathBuf {
    let installed = std::env::current_exe().unwrap_or_default().with_file_name("../share/patchbay/guests");
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guests");
    match std::env::var_os(VARIABLE) {
        Some(path) => path.into(),
        None if installed.is_dir() => installed,
        None if built.is_dir() => built,
        None => "guests".into(),
    }
}

/// The bundled guests by name.
fn bundled() -> Result<Vec<Guest>, FindError> {
    let directory = directory();
    let entries = fs::read_dir(&directory).map_err(|error| FindError::List(directory.clone(), error))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths.retain(|path| path.join(FILE).exists());
    Ok(paths.iter().map(|path| Guest::read(path)).collect::<Result<_, _>>()?)
}

/// The guest of this name: a bundled one, or an image or a directory with a description, relative to `base`.
pub(crate) fn find(name: &str, base: &Path) -> Result<Guest, FindError> {
    let bundle = directory().join(name);
    let plain = !name.is_empty() && !name.starts_with('.') && !name.contains('/');
    if plain && bundle.join(FILE).exists() {
        return Ok(Guest::read(&bundle)?);
    }
    let path = base.join(name);
    if path.is_dir() {
        return Ok(Guest::read(&path)?);
    }
    if path.exists() {
        return Ok(Guest::image(path));
    }
    let names: Vec<String> = bundled().unwrap_or_default().into_iter().map(|guest| guest.name).collect();
    Err(FindError::Unknown(name.to_owned(), names.join(", ")))
}
