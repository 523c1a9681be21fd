//! Finds the best policy for a guest: many candidates a few times, the better half of them more often, and so on (successive
//! halving).

use std::path::Path;

use crate::Command;
use crate::plan::{Plan, PlanError, multiply_by_setting, vary};
use crate::record::Record;
use crate::run::Stop;
use crate::schedule::{self, MeasureError, Request, measure};
use crate::statistics::{Comparison, LEVEL, median};
use crate::strategy::{Strategy, StrategyError, sensible};
use crate::table::list;

/// Why nothing was found.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// Nothing was measured.
    #[error(transparent)]
    Measure(#[from] MeasureError),
    /// A candidate contradicts itself.
    #[error(transparent)]
    Strategy(#[from] StrategyError),
    /// An axis is none.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// No candidate ran.
    #[error("every run of every candidate failed")]
    AllFailed,
}

/// What is told while it works.
#[derive(Debug)]
pub enum Progress<'a> {
    /// A run.
    Measures(schedule::Progress<'a>),
    /// Candidates are dropped.
    Dropped(String),
}

/// The best candidate.
#[derive(Clone, Debug)]
pub struct Found {
    /// Which.
    pub best: Strategy,
    /// What was dropped, round by round.
    pub history: Vec<String>,
    /// How much worse the next one is.
    pub margin: String,
    /// A policy file that does what the best one does.
    pub policy: String,
}

impl Found {
    /// What was found, for a terminal.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.history.iter().for_each(|line| text += &format!("{line}\n"));
        text + &format!("best:    {}\n{}\n", self.best.name, self.margin)
    }
}

/// The candidates of a guest: the policies that come with Patchbay, the trigger kinds, static patching, and every value of
/// the settings given.
///
/// # Errors
/// If a setting is not NAME=VALUE,….
pub fn candidates(settings: &[String]) -> Result<Vec<Strategy>, SearchError> {
    let words = sensible().into_iter().filter(|word| *word != "native").chain(["hot", "adaptive", "mnemonic"]);
    let mut candidates: Vec<Strategy> = words.map(Strategy::named).collect::<Result<_, _>>()?;
    // Whose plugin does not have a setting would refuse it.
    for axis in settings {
        let (name, values) = vary(axis)?;
        let (with, without): (Vec<_>, Vec<_>) =
            candidates.into_iter().partition(|candidate| candidate.policy.as_deref() == Some("hot"));
        candidates = without.into_iter().chain(multiply_by_setting(with, &name, &values)).collect();
    }
    Ok(candidates)
}

/// How a candidate stands: the median of its times, each divided by the mean of its round.
fn standing(records: &[Record], plan: &Plan) -> Vec<(Strategy, f64)> {
    let is_candidate = |record: &&Record| {
        record.counts() && plan.strategies.iter().any(|strategy| strategy.name == record.strategy.name)
    };
    let usable: Vec<&Record> = records.iter().filter(is_candidate).collect();
    let mean_of = |guest: &str, round: u32| {
        let own = usable.iter().filter(|record| record.round == round && record.guest == guest);
        let times: Vec<f64> = own.map(|record| record.times.guest_cpu.max(f64::MIN_POSITIVE).ln()).collect();
        (times.iter().sum::<f64>() / times.len().max(1) as f64).exp()
    };
    let mut standing: Vec<(Strategy, f64)> = Vec::new();
    for strategy in &plan.strategies {
        let own = usable.iter().filter(|record| record.strategy.name == strategy.name);
        let times = own.map(|record| record.times.guest_cpu / mean_of(&record.guest, record.round));
        if let Some(time) = median(&times.collect::<Vec<_>>()) {
            standing.push((strategy.clone(), time));
        }
    }
    standing.sort_by(|a, b| a.1.total_cmp(&b.1));
    standing
}

/// Two candidates in the rounds that both have.
fn compared(records: &[Record], of: &str, to: &str) -> Option<Comparison> {
    let time = |name: &str, like: &Record| {
        let same = |record: &&Record| {
            record.counts()
                && record.strategy.name == name
                && (&record.guest, record.round) == (&like.guest, like.round)
        };
        records.iter().find(same).map(|record| record.times.guest_cpu)
    };
    let own = records.iter().filter(|record| record.counts() && record.strategy.name == of);
    let pairs: Vec<(f64, f64)> = own.filter_map(|record| Some((record.times.guest_cpu, time(to, record)?))).collect();
    Comparison::paired(&pairs)
}

