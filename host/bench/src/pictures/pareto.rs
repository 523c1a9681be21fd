//! Processor time against memory, and against declined sites: which strategies no other one beats in both.

use super::Picture;
use super::canvas::{Anchor, Canvas, GRID, INK, LINE, MUTED, SMALL, Scale, TEXT, draw as picture, label, width_of};
use crate::strategy::Mode;
use crate::summary::{OfStrategy, Summary};

const WIDE: i32 = 330;
const HIGH: i32 = 260;
const LEFT: i32 = 56;
const TOP: i32 = 50;
const RIGHT: i32 = 30;

struct Point<'a> {
    name: &'a str,
    is_native: bool,
    x: f64,
    y: f64,
}

pub(super) fn draw(summary: &Summary) -> Option<Picture> {
    let rows: Vec<&OfStrategy> =
        summary.strategies.iter().filter(|row| row.to_baseline.is_some() && !row.is_for_measurement_only()).collect();
    if rows.len() < 3 {
        return None;
    }
    let points = |y: &dyn Fn(&OfStrategy) -> f64| -> Vec<Point> {
        let x = |row: &OfStrategy| row.to_baseline.map_or(1.0, |compared| compared.ratio.median);
        rows.iter()
            .map(|row| Point { name: &row.name, is_native: row.strategy.mode == Mode::Native, x: x(row), y: y(row) })
            .collect()
    };
    let memory = points(&|row| row.memory / f64::from(1 << 20));
    let declined = points(&|row| row.declined.iter().map(|(_, count)| *count as f64).sum());
    let panel = LEFT + WIDE + RIGHT;
    let time = format!("processor time, x {}", summary.baseline);
    let svg = picture(panel * 2 + 20, TOP + HIGH + 60, |canvas| {
        chart(canvas, LEFT, &memory, [&time, "memory of the process, MiB"]);
        chart(canvas, panel + 20 + LEFT, &declined, [&time, "sites declined"]);
    });
    Some(Picture {
        name: "pareto",
        title: "Time against memory and declined sites",
        caption: "Further to the left is faster, further down takes less memory, or leaves fewer sites unpatched than were asked \
                  for. The stepped line joins those that no other one beats in both; native is not one of them, but what they can \
                  come to."
            .to_owned(),
        svg,
    })
}

/// A scale with some room on both sides.
fn scale(values: impl Iterator<Item = f64> + Clone, pixels: [i32; 2]) -> Scale {
    let (low, high) = (values.clone().fold(f64::INFINITY, f64::min), values.fold(f64::NEG_INFINITY, f64::max));
    let room = ((high - low) * 0.12).max(high.abs() * 0.02).max(0.01);
    let low = if low >= 0.0 { (low - room).max(0.0) } else { low - room };
    Scale { values: [low, high + room], pixels }
}

fn chart(canvas: &Canvas, left: i32, points: &[Point], [horizontal, vertical]: [&str; 2]) {
    let x = scale(points.iter().map(|point| point.x), [left, left + WIDE]);
    let y = scale(points.iter().map(|point| point.y), [TOP + HIGH, TOP]);
    canvas.text(vertical, (left, 24), SMALL, MUTED, Anchor::Start);
    canvas.text(horizontal, (left + WIDE, TOP + HIGH + 38), SMALL, MUTED, Anchor::End);
    for tick in x.ticks(5) {
        let at = x.at(tick);
        canvas.line(&[(at, TOP), (at, TOP + HIGH)], GRID, 1);
        canvas.text(&label(tick), (at, TOP + HIGH + 16), SMALL, MUTED, Anchor::Middle);
    }
    for tick in y.ticks(5) {
        let at = y.at(tick);
        canvas.line(&[(left, at), (left + WIDE, at)], GRID, 1);
        canvas.text(&label(tick), (left - 6, at), SMALL, MUTED, Anchor::End);
    }
    let mut order: Vec<&Point> = points.iter().collect();
    order.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
    let mut front: Vec<(i32, i32)> = Vec::new();
    let mut least = f64::INFINITY;
    for point in order.iter().filter(|point| !point.is_native) {
        if point.y < least {
            if let Some(last) = front.last() {
                front.push((x.at(point.x), last.1));
            }
            front.push((x.at(point.x), y.at(point.y)));
            least = point.y;
        }
    }
    canvas.line(&front, LINE, 1);
    for point in &order {
        canvas.dot((x.at(point.x), y.at(point.y)), 5, LINE);
    }
    // Labels keep out of each other's way and of the points; what is far from its point has a line to it.
    let mut taken: Vec<[i32; 4]> = order
        .iter()
        .map(|point| [x.at(point.x) - 5, y.at(point.y) - 5, x.at(point.x) + 5, y.at(point.y) + 5])
        .collect();
    for point in &order {
        let (at_x, at_y) = (x.at(point.x), y.at(point.y));
        let wide = width_of(point.name, TEXT) + 6;
        let places = (0..60).flat_map(|step| {
            let up = step * 8;
            let start = |dy: i32| (at_x + 10, at_y + dy, Anchor::Start);
            let end = |dy: i32| (at_x - 10, at_y + dy, Anchor::End);
            [start(-up), end(-up), start(up), end(up)]
        });
        let area = |(px, py, anchor): (i32, i32, Anchor)| {
            let from = if anchor == Anchor::Start { px } else { px - wide };
            [from, py - 8, from + wide, py + 8]
        };
        let free = |place: &(i32, i32, Anchor)| {
            let [l, t, r, b] = area(*place);
            let inside = l >= left && r <= left + WIDE + RIGHT - 4 && t >= TOP - 6 && b <= TOP + HIGH - 2;
            inside && !taken.iter().any(|[ol, ot, or, ob]| l < *or && *ol < r && t < *ob && *ot < b)
        };
        let place = places.into_iter().find(free).unwrap_or((at_x + 10, at_y, Anchor::Start));
        taken.push(area(place));
        if (place.1 - at_y).abs() > 8 {
            canvas.line(&[(at_x, at_y), (place.0, place.1)], MUTED, 1);
        }
        canvas.text(point.name, (place.0, place.1), TEXT, INK, place.2);
    }
}
