//! Plans: which guests run under which strategies, and how often.
//!
//! A plan is a TOML file; every list under `[axes]` and `[vary]` is an axis, and every combination is a strategy:
//!
//! ```toml
//! repetitions = 10                  # rounds; or until = "2%" with at-most
//! baseline = "trap"                 # what ratios are told against
//! strategies = ["native", "trap"]   # words that `patchbay bench --strategies` knows
//!
//! [[guest]]
//! guest = "linux"                   # as for `patchbay run`; files are relative to the plan
//! append = "run=smoke"
//!
//! [axes]
//! policy = ["hot", "mine.toml"]
//! trigger = ["break", "branch"]
//!
//! [vary]                            # settings of plugins; of the patch manager if no kind is named
//! threshold = [4, 16]
//!
//! [[strategy]]                      # strategies one by one
//! name = "mine"
//! patch-manager = "target/release/libmine.so,quick=true"
//! ```
//!
//! The axes are `mode`, `policy`, `classifier`, `patch-manager`, `routines`, `trigger`, `static`, `scope`, `processors`,
//! `engine` and `fetch`. Axes that a mode has no use for do not multiply it: `native` is taken once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::strategy::{Mode, Strategy, StrategyError};

/// A guest to run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct GuestChoice {
    /// A bundled guest, an image or a directory with a description.
    pub guest: String,
    /// What it is called; its name and what is appended if left out.
    #[serde(default)]
    pub name: String,
    /// Added to its command line.
    #[serde(default)]
    pub append: String,
    /// More parts of its initial RAM disk.
    #[serde(default)]
    pub initrd: Vec<PathBuf>,
    /// The size of its memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<String>,
    /// Its processors, where the strategy does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processors: Option<usize>,
    /// What its console must show, or else the run has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<String>,
}

impl GuestChoice {
    /// The switches of `patchbay run` that it means.
    #[must_use]
    pub fn switches(&self, strategy: &Strategy) -> Vec<String> {
        let mut switches = vec![self.guest.clone()];
        let mut add = |name: &str, value: String| switches.extend([format!("--{name}"), value]);
        if !self.append.is_empty() {
            add("append", self.append.clone());
        }
        self.initrd.iter().for_each(|part| add("initrd", part.to_string_lossy().into_owned()));
        if let Some(memory) = &self.memory {
            add("memory", memory.clone());
        }
        if let (Some(processors), None) = (self.processors, strategy.processors) {
            add("processors", processors.to_string());
        }
        switches
    }

    fn describe(&self) -> String {
        let name = Path::new(&self.guest).file_name().unwrap_or_default().to_string_lossy();
        let processors = self.processors.map(|count| format!("{count} processors"));
        let words = [name.into_owned(), self.append.clone()].into_iter().chain(processors);
        words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
    }
}

/// What is measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The guests.
    pub guests: Vec<GuestChoice>,
    /// The strategies.
    pub strategies: Vec<Strategy>,
    /// Rounds, at least.
    pub repetitions: u32,
    /// More rounds until the intervals are this narrow, as a part of the ratio.
    pub until: Option<f64>,
    /// Rounds, at most.
    pub at_most: u32,
    /// No new round after this time.
    pub limit: Duration,
    /// A run has failed after this time.
    pub patience: Duration,
    /// The name of the strategy that ratios are told against.
    pub baseline: String,
    /// Whether each strategy runs once more, to be looked at while it runs.
    pub profile: bool,
    /// What files are relative to.
    pub directory: PathBuf,
}

impl Default for Plan {
    fn default() -> Plan {
        Plan {
            guests: Vec::new(),
            strategies: Vec::new(),
            repetitions: 6,
            until: None,
            at_most: 100,
            limit: Duration::from_secs(3600),
            patience: Duration::from_secs(600),
            baseline: "trap".to_owned(),
            profile: true,
            directory: PathBuf::from("."),
        }
    }
}

