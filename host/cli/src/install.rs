//! `patchbay install`: puts the command, its plugins and its guests where the shell finds them; `patchbay completions` and
//! `patchbay man`: what shells and `man` know of it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use clap_complete::Shell;
use patchbay::output::{OutputError, print};
use patchbay_vmm::plugins::Registry;

use crate::guests;

/// Puts the command, its plugins, its guests, its manual pages and its completions below a directory
#[derive(Args)]
#[command(
    after_help = "What is there of an earlier installation is replaced. `patchbay` then works in every directory, \
without the tree that it was built from; only `patchbay plugin new` wants that, or --path or --git."
)]
pub(crate) struct Install {
    /// The directory: its bin gets the command, its lib/patchbay the plugins, its share/patchbay the guests
    /// [default: ~/.local]
    #[arg(long, value_name = "DIR")]
    prefix: Option<PathBuf>,
}

/// Writes a file of completions to standard output
#[derive(Args)]
#[command(after_help = "Example, for bash:\n  source <(patchbay completions bash)")]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

/// Writes the manual pages into a directory
#[derive(Args)]
#[command(after_help = "Example:\n  patchbay man /tmp/man && man -l /tmp/man/patchbay-run.1")]
pub(crate) struct Man {
    /// The directory; it is made if it is not there
    directory: PathBuf,
}

/// Why something is not installed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InstallError {
    #[error("there is no home directory: say --prefix DIR")]
    NoHome,
    #[error("cannot write {}: {source}", file.display())]
    Write { file: PathBuf, source: io::Error },
    #[error("cannot read {}: {source}", file.display())]
    Read { file: PathBuf, source: io::Error },
    #[error("no bundled plugin is found beside this command: build it with cargo build --release")]
    NoPlugins,
    #[error(transparent)]
    Print(#[from] OutputError),
}

impl Completions {
    pub(crate) fn run(&self, command: &mut clap::Command) -> Result<(), InstallError> {
        let text = completions(self.shell, command);
        Ok(print(format_args!("{text}")).map_err(OutputError)?)
    }
}

impl Man {
    pub(crate) fn run(&self, command: clap::Command) -> Result<(), InstallError> {
        let failed = |source| InstallError::Write { file: self.directory.clone(), source };
        fs::create_dir_all(&self.directory).map_err(failed)?;
        clap_mangen::generate_to(command, &self.directory).map_err(failed)
    }
}

impl Install {
    pub(crate) fn run(&self, mut command: clap::Command) -> Result<(), InstallError> {
        let prefix = match (&self.prefix, std::env::home_dir()) {
            (Some(prefix), _) => prefix.clone(),
            (None, Some(home)) => home.join(".local"),
            (None, None) => return Err(InstallError::NoHome),
        };
        let plugins = Registry::bundled();
        if plugins.is_empty() {
            return Err(InstallError::NoPlugins);
        }
        let (bin, share) = (prefix.join("bin"), prefix.join("share"));
        // Plugins first: a command is never there without them.
        let lib = prefix.join("lib/patchbay");
        for plugin in &plugins {
            copy(plugin, &lib.join(plugin.file_name().unwrap_or_default()))?;
        }
        copy_folder(&guests::directory(), &share.join("patchbay/guests"))?;
        let completion = |file: &str, shell, command: &mut clap::Command| {
            let text = completions(shell, command);
            replace(&share.join(file), |to| fs::write(to, &text))
        };
        completion("bash-completion/completions/patchbay", Shell::Bash, &mut command)?;
        completion("zsh/site-functions/_patchbay", Shell::Zsh, &mut command)?;
        completion("fish/vendor_completions.d/patchbay.fish", Shell::Fish, &mut command)?;
        Man { directory: share.join("man/man1") }.run(command)?;
        let executable = bin.join("patchbay");
        copy(Path::new("/proc/self/exe"), &executable)?;
        let paths = std::env::var_os("PATH").unwrap_or_default();
        let found = std::env::split_paths(&paths).any(|path| path == bin);
        let hint = format!("\nThe shell does not look there yet: export PATH=\"{}:$PATH\"\n", bin.display());
        let (count, hint) = (plugins.len(), if found { "" } else { &hint });
        let (executable, lib, share) = (executable.display(), lib.display(), share.display());
        let said = print(format_args!(
            "{executable} is installed, with {count} plugin libraries in {lib} and the guests in {share}/patchbay/guests\n{hint}"
        ));
        Ok(said.map_err(OutputError)?)
    }
}

fn completions(shell: Shell, command: &mut clap::Command) -> String {
    let mut text = Vec::new();
    clap_complete::generate(shell, command, "patchbay", &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// Puts a file in place of another one, which may be in use.
fn replace(file: &Path, write: impl FnOnce(&Path) -> io::Result<()>) -> Result<(), InstallError> {
    let failed = |source| InstallError::Write { file: file.to_owned(), source };
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let new = file.with_extension(format!("new-{}", std::process::id()));
    write(&new).and_then(|()| fs::rename(&new, file)).map_err(|source| {
        let _is_not_there = fs::remove_file(&new);
        failed(source)
    })
}

fn copy(from: &Path, to: &Path) -> Result<(), InstallError> {
    // Who installs over the installed command itself changes nothing.
    if from.canonicalize().is_ok_and(|from| to.canonicalize().is_ok_and(|to| from == to)) {
        return Ok(());
    }
    replace(to, |new| fs::copy(from, new).map(|_| ()))
}

/// Copies what a guest needs to run: what lies in the folders that have a description, without their folders.
fn copy_folder(from: &Path, to: &Path) -> Result<(), InstallError> {
    let list = |folder: &Path| -> Result<Vec<PathBuf>, InstallError> {
        let failed = |source| InstallError::Read { file: folder.to_owned(), source };
        let entries = fs::read_dir(folder).map_err(failed)?;
        entries.map(|entry| entry.map(|entry| entry.path()).map_err(failed)).collect()
    };
    for folder in list(from)? {
        if !folder.join(patchbay_machine::guest::FILE).exists() {
            continue;
        }
        for file in list(&folder)?.iter().filter(|file| file.is_file()) {
            let name = folder.file_name().unwrap_or_default();
            copy(file, &to.join(name).join(file.file_name().unwrap_or_default()))?;
        }
    }
    Ok(())
}
