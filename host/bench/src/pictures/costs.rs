//! What each operation costs, as small multiples: a panel an operation, a bar a strategy.

use super::Picture;
use super::canvas::{Anchor, BAR, BASE, INK, SMALL, Scale, TEXT, draw as picture, widest};
use crate::summary::{OfStrategy, Summary};
use crate::table::nanoseconds;

const COLUMNS: i32 = 3;
const BARS: i32 = 15;
const LENGTH: i32 = 150;
const NUMBER: i32 = 46;

pub(super) fn draw(summary: &Summary) -> Option<Picture> {
    let rows: Vec<&OfStrategy> = summary.strategies.iter().filter(|row| !row.operations.is_empty()).collect();
    let operations = &rows.first()?.operations;
    let names = 10 + widest(rows.iter().map(|row| row.name.as_str()), SMALL);
    let panel = names + LENGTH + NUMBER + 20;
    let high = 30 + BARS * rows.len() as i32 + 14;
    let lines = (operations.len() as i32 + COLUMNS - 1) / COLUMNS;
    let svg = picture(panel * COLUMNS, high * lines + 10, |canvas| {
        for (index, operation) in operations.iter().enumerate() {
            let (left, top) = (index as i32 % COLUMNS * panel, index as i32 / COLUMNS * high);
            canvas.text(&operation.name, (left + 8, top + 18), TEXT, INK, Anchor::Start);
            let time = |row: &OfStrategy| {
                row.operations.iter().find(|other| other.name == operation.name).map(|found| found.nanoseconds)
            };
            let most = rows.iter().filter_map(|row| time(row)).fold(0.1, f64::max);
            let scale = Scale { values: [0.0, most], pixels: [left + names, left + names + LENGTH] };
            for (line, row) in rows.iter().enumerate() {
                let y = top + 30 + BARS * line as i32 + BARS / 2;
                canvas.text(&row.name, (left + names - 5, y), SMALL, INK, Anchor::End);
                let Some(time) = time(row) else { continue };
                let color = if row.name == summary.baseline { BASE } else { BAR };
                let (corner, end) = ((scale.at(0.0), y - 5), (scale.at(time).max(scale.at(0.0) + 1), y + 5));
                canvas.bar(corner, end, color);
                if row.name == summary.baseline {
                    canvas.hatch(corner, end, INK);
                }
                canvas.text(&nanoseconds(time), (end.0 + 4, y), SMALL, INK, Anchor::Start);
            }
        }
    });
    Some(Picture {
        name: "costs",
        title: "What each operation costs",
        caption: format!(
            "Nanoseconds an operation, the shortest of all runs. k and M are thousands and millions. Each panel has a scale of its own, from 0; {} is \
             hatched.",
            summary.baseline
        ),
        svg,
    })
}
