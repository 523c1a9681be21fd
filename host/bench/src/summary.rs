//! What records say together: a row a strategy, and sentences about what can be concluded and what cannot.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::counters::Counts;
use crate::plan::Plan;
use crate::record::{Operation, Record, RunOutcome, Sample, Site};
use crate::statistics::{Comparison, Estimate, LEVEL, ROUNDS_MIN, estimate, median, told_apart};
use crate::strategy::{Mode, Strategy};
use crate::table::{Table, count, digits, list, nanoseconds};

/// A strategy whose time scatters by more than this from round to round makes a noisy measurement.
const NOISE: f64 = 0.03;
/// The difference that a reader may expect to be found.
const INTERESTING: f64 = 0.02;

/// What the runs of a guest say.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// The guest.
    pub guest: String,
    /// The strategy that ratios are told against.
    pub baseline: String,
    /// A row a strategy, in the order of the plan.
    pub strategies: Vec<OfStrategy>,
    /// What can be concluded, and what cannot.
    pub conclusions: Vec<String>,
    /// Why less can be concluded than one might wish.
    pub warnings: Vec<String>,
}

/// What the runs of a strategy say.
#[derive(Clone, Debug, Serialize)]
pub struct OfStrategy {
    /// Its name.
    pub name: String,
    /// The strategy.
    pub strategy: Strategy,
    /// The runs that count.
    pub rounds: usize,
    /// Why others do not.
    pub failures: Vec<String>,
    /// Processor time of the guest's threads, in seconds.
    pub cpu: Option<Estimate>,
    /// The guest's time on the host's clock, in seconds.
    pub wall: Option<Estimate>,
    /// Processor time against the baseline's.
    pub to_baseline: Option<Comparison>,
    /// Processor time against that of `native`.
    pub to_native: Option<Comparison>,
    /// What an event costs more than on the baseline, in nanoseconds: the difference of processor time by events.
    pub over_baseline: Option<Estimate>,
    /// What an event costs more than natively.
    pub over_native: Option<Estimate>,
    /// What the monitor says an event takes, in nanoseconds.
    pub nanoseconds_an_event: Option<f64>,
    /// Instructions emulated.
    pub events: f64,
    /// The part of them by trigger.
    pub by_trigger: Option<f64>,
    /// The most memory of the process, in bytes.
    pub memory: f64,
    /// The kinds of triggers: name, sites, events.
    pub kinds: Vec<(String, u64, u64)>,
    /// Why sites got another trigger than was asked for.
    pub declined: Vec<(String, u64)>,
    /// Why the conventional path emulated.
    pub fallbacks: Vec<(String, u64)>,
    /// Events by cause.
    pub causes: Vec<(String, u64)>,
    /// Operations that the guest has measured; the shortest of all runs.
    pub operations: Vec<Operation>,
    /// Counts over guest time.
    pub samples: Vec<Sample>,
    /// Sites with most events.
    pub sites: Vec<Site>,
}

impl OfStrategy {
    /// Whether nobody could use it: it leaves out parts of the conventional path, to measure what they cost.
    #[must_use]
    pub fn is_for_measurement_only(&self) -> bool {
        !self.strategy.without.is_empty()
    }
}

/// What is compared: one round on one host; the number tells rounds apart that a host has measured more than once.
type Moment<'a> = (&'a str, u32, usize);

/// Processor times by moment.
fn moments<'a>(records: &[&'a Record]) -> BTreeMap<Moment<'a>, f64> {
    let mut times = BTreeMap::new();
    for record in records.iter().filter(|record| record.counts()) {
        let host = record.provenance.host.name.as_str();
        let free = (0..).find(|again| !times.contains_key(&(host, record.round, *again)));
        times.insert((host, record.round, free.unwrap_or_default()), record.times.guest_cpu);
    }
    times
}

/// The values of two strategies in the rounds that both have.
fn pairs(of: &BTreeMap<Moment, f64>, to: &BTreeMap<Moment, f64>) -> Vec<(f64, f64)> {
    of.iter().filter_map(|(moment, of)| Some((*of, *to.get(moment)?))).collect()
}

/// What records say, guest by guest.
#[must_use]
pub fn summarize(records: &[Record]) -> Vec<Summary> {
    let mut guests: Vec<&str> = Vec::new();
    for record in records {
        if !guests.contains(&record.guest.as_str()) {
            guests.push(&record.guest);
        }
    }
    guests.into_iter().map(|guest| of_guest(guest, records)).collect()
}

