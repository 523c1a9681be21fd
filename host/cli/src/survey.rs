//! `patchbay survey`: the instructions of an image that a policy could patch, and what each kind of trigger could do at
//! them.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use patchbay::output::{OutputError, print};
use patchbay_isa::Bundle;
use patchbay_machine::loader::symbols::Symbols;
use patchbay_machine::loader::{LoadError, elf, image};
use patchbay_machine::text;
use patchbay_plugin_api::instruction::{Instruction, Mnemonic};
use patchbay_plugin_api::site::Site;
use patchbay_vmm::patch::site_list;
use patchbay_vmm::patch::survey::{candidates, feasible};
use patchbay_vmm::patch::trigger::{Decline, KINDS, KindIndex, TRIGGERS};
use patchbay_vmm::patch::window::addresses::BUNDLE;
use patchbay_vmm::plugins::{Classifier, Failed, Registry};
use patchbay_vmm::policy::{self, Choice, Policy};
use serde_json::{Value, json};

use crate::guests::{FindError, find};

/// Lists what could be patched in an image, and what each kind of trigger could do there
///
/// A sweep of the executable segments finds each instruction that must be emulated under a monitor, and data among the code
/// that looks like one. Whether a trigger fits is said for each alone; together they may fill the window.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
patchbay survey linux\n  \
patchbay survey linux --as-list --trigger check > sites\n  \
patchbay run linux --patch-manager patch-list,file=sites")]
pub(crate) struct Survey {
    /// A bundled guest, or an ELF image, plain or compressed with gzip
    image: String,
    /// Print a list that the plugin patch-list reads
    #[arg(long, conflicts_with = "json")]
    as_list: bool,
    /// Print the candidates as JSON
    #[arg(long)]
    json: bool,
    /// Only what this kind of trigger fits; a list says it for each site
    #[arg(long, value_name = "KIND", value_parser = kind)]
    trigger: Option<KindIndex>,
    /// What classifies the candidates [default: the default policy's classifier]
    #[arg(long, value_name = "PLUGIN[,NAME=VALUE…]")]
    classifier: Option<String>,
    /// Names of addresses: a System.map or an ELF image [default: the image's own]
    #[arg(long, value_name = "FILE")]
    symbols: Option<PathBuf>,
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Find(#[from] FindError),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error("{0} is a raw image, and a survey needs an ELF image")]
    Raw(PathBuf),
    #[error(transparent)]
    Policy(#[from] policy::Error),
    #[error(transparent)]
    Plugin(#[from] Failed),
    #[error(transparent)]
    Write(#[from] OutputError),
}

/// An instruction that could be patched.
struct Candidate {
    /// Where the image executes its bundle.
    address: u64,
    /// The guest-physical address of its bundle.
    physical: u64,
    instruction: Instruction,
    class: Option<String>,
    triggers: [Result<(), Decline>; KINDS],
}

fn kind(name: &str) -> Result<KindIndex, String> {
    KindIndex::named(name).ok_or_else(|| format!("it is one of {}", TRIGGERS.map(|kind| kind.name).join(", ")))
}

impl Survey {
    /// Writes the list to standard output.
    pub(crate) fn run(&self) -> Result<(), Error> {
        let guest = find(&self.image, Path::new(""))?;
        if guest.load_address.is_some() {
            return Err(Error::Raw(guest.kernel));
        }
        let symbols = Symbols::read(self.symbols.as_ref().or(guest.symbols.as_ref()).unwrap_or(&guest.kernel))?;
        let symbols = Arc::new(symbols);
        let registry = Registry::discover().with_symbols(Arc::clone(&symbols));
        let choice = match &self.classifier {
            Some(argument) => Choice::from_argument(argument),
            None => Policy::load("default")?.classifier,
        };
        let classifier: Classifier = choice.start(&registry)?;
        let bytes = image(&guest.kernel)?;
        let code = elf::code(&bytes).map_err(|error| LoadError::Elf(guest.kernel.clone(), error))?;
        let mut found = Vec::new();
        for part in &code {
            self.sweep(part, &classifier, &mut found)?;
        }
        let text = if self.as_list {
            self.list(&found, &symbols)
        } else if self.json {
            format!("{}\n", json(&found, &symbols))
        } else {
            table(&found, &symbols)
        };
        Ok(print(format_args!("{text}")).map_err(OutputError)?)
    }

    /// Finds the candidates in code that are wanted.
    fn sweep(&self, code: &elf::Code<'_>, classifier: &Classifier, found: &mut Vec<Candidate>) -> Result<(), Failed> {
        let skipped = code.physical.next_multiple_of(BUNDLE) - code.physical;
        let bundles = code.bytes.get(skipped as usize..).unwrap_or_default().as_chunks().0;
        for (offset, bytes) in (skipped..).step_by(BUNDLE as usize).zip(bundles) {
            let bundle = Bundle::from_bytes(*bytes);
            let (address, physical) = (code.address.wrapping_add(offset), code.physical.wrapping_add(offset));
            for instruction in candidates(bundle) {
                let triggers = feasible(bundle, physical, &instruction);
                if self.trigger.is_some_and(|kind| triggers[kind.index()].is_err()) {
                    continue;
                }
                let site = Site { bundle: physical, ip: address, rid: 0, vm: 0, vp: 0, reserved: 0 };
                let class = classifier.classify(&instruction, &site)?.map(|class| class.to_string());
                found.push(Candidate { address, physical, instruction, class, triggers });
            }
        }
        Ok(())
    }

    fn list(&self, found: &[Candidate], symbols: &Symbols) -> String {
        let trigger = self.trigger.map(|kind| kind.kind().name);
        let line = |found: &Candidate| {
            site_list::line(symbols, found.address, found.instruction.slot, trigger, found.mnemonic())
        };
        found.iter().filter(|found| found.class.is_some()).map(line).collect()
    }
}

impl Candidate {
    fn mnemonic(&self) -> &'static str {
        self.instruction.mnemonic().map_or("", Mnemonic::name)
    }

    fn symbol(&self, symbols: &Symbols) -> Option<String> {
        symbols.name(self.address).map(|(name, offset)| format!("{name}+{offset:#x}"))
    }

    /// What its class has besides the mnemonic.
    fn attributes(&self) -> &str {
        let class = self.class.as_deref().unwrap_or("none");
        class.strip_prefix(self.mnemonic()).unwrap_or(class).trim_start()
    }
}

fn json(found: &[Candidate], symbols: &Symbols) -> Value {
    let triggers = |found: &Candidate| -> serde_json::Map<String, Value> {
        let said = |result: Result<(), Decline>| result.map_or_else(|why| why.to_string(), |()| "ok".to_owned());
        TRIGGERS.iter().zip(found.triggers).map(|(kind, result)| (kind.name.to_owned(), said(result).into())).collect()
    };
    let candidate = |found: &Candidate| {
        json!({
            "address": format!("{:#x}", found.address),
            "physical": format!("{:#x}", found.physical),
            "slot": found.instruction.slot,
            "symbol": found.symbol(symbols),
            "mnemonic": found.mnemonic(),
            "class": found.class,
            "triggers": triggers(found),
        })
    };
    json!({ "candidates": found.iter().map(candidate).collect::<Vec<_>>(), "fit": fit(found) })
}

/// How many candidates each kind of trigger fits.
fn fit(found: &[Candidate]) -> serde_json::Map<String, Value> {
    let count = |kind: KindIndex| found.iter().filter(|found| found.triggers[kind.index()].is_ok()).count();
    KindIndex::all().map(|kind| (kind.kind().name.to_owned(), count(kind).into())).collect()
}

/// A line a candidate, and what the words in it mean.
fn table(found: &[Candidate], symbols: &Symbols) -> String {
    let header = ["site", "symbol", "mnemonic", "class"].map(str::to_owned).into_iter();
    let mut rows = vec![header.chain(TRIGGERS.map(|kind| kind.name.to_owned())).collect::<Vec<_>>()];
    for found in found {
        let mut row = vec![
            format!("{:#x}.{}", found.address, found.instruction.slot),
            text::line(&found.symbol(symbols).unwrap_or_default(), text::NAME),
            found.mnemonic().to_owned(),
            found.attributes().to_owned(),
        ];
        row.extend(found.triggers.map(|result| result.map_or_else(Decline::name, |()| "ok").to_owned()));
        rows.push(row);
    }
    let widths: Vec<usize> =
        (0..rows[0].len()).map(|column| rows.iter().map(|row| row[column].len()).max().unwrap_or_default()).collect();
    let mut table = String::new();
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        let _never_fails = writeln!(table, "{}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    let fit: Vec<_> = fit(found).iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    let _never_fails = writeln!(table, "\n{} candidates, of which triggers fit: {}", found.len(), fit.join(", "));
    let reasons: BTreeSet<Decline> = found.iter().flat_map(|found| found.triggers).filter_map(Result::err).collect();
    for why in reasons {
        let _never_fails = writeln!(table, "  {:<12}  {why}", why.name());
    }
    table
}
