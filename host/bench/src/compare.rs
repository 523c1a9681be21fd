//! Two sets of results: what became slower or faster beyond noise.

use std::collections::BTreeMap;

use crate::record::Record;
use crate::statistics::{Comparison, told_apart};
use crate::table::Table;

/// A guest under a strategy, then and now.
#[derive(Clone, Debug)]
pub struct Change {
    /// The guest.
    pub guest: String,
    /// The strategy.
    pub strategy: String,
    /// The new time against the old.
    pub compared: Comparison,
    /// Whether that is more than noise.
    pub differs: bool,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Changes {
    /// What both sets have.
    pub changes: Vec<Change>,
    /// What only one has.
    pub only_one: Vec<String>,
    /// What cannot be compared fairly, and why.
    pub warnings: Vec<String>,
}

/// Processor times by guest and strategy.
fn times(records: &[Record]) -> BTreeMap<(String, String), Vec<f64>> {
    let mut times: BTreeMap<(String, String), Vec<f64>> = BTreeMap::new();
    for record in records.iter().filter(|record| record.counts()) {
        let key = (record.guest.clone(), record.strategy.name.clone());
        times.entry(key).or_default().push(record.times.guest_cpu);
    }
    times
}

/// Compares results. A difference smaller than `least`, as a part, is not one.
#[must_use]
pub fn compare(old: &[Record], new: &[Record], least: f64) -> Changes {
    let (before, after) = (times(old), times(new));
    let mut changes = Vec::new();
    for ((guest, strategy), values) in &after {
        let of = |values: &Vec<f64>| {
            before.get(&(guest.clone(), strategy.clone())).and_then(|old| Comparison::unpaired(values, old))
        };
        if let Some(compared) = of(values) {
            let (guest, strategy) = (guest.clone(), strategy.clone());
            changes.push(Change { guest, strategy, compared, differs: false });
        }
    }
    let comparisons: Vec<Comparison> = changes.iter().map(|change| change.compared).collect();
    for (change, apart) in changes.iter_mut().zip(told_apart(&comparisons)) {
        change.differs = apart && (change.compared.ratio.median - 1.0).abs() >= least;
    }
    let name = |(guest, strategy): &(String, String)| format!("{strategy} on {guest}");
    let missing = before.keys().filter(|key| !after.contains_key(*key)).map(|key| format!("only old: {}", name(key)));
    let added = after.keys().filter(|key| !before.contains_key(*key)).map(|key| format!("only new: {}", name(key)));
    let hosts = |records: &[Record]| {
        let mut names: Vec<String> = records.iter().map(|record| record.provenance.host.processor.clone()).collect();
        names.sort();
        names.dedup();
        names
    };
    let mut warnings = Vec::new();
    if hosts(old) != hosts(new) {
        warnings.push("old and new were measured on different processors".to_owned());
    }
    let fewest = comparisons.iter().map(|compared| compared.rounds).min().unwrap_or_default();
    if !comparisons.is_empty() && fewest < 5 {
        warnings.push(format!("there are only {fewest} runs of some: small changes can't be seen"));
    }
    Changes { changes, only_one: missing.chain(added).collect(), warnings }
}

impl Changes {
    /// Whether nothing has changed beyond noise.
    #[must_use]
    pub fn is_same(&self) -> bool {
        !self.changes.iter().any(|change| change.differs)
    }

    /// A table and sentences.
    #[must_use]
    pub fn text(&self) -> String {
        let mut table = Table::new(&["guest, strategy", "new/old", "95 %", "verdict"]);
        for Change { guest, strategy, compared, differs, .. } in &self.changes {
            let ratio = compared.ratio;
            let verdict = match (differs, ratio.median > 1.0) {
                (true, true) => "slower",
                (true, false) => "faster",
                _ => "same",
            };
            table.rows.push(vec![
                format!("{guest}, {strategy}"),
                format!("{:.3}", ratio.median),
                format!("{:.3}-{:.3}", ratio.low, ratio.high),
                verdict.to_owned(),
            ]);
        }
        let mut text = table.text();
        for line in &self.only_one {
            text += &format!("{line}\n");
        }
        for warning in &self.warnings {
            text += &format!("warning: {warning}\n");
        }
        let count = self.changes.iter().filter(|change| change.differs).count();
        text += &match count {
            0 => "Nothing became slower or faster beyond noise.\n".to_owned(),
            1 => "One of them changed beyond noise.\n".to_owned(),
            count => format!("{count} of them changed beyond noise.\n"),
        };
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::record;

    fn set(factor: f64, seed: u64) -> Vec<Record> {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut time =
            |name: &str, round, center: f64| record(name, round, center * (1.0 + 0.02 * (random.f64() - 0.5)));
        (0..8).flat_map(|round| [time("trap", round, 2.0), time("break", round, factor)]).collect()
    }

    #[test]
    fn what_became_slower_is_found_and_what_did_not_is_not() {
        let changed = compare(&set(1.0, 1), &set(1.1, 2), 0.01);
        assert!(!changed.is_same());
        let text = changed.text();
        assert!(text.contains("guest, break") && text.contains("slower"), "{text}");
        assert!(text.lines().any(|line| line.starts_with("guest, trap") && line.ends_with("same")), "{text}");
        assert!(compare(&set(1.0, 1), &set(1.0, 3), 0.01).is_same());
        assert!(compare(&set(1.0, 1), &set(1.1, 2), 0.2).is_same());
    }
}