/// The records of each strategy, in the order in which they first ran.
fn by_strategy<'a>(guest: &str, records: &'a [Record]) -> Vec<(&'a str, Vec<&'a Record>)> {
    let mut strategies: Vec<(&str, Vec<&Record>)> = Vec::new();
    for record in records.iter().filter(|record| record.guest == guest) {
        let name = record.strategy.name.as_str();
        match strategies.iter_mut().find(|(other, _)| *other == name) {
            Some((_, own)) => own.push(record),
            None => strategies.push((name, vec![record])),
        }
    }
    strategies
}

fn of_guest(guest: &str, records: &[Record]) -> Summary {
    let strategies = by_strategy(guest, records);
    let wanted =
        strategies.iter().flat_map(|(_, records)| records.first()).map(|record| record.baseline.clone()).next();
    let named = |name: &str| strategies.iter().find(|(other, _)| *other == name);
    let native = strategies.iter().find(|(_, records)| records[0].strategy.mode == Mode::Native);
    let baseline = wanted.filter(|name| named(name).is_some());
    let baseline = baseline.or_else(|| strategies.first().map(|(name, _)| (*name).to_owned())).unwrap_or_default();
    let times: Vec<BTreeMap<Moment, f64>> = strategies.iter().map(|(_, records)| moments(records)).collect();
    let times_of = |name: &str| strategies.iter().position(|(other, _)| *other == name).map(|index| &times[index]);
    let to = [times_of(&baseline), native.and_then(|(name, _)| times_of(name))];
    let rows: Vec<OfStrategy> =
        strategies.iter().zip(&times).map(|((name, records), own)| row(name, records, own, to)).collect();
    let mut summary =
        Summary { guest: guest.to_owned(), baseline, strategies: rows, conclusions: Vec::new(), warnings: Vec::new() };
    summary.warnings = warnings(&summary, &strategies);
    summary.conclusions = conclusions(&summary, &times);
    summary
}

fn row(
    name: &str,
    records: &[&Record],
    own: &BTreeMap<Moment, f64>,
    [baseline, native]: [Option<&BTreeMap<Moment, f64>>; 2],
) -> OfStrategy {
    let good: Vec<&Record> = records.iter().copied().filter(|record| record.counts()).collect();
    let all = |value: fn(&Record) -> f64| good.iter().map(|record| value(record)).collect::<Vec<f64>>();
    let counts: Vec<Counts> = good.iter().map(|record| Counts::read(&record.counters)).collect();
    let middle = |value: &dyn Fn(&Counts) -> Option<f64>| median(&counts.iter().filter_map(value).collect::<Vec<_>>());
    let events = middle(&|counts| Some(counts.events as f64)).unwrap_or_default();
    let compared = |to: &BTreeMap<Moment, f64>| Comparison::paired(&pairs(own, to));
    let over = |to: &BTreeMap<Moment, f64>| {
        let differences: Vec<f64> = pairs(own, to).iter().map(|(of, to)| (of - to) * 1e9 / events).collect();
        if events > 0.0 { estimate(&differences) } else { None }
    };
    let failure = |record: &&Record| match &record.outcome {
        RunOutcome::Failed(why) => Some(why.clone()),
        RunOutcome::Well => None,
    };
    let mut operations: Vec<Operation> = Vec::new();
    for operation in good.iter().flat_map(|record| &record.operations) {
        match operations.iter_mut().find(|other| other.name == operation.name) {
            Some(least) => least.nanoseconds = least.nanoseconds.min(operation.nanoseconds),
            None => operations.push(operation.clone()),
        }
    }
    let last = counts.last().cloned().unwrap_or_default();
    let profile = records.iter().find(|record| record.profile && record.is_well());
    OfStrategy {
        name: name.to_owned(),
        strategy: records[0].strategy.clone(),
        rounds: good.len(),
        failures: records.iter().filter_map(failure).collect(),
        cpu: estimate(&all(|record| record.times.guest_cpu)),
        wall: estimate(&all(|record| record.times.guest_wall)),
        to_baseline: baseline.and_then(compared),
        to_native: native.and_then(compared),
        over_baseline: baseline.and_then(over),
        over_native: native.and_then(over),
        nanoseconds_an_event: middle(&|counts| counts.nanoseconds_an_event),
        events,
        by_trigger: middle(&Counts::by_trigger),
        memory: median(&all(|record| record.memory as f64)).unwrap_or_default(),
        kinds: last.kinds.into_iter().map(|kind| (kind.name, kind.sites, kind.events)).collect(),
        declined: last.declined,
        fallbacks: last.fallbacks,
        causes: last.causes,
        operations,
        samples: profile.map(|record| record.samples.clone()).unwrap_or_default(),
        sites: profile.map(|record| record.sites.clone()).unwrap_or_default(),
    }
}

