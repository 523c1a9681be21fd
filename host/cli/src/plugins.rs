//! `patchbay plugins` and `patchbay plugin`: what plugins and policies there are, what a library exports, whether it
//! works, and a new one.

mod check;
mod new;

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process;

use clap::{Args, Subcommand};
use patchbay::output::{tell, unless_closed};
use patchbay_machine::text;
use patchbay_plugin_api::classifier::ClassifierRef;
use patchbay_plugin_api::instruction::Mnemonic;
use patchbay_plugin_api::loading::ApiVersion;
use patchbay_plugin_api::patch_manager::PatchManagerRef;
use patchbay_plugin_api::routines::{RoutinesRef, Template};
use patchbay_vmm::plugins::trial;
use patchbay_vmm::plugins::{
    Descriptor, Failed, Instance, Library, LoadError, PluginKind, Registry, Routines, split_reference,
};
use patchbay_vmm::policy::{self, BUNDLED, Choice, Policy};
use rustix::stdio::{dup2_stdin, dup2_stdout};
use serde_json::{Value, json};

/// Lists the plugins that are found next to the executable and on PATCHBAY_PLUGIN_PATH, and the policies
#[derive(Args)]
pub(crate) struct Plugins {
    /// Print the files that they are in, too
    #[arg(long)]
    files: bool,
    /// Print the list as JSON
    #[arg(long)]
    json: bool,
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
    /// Be the process of a trial: standard input is the host's socket, standard output the library
    #[command(hide = true)]
    Try,
}

/// The command of a trial's process: this very program, even if its file was replaced.
pub(crate) fn trial() -> process::Command {
    let mut command = process::Command::new("/proc/self/exe");
    command.arg0("patchbay").args(["--log", "off", "plugin", "try"]);
    command
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
    /// Print what it exports as JSON
    #[arg(long)]
    json: bool,
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
    #[error("cannot write to standard output: {0}")]
    Write(#[from] io::Error),
}

impl Plugins {
    /// Writes the list to standard output, and a sentence about each library that is refused to standard error.
    pub(crate) fn run(&self) -> Result<(), Error> {
        let registry = Registry::discover().complete();
        let mut output = io::stdout().lock();
        let policies = BUNDLED.iter().map(|(name, _)| Policy::load(name)).collect::<Result<Vec<_>, _>>()?;
        let written = if self.json {
            let plugins: Vec<_> = registry.descriptors().iter().map(described).collect();
            let policies: Vec<_> = policies.iter().map(described_policy).collect();
            writeln!(output, "{}", json!({ "plugins": plugins, "policies": policies }))
        } else {
            list(&mut output, &registry.descriptors(), self.files).and_then(|()| list_policies(&mut output, &policies))
        };
        let written = written.and_then(|()| output.flush());
        unless_closed(written)?;
        for error in registry.refused() {
            tell(format_args!("patchbay: {error}\n"));
        }
        if registry.refused().is_empty() { Ok(()) } else { Err(Error::Refused(registry.refused().len())) }
    }
}

impl Plugin {
    /// Whether this process is one in which plugins are tried, and may crash.
    pub(crate) fn is_a_trial(&self) -> bool {
        matches!(self.command, Command::Try | Command::Check(check::Check { child: true, .. }))
    }

    /// Does what the subcommand says; whether the plugins are as they should be.
    pub(crate) fn run(&self) -> Result<bool, Error> {
        match &self.command {
            Command::New(new) => Ok(new.run().map(|()| true)?),
            Command::Inspect(inspect) => inspect.run().map(|()| true),
            Command::Check(check) => Ok(check.run()?),
            Command::Try => Ok(be_tried().map(|()| true)?),
        }
    }
}

/// Tries a plugin for the host that has started this process. Neither its socket nor the library is where a plugin would
/// write by mistake.
fn be_tried() -> io::Result<()> {
    let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let copy = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let nowhere = File::options().read(true).write(true).open("/dev/null")?;
    dup2_stdin(&nowhere)?;
    dup2_stdout(&nowhere)?;
    trial::child(socket, copy)
}

impl Inspect {
    fn run(&self) -> Result<(), Error> {
        let (file, name) = split_reference(&self.file);
        let library = Library::load(Path::new(file)).inspect_err(|error| match error.differences() {
            Some(differences) if self.verbose => tell(format_args!("{differences}\n")),
            _ => (),
        })?;
        let mut output = io::stdout().lock();
        let host = ApiVersion::host();
        let named = |plugin: &Descriptor| name.is_none_or(|name| plugin.name == name);
        let descriptors: Vec<_> = library.descriptors().into_iter().filter(named).collect();
        if let (true, Some(name)) = (descriptors.is_empty(), name) {
            return Err(Error::NoSuchPlugin { file: library.file().to_owned(), name: name.to_owned() });
        }
        if self.json {
            return self.print_json(&library, &descriptors, named);
        }
        unless_closed(
            writeln!(output, "{}: built against API {}; this host has {host}", library.file().display(), library.api())
                .and_then(|()| list(&mut output, &descriptors, false)),
        )?;
        self.create::<ClassifierRef>(&library, named)?;
        self.create::<PatchManagerRef>(&library, named)?;
        for routines in self.create::<RoutinesRef>(&library, named)? {
            unless_closed(templates(&mut output, &routines)?)?;
        }
        Ok(())
    }

    fn print_json(
        &self,
        library: &Library,
        descriptors: &[Descriptor],
        named: impl Fn(&Descriptor) -> bool,
    ) -> Result<(), Error> {
        self.create::<ClassifierRef>(library, &named)?;
        self.create::<PatchManagerRef>(library, &named)?;
        let routines = self.create::<RoutinesRef>(library, &named)?;
        let mut plugins: Vec<_> = descriptors.iter().map(described).collect();
        for instance in &routines {
            let templates = instance.templates()?;
            let mnemonics: Vec<_> = templates.iter().filter_map(Template::mnemonic).map(Mnemonic::name).collect();
            let of =
                |plugin: &&mut Value| plugin["kind"] == "routines" && plugin["name"] == *instance.descriptor().name;
            plugins.iter_mut().filter(of).for_each(|plugin| plugin["templates"] = json!(mnemonics));
        }
        let host = ApiVersion::host().to_string();
        let api = library.api().to_string();
        let all = json!({ "file": library.file(), "api": api, "host_api": host, "plugins": plugins });
        Ok(unless_closed(writeln!(io::stdout().lock(), "{all}"))?)
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

/// A plugin as JSON.
fn described(plugin: &Descriptor) -> Value {
    let Descriptor { kind, name, version, api, description, file } = plugin;
    json!({
        "kind": kind,
        "name": name,
        "version": version,
        "api": api.to_string(),
        "description": description,
        "file": file,
    })
}

/// A policy as JSON: its plugins with their settings.
fn described_policy(policy: &Policy) -> Value {
    let choice = |choice: &Choice| json!({ "plugin": choice.plugin, "config": choice.config.trim() });
    json!({
        "name": policy.name,
        "description": policy.description,
        "classifier": choice(&policy.classifier),
        "patch_manager": choice(&policy.patch_manager),
        "routines": choice(&policy.routines),
    })
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
            writeln!(output, "  {mnemonic:<15}  {}", text::line(template.description(), text::NAME))
        })
    }))
}
