//! `patchbay plugin new`: the crate of a plugin, to begin with.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use patchbay::output::unless_closed;
use patchbay_vmm::plugins::Kind;

/// Where plugin-api was when this program was built.
const PLUGIN_API: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../plugin-api");

const MANIFEST: &str = include_str!("../../templates/Cargo.toml.in");

/// Names that cannot be a crate's: those of Rust and of the crates that a plugin uses.
const TAKEN: &[&str] = &[
    "abi_stable",
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "core",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "patchbay_plugin_api",
    "priv",
    "proc_macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
];

/// Writes the crate of a new plugin, with one worked decision or routine and its tests
#[derive(Args)]
pub(super) struct New {
    /// The name of the plugin and of its crate: lower-case letters, digits and hyphens
    name: String,
    /// What it does: classifier says which instructions share a routine, patch-manager decides which sites are patched,
    /// routines builds emulation routines
    #[arg(long)]
    kind: Kind,
    /// For routines: begin with all routines of this set, one of them wrapped
    #[arg(long, value_name = "SET", value_enum)]
    around: Option<Around>,
    /// The directory of plugin-api in Patchbay's source [default: that of this program's]
    #[arg(long, value_name = "DIR", conflicts_with = "git")]
    path: Option<PathBuf>,
    /// A repository with Patchbay's source, instead of a directory
    #[arg(long, value_name = "URL")]
    git: Option<String>,
    /// The directory to make [default: NAME]
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// Where Cargo builds it, relative to that: plugins side by side share what they need of others
    #[arg(long, value_name = "DIR", default_value = "../target")]
    target_dir: PathBuf,
}

/// A set of routines that others can be made around.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Around {
    /// Those of routines-standard: all virtualized instructions
    Standard,
}

/// Why there is no new crate.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("a plugin cannot be named {0:?}: take lower-case letters, digits and hyphens, a letter first")]
    Name(String),
    #[error("a plugin cannot be named {0:?}: Rust or a crate that it uses has that name")]
    Taken(String),
    #[error("{} is not the directory of patchbay-plugin-api; say --path DIR or --git URL", .0.display())]
    NoApi(PathBuf),
    #[error("--around is for --kind routines: a {0} has no routines")]
    Around(Kind),
    #[error("{} exists", .0.display())]
    Exists(PathBuf),
    #[error("cannot say what is next: {0}")]
    Print(io::Error),
    #[error("cannot write {}: {source}", file.display())]
    Write { file: PathBuf, source: io::Error },
}

impl New {
    /// Writes the crate, and what to do next to standard output.
    pub(super) fn run(&self) -> Result<(), Error> {
        let name = &self.name;
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(plain) || name.ends_with('-') {
            return Err(Error::Name(name.clone()));
        }
        let library = name.replace('-', "_");
        if TAKEN.contains(&&*library) {
            return Err(Error::Taken(name.clone()));
        }
        let around = match (self.kind, self.around) {
            (Kind::Routines, Some(Around::Standard)) => format!("patchbay-routines = {}\n", self.standard()?),
            (_, None) => String::new(),
            (kind, Some(_)) => return Err(Error::Around(kind)),
        };
        let manifest = MANIFEST.replace("{{name}}", name).replace("{{api}}", &self.api()?);
        let manifest = manifest.replace("{{routines}}", &around);
        let source = match self.kind {
            Kind::Routines if self.around.is_some() => include_str!("../../templates/routines-around.rs.in"),
            Kind::Classifier => include_str!("../../templates/classifier.rs.in"),
            Kind::PatchManager => include_str!("../../templates/patch-manager.rs.in"),
            Kind::Routines => include_str!("../../templates/routines.rs.in"),
        };
        let folder = self.to.clone().unwrap_or_else(|| PathBuf::from(name));
        if folder.symlink_metadata().is_ok() {
            return Err(Error::Exists(folder));
        }
        let directory = folder.join("src");
        fs::create_dir_all(&directory).map_err(|source| Error::Write { file: directory.clone(), source })?;
        write(folder.join("Cargo.toml"), &manifest)?;
        write(folder.join(".gitignore"), "/target\n")?;
        let cargo = folder.join(".cargo");
        fs::create_dir_all(&cargo).map_err(|source| Error::Write { file: cargo.clone(), source })?;
        let target = quoted(&self.target_dir.to_string_lossy());
        let why = "# Plugins side by side share what they need of others: only the first one builds it.";
        write(cargo.join("config.toml"), &format!("{why}\n[build]\ntarget-dir = {target}\n"))?;
        write(directory.join("lib.rs"), &source.replace("{{name}}", name))?;
        let folder = folder.display();
        let kind = self.kind;
        let file = self.target_dir.join("release").join(format!("lib{library}.so"));
        let file = file.display();
        unless_closed(write!(
            io::stdout(),
            "{folder} is ready. Next:\n\n    \
             cd {folder}\n    \
             cargo test\n    \
             cargo build --release\n    \
             patchbay plugin check {file}\n    \
             patchbay run linux --{kind} {file}\n\n\
             or, under a guest that runs with --control SOCKET:\n\n    \
             patchbay ctl SOCKET swap {kind} {file}\n    \
             patchbay ctl SOCKET rollback {kind}\n\n\
             The first build compiles what plugins need of others, for about a minute; later ones, and those of other \
             plugins\nbeside this one, take seconds.\n",
        ))
        .map_err(Error::Print)
    }

    /// The dependency on the standard routines.
    fn standard(&self) -> Result<String, Error> {
        if self.git.is_some() {
            return self.api();
        }
        let given = self.path.as_deref().unwrap_or(Path::new(PLUGIN_API)).join("../plugins/routines");
        let found = given.canonicalize().ok().filter(|path| path.join("Cargo.toml").is_file());
        let found = found.ok_or_else(|| Error::NoApi(given.clone()))?;
        Ok(format!("{{ path = {} }}", quoted(&found.to_string_lossy())))
    }

    /// The dependency on plugin-api.
    fn api(&self) -> Result<String, Error> {
        if let Some(url) = &self.git {
            return Ok(format!("{{ git = {} }}", quoted(url)));
        }
        let given = self.path.as_deref().unwrap_or(Path::new(PLUGIN_API));
        let found = given.canonicalize().ok().filter(|path| is_api(path)).ok_or_else(|| Error::NoApi(given.to_owned()));
        Ok(format!("{{ path = {} }}", quoted(&found?.to_string_lossy())))
    }
}

fn is_api(directory: &Path) -> bool {
    let manifest = fs::read_to_string(directory.join("Cargo.toml")).unwrap_or_default();
    manifest.lines().any(|line| line.trim() == "name = \"patchbay-plugin-api\"")
}

/// A TOML string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted += &format!("\\u{:04X}", u32::from(c)),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

fn write(file: PathBuf, text: &str) -> Result<(), Error> {
    fs::write(&file, text).map_err(|source| Error::Write { file, source })
}