/// Searches among the plan's strategies.
///
/// # Errors
/// If nothing could be measured.
pub fn search(
    command: &Command,
    plan: &Plan,
    rounds: u32,
    results: &Path,
    stop: &Stop,
    progress: &mut dyn FnMut(Progress),
) -> Result<Found, SearchError> {
    let mut measured = |plan: &Plan| {
        let request = Request { results, shard: None, only: None, resume: true, stop: stop.clone() };
        measure(command, plan, &request, &mut |told| progress(Progress::Measures(told)))
    };
    let mut history = Vec::new();
    let (best, next) =
        halve(plan, rounds.max(1), &mut |plan| Ok(measured(plan)?.records), &mut |line| history.push(line))?;
    history.iter().for_each(|line| progress(Progress::Dropped(line.clone())));
    let policy = best.policy_file(&plan.directory)?;
    let margin = match next {
        None => "There was no other candidate.".to_owned(),
        Some((name, compared, is_clear)) => {
            let ratio = compared.ratio;
            if is_clear {
                format!("The next, {name}, takes {:.3}-{:.3} times as much processor time.", ratio.low, ratio.high)
            } else {
                format!("The next, {name}, can't be told apart from it ({:.3}-{:.3}).", ratio.low, ratio.high)
            }
        }
    };
    Ok(Found { best, history, margin, policy })
}

/// The candidate after the best one, compared with it, and whether the two can be told apart.
type Next = (String, Comparison, bool);

/// Drops the slower half until one is left, or the rest cannot be told apart by as many rounds as the plan allows.
fn halve(
    plan: &Plan,
    first: u32,
    measure: &mut dyn FnMut(&Plan) -> Result<Vec<Record>, MeasureError>,
    told: &mut dyn FnMut(String),
) -> Result<(Strategy, Option<Next>), SearchError> {
    let mut plan = Plan { repetitions: first, until: None, profile: false, ..plan.clone() };
    // Whoever looks more than once must be stricter each time.
    let looks = (f64::from(plan.at_most.max(first)) / f64::from(first)).log2().ceil() + 1.0;
    let level = LEVEL / looks;
    loop {
        let records = measure(&plan)?;
        let standing = standing(&records, &plan);
        let Some((best, _)) = standing.first() else { return Err(SearchError::AllFailed) };
        let next = standing
            .get(1)
            .and_then(|(second, _)| Some((second.name.clone(), compared(&records, &second.name, &best.name)?)));
        let is_clear = next.as_ref().is_none_or(|(_, compared)| compared.differs_at(level));
        if standing.len() <= 2 && (is_clear || plan.repetitions * 2 > plan.at_most) || standing.len() == 1 {
            return Ok((best.clone(), next.map(|(name, compared)| (name, compared, is_clear))));
        }
        let keep = standing.len().div_ceil(2).max(2);
        let dropped: Vec<&str> = standing[keep..].iter().map(|(strategy, _)| strategy.name.as_str()).collect();
        if !dropped.is_empty() {
            told(format!("after {} rounds without {}", plan.repetitions, list(&dropped)));
        }
        plan.strategies = standing.into_iter().take(keep).map(|(strategy, _)| strategy).collect();
        plan.baseline = plan.strategies[0].name.clone();
        plan.repetitions = (plan.repetitions * 2).min(plan.at_most.max(first));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::record;

    fn searched(times: &[(&str, f64)], noise: f64, seed: u64) -> (String, Option<Next>, usize) {
        let mut random = fastrand::Rng::with_seed(seed);
        let strategies = times.iter().map(|(name, _)| Strategy { name: (*name).into(), ..Strategy::default() });
        let plan = Plan { strategies: strategies.collect(), at_most: 24, ..Plan::default() };
        let mut runs: Vec<Record> = Vec::new();
        let mut measure = |plan: &Plan| {
            for round in 0..plan.repetitions {
                for strategy in &plan.strategies {
                    if !runs.iter().any(|run| (run.round, &run.strategy.name) == (round, &strategy.name)) {
                        let time = times.iter().find(|(name, _)| *name == strategy.name).unwrap().1;
                        runs.push(record(&strategy.name, round, time * (1.0 + noise * (random.f64() - 0.5))));
                    }
                }
            }
            Ok(runs.clone())
        };
        let (best, next) = halve(&plan, 2, &mut measure, &mut |_| ()).unwrap();
        (best.name, next, runs.len())
    }

    #[test]
    fn the_best_is_found_with_few_runs_of_the_others() {
        let times = [("a", 2.0), ("b", 1.8), ("c", 1.0), ("d", 1.5), ("e", 1.1), ("f", 3.0), ("g", 2.5), ("h", 1.9)];
        let (best, next, runs) = searched(&times, 0.04, 2);
        assert_eq!((best.as_str(), next.unwrap().0.as_str()), ("c", "e"));
        assert!(runs < 8 * 8, "{runs}");
    }

    #[test]
    fn what_cannot_be_told_apart_is_said() {
        let equal = [("a", 1.0), ("b", 1.0), ("c", 2.0)];
        let wrong =
            (0..200).filter(|seed| searched(&equal, 0.1, *seed).1.is_some_and(|(_, _, is_clear)| is_clear)).count();
        assert!(wrong <= 15, "{wrong} of 200");
    }
}
