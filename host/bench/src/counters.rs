//! What `patchbay run --stats json` says, as far as a benchmark reads it. Nothing else in this crate knows its names.

use serde_json::Value;

use crate::record::{Sample, Site};

/// The counts of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    /// Instructions that the guest has executed.
    pub instructions: u64,
    /// Virtualization faults.
    pub faults: u64,
    /// Triggers.
    pub triggers: u64,
    /// Instructions emulated, by either.
    pub events: u64,
    /// Faults and triggers by the SDM's cause.
    pub causes: Vec<(String, u64)>,
    /// The kinds of triggers that were used.
    pub kinds: Vec<Kind>,
    /// Sites known.
    pub sites: u64,
    /// Why sites got another trigger than was asked for, by sites.
    pub declined: Vec<(String, u64)>,
    /// Why the conventional path emulated, by faults.
    pub fallbacks: Vec<(String, u64)>,
    /// The typical time of an event in nanoseconds: the medians of the conventional path and of each kind of trigger, weighted
    /// with their events.
    pub nanoseconds_an_event: Option<f64>,
}

/// A kind of trigger in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Its name.
    pub name: String,
    /// Sites patched with it.
    pub sites: u64,
    /// Times that it was executed.
    pub events: u64,
}

impl Counts {
    /// The counts; all 0 if there are none, as in native mode.
    #[must_use]
    pub fn read(statistics: &Value) -> Counts {
        let monitor = &statistics["monitor"];
        let total = &monitor["total"];
        let (faults, triggers) = (number(&total["faults"]), number(&total["triggers"]));
        let placed = monitor["triggers"].as_array().into_iter().flatten();
        Counts {
            instructions: number(&statistics["instructions"]),
            faults,
            triggers,
            events: (faults + triggers).saturating_sub(number(&total["on_behalf"])),
            causes: rows(&total["causes"], "cause", |row| number(&row["faults"]) + number(&row["triggers"])),
            kinds: kinds(monitor),
            sites: number(&monitor["sites"]),
            declined: sum(placed.map(|row| &row["declined_by_reason"])),
            fallbacks: sum(std::iter::once(&total["fallbacks"])),
            nanoseconds_an_event: typical(total),
        }
    }

    /// The part of the events that came by trigger.
    #[must_use]
    pub fn by_trigger(&self) -> Option<f64> {
        (self.events > 0).then(|| self.events.saturating_sub(self.faults) as f64 / self.events as f64)
    }

    /// Sites that got another trigger than was asked for.
    #[must_use]
    pub fn declined_count(&self) -> u64 {
        self.declined.iter().map(|(_, count)| count).sum()
    }
}

/// The processor time of the guest's threads and the time that the guest ran, in seconds.
#[must_use]
pub fn guest_times(statistics: &Value) -> (Option<f64>, f64) {
    (statistics["processor_seconds"].as_f64(), real(&statistics["seconds"]))
}

/// What had happened when the control protocol's `stats` was answered.
#[must_use]
pub fn sample(answer: &Value) -> Option<Sample> {
    let total = answer.get("monitor")?.get("total")?;
    let triggers = kinds(total).into_iter().map(|kind| (kind.name, kind.events)).collect();
    Some(Sample { seconds: answer["machine"]["seconds"].as_f64()?, faults: number(&total["faults"]), triggers })
}

/// The sites that the control protocol's `patches` lists.
#[must_use]
pub fn sites(answer: &Value) -> Vec<Site> {
    let rows = answer["top"].as_array().into_iter().flatten();
    let site = |row: &Value| {
        let name = row["symbol"].as_str().or(row["ip"].as_str())?;
        // Without the offset, which would make each site a function of its own.
        let symbol = name.split('+').next().unwrap_or(name).to_owned();
        let mnemonic = row["mnemonic"].as_str().unwrap_or_default().to_owned();
        Some(Site { symbol, mnemonic, events: number(&row["faults"]) + number(&row["triggers"]) })
    };
    rows.filter_map(site).collect()
}

/// The operations that a guest which measures prints: `name: <operation> 12.3`, in nanoseconds.
#[must_use]
pub fn operations(guest: &str, console: &str) -> Vec<crate::record::Operation> {
    let operation = |line: &str| {
        let (name, number) = line.trim().strip_prefix(guest)?.strip_prefix(": ")?.rsplit_once(' ')?;
        let nanoseconds = number.contains('.').then(|| number.parse().ok())??;
        Some(crate::record::Operation { name: name.to_owned(), nanoseconds })
    };
    console.lines().filter_map(operation).collect()
}