/// The widest of the intervals of the ratios to the baseline, as half its width; `None` if one is missing.
#[must_use]
pub fn widest(records: &[Record], plan: &Plan) -> Option<f64> {
    let summaries = summarize(records);
    if summaries.len() < plan.guests.len() {
        return None;
    }
    let rows = summaries.iter().flat_map(|summary| {
        let others = summary.strategies.iter().filter(|row| row.name != summary.baseline && row.rounds > 0);
        others.map(|row| row.to_baseline.map(|compared| compared.ratio.half_width()))
    });
    rows.collect::<Option<Vec<f64>>>()?.into_iter().max_by(f64::total_cmp)
}

/// An interval as a sentence has it.
fn range(ratio: &Estimate) -> String {
    let (low, high) = (format!("{:.2}", ratio.low), format!("{:.2}", ratio.high));
    if low == high { low } else { format!("{low}-{high}") }
}

fn conclusions(summary: &Summary, times: &[BTreeMap<Moment, f64>]) -> Vec<String> {
    let rows = &summary.strategies;
    let speed = |index: &usize| rows[*index].to_baseline.map_or(f64::INFINITY, |compared| compared.ratio.median);
    let usable = |index: &usize| rows[*index].rounds > 0 && !rows[*index].is_for_measurement_only();
    // What the guest does without any monitor is where strategies can come to, not one of them.
    let mut order: Vec<usize> =
        (0..rows.len()).filter(usable).filter(|index| rows[*index].strategy.mode != Mode::Native).collect();
    order.sort_by(|a, b| speed(a).total_cmp(&speed(b)));
    if order.len() < 2 {
        return vec!["There is nothing to compare.".to_owned()];
    }
    let mut questions = Vec::new();
    for (rank, faster) in order.iter().enumerate() {
        for slower in &order[rank + 1..] {
            if let Some(compared) = Comparison::paired(&pairs(&times[*slower], &times[*faster])) {
                questions.push((*faster, *slower, compared));
            }
        }
    }
    let comparisons: Vec<Comparison> = questions.iter().map(|(_, _, compared)| *compared).collect();
    let apart = told_apart(&comparisons);
    let answer = |faster: usize, slower: usize| {
        let index = questions.iter().position(|(a, b, _)| (*a, *b) == (faster, slower));
        index.map(|index| (comparisons[index], apart[index]))
    };
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for index in &order {
        // Whoever cannot be told apart from all of a group belongs to it.
        let belongs = groups.last().is_some_and(|group| {
            group.iter().all(|leader| answer(*leader, *index).is_none_or(|(_, is_apart)| !is_apart))
        });
        match groups.last_mut().filter(|_| belongs) {
            Some(group) => group.push(*index),
            None => groups.push(vec![*index]),
        }
    }
    let names = |group: &[usize]| group.iter().map(|index| rows[*index].name.as_str()).collect::<Vec<_>>();
    let mut sentences = Vec::new();
    match groups.as_slice() {
        [only] => {
            let widest =
                only[1..].iter().filter_map(|index| answer(only[0], *index)).map(|(compared, _)| compared.ratio);
            let (low, high) =
                widest.fold((1.0_f64, 1.0_f64), |(low, high), ratio| (low.min(ratio.low), high.max(ratio.high)));
            sentences.push(format!(
                "{} can't be told apart ({low:.2}-{high:.2} of {}).",
                list(&names(only)),
                rows[only[0]].name
            ));
        }
        [first, rest @ ..] => {
            let next = rest[0][0];
            let ratio = answer(first[0], next).map(|(compared, _)| range(&compared.ratio)).unwrap_or_default();
            let fastest = names(first);
            let verb = if fastest.len() == 1 { "is fastest" } else { "are fastest" };
            sentences.push(format!(
                "{} {verb}; the next, {}, takes {ratio} times as much processor time.",
                list(&fastest),
                rows[next].name
            ));
            for group in groups.iter().filter(|group| group.len() > 1) {
                let ratios =
                    group[1..].iter().filter_map(|index| answer(group[0], *index)).map(|(compared, _)| compared.ratio);
                let (low, high) =
                    ratios.fold((1.0_f64, 1.0_f64), |(low, high), ratio| (low.min(ratio.low), high.max(ratio.high)));
                sentences.push(format!(
                    "{} can't be told apart ({low:.2}-{high:.2} of {}).",
                    list(&names(group)),
                    rows[group[0]].name
                ));
            }
            let ranks: Vec<String> = groups.iter().map(|group| names(group).join(" = ")).collect();
            sentences.push(format!("From fastest to slowest: {}.", ranks.join(" < ")));
        }
        [] => {}
    }
    let best = &rows[order[0]];
    let without = "the guest without a monitor";
    for (to, name) in [(&best.to_baseline, summary.baseline.as_str()), (&best.to_native, without)] {
        let Some(compared) = to.as_ref().filter(|_| best.name != name) else { continue };
        sentences.push(if compared.differs_at(LEVEL) {
            format!("{} takes {} of the processor time of {name}.", best.name, range(&compared.ratio))
        } else {
            format!("{} can't be told apart from {name} ({}).", best.name, range(&compared.ratio))
        });
    }
    sentences
}