/// Why there is no such plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// It cannot be read.
    #[error("cannot read {0}: {1}")]
    Read(PathBuf, std::io::Error),
    /// It is not what it must be.
    #[error("{0}: {1}")]
    Wrong(PathBuf, String),
    /// A strategy contradicts itself.
    #[error(transparent)]
    Strategy(#[from] StrategyError),
    /// Two strategies, or two guests, have one name.
    #[error("two {0} are called {1:?}: give one of them another name")]
    Twice(&'static str, String),
    /// Nothing is planned.
    #[error("the plan has no {0}")]
    Empty(&'static str),
    /// The strategy that ratios are told against is not there.
    #[error("the plan's baseline is {0:?}, and no strategy is called so: there are {1}")]
    Baseline(String, String),
    /// A width that is none.
    #[error("until is a width such as 2%, not {0:?}")]
    Until(String),
    /// Not a setting.
    #[error("--vary is NAME=VALUE,VALUE,…, not {0:?}")]
    Vary(String),
}

/// A plan as its file has it.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct File {
    repetitions: Option<u32>,
    until: Option<String>,
    at_most: Option<u32>,
    limit_seconds: Option<u64>,
    patience_seconds: Option<u64>,
    baseline: Option<String>,
    profile: Option<bool>,
    #[serde(default)]
    strategies: Vec<String>,
    #[serde(default)]
    guest: Vec<GuestChoice>,
    #[serde(default)]
    axes: Axes,
    #[serde(default)]
    vary: Table,
    #[serde(default)]
    strategy: Vec<Strategy>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Axes {
    mode: Vec<Mode>,
    policy: Vec<String>,
    classifier: Vec<String>,
    patch_manager: Vec<String>,
    routines: Vec<String>,
    trigger: Vec<String>,
    r#static: Vec<bool>,
    scope: Vec<String>,
    processors: Vec<usize>,
    engine: Vec<String>,
    fetch: Vec<String>,
}

/// A width such as `2%`, as a part.
///
/// # Errors
/// If it is none.
pub fn width(text: &str) -> Result<f64, PlanError> {
    let number = text.trim().strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
    let width = number.map(|number| number / 100.0).filter(|width| *width > 0.0 && width.is_finite());
    width.ok_or_else(|| PlanError::Until(text.to_owned()))
}

/// An axis of a setting as the command line has it: `threshold=1,4,16`.
///
/// # Errors
/// If it is none.
pub fn vary(text: &str) -> Result<(String, Vec<String>), PlanError> {
    let wrong = || PlanError::Vary(text.to_owned());
    let (name, values) = text.split_once('=').ok_or_else(wrong)?;
    let values: Vec<String> = values.split(',').map(|value| value.trim().to_owned()).collect();
    if name.trim().is_empty() || values.iter().any(String::is_empty) {
        return Err(wrong());
    }
    Ok((name.trim().to_owned(), values))
}

/// The strategies that words mean.
///
/// # Errors
/// If one means none.
pub fn all_named(words: &[String]) -> Result<Vec<Strategy>, StrategyError> {
    let named: Vec<Vec<Strategy>> = words.iter().map(|word| Strategy::all_named(word)).collect::<Result<_, _>>()?;
    Ok(named.into_iter().flatten().collect())
}

/// Multiplies strategies by an axis.
fn multiply<T: Clone>(strategies: Vec<Strategy>, values: &[T], set: impl Fn(&mut Strategy, T)) -> Vec<Strategy> {
    if values.is_empty() {
        return strategies;
    }
    let with = |strategy: &Strategy, value: &T| {
        let mut strategy = strategy.clone();
        set(&mut strategy, value.clone());
        strategy
    };
    strategies.iter().flat_map(|strategy| values.iter().map(|value| with(strategy, value))).collect()
}

/// Multiplies the strategies that patch by an axis of a setting.
#[must_use]
pub fn multiply_by_setting(strategies: Vec<Strategy>, name: &str, values: &[String]) -> Vec<Strategy> {
    let (patching, others): (Vec<_>, Vec<_>) =
        strategies.into_iter().partition(|strategy| strategy.mode == Mode::Patch);
    let varied = multiply(patching, values, |strategy, value| {
        strategy.set.insert(name.to_owned(), value.clone());
        strategy.name = format!("{} {name}={value}", strategy.name).trim().to_owned();
    });
    others.into_iter().chain(varied).collect()
}

impl Axes {
    fn are_empty(&self) -> bool {
        let Axes { mode, policy, classifier, patch_manager, routines, trigger, .. } = self;
        let lists = [policy, classifier, patch_manager, routines, trigger, &self.scope, &self.engine, &self.fetch];
        mode.is_empty()
            && self.r#static.is_empty()
            && self.processors.is_empty()
            && lists.into_iter().all(Vec::is_empty)
    }

    /// Every combination. Axes of patching multiply only what patches, those of the monitor only what has one.
    fn strategies(&self, settings: &[(String, Vec<String>)]) -> Vec<Strategy> {
        let modes = if self.mode.is_empty() { &[Mode::Patch][..] } else { &self.mode };
        let all = modes.iter().flat_map(|mode| {
            let mut all = vec![Strategy { mode: *mode, ..Strategy::default() }];
            if *mode == Mode::Patch {
                all = multiply(all, &self.policy, |strategy, value| strategy.policy = Some(value));
                all = multiply(all, &self.classifier, |strategy, value| strategy.classifier = Some(value));
                all = multiply(all, &self.patch_manager, |strategy, value| strategy.patch_manager = Some(value));
                all = multiply(all, &self.routines, |strategy, value| strategy.routines = Some(value));
                all = multiply(all, &self.trigger, |strategy, value| strategy.trigger = Some(value));
                all = multiply(all, &self.r#static, |strategy, value| strategy.before_start = value);
                all = multiply(all, &self.scope, |strategy, value| strategy.scope = Some(value));
                for (name, values) in settings {
                    all = multiply(all, values, |strategy, value| {
                        strategy.set.insert(name.clone(), value);
                    });
                }
            }
            if *mode != Mode::Native {
                all = multiply(all, &self.fetch, |strategy, value| strategy.fetch = Some(value));
            }
            all = multiply(all, &self.engine, |strategy, value| strategy.engine = Some(value));
            multiply(all, &self.processors, |strategy, value| strategy.processors = Some(value))
        });
        all.collect()
    }
}

impl Plan {
    /// Reads a plan.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(path: &Path) -> Result<Plan, PlanError> {
        let text = std::fs::read_to_string(path).map_err(|error| PlanError::Read(path.to_owned(), error))?;
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Plan::parse(&text, directory).map_err(|error| match error {
            PlanError::Wrong(_, why) => PlanError::Wrong(path.to_owned(), why),
            error => error,
        })
    }

    /// A plan from its text; files are relative to `directory`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str, directory: &Path) -> Result<Plan, PlanError> {
        let wrong = |why: String| PlanError::Wrong(directory.to_owned(), why);
        let file: File = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
            wrong(format!("line {line}: {}", error.message().replace('\n', " ")))
        })?;
        let mut settings = Vec::new();
        for (name, values) in &file.vary {
            let Value::Array(values) = values else {
                return Err(wrong(format!("{name} of [vary] is not a list of values")));
            };
            settings.push((name.clone(), values.iter().map(plain).collect::<Vec<_>>()));
        }
        let mut strategies: Vec<Strategy> = all_named(&file.strategies)?;
        if !file.axes.are_empty() || !settings.is_empty() {
            strategies.extend(file.axes.strategies(&settings));
        }
        strategies.extend(file.strategy);
        let default = Plan::default();
        let seconds = |given: Option<u64>, default: Duration| given.map_or(default, Duration::from_secs);
        Ok(Plan {
            guests: file.guest,
            strategies,
            repetitions: file.repetitions.unwrap_or(default.repetitions),
            until: file.until.as_deref().map(width).transpose()?,
            at_most: file.at_most.unwrap_or(default.at_most),
            limit: seconds(file.limit_seconds, default.limit),
            patience: seconds(file.patience_seconds, default.patience),
            baseline: file.baseline.unwrap_or_default(),
            profile: file.profile.unwrap_or(default.profile),
            directory: directory.to_owned(),
        })
    }

    /// The plan with all names given, after everything that can be seen without running anything was checked.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn complete(mut self) -> Result<Plan, PlanError> {
        for guest in &mut self.guests {
            if guest.name.is_empty() {
                guest.name = guest.describe();
            }
        }
        for strategy in &mut self.strategies {
            if strategy.name.is_empty() {
                strategy.name = strategy.describe();
            }
            strategy.switches(&self.directory)?;
        }
        let mut described: BTreeMap<String, Strategy> = BTreeMap::new();
        let mut kept = Vec::new();
        for strategy in std::mem::take(&mut self.strategies) {
            match described.get(&strategy.name) {
                Some(same) if *same == strategy => {}
                Some(_) => return Err(PlanError::Twice("strategies", strategy.name)),
                None => {
                    described.insert(strategy.name.clone(), strategy.clone());
                    kept.push(strategy);
                }
            }
        }
        self.strategies = kept;
        let mut names: Vec<&str> = self.guests.iter().map(|guest| guest.name.as_str()).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(PlanError::Twice("guests", pair[0].to_owned()));
        }
        if self.guests.is_empty() {
            return Err(PlanError::Empty("guest"));
        }
        let Some(first) = self.strategies.first() else { return Err(PlanError::Empty("strategy")) };
        if self.baseline.is_empty() {
            let trap = self.strategies.iter().find(|strategy| strategy.name == "trap");
            self.baseline = trap.unwrap_or(first).name.clone();
        }
        if !self.strategies.iter().any(|strategy| strategy.name == self.baseline) {
            let names: Vec<&str> = self.strategies.iter().map(|strategy| strategy.name.as_str()).collect();
            return Err(PlanError::Baseline(self.baseline, names.join(", ")));
        }
        self.repetitions = self.repetitions.max(1);
        self.at_most = self.at_most.max(self.repetitions);
        Ok(self)
    }
}

