//! The waterfall: what each part of the conventional path costs, from `trap` down to a trigger.

use super::Picture;
use super::canvas::{Anchor, BAR, BASE, GRID, INK, MUTED, SMALL, Scale, TEXT, draw as picture, label, widest};
use crate::strategy::waterfall;
use crate::summary::{OfStrategy, Summary};
use crate::table::digits;

const ROW: i32 = 30;
const WIDE: i32 = 480;

/// A bar: from one time to another, in nanoseconds an event.
struct Step {
    name: String,
    from: f64,
    to: f64,
    is_total: bool,
}

/// What an event takes: against native if that was measured, or else as the monitor estimated it.
fn cost(row: &OfStrategy) -> Option<f64> {
    row.over_native.map(|over| over.median).or(row.nanoseconds_an_event)
}

/// From the whole conventional path through what is left when one part more is left out each time, to a trigger.
fn steps(summary: &Summary) -> Option<Vec<Step>> {
    let found: Vec<(&OfStrategy, &str)> = waterfall()
        .into_iter()
        .filter_map(|(strategy, part)| Some((summary.strategies.iter().find(|row| row.name == strategy.name)?, part)))
        .collect();
    if !found.iter().any(|(row, _)| row.is_for_measurement_only()) {
        return None;
    }
    let total = |name: &str, time: f64| Step { name: name.to_owned(), from: 0.0, to: time, is_total: true };
    let ((first, _), (last, _)) = (found.first()?, found.last()?);
    let mut steps = vec![total(&first.name, cost(first)?)];
    let mut before = cost(first)?;
    for (row, part) in &found[1..] {
        let time = cost(row)?;
        steps.push(Step { name: (*part).to_owned(), from: time, to: before, is_total: false });
        before = time;
    }
    if !last.is_for_measurement_only() {
        steps.push(total(&last.name, before));
    }
    Some(steps)
}

pub(super) fn draw(summary: &Summary) -> Option<Picture> {
    let steps = steps(summary)?;
    let names = 16 + widest(steps.iter().map(|step| step.name.as_str()), TEXT);
    let height = 40 + ROW * steps.len() as i32 + 40;
    let most = steps.iter().map(|step| step.from.max(step.to)).fold(0.0, f64::max);
    let svg = picture(names + WIDE + 80, height, |canvas| {
        let scale = Scale { values: [0.0, most * 1.02], pixels: [names, names + WIDE] };
        for tick in scale.ticks(6) {
            let x = scale.at(tick);
            canvas.line(&[(x, 30), (x, height - 36)], GRID, 1);
            canvas.text(&label(tick), (x, height - 22), SMALL, MUTED, Anchor::Middle);
        }
        for (index, step) in steps.iter().enumerate() {
            let y = 36 + ROW * index as i32 + ROW / 2;
            canvas.text(&step.name, (names - 8, y), TEXT, INK, Anchor::End);
            let [left, right] = [step.from.min(step.to), step.from.max(step.to)].map(|time| scale.at(time));
            canvas.bar((left, y - 9), (right.max(left + 1), y + 9), if step.is_total { BASE } else { BAR });
            if step.is_total {
                canvas.hatch((left, y - 9), (right, y + 9), INK);
            }
            let number = if step.is_total { digits(step.to) } else { format!("-{}", digits(step.to - step.from)) };
            canvas.text(&number.replace("--", "+"), (right + 6, y), SMALL, INK, Anchor::Start);
        }
        canvas.text("nanoseconds an event", (names, 14), SMALL, MUTED, Anchor::Start);
    });
    Some(Picture {
        name: "waterfall",
        title: "What each part of the conventional path costs",
        caption: "Nanoseconds an event, over native where that was measured. Parts of the conventional path are left out, one \
                  more at a time, which only a measurement can do: the guest's instruction is then known without having been \
                  fetched or decoded. Whole strategies are hatched."
            .to_owned(),
        svg,
    })
}