fn warnings(summary: &Summary, strategies: &[(&str, Vec<&Record>)]) -> Vec<String> {
    let mut warnings = Vec::new();
    for row in summary.strategies.iter().filter(|row| !row.failures.is_empty()) {
        let runs = row.failures.len() + row.rounds;
        warnings.push(format!(
            "{} of {runs} runs of {} failed, and their times do not count: {}.",
            row.failures.len(),
            row.name,
            row.failures[0].trim_end_matches('.')
        ));
    }
    let compared: Vec<Comparison> = summary
        .strategies
        .iter()
        .filter(|row| row.name != summary.baseline)
        .filter_map(|row| row.to_baseline)
        .collect();
    let fewest = summary.strategies.iter().filter(|row| row.rounds > 0).map(|row| row.rounds).min().unwrap_or_default();
    let spread = median(&compared.iter().map(|compared| compared.spread).collect::<Vec<_>>()).unwrap_or_default();
    if fewest < ROUNDS_MIN {
        warnings.push(format!(
            "There are only {fewest} rounds: nothing can be told apart with less than {ROUNDS_MIN}, little with less than 5."
        ));
    } else if spread > NOISE {
        warnings.push(format!(
            "The host is noisy: ratios scatter by {:.1} % from round to round (a quiet one: below 1 %).",
            spread * 100.0
        ));
    }
    let rounds = compared.iter().map(|compared| compared.rounds_for(INTERESTING)).max().unwrap_or_default();
    if fewest >= ROUNDS_MIN && rounds > fewest {
        warnings.push(format!(
            "To tell apart what differs by {:.0} %, about {rounds} rounds are needed; there are {fewest}.",
            INTERESTING * 100.0
        ));
    }
    let all = || strategies.iter().flat_map(|(_, records)| records).filter(|record| record.counts());
    let loaded = |record: &&&Record| {
        let guest = record.strategy.processors.unwrap_or(1);
        record.provenance.host.load > (record.provenance.host.processors.max(guest) as f64)
    };
    let (runs, busy) = (all().count(), all().filter(loaded).count());
    if busy * 4 > runs {
        warnings.push(format!(
            "{busy} of {runs} runs began while more threads wanted to run than the host has processors."
        ));
    }
    let builds: BTreeSet<&str> = all().map(|record| record.provenance.command.as_str()).collect();
    if builds.len() > 1 {
        warnings
            .push(format!("The results are of {} builds of the command: use `patchbay bench compare`.", builds.len()));
    }
    warnings
}

