//! `patchbay plugins` and `patchbay plugin`: what plugins and policies there are, what a library exports, whether it
//! works, and a new one.

mod check;
mod new;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use patchbay_plugin_api::classifier::ClassifierRef;
use patchbay_plugin_api::loading::{ApiVersion, Incompatible};
use patchbay_plugin_api::patch_manager::PatchManagerRef;
use patchbay_plugin_api::routines::RoutinesRef;
use patchbay_vmm::plugins::{
    Descriptor, Failed, Instance, Library, LoadError, PluginKind, Registry, Routines, split_reference,
};
use patchbay_vmm::policy::{self, BUNDLED, Choice, Policy};

/// Lists the plugins that are found next to the executable and on PATCHBAY_PLUGIN_PATH, and the policies
#[derive(Args)]
pub(crate) struct Plugins {
    /// Print the files that they are in, too
    #[arg(long)]
    files: bool,
}

/// Looks at a plugin library, tries it, or begins one
#[derive(Args)]
pub(crate) struct Plugin {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    New(new::New),
    Inspect(Inspect),
    Check(check::Check),
}

/// Loads a plugin library, creates an instance of each of its plugins, and prints what it exports
#[derive(Args)]
struct Inspect {
    /// The settings to create them with, as NAME=VALUE,…
    #[arg(long, default_value = "")]
    config: String,
    /// Print how the types of a refused library differ from this host's
    #[arg(long)]
    verbose: bool,
    /// The library, or LIBRARY#NAME for one of its plugins
    file: String,
}

/// Why a plugin is not listed or inspected.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Failed(#[from] Failed),
    #[error("{} exports no plugin named {name}", file.display())]
    NoSuchPlugin { file: PathBuf, name: String },
    #[error("{0} of the libraries found cannot be loaded")]
    Refused(usize),
    #[error(transparent)]
    Policy(#[from] policy::Error),
    #[error(transparent)]
    New(#[from] new::Error),
    #[error(transparent)]
    Check(#[from] check::Error),
    #[error("cannot write the list: {0}")]
    Write(#[from] io::Error),
}

impl Plugins {
    /// Writes the list to standard output, and a sentence about each library that is refused to standard error.
    pub(crate) fn run(&self) -> Result<(), Error> {
        let registry = Registry::discover().complete();
        let mut output = io::stdout().lock();
        let policies = BUNDLED.iter().map(|(name, _)| Policy::load(name)).collect::<Result<Vec<_>, _>>()?;
        let written = list(&mut output, &registry.descriptors(), self.files)
            .and_then(|()| list_policies(&mut output, &policies))
            .and_then(|()| output.flush());
        ignore_closed(written)?;
        for error in registry.refused() {
            eprintln!("patchbay: {error}");
        }
        if registry.refused().is_empty() { Ok(()) } else { Err(Error::Refused(registry.refused().len())) }
    }
}

impl Plugin {
    /// Does what the subcommand says; whether the plugins are as they should be.
    pub(crate) fn run(&self) -> Result<bool, Error> {
        match &self.command {
            Command::New(new) => Ok(new.run().map(|()| true)?),
            Command::Inspect(inspect) => inspect.run().map(|()| true),
            Command::Check(check) => Ok(check.run()?),
        }
    }
}

impl Inspect {
    fn run(&self) -> Result<(), Error> {
        let (file, name) = split_reference(&self.file);
        let library = Library::load(Path::new(file)).inspect_err(|error| match error {
            LoadError::Incompatible { source: Incompatible::Layout(differences), .. } if self.verbose => {
                eprintln!("{differences}");
            }
            _ => (),
        })?;
        let mut output = io::stdout().lock();
        let host = ApiVersion::host();
        let named = |plugin: &Descriptor| name.is_none_or(|name| plugin.name == name);
        let descriptors: Vec<_> = library.descriptors().into_iter().filter(named).collect();
        if let (true, Some(name)) = (descriptors.is_empty(), name) {
            return Err(Error::NoSuchPlugin { file: library.file().to_owned(), name: name.to_owned() });
        }
        ignore_closed(
            writeln!(output, "{}: built against API {}; this host has {host}", library.file().display(), library.api())
                .and_then(|()| list(&mut output, &descriptors, false)),
        )?;
        self.create::<ClassifierRef>(&library, named)?;
        self.create::<PatchManagerRef>(&library, named)?;
        for routines in self.create::<RoutinesRef>(&library, named)? {
            ignore_closed(templates(&mut output, &routines)?)?;
        }
        Ok(())
    }

    /// An instance of each plugin of a kind that is wanted, which has passed its self-test.
    fn create<T: PluginKind>(
        &self,
        library: &Library,
        wanted: impl Fn(&Descriptor) -> bool,
    ) -> Result<Vec<Instance<T>>, Failed> {
        let plugins = library.plugins::<T>().filter(|plugin| wanted(plugin.descriptor()));
        plugins.map(|plugin| Instance::create(&plugin, &self.config, None)).collect()
    }
}

/// One plugin a line.
fn list(output: &mut impl Write, descriptors: &[Descriptor], files: bool) -> io::Result<()> {
    let width = |text: fn(&Descriptor) -> usize| descriptors.iter().map(text).max().unwrap_or_default();
    let (name, version) = (width(|plugin| plugin.name.len()), width(|plugin| plugin.version.len()));
    for Descriptor { kind, name: of, version: its, api, description, file } in descriptors {
        write!(output, "{kind:<13}  {of:<name$}  {its:<version$}  API {api}  {description}")?;
        match file {
            Some(file) if files => writeln!(output, "  [{}]", file.display())?,
            _ => writeln!(output)?,
        }
    }
    Ok(())
}

/// Two lines a policy: what it is for, and its plugins with their settings.
fn list_policies(output: &mut impl Write, policies: &[Policy]) -> io::Result<()> {
    let width = policies.iter().map(|policy| policy.name.len()).max().unwrap_or_default();
    writeln!(output, "\npolicies:")?;
    for Policy { name, description, classifier, patch_manager, routines } in policies {
        let plugins = [classifier, patch_manager, routines].map(|Choice { plugin, config, .. }| {
            std::iter::once(plugin.as_str()).chain(config.lines()).collect::<Vec<_>>().join(", ")
        });
        writeln!(output, "  {name:<width$}  {description}\n  {:<width$}  {}", "", plugins.join("; "))?;
    }
    Ok(())
}

/// The code template map of a set of routines.
fn templates(output: &mut impl Write, routines: &Routines) -> Result<io::Result<()>, Failed> {
    let templates = routines.templates()?;
    Ok(writeln!(output, "\ntemplates of {}:", routines.descriptor().name).and_then(|()| {
        templates.iter().try_for_each(|template| {
            let mnemonic = template.mnemonic().map_or("?", |mnemonic| mnemonic.name());
            writeln!(output, "  {mnemonic:<15}  {}", template.description())
        })
    }))
}

/// A reader that closes standard output early ends the list.
fn ignore_closed(written: io::Result<()>) -> io::Result<()> {
    written.or_else(|error| if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) })
}
