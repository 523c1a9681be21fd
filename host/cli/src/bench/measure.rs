//! Measuring a guest or a plan, and searching.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use patchbay_bench::plan::{GuestChoice, Plan, all_named, multiply_by_setting, vary, width};
use patchbay_bench::record::RunOutcome;
use patchbay_bench::report;
use patchbay_bench::schedule::{Progress, Request, Shard, measure};
use patchbay_bench::search;
use patchbay_bench::strategy::{Strategy, sensible};
use patchbay_bench::summary::summarize;

use super::files::{quote, results};
use super::{BenchError, patchbay, stop};

/// What is measured.
#[derive(Args, Clone)]
pub(super) struct Subject {
    /// A bundled guest (`patchbay guests` lists them), an ELF image or a directory with a guest.toml; or a plan, PLAN.toml
    #[arg(default_value = "linux")]
    guest: String,
    /// Adds to the guest's command line
    #[arg(long, short, value_name = "TEXT")]
    append: Vec<String>,
    /// Adds a part to the guest's initial RAM disk
    #[arg(long, short, value_name = "FILE")]
    initrd: Vec<PathBuf>,
    /// The number of the guest's processors
    #[arg(long, short, value_name = "N")]
    processors: Option<usize>,
    /// The size of its memory, with K, M or G
    #[arg(long, short, value_name = "SIZE")]
    memory: Option<String>,
    /// What its console must show: a run without it has failed
    #[arg(long, value_name = "TEXT")]
    expect: Option<String>,
    /// The strategies: modes, trigger kinds, static, policies or their files, and waterfall for the parts of the conventional
    /// path [default: native, trap, all trigger kinds, static]
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    strategies: Vec<String>,
    /// Each strategy that patches with each value of a setting of a plugin: NAME is the patch manager's, classifier.NAME and
    /// routines.NAME are the others'
    #[arg(long, value_name = "NAME=VALUE,…")]
    vary: Vec<String>,
    /// The file that results go to [default: bench-GUEST.jsonl, or the next that is free]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Begin no new round after this time
    #[arg(long, value_name = "SECONDS")]
    limit: Option<u64>,
    /// A run that takes longer has failed
    #[arg(long, value_name = "SECONDS")]
    patience: Option<u64>,
}

#[derive(Args, Clone)]
pub(super) struct Measure {
    #[command(flatten)]
    subject: Subject,
    /// How often each strategy runs
    #[arg(long, short, value_name = "N")]
    repetitions: Option<u32>,
    /// Go on until the intervals of the ratios are this narrow, as in 2%
    #[arg(long, value_name = "WIDTH")]
    until: Option<String>,
    /// The strategy that ratios are told against [default: trap]
    #[arg(long, value_name = "NAME")]
    baseline: Option<String>,
    /// Do not run each strategy once more to look at it while it runs
    #[arg(long)]
    no_profile: bool,
    /// Go on with results that were begun
    #[arg(long)]
    resume: bool,
    /// Only this part of the plan, such as 3/16
    #[arg(long, value_name = "N/OF")]
    shard: Option<Shard>,
    /// Only the run with this number
    #[arg(long, value_name = "N", hide = true)]
    only: Option<usize>,
    /// Write no report
    #[arg(long)]
    no_report: bool,
}

/// Finds the policy that is best for a guest
#[derive(Args)]
pub(super) struct Search {
    #[command(flatten)]
    subject: Subject,
    /// Rounds before the first half is dropped
    #[arg(long, value_name = "N", default_value_t = 3)]
    rounds: u32,
    /// The policy file that is written
    #[arg(long, value_name = "FILE", default_value = "best.toml")]
    policy: PathBuf,
}