impl Summary {
    /// A row a strategy.
    #[must_use]
    pub fn table(&self) -> Table {
        let baseline = format!("x {}", self.baseline);
        let heads = [
            "strategy",
            "runs",
            "CPU s",
            "95 %",
            &baseline,
            "x native",
            "events",
            "by trigger",
            "ns/event",
            "+ns/event",
            "MiB",
            "sites",
            "declined",
        ];
        let mut table = Table::new(&heads);
        for row in &self.strategies {
            let name = if row.is_for_measurement_only() { format!("({})", row.name) } else { row.name.clone() };
            let ratio = |compared: &Option<Comparison>| {
                compared.map_or("-".to_owned(), |compared| format!("{:.3}", compared.ratio.median))
            };
            let kinds: Vec<String> = row
                .kinds
                .iter()
                .filter(|(_, sites, _)| *sites > 0)
                .map(|(name, sites, _)| format!("{sites} {name}"))
                .collect();
            let declined: u64 = row.declined.iter().map(|(_, count)| count).sum();
            let dash = || "-".to_owned();
            let monitored = row.events > 0.0;
            table.rows.push(vec![
                name,
                if row.failures.is_empty() {
                    row.rounds.to_string()
                } else {
                    format!("{} (+{} failed)", row.rounds, row.failures.len())
                },
                row.cpu.map_or_else(dash, |cpu| digits(cpu.median)),
                row.cpu.map_or_else(dash, |cpu| format!("{}-{}", digits(cpu.low), digits(cpu.high))),
                ratio(&row.to_baseline),
                ratio(&row.to_native),
                if monitored { count(row.events) } else { dash() },
                row.by_trigger.map_or_else(dash, |part| format!("{:.2} %", part * 100.0)),
                row.nanoseconds_an_event.map_or_else(dash, digits),
                row.over_native.or(row.over_baseline).map_or_else(dash, |over| format!("{:.0}", over.median)),
                format!("{:.0}", row.memory / f64::from(1 << 20)),
                if kinds.is_empty() { dash() } else { kinds.join(", ") },
                if monitored { declined.to_string() } else { dash() },
            ]);
        }
        table
    }

    /// A row an operation that the guest has measured, a column a strategy; `None` if it has not.
    #[must_use]
    pub fn operations(&self) -> Option<Table> {
        let measured: Vec<&OfStrategy> = self.strategies.iter().filter(|row| !row.operations.is_empty()).collect();
        let first = measured.first()?;
        let heads: Vec<&str> =
            std::iter::once("ns an operation").chain(measured.iter().map(|row| row.name.as_str())).collect();
        let mut table = Table::new(&heads);
        let time = |row: &OfStrategy, name: &str| {
            row.operations.iter().find(|other| other.name == name).map(|operation| operation.nanoseconds)
        };
        for operation in &first.operations {
            let times = measured.iter().map(|row| time(row, &operation.name).map_or("-".to_owned(), nanoseconds));
            table.rows.push(std::iter::once(operation.name.clone()).chain(times).collect());
        }
        let gain = |row: &&OfStrategy| {
            let baseline = measured.iter().find(|row| row.name == self.baseline)?;
            let ratios = row.operations.iter().filter_map(|operation| {
                // What takes less than the clock's resolution is no time to divide by.
                Some(time(baseline, &operation.name)?.max(0.1) / operation.nanoseconds.max(0.1))
            });
            median(&ratios.collect::<Vec<_>>())
        };
        let gains = measured.iter().map(|row| gain(row).map_or("-".to_owned(), |gain| format!("{gain:.2}x")));
        table.rows.push(std::iter::once(format!("median gain over {}", self.baseline)).chain(gains).collect());
        Some(table)
    }

    /// Table, sentences and warnings for a terminal.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("{}\n\n{}", self.guest, self.table().text());
        if let Some(operations) = self.operations() {
            text += &format!("\n{}", operations.text());
        }
        if self.strategies.iter().any(OfStrategy::is_for_measurement_only) {
            text += "\n(in parentheses: for measurement only; parts of the conventional path are left out)\n";
        }
        text.push('\n');
        for sentence in &self.conclusions {
            text += &format!("{sentence}\n");
        }
        for warning in &self.warnings {
            text += &format!("warning: {warning}\n");
        }
        text
    }
}

