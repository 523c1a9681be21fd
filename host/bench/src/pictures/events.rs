//! Events over guest time by kind: a panel a strategy.

use super::Picture;
use super::canvas::{Anchor, GRID, INK, LINE, MUTED, OTHER, SMALL, Scale, TEXT, draw as picture, label, width_of};
use crate::record::Sample;
use crate::strategy::triggers;
use crate::summary::{OfStrategy, Summary};

const COLUMNS: usize = 2;
const LEFT: i32 = 64;
const WIDE: i32 = 300;
const LABELS: i32 = 78;
const HIGH: i32 = 150;
/// Panels are this much higher than their scales.
const REST: i32 = 84;
/// The parts of the guest's time that rates are told of.
const PARTS: usize = 60;

/// Events a second of one kind.
struct Series {
    name: String,
    rates: Vec<(f64, f64)>,
}

/// How often something that is counted happens, from sample to sample.
fn series(name: &str, samples: &[Sample], count: impl Fn(&Sample) -> u64) -> Series {
    let end = samples.last().map_or(0.0, |sample| sample.seconds);
    let mut rates = Vec::new();
    let mut before = (0.0, 0);
    for sample in samples {
        // Short of a part of the time, a rate would be noise.
        if sample.seconds - before.0 >= end / PARTS as f64 {
            let rate = count(sample).saturating_sub(before.1) as f64 / (sample.seconds - before.0);
            rates.push((f64::midpoint(sample.seconds, before.0), rate));
            before = (sample.seconds, count(sample));
        }
    }
    Series { name: name.to_owned(), rates }
}

fn all_series(row: &OfStrategy) -> Vec<Series> {
    let mut kinds: Vec<String> = Vec::new();
    for (name, _) in row.samples.iter().flat_map(|sample| &sample.triggers) {
        if !kinds.contains(name) {
            kinds.push(name.clone());
        }
    }
    let faults = series("faults", &row.samples, |sample| sample.faults);
    let of_kind = |name: &String| {
        series(name, &row.samples, |sample| {
            sample.triggers.iter().find(|(other, _)| other == name).map_or(0, |(_, count)| *count)
        })
    };
    std::iter::once(faults).chain(kinds.iter().map(of_kind)).collect()
}

pub(super) fn draw(summary: &Summary) -> Option<Picture> {
    let rows: Vec<(&OfStrategy, Vec<Series>)> =
        summary.strategies.iter().filter(|row| row.samples.len() > 2).map(|row| (row, all_series(row))).collect();
    let rates = || rows.iter().flat_map(|(_, all)| all).flat_map(|series| &series.rates);
    let most = rates().map(|(_, rate)| *rate).fold(0.0, f64::max);
    let end = rates().map(|(time, _)| *time).fold(0.0, f64::max);
    if most <= 0.0 {
        return None;
    }
    let panel = LEFT + WIDE + LABELS;
    let lines = rows.len().div_ceil(COLUMNS) as i32;
    let columns = COLUMNS.min(rows.len()) as i32;
    let powers = most.log10().ceil().max(1.0);
    let svg = picture(panel * columns + 10, (HIGH + REST) * lines + 10, |canvas| {
        for (index, (row, all)) in rows.iter().enumerate() {
            let left = (index % COLUMNS) as i32 * panel + LEFT;
            let top = (index / COLUMNS) as i32 * (HIGH + REST) + 44;
            canvas.text(&row.name, (left, top - 24), TEXT, INK, Anchor::Start);
            canvas.text("events a second", (left + WIDE, top - 24), SMALL, MUTED, Anchor::End);
            let x = Scale { values: [0.0, end * 1.02], pixels: [left, left + WIDE] };
            let y = Scale { values: [0.0, powers], pixels: [top + HIGH, top] };
            for power in 0..=(powers as i32) {
                let at = y.at(f64::from(power));
                canvas.line(&[(left, at), (left + WIDE, at)], GRID, 1);
                let number = match power {
                    0..=2 => format!("{}", 10_u64.pow(power.unsigned_abs())),
                    3..=5 => format!("{} k", 10_u64.pow(power.unsigned_abs() - 3)),
                    _ => format!("{} M", 10_u64.pow(power.unsigned_abs().min(18) - 6)),
                };
                if power % 2 == 0 || powers <= 4.0 {
                    canvas.text(&number, (left - 6, at), SMALL, MUTED, Anchor::End);
                }
            }
            for tick in x.ticks(5) {
                canvas.text(&label(tick), (x.at(tick), top + HIGH + 14), SMALL, MUTED, Anchor::Middle);
            }
            canvas.text("s", (left + WIDE + 10, top + HIGH + 14), SMALL, MUTED, Anchor::Start);
            let mut labels: Vec<i32> = Vec::new();
            for (number, series) in all.iter().enumerate() {
                let place = |(time, rate): &(f64, f64)| (x.at(*time), y.at(rate.max(1.0).log10()));
                let points: Vec<(i32, i32)> = series.rates.iter().map(place).collect();
                let Some(last) = points.last() else { continue };
                // A kind has the same pattern in every panel.
                let pattern = triggers().position(|kind| kind == series.name).unwrap_or_default();
                match (number, pattern) {
                    (0, _) => canvas.line(&points, OTHER, 2),
                    (_, 0) => canvas.broken_line(&points, LINE, 2, [9.0, 3.0]),
                    _ => canvas.broken_line(&points, INK, 2, [2.0 + 3.0 * pattern as f64, 3.0]),
                }
                let mut at = last.1;
                while labels.iter().any(|other| (other - at).abs() < 14) {
                    at -= 14;
                }
                labels.push(at);
                let name = if width_of(&series.name, SMALL) > LABELS - 8 { &series.name[..8] } else { &series.name };
                canvas.text(name, (left + WIDE + 6, at), SMALL, if number == 0 { OTHER } else { INK }, Anchor::Start);
            }
        }
    });
    Some(Picture {
        name: "events",
        title: "Events over guest time",
        caption: "Virtualization faults (solid) and triggers by kind (broken lines) a second, on a logarithmic scale, in a run of \
                  each strategy that was looked at while it ran; its times do not count elsewhere."
            .to_owned(),
        svg,
    })
}