impl Subject {
    /// The plan: that of a file, or one made from the switches.
    fn plan(&self) -> Result<Plan, BenchError> {
        let path = PathBuf::from(&self.guest);
        let mut plan = if path.extension().is_some_and(|extension| extension == "toml") {
            let in_plan = [
                ("--append", !self.append.is_empty()),
                ("--initrd", !self.initrd.is_empty()),
                ("--processors", self.processors.is_some()),
                ("--memory", self.memory.is_some()),
                ("--expect", self.expect.is_some()),
                ("--strategies", !self.strategies.is_empty()),
            ];
            if let Some((name, _)) = in_plan.into_iter().find(|(_, given)| *given) {
                return Err(BenchError::WithPlan(path, name));
            }
            Plan::read(&path)?
        } else {
            let guest = GuestChoice {
                guest: self.guest.clone(),
                name: String::new(),
                append: self.append.join(" "),
                initrd: self.initrd.clone(),
                memory: self.memory.clone(),
                processors: self.processors,
                expect: self.expect.clone(),
            };
            let named = |name: &str| Strategy::named(name);
            let strategies = if self.strategies.is_empty() {
                sensible().into_iter().map(named).collect::<Result<_, _>>()?
            } else {
                all_named(&self.strategies)?
            };
            Plan { guests: vec![guest], strategies, baseline: String::new(), ..Plan::default() }
        };
        for axis in &self.vary {
            let (name, values) = vary(axis)?;
            plan.strategies = multiply_by_setting(std::mem::take(&mut plan.strategies), &name, &values);
        }
        plan.limit = self.limit.map_or(plan.limit, Duration::from_secs);
        plan.patience = self.patience.map_or(plan.patience, Duration::from_secs);
        Ok(plan)
    }

    /// The switches again, for a command of a single run.
    fn words(&self) -> String {
        let mut words = vec![quote(&self.guest)];
        let mut add = |name: &str, value: &str| words.extend([format!("--{name}"), quote(value)]);
        self.append.iter().for_each(|text| add("append", text));
        self.initrd.iter().for_each(|part| add("initrd", &part.to_string_lossy()));
        self.processors.iter().for_each(|count| add("processors", &count.to_string()));
        self.memory.iter().for_each(|size| add("memory", size));
        self.expect.iter().for_each(|text| add("expect", text));
        if !self.strategies.is_empty() {
            add("strategies", &self.strategies.join(","));
        }
        self.vary.iter().for_each(|axis| add("vary", axis));
        self.patience.iter().for_each(|seconds| add("patience", &seconds.to_string()));
        words.join(" ")
    }

    fn stem(&self) -> String {
        let name = PathBuf::from(&self.guest);
        name.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }
}

impl Measure {
    /// The plan, complete.
    pub(super) fn plan(&self) -> Result<Plan, BenchError> {
        let mut plan = self.subject.plan()?;
        plan.repetitions = self.repetitions.unwrap_or(plan.repetitions);
        if let Some(until) = &self.until {
            plan.until = Some(width(until)?);
        }
        if let Some(baseline) = &self.baseline {
            plan.baseline.clone_from(baseline);
        }
        plan.profile &= !self.no_profile;
        Ok(plan.complete()?)
    }

    /// The switches that matter for a single run.
    pub(super) fn words(&self) -> String {
        let mut words = self.subject.words();
        if let Some(count) = self.repetitions {
            words += &format!(" --repetitions {count}");
        }
        if let Some(baseline) = &self.baseline {
            words += &format!(" --baseline {}", quote(baseline));
        }
        if self.no_profile {
            words += " --no-profile";
        }
        words
    }