/// The level at which conclusions are drawn, for the foot of a report.
#[must_use]
pub fn method() -> String {
    format!(
        "Times are processor time of the guest's threads: medians over rounds in which every strategy ran once, with \
         bootstrap 95 % intervals. Ratios are medians of the ratios within rounds. Two strategies are told apart if the \
         interval of their ratio leaves out 1 and the paired t test of its logarithm rejects at {:.0} % for all comparisons \
         of a guest together (Holm). ns/event is the monitor's own: medians of the times it measured, weighted with events. +ns/event is the processor \
         time over that of native (of the baseline, where native was not measured), by events.",
        LEVEL * 100.0
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::record;

    fn with_mode(record: Record, mode: Mode) -> Record {
        Record { strategy: Strategy { mode, ..record.strategy.clone() }, ..record }
    }

    /// Rounds of strategies with these true times, on a host that drifts.
    fn records(times: &[(&str, f64)], rounds: u32) -> Vec<Record> {
        let mut random = fastrand::Rng::with_seed(4);
        let mut all = Vec::new();
        for round in 0..rounds {
            for (name, time) in times {
                let noise = 1.0 + 0.004 * (random.f64() - 0.5) + 0.1 * f64::from(round);
                let mode = if *name == "native" { Mode::Native } else { Mode::Patch };
                all.push(with_mode(record(name, round, time * noise), mode));
            }
        }
        all
    }

    #[test]
    fn what_can_be_concluded_is_said_and_what_cannot() {
        let all = records(&[("native", 0.5), ("trap", 2.0), ("break", 1.0), ("branch", 1.0)], 8);
        let summary = &summarize(&all)[0];
        let text = summary.conclusions.join(" ");
        assert!(text.contains("can't be told apart") && text.contains("are fastest"), "{text}");
        assert!(text.contains("< trap"), "{text}");
        assert!(text.contains("takes 0.50 of the processor time of trap"), "{text}");
        let trap = summary.strategies.iter().find(|row| row.name == "trap").unwrap();
        assert!((trap.to_native.unwrap().ratio.median - 4.0).abs() < 0.05);
        assert!(summary.warnings.is_empty(), "{:?}", summary.warnings);
    }

    #[test]
    fn a_failed_run_is_reported_and_not_averaged() {
        let mut all = records(&[("trap", 2.0), ("break", 1.0)], 5);
        let failed = RunOutcome::Failed("exit status 1: it crashed".into());
        all.push(Record { outcome: failed, ..record("break", 5, 100.0) });
        let summary = &summarize(&all)[0];
        let row = summary.strategies.iter().find(|row| row.name == "break").unwrap();
        assert_eq!(row.rounds, 5);
        assert!(row.cpu.unwrap().high < 2.0);
        assert!(
            summary.warnings[0].contains("1 of 6 runs of break failed") && summary.warnings[0].contains("it crashed")
        );
        assert!(summary.table().text().contains("5 (+1 failed)"));
    }

    #[test]
    fn few_rounds_and_noise_are_warned_of() {
        let few = summarize(&records(&[("trap", 2.0), ("break", 1.0)], 2));
        assert!(few[0].warnings[0].contains("only 2 rounds"), "{:?}", few[0].warnings);
        assert!(!few[0].conclusions.join(" ").contains("fastest"));
        let mut random = fastrand::Rng::with_seed(1);
        let noisy: Vec<Record> = (0..6)
            .flat_map(|round| ["trap", "break"].map(|name| record(name, round, 1.0 + 0.3 * random.f64())))
            .collect();
        let warnings = summarize(&noisy)[0].warnings.join(" ");
        assert!(warnings.contains("noisy") && warnings.contains("rounds are needed"), "{warnings}");
    }

    #[test]
    fn rounds_of_different_hosts_are_not_compared() {
        let mut all = records(&[("trap", 2.0), ("break", 1.0)], 4);
        for record in &mut all {
            record.provenance.host.name = format!("host of {}", record.strategy.name);
        }
        assert_eq!(summarize(&all)[0].strategies[1].to_baseline, None);
    }

    #[test]
    fn rounds_that_were_measured_twice_count_twice() {
        let mut all = records(&[("trap", 2.0), ("break", 1.0)], 4);
        all.extend(records(&[("trap", 2.0), ("break", 1.0)], 4));
        let summary = &summarize(&all)[0];
        assert_eq!(summary.strategies[1].to_baseline.unwrap().rounds, 8);
    }

    #[test]
    fn operations_are_the_shortest() {
        let mut all = records(&[("trap", 2.0), ("break", 1.0)], 2);
        for (record, time) in all.iter_mut().zip([100.0, 10.0, 90.0, 20.0]) {
            record.operations = vec![Operation { name: "rsm".into(), nanoseconds: time }];
        }
        let table = summarize(&all)[0].operations().unwrap();
        assert_eq!(table.rows[0], ["rsm", "90.0", "10.0"]);
        assert_eq!(table.rows[1], ["median gain over trap", "1.00x", "9.00x"]);
    }
}
