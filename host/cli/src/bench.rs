//! `patchbay bench`: measures strategies against each other. The work is done in `patchbay_bench`.

mod files;
mod measure;

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};
use patchbay_bench::plan::{Plan, PlanError};
use patchbay_bench::record::{RecordError, read, read_all};
use patchbay_bench::report::{self, ReportError};
use patchbay_bench::run::Stop;
use patchbay_bench::schedule::{MeasureError, tasks};
use patchbay_bench::search::SearchError;
use patchbay_bench::strategy::StrategyError;
use patchbay_bench::summary::summarize;
use patchbay_bench::{Command as Patchbay, compare, merge};
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::guests::find;
use measure::{Measure, Search};

/// Measures which strategy is best for a guest, with pictures
#[derive(Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Exit status: 0 if it was measured, 1 if a run failed (or compare found a change), 2 for a mistake on the \
command line or in a file.\n\n\
Examples:\n  \
patchbay bench linux --append run=smoke                      the strategies that come with Patchbay\n  \
patchbay bench linux --append run=smoke --strategies trap,hot --vary threshold=1,4,16,64\n  \
patchbay bench privops --strategies native,trap,break        nanoseconds an operation\n  \
patchbay bench PLAN.toml --until 2%                          until intervals are that narrow\n  \
patchbay bench report bench-linux.jsonl --output report      pages, tables and pictures\n  \
patchbay bench compare old.jsonl new.jsonl                   what became slower\n  \
patchbay bench plan PLAN.toml --list | parallel -j2          each run a command of its own\n  \
patchbay bench merge results/*.jsonl --output all.jsonl"
)]
pub(crate) struct Bench {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    measure: Measure,
}

#[derive(Subcommand)]
enum Command {
    /// Writes a page, tables and pictures of results
    Report {
        /// Results, in any order
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// The directory that they are written to
        #[arg(long, value_name = "DIR", default_value = "report")]
        output: PathBuf,
    },
    /// Says what became slower or faster beyond noise; exit status 1 if something did
    Compare {
        /// The results before
        old: PathBuf,
        /// The results after
        new: PathBuf,
        /// What is smaller than this is no change
        #[arg(long, value_name = "PERCENT", default_value = "1%")]
        threshold: String,
    },
    /// Finds the policy that is best for a guest: drops those that lose early, and measures the others more
    Search(Box<Search>),
    /// Shows what would be measured
    Plan {
        #[command(flatten)]
        measure: Box<Measure>,
        /// Print a command a run, for GNU parallel or other schedulers
        #[arg(long)]
        list: bool,
    },
    /// Merges results that were measured separately; doubles are recognised
    Merge {
        /// Results, in any order
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// The file that they are written to
        #[arg(long, value_name = "FILE")]
        output: PathBuf,
    },
}

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Strategy(#[from] StrategyError),
    #[error(transparent)]
    Measure(#[from] MeasureError),
    #[error(transparent)]
    Search(#[from] SearchError),
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error(transparent)]
    Report(#[from] ReportError),
    #[error("{0} is there: --resume goes on with it, or choose another --output")]
    Exists(PathBuf),
    #[error("there is no plan {0}, and {1} cannot be given with one: write it in the plan")]
    WithPlan(PathBuf, &'static str),
    #[error("cannot tell which file this command is: {0}")]
    Own(std::io::Error),
    #[error("cannot watch for signals: {0}")]
    Signals(std::io::Error),
    #[error("cannot write {0}: {1}")]
    Write(PathBuf, std::io::Error),
    #[error("cannot write the list: {0}")]
    List(std::io::Error),
}

impl Bench {
    /// Measures, or does what the subcommand says; whether everything went well.
    pub(crate) fn run(&self) -> Result<bool, BenchError> {
        match &self.command {
            None => self.measure.run(),
            Some(Command::Report { files, output }) => {
                let records = read_all(files)?;
                let summaries = summarize(&records);
                summaries.iter().for_each(|summary| println!("{}", summary.text()));
                let written = report::write(&records, output)?;
                println!(
                    "{} files in {}, begin with {}",
                    written,
                    output.display(),
                    output.join("index.html").display()
                );
                Ok(true)
            }
            Some(Command::Compare { old, new, threshold }) => {
                let least = patchbay_bench::plan::width(threshold)?;
                let found = compare::compare(&read(old)?, &read(new)?, least);
                print!("{}", found.text());
                Ok(found.is_same())
            }
            Some(Command::Search(search)) => search.run(),
            Some(Command::Plan { measure, list }) => show(measure, *list).map(|()| true),
            Some(Command::Merge { files, output }) => {
                let (count, doubles) = merge::merge(files, output)?;
                println!("{count} results in {}, {doubles} doubles left out", output.display());
                Ok(true)
            }
        }
    }
}

/// The command for the benchmark.
fn patchbay<T>(work: impl FnOnce(&Patchbay) -> Result<T, BenchError>) -> Result<T, BenchError> {
    let file = std::env::current_exe().map_err(BenchError::Own)?;
    let find = |name: &str, base: &std::path::Path| find(name, base).map_err(|error| error.to_string());
    work(&Patchbay { file, version: env!("CARGO_PKG_VERSION"), find: &find })
}

/// A wish to stop that Ctrl-C and SIGTERM set.
fn stop() -> Result<Stop, BenchError> {
    let stop = Stop::default();
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop)).map_err(BenchError::Signals)?;
    }
    Ok(stop)
}

/// Prints a plan, or a command for each of its runs.
fn show(measure: &Measure, list: bool) -> Result<(), BenchError> {
    use std::io::Write;

    let plan: Plan = measure.plan()?;
    let tasks = tasks(&plan);
    let mut output = std::io::stdout().lock();
    let mut print = |line: String| writeln!(output, "{line}");
    let written = if list {
        let words = measure.words();
        let file = std::env::current_exe().map_err(BenchError::Own)?;
        (0..tasks.len()).try_for_each(|number| {
            let command = files::quote(&file.to_string_lossy());
            print(format!("{command} bench {words} --only {number} --output run-{number}.jsonl"))
        })
    } else {
        let guests = plan.guests.iter().map(|guest| guest.name.as_str()).collect::<Vec<_>>().join(", ");
        print(format!("guests      {guests}"))
            .and_then(|()| {
                plan.strategies.iter().try_for_each(|strategy| {
                    let switches = strategy.switches(&plan.directory).unwrap_or_default().join(" ");
                    print(format!("strategy    {:<24} {switches}", strategy.name))
                })
            })
            .and_then(|()| print(format!("baseline    {}", plan.baseline)))
            .and_then(|()| print(format!("rounds      {}", plan.repetitions)))
            .and_then(|()| print(format!("runs        {}", tasks.len())))
    };
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(BenchError::List(error)),
        _ => Ok(()),
    }
}