fn kinds(monitor: &Value) -> Vec<Kind> {
    let executed = monitor["total"]["by_kind"].as_array();
    let events = |name: &str| {
        let row = executed.into_iter().flatten().find(|row| row["trigger"] == name);
        row.map_or(0, |row| number(&row["events"]))
    };
    let kind = |row: &Value| {
        let name = row["trigger"].as_str()?.to_owned();
        Some(Kind { sites: number(&row["sites"]), events: events(&name), name })
    };
    let kinds = monitor["triggers"].as_array().into_iter().flatten().filter_map(kind);
    kinds.filter(|kind| kind.sites + kind.events > 0).collect()
}

/// See [`Counts::nanoseconds_an_event`].
fn typical(total: &Value) -> Option<f64> {
    let conventional = (number(&total["conventional"]["emulated"]), &total["conventional_time"]);
    let kinds = total["by_kind"].as_array().into_iter().flatten();
    let parts = kinds.map(|row| (number(&row["events"]), &row["time"])).chain([conventional]);
    let (events, time) =
        parts.filter(|(_, time)| number(&time["samples"]) > 0).fold((0.0, 0.0), |(events, sum), (count, time)| {
            (events + count as f64, sum + count as f64 * real(&time["p50"]))
        });
    (events > 0.0).then(|| time / events)
}

/// The counts of several objects, added up by name; without those that are 0.
fn sum<'a>(objects: impl Iterator<Item = &'a Value>) -> Vec<(String, u64)> {
    let mut sums: Vec<(String, u64)> = Vec::new();
    for (name, count) in objects.filter_map(Value::as_object).flatten() {
        let (name, count) = (name.replace('_', " "), number(count));
        match sums.iter_mut().find(|(other, _)| *other == name) {
            Some((_, sum)) => *sum += count,
            None if count > 0 => sums.push((name, count)),
            None => {}
        }
    }
    sums
}

fn rows(list: &Value, name: &str, count: impl Fn(&Value) -> u64) -> Vec<(String, u64)> {
    let row = |row: &Value| Some((row[name].as_str()?.to_owned(), count(row)));
    list.as_array().into_iter().flatten().filter_map(row).collect()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

fn real(value: &Value) -> f64 {
    value.as_f64().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn counts_are_read() {
        let counts = Counts::read(&json!({
            "instructions": 100, "seconds": 1.5, "processor_seconds": 1.25,
            "monitor": { "sites": 7,
                "triggers": [
                    { "trigger": "break", "sites": 4, "declined_by_reason": {} },
                    { "trigger": "jmp", "sites": 2, "declined_by_reason": { "call": 1 } },
                    { "trigger": "check", "sites": 0, "declined_by_reason": {} },
                ],
                "total": {
                "faults": 10, "triggers": 90, "on_behalf": 5,
                "conventional": { "emulated": 10 }, "conventional_time": { "samples": 3, "p50": 100 },
                "causes": [{ "cause": "rfi", "faults": 1, "triggers": 2 }],
                "by_kind": [
                    { "trigger": "break", "events": 60, "time": { "samples": 1, "p50": 20 } },
                    { "trigger": "jmp", "events": 30, "time": { "samples": 1, "p50": 10 } },
                    { "trigger": "check", "events": 0, "time": { "samples": 0, "p50": 0 } },
                ],
                "fallbacks": { "left_by_classifier": 3, "changed": 0 },
            }},
        }));
        assert_eq!((counts.events, counts.sites, counts.declined_count()), (95, 7, 1));
        assert_eq!(counts.fallbacks, [("left by classifier".to_owned(), 3)]);
        let names: Vec<_> = counts.kinds.iter().map(|kind| (kind.name.as_str(), kind.sites, kind.events)).collect();
        assert_eq!(names, [("break", 4, 60), ("jmp", 2, 30)]);
        assert_eq!(counts.causes, [("rfi".to_owned(), 3)]);
        assert!((counts.nanoseconds_an_event.unwrap() - 2500.0 / 100.0).abs() < 1e-9);
        assert!((counts.by_trigger().unwrap() - 85.0 / 95.0).abs() < 1e-9);
        assert_eq!(Counts::read(&json!({})), Counts::default());
    }

    #[test]
    fn operations_are_what_a_guest_prints_of_itself() {
        let console =
            "privops: mov =cr.tpr 24.5\nprivops: 51 checks, 0 failed\nother: x 1.0\nprivops: all measured ok\n";
        let found = operations("privops", console);
        assert_eq!(found, [crate::record::Operation { name: "mov =cr.tpr".into(), nanoseconds: 24.5 }]);
    }

    #[test]
    fn sites_have_the_name_of_their_function() {
        let found = sites(&json!({ "top": [
            { "symbol": "schedule+0x10", "mnemonic": "rsm", "faults": 1, "triggers": 2, "ip": "0x1" },
            { "symbol": null, "mnemonic": "ssm", "faults": 0, "triggers": 2, "ip": "0x40" },
        ]}));
        assert_eq!(found[0], Site { symbol: "schedule".into(), mnemonic: "rsm".into(), events: 3 });
        assert_eq!(found[1].symbol, "0x40");
    }
}
