//! Results as CSV, for spreadsheets and for programs that draw other pictures.

use csv::Writer;

use crate::counters::Counts;
use crate::record::{Record, RunOutcome};
use crate::summary::Summary;

/// The sheets, by file name.
pub(super) fn all(records: &[Record], summaries: &[Summary]) -> Vec<(&'static str, String)> {
    let sheets = [
        ("summary.csv", summary(summaries)),
        ("runs.csv", runs(records)),
        ("operations.csv", operations(summaries)),
        ("causes.csv", causes(summaries)),
    ];
    sheets.into_iter().filter(|(_, text)| text.lines().count() > 1).collect()
}

/// Rows as CSV. Writing to memory never fails.
fn sheet<const N: usize>(heads: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let mut writer = Writer::from_writer(Vec::new());
    let _never_fails = writer.write_record(heads);
    for row in rows {
        let _never_fails = writer.write_record(row);
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

fn number(value: Option<f64>) -> String {
    value.map(|value| format!("{value:.6}")).unwrap_or_default()
}

fn summary(summaries: &[Summary]) -> String {
    let heads = [
        "guest",
        "strategy",
        "measurement only",
        "runs",
        "failed",
        "cpu s",
        "cpu low",
        "cpu high",
        "wall s",
        "baseline",
        "ratio",
        "ratio low",
        "ratio high",
        "ratio to native",
        "events",
        "by trigger",
        "ns an event",
        "ns an event over native",
        "ns an event over baseline",
        "memory bytes",
        "declined",
    ];
    let rows = summaries.iter().flat_map(|summary| {
        summary.strategies.iter().map(|row| {
            let ratio = row.to_baseline.map(|compared| compared.ratio);
            [
                summary.guest.clone(),
                row.name.clone(),
                row.is_for_measurement_only().to_string(),
                row.rounds.to_string(),
                row.failures.len().to_string(),
                number(row.cpu.map(|cpu| cpu.median)),
                number(row.cpu.map(|cpu| cpu.low)),
                number(row.cpu.map(|cpu| cpu.high)),
                number(row.wall.map(|wall| wall.median)),
                summary.baseline.clone(),
                number(ratio.map(|ratio| ratio.median)),
                number(ratio.map(|ratio| ratio.low)),
                number(ratio.map(|ratio| ratio.high)),
                number(row.to_native.map(|compared| compared.ratio.median)),
                row.events.to_string(),
                number(row.by_trigger),
                number(row.nanoseconds_an_event),
                number(row.over_native.map(|over| over.median)),
                number(row.over_baseline.map(|over| over.median)),
                row.memory.to_string(),
                row.declined.iter().map(|(_, count)| count).sum::<u64>().to_string(),
            ]
        })
    });
    sheet(heads, rows)
}

fn runs(records: &[Record]) -> String {
    let heads = [
        "id",
        "guest",
        "strategy",
        "round",
        "place",
        "profile",
        "host",
        "started",
        "outcome",
        "guest cpu s",
        "guest wall s",
        "user s",
        "system s",
        "wall s",
        "memory bytes",
        "instructions",
        "faults",
        "triggers",
        "load",
    ];
    let rows = records.iter().map(|record| {
        let counts = Counts::read(&record.counters);
        let times = record.times;
        [
            record.id.clone(),
            record.guest.clone(),
            record.strategy.name.clone(),
            record.round.to_string(),
            record.place.to_string(),
            record.profile.to_string(),
            record.provenance.host.name.clone(),
            format!("{:.3}", record.started),
            match &record.outcome {
                RunOutcome::Well => "well".to_owned(),
                RunOutcome::Failed(why) => why.clone(),
            },
            number(Some(times.guest_cpu)),
            number(Some(times.guest_wall)),
            number(Some(times.user)),
            number(Some(times.system)),
            number(Some(times.wall)),
            record.memory.to_string(),
            counts.instructions.to_string(),
            counts.faults.to_string(),
            counts.triggers.to_string(),
            record.provenance.host.load.to_string(),
        ]
    });
    sheet(heads, rows)
}

fn operations(summaries: &[Summary]) -> String {
    let rows = summaries.iter().flat_map(|summary| {
        summary.strategies.iter().flat_map(|row| {
            let guest = &summary.guest;
            row.operations.iter().map(move |operation| {
                [guest.clone(), row.name.clone(), operation.name.clone(), operation.nanoseconds.to_string()]
            })
        })
    });
    sheet(["guest", "strategy", "operation", "ns"], rows)
}

fn causes(summaries: &[Summary]) -> String {
    let rows = summaries.iter().flat_map(|summary| {
        summary.strategies.iter().flat_map(|row| {
            let guest = &summary.guest;
            row.causes
                .iter()
                .map(move |(cause, count)| [guest.clone(), row.name.clone(), cause.clone(), count.to_string()])
        })
    });
    sheet(["guest", "strategy", "cause", "events"], rows)
}