    pub(super) fn run(&self) -> Result<bool, BenchError> {
        let plan = self.plan()?;
        let path = results(self.subject.output.as_deref(), &self.subject.stem(), self.resume)?;
        let stop = stop()?;
        let request =
            Request { results: &path, shard: self.shard, only: self.only, resume: self.resume, stop: stop.clone() };
        let mut line = Line::new(plan.clone());
        let measured = patchbay(|command| Ok(measure(command, &plan, &request, &mut |progress| line.show(&progress))?));
        line.finish();
        let measured = measured.inspect_err(|_| {
            if path.exists() {
                eprintln!("patchbay: what was measured is in {}; --resume goes on", path.display());
            }
        })?;
        let failed = measured.records.iter().filter(|record| !record.is_well()).count();
        // A part says nothing by itself.
        if self.only.is_none() && self.shard.is_none() {
            let summaries = summarize(&measured.records);
            summaries.iter().for_each(|summary| println!("{}", summary.text()));
        }
        if let Some(why) = measured.cut_short {
            println!("warning: {why}");
        }
        if failed > 0 {
            println!("{failed} runs failed");
        }
        println!("results: {}", path.display());
        if !self.no_report && self.only.is_none() && self.shard.is_none() {
            let page = path.with_extension("html");
            std::fs::write(&page, report::page(&measured.records))
                .map_err(|error| BenchError::Write(page.clone(), error))?;
            println!("report:  {}", page.display());
        }
        Ok(failed == 0)
    }
}

impl Search {
    pub(super) fn run(&self) -> Result<bool, BenchError> {
        let mut plan = self.subject.plan()?;
        if self.subject.strategies.is_empty() && !self.subject.guest.ends_with(".toml") {
            plan.strategies = search::candidates(&self.subject.vary)?;
        }
        plan.profile = false;
        let plan = plan.complete()?;
        let path = results(self.subject.output.as_deref(), &format!("search-{}", self.subject.stem()), false)?;
        let stop = stop()?;
        let mut line = Line::new(plan.clone());
        let found = patchbay(|command| {
            let mut progress = |progress: search::Progress| match progress {
                search::Progress::Measures(progress) => line.show(&progress),
                search::Progress::Dropped(text) => line.say(&text),
            };
            Ok(search::search(command, &plan, self.rounds, &path, &stop, &mut progress)?)
        });
        line.finish();
        let found = found?;
        print!("{}", found.text());
        std::fs::write(&self.policy, &found.policy).map_err(|error| BenchError::Write(self.policy.clone(), error))?;
        println!("policy:  {} (patchbay run --policy {0})", self.policy.display());
        println!("results: {}", path.display());
        Ok(true)
    }
}

/// A line that says how far it is.
struct Line {
    plan: Plan,
    bar: ProgressBar,
    start: Instant,
    failed: usize,
}

impl Line {
    fn new(plan: Plan) -> Line {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{bar:24} {pos}/{len} {msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        Line { plan, bar, start: Instant::now(), failed: 0 }
    }

    fn show(&mut self, progress: &Progress) {
        match progress {
            Progress::Tries(strategy) => self.bar.set_message(format!("tries {strategy}")),
            Progress::Starts { task, done, of } => {
                if *done == 0 {
                    self.start = Instant::now();
                }
                self.bar.set_length(*of as u64);
                self.bar.set_position(*done as u64);
                let elapsed = self.start.elapsed().as_secs_f64();
                let rest = if *done > 0 { elapsed / *done as f64 * (of - done) as f64 } else { 0.0 };
                let (guest, strategy) = (&self.plan.guests[task.guest], &self.plan.strategies[task.strategy]);
                let what = if task.profile { "looks at".to_owned() } else { format!("round {}:", task.round + 1) };
                let failed = if self.failed > 0 { format!(", {} failed", self.failed) } else { String::new() };
                self.bar
                    .set_message(format!("{what} {}, {}; about {rest:.0} s more{failed}", guest.name, strategy.name));
            }
            Progress::Ended(record) => {
                if let RunOutcome::Failed(why) = &record.outcome {
                    self.failed += 1;
                    self.say(&format!(
                        "failed: {} on {}, round {}: {why}",
                        record.strategy.name,
                        record.guest,
                        record.round + 1
                    ));
                }
            }
        }
    }

    fn say(&self, text: &str) {
        self.bar.suspend(|| eprintln!("{text}"));
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