/// A value as a setting's text.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(text: &str) -> Result<Plan, PlanError> {
        Plan::parse(text, Path::new("."))?.complete()
    }

    fn names(text: &str) -> Vec<String> {
        plan(text).unwrap().strategies.into_iter().map(|strategy| strategy.name).collect()
    }

    const GUEST: &str = "[[guest]]\nguest = 'linux'\nappend = 'run=smoke'\n";

    #[test]
    fn axes_multiply_what_has_them() {
        let text = format!(
            "{GUEST}[axes]\nmode = ['native', 'trap', 'patch']\ntrigger = ['break', 'jmp']\nfetch = ['translated', 'physical']"
        );
        let expected = [
            "native",
            "trap translated",
            "trap physical",
            "break translated",
            "break physical",
            "jmp translated",
            "jmp physical",
        ];
        assert_eq!(names(&text), expected);
    }

    #[test]
    fn settings_are_axes() {
        let text = format!("strategies = ['trap']\n{GUEST}[axes]\npolicy = ['hot']\n[vary]\nthreshold = [1, 16]");
        assert_eq!(names(&text), ["trap", "hot threshold=1", "hot threshold=16"]);
        assert_eq!(plan(&text).unwrap().baseline, "trap");
        let strategies = vec![Strategy::named("trap").unwrap(), Strategy::named("hot").unwrap()];
        let (name, values) = vary("threshold=1,4").unwrap();
        let varied = multiply_by_setting(strategies, &name, &values);
        let names: Vec<_> = varied.iter().map(|strategy| strategy.name.as_str()).collect();
        assert_eq!(names, ["trap", "hot threshold=1", "hot threshold=4"]);
    }

    #[test]
    fn mistakes_are_sentences() {
        for (text, word) in [
            (String::new(), "no guest"),
            (GUEST.to_owned(), "no strategy"),
            (format!("strategies = ['bogus']\n{GUEST}"), "bogus"),
            (format!("strategies = ['trap']\nbaseline = 'x'\n{GUEST}"), "baseline"),
            (format!("strategies = ['trap']\nuntil = '2'\n{GUEST}"), "2%"),
            (format!("strategies = ['trap']\n{GUEST}{GUEST}"), "two guests"),
            (format!("strategies = ['trap']\n{GUEST}[[strategy]]\nname = 'trap'\n"), "two strategies"),
            (format!("{GUEST}[axes]\nbogus = [1]"), "line 5"),
            (format!("{GUEST}[[strategy]]\nmode = 'native'\ntrigger = 'jmp'"), "native"),
        ] {
            let error = plan(&text).unwrap_err().to_string();
            assert!(error.contains(word), "{text}: {error}");
        }
        assert!(vary("x").is_err() && vary("x=1,").is_err() && width("0%").is_err());
        assert!((width("2.5%").unwrap() - 0.025).abs() < 1e-12);
    }

    #[test]
    fn a_guest_is_called_after_what_it_does() {
        let plan =
            plan(&format!("strategies = ['trap']\n{GUEST}[[guest]]\nguest = './my/guest'\nprocessors = 2")).unwrap();
        assert_eq!([&plan.guests[0].name, &plan.guests[1].name], ["linux run=smoke", "guest 2 processors"]);
    }
}
