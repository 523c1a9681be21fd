//! Ratio bars: processor time against the baseline's, with intervals.

use super::Picture;
use super::canvas::{
    Anchor, BAR, BASE, Canvas, GRID, INK, LINE, MUTED, SMALL, Scale, TEXT, draw as picture, label, widest,
};
use crate::statistics::Comparison;
use crate::summary::{OfStrategy, Summary};

const ROW: i32 = 30;
const PANEL: i32 = 300;
const GAP: i32 = 40;
const NUMBER: i32 = 60;

pub(super) fn draw(summary: &Summary) -> Option<Picture> {
    let rows: Vec<(&OfStrategy, Comparison)> =
        summary.strategies.iter().filter_map(|row| Some((row, row.to_baseline?))).collect();
    if rows.len() < 2 {
        return None;
    }
    let names = 16 + widest(rows.iter().map(|(row, _)| row.name.as_str()), TEXT);
    let height = 60 + ROW * rows.len() as i32 + 36;
    let width = names + PANEL + NUMBER + GAP + PANEL + 24;
    let svg = picture(width, height, |canvas| {
        let most = rows.iter().map(|(_, compared)| compared.ratio.high).fold(1.0, f64::max);
        let bars = Scale { values: [0.0, most * 1.02], pixels: [names, names + PANEL] };
        axis(canvas, &bars, height - 36, "from 0");
        let from = names + PANEL + NUMBER + GAP;
        let low = rows.iter().map(|(_, compared)| compared.ratio.low).fold(1.0, f64::min);
        let margin = ((most - low) * 0.08).max(0.002);
        let near = Scale { values: [low - margin, most + margin], pixels: [from, from + PANEL] };
        axis(canvas, &near, height - 36, "the same, closer");
        for (index, (row, compared)) in rows.iter().enumerate() {
            let y = 60 + ROW * index as i32 + ROW / 2;
            let ratio = compared.ratio;
            let is_base = row.name == summary.baseline;
            canvas.text(&row.name, (names - 8, y), TEXT, INK, Anchor::End);
            let (corner, end) = ((bars.at(0.0), y - 9), (bars.at(ratio.median), y + 9));
            canvas.bar(corner, end, if is_base { BASE } else { BAR });
            if is_base {
                canvas.hatch(corner, end, INK);
            } else {
                canvas.interval([bars.at(ratio.low), bars.at(ratio.high)], y, 5);
            }
            canvas.text(&format!("{:.3}", ratio.median), (names + PANEL + 8, y), TEXT, INK, Anchor::Start);
            canvas.interval([near.at(ratio.low), near.at(ratio.high)], y, 5);
            canvas.dot((near.at(ratio.median), y), 5, LINE);
        }
        for scale in [&bars, &near] {
            let x = scale.at(1.0);
            canvas.broken_line(&[(x, 50), (x, height - 36)], INK, 1, [3.0, 3.0]);
        }
    });
    Some(Picture {
        name: "ratios",
        title: "Processor time of each strategy",
        caption: format!(
            "Processor time of the guest's threads against {} (hatched): the median of the ratios within rounds, with its 95 % \
             interval. Shorter is faster. On the left from 0, on the right closer.",
            summary.baseline
        ),
        svg,
    })
}

fn axis(canvas: &Canvas, scale: &Scale, y: i32, title: &str) {
    canvas.text(title, (scale.pixels[0], 24), SMALL, MUTED, Anchor::Start);
    for tick in scale.ticks(4) {
        let x = scale.at(tick);
        canvas.line(&[(x, 50), (x, y)], GRID, 1);
        canvas.text(&label(tick), (x, y + 14), SMALL, MUTED, Anchor::Middle);
    }
}
