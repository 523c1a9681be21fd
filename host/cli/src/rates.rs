//! What a machine did between two looks at its counts.

use serde_json::Value;

/// Counts a second, of one look after another.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rates {
    /// When the later look was, in seconds since the machine has started.
    pub(crate) time: f64,
    /// Instructions.
    pub(crate) instructions: f64,
    /// Virtualization faults.
    pub(crate) faults: f64,
    /// Executions by trigger.
    pub(crate) triggers: f64,
    /// Interruptions delivered to the guest.
    pub(crate) interruptions: f64,
    /// Of each cause with counts: its name, faults and executions by trigger a second, and all of both until now.
    pub(crate) causes: Vec<(String, f64, f64, u64)>,
    /// Of each kind of trigger: its name, executions a second, and the median time of one in nanoseconds.
    pub(crate) kinds: Vec<(String, f64, u64)>,
    /// Of each processor: instructions, faults and executions by trigger a second.
    pub(crate) processors: Vec<(f64, f64, f64)>,
    /// Swaps until now, and those that were refused.
    pub(crate) swaps: (u64, u64),
}

impl Rates {
    /// The rates between two answers to `stats`. Where a machine has been reset in between, they are those since its start.
    pub(crate) fn between(before: &Value, after: &Value) -> Rates {
        let seconds = |look: &Value| look["machine"]["seconds"].as_f64().unwrap_or_default();
        let nothing = Value::Null;
        let before = if seconds(before) <= seconds(after) { before } else { &nothing };
        let elapsed = seconds(after) - seconds(before);
        let rate = |before: &Value, after: &Value| {
            let grown = after.as_u64().unwrap_or_default().saturating_sub(before.as_u64().unwrap_or_default());
            if elapsed > 0.0 { grown as f64 / elapsed } else { 0.0 }
        };
        let rows = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let named = |list: &Value, key: &str, name: &Value| {
            rows(list).into_iter().find(|row| row[key] == *name).unwrap_or_default()
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (total, total_before) = (&after["monitor"]["total"], &before["monitor"]["total"]);
        let causes = rows(&total["causes"]).into_iter().map(|row| {
            let earlier = named(&total_before["causes"], "cause", &row["cause"]);
            let all = row["faults"].as_u64().unwrap_or_default() + row["triggers"].as_u64().unwrap_or_default();
            (
                text(&row["cause"]),
                rate(&earlier["faults"], &row["faults"]),
                rate(&earlier["triggers"], &row["triggers"]),
                all,
            )
        });
        let kinds = rows(&total["by_kind"]).into_iter().map(|row| {
            let earlier = named(&total_before["by_kind"], "trigger", &row["trigger"]);
            let median = row["time"]["p50"].as_u64().unwrap_or_default();
            (text(&row["trigger"]), rate(&earlier["events"], &row["events"]), median)
        });
        let processors = rows(&after["machine"]["processors"]).into_iter().enumerate().map(|(number, instructions)| {
            let vp = named(&after["monitor"]["vps"], "vp", &number.into());
            let earlier = named(&before["monitor"]["vps"], "vp", &number.into());
            (
                rate(&before["machine"]["processors"][number], &instructions),
                rate(&earlier["faults"], &vp["faults"]),
                rate(&earlier["triggers"], &vp["triggers"]),
            )
        });
        let delivered = |look: &Value| -> u64 {
            rows(&look["machine"]["interruptions"]).iter().filter_map(|row| row["count"].as_u64()).sum()
        };
        let swaps = |name: &str| after["swaps"][name].as_u64().unwrap_or_default();
        Rates {
            time: seconds(after),
            instructions: rate(&before["machine"]["instructions"], &after["machine"]["instructions"]),
            faults: rate(&total_before["faults"], &total["faults"]),
            triggers: rate(&total_before["triggers"], &total["triggers"]),
            interruptions: rate(&delivered(before).into(), &delivered(after).into()),
            causes: causes.collect(),
            kinds: kinds.collect(),
            processors: processors.collect(),
            swaps: (swaps("done"), swaps("failed")),
        }
    }

    /// The share of emulated instructions that were executed by trigger, in percent.
    pub(crate) fn by_trigger(&self) -> f64 {
        let all = self.faults + self.triggers;
        if all > 0.0 { 100.0 * self.triggers / all } else { 0.0 }
    }

    /// What the columns of [`line`](Rates::line) are.
    pub(crate) const HEADS: &str =
        "   time s      MIPS    faults/s  by trigger/s  trigger %  interruptions/s  swaps  refused";

    /// All in a line.
    pub(crate) fn line(&self) -> String {
        let Rates { time, instructions, faults, triggers, interruptions, swaps: (done, refused), .. } = self;
        format!(
            "{time:>9.1} {:>9.1} {faults:>11.0} {triggers:>13.0} {:>10.1} {interruptions:>16.0} {done:>6} {refused:>8}",
            instructions / 1e6,
            self.by_trigger()
        )
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    pub(crate) fn look(seconds: f64, count: u64) -> Value {
        json!({
            "machine": {
                "seconds": seconds,
                "instructions": 1_000_000 * count,
                "processors": [600_000 * count, 400_000 * count],
                "interruptions": [{ "vector": "data-tlb", "count": 2 * count }],
            },
            "monitor": {
                "total": {
                    "faults": count,
                    "triggers": 9 * count,
                    "causes": [{ "cause": "rfi", "faults": count, "triggers": 9 * count }],
                    "by_kind": [{ "trigger": "break", "events": 9 * count, "time": { "p50": 20 } }],
                },
                "vps": [{ "vp": 0, "faults": count, "triggers": 0 }, { "vp": 1, "faults": 0, "triggers": 9 * count }],
            },
            "swaps": { "done": 3, "failed": 1 },
        })
    }

    #[test]
    fn rates_are_of_the_time_between_two_looks() {
        let rates = Rates::between(&look(1.0, 10), &look(3.0, 30));
        assert_eq!((rates.instructions, rates.faults, rates.triggers, rates.interruptions), (1e7, 10.0, 90.0, 20.0));
        assert_eq!(rates.causes, [("rfi".to_owned(), 10.0, 90.0, 300)]);
        assert_eq!(rates.kinds, [("break".to_owned(), 90.0, 20)]);
        assert_eq!(rates.processors, [(6e6, 10.0, 0.0), (4e6, 0.0, 90.0)]);
        assert_eq!((rates.by_trigger(), rates.swaps), (90.0, (3, 1)));
        assert_eq!(rates.line().len(), Rates::HEADS.len());
    }

    #[test]
    fn a_machine_that_was_reset_begins_anew() {
        let rates = Rates::between(&look(9.0, 100), &look(2.0, 4));
        assert_eq!((rates.instructions, rates.faults), (2e6, 2.0));
        assert_eq!(Rates::between(&look(1.0, 5), &look(1.0, 5)).instructions, 0.0);
        assert_eq!(Rates::between(&Value::Null, &json!({})), Rates::default());
    }
}
