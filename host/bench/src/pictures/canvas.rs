//! Drawing: what pictures are made of. Colours are few, and none says anything that a label, a pattern or a place does not
//! say, too.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// What text and lines are drawn with.
pub(crate) const INK: RGBColor = RGBColor(0x1c, 0x24, 0x30);
/// What is less important.
pub(crate) const MUTED: RGBColor = RGBColor(0x5b, 0x67, 0x75);
/// The lines of a scale.
pub(crate) const GRID: RGBColor = RGBColor(0xd9, 0xde, 0xe5);
/// What it is drawn on.
pub(crate) const PAPER: RGBColor = RGBColor(0xfd, 0xfd, 0xfc);
/// Bars.
pub(crate) const BAR: RGBColor = RGBColor(0x7f, 0xb2, 0xd9);
/// The bar that the others are told against.
pub(crate) const BASE: RGBColor = RGBColor(0xc4, 0xb8, 0x96);
/// Lines and points.
pub(crate) const LINE: RGBColor = RGBColor(0x0b, 0x62, 0xa4);
/// What stands against them.
pub(crate) const OTHER: RGBColor = RGBColor(0xb4, 0x4a, 0x12);

/// Cells of a heat map, from cold to hot; a number can be read on each.
pub(crate) const HEAT: [RGBColor; 5] = [
    RGBColor(0xf3, 0xf5, 0xf7),
    RGBColor(0xdd, 0xe9, 0xf3),
    RGBColor(0xc3, 0xda, 0xed),
    RGBColor(0xa6, 0xc9, 0xe6),
    RGBColor(0x86, 0xb6, 0xde),
];

/// The size of most text.
pub(crate) const TEXT: i32 = 15;
/// The size of small text.
pub(crate) const SMALL: i32 = 13;

/// A surface to draw on; (0, 0) is its upper left corner, in pixels.
pub(crate) struct Canvas<'a>(DrawingArea<SVGBackend<'a>, Shift>);

/// Draws a picture of so many pixels, as SVG.
pub(crate) fn draw(width: i32, height: i32, work: impl FnOnce(&Canvas)) -> String {
    let mut text = String::new();
    {
        let size = (width.unsigned_abs(), height.unsigned_abs());
        let canvas = Canvas(SVGBackend::with_string(&mut text, size).into_drawing_area());
        let _never_fails = canvas.0.fill(&PAPER);
        work(&canvas);
        let _never_fails = canvas.0.present();
    }
    text
}

/// Which end of a text is where it is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    /// Its beginning.
    Start,
    /// Its middle.
    Middle,
    /// Its end.
    End,
}

impl Canvas<'_> {
    /// A text whose middle line is at `y`.
    pub(crate) fn text(&self, text: &str, (x, y): (i32, i32), size: i32, color: RGBColor, anchor: Anchor) {
        let h = match anchor {
            Anchor::Start => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::End => HPos::Right,
        };
        let style = ("sans-serif", size).into_font().color(&color).pos(Pos::new(h, VPos::Center));
        let _never_fails = self.0.draw(&Text::new(text.to_owned(), (x, y), style));
    }

    /// A filled rectangle between two corners.
    pub(crate) fn bar(&self, from: (i32, i32), to: (i32, i32), color: RGBColor) {
        let _never_fails = self.0.draw(&Rectangle::new([from, to], color.filled()));
    }

    /// The outline of a rectangle.
    pub(crate) fn frame(&self, from: (i32, i32), to: (i32, i32), color: RGBColor) {
        let _never_fails = self.0.draw(&Rectangle::new([from, to], color.stroke_width(1)));
    }

    /// Slanting lines over a rectangle, for those who see no colours.
    pub(crate) fn hatch(&self, (left, top): (i32, i32), (right, bottom): (i32, i32), color: RGBColor) {
        let height = bottom - top;
        let mut start = left - height + 6;
        while start < right {
            let (from, to) = (start.max(left), (start + height).min(right));
            if from < to {
                self.line(&[(from, bottom - (from - start)), (to, bottom - (to - start))], color, 1);
            }
            start += 6;
        }
    }

    /// A line through points.
    pub(crate) fn line(&self, points: &[(i32, i32)], color: RGBColor, width: u32) {
        let _never_fails = self.0.draw(&PathElement::new(points.to_vec(), color.stroke_width(width)));
    }

    /// A broken line through points: `on` pixels are drawn, `off` are not.
    pub(crate) fn broken_line(&self, points: &[(i32, i32)], color: RGBColor, width: u32, [on, off]: [f64; 2]) {
        let mut part: Vec<(i32, i32)> = Vec::new();
        let mut at = 0.0;
        for pair in points.windows(2) {
            let [from, to] = [pair[0], pair[1]].map(|(x, y)| (f64::from(x), f64::from(y)));
            let length = (to.0 - from.0).hypot(to.1 - from.1);
            let mut walked = 0.0;
            while walked < length {
                let phase: f64 = at % (on + off);
                let is_on = phase < on;
                let step = (if is_on { on - phase } else { on + off - phase }).max(0.5).min(length - walked);
                let point = |walked: f64| {
                    let part = walked / length;
                    ((from.0 + (to.0 - from.0) * part).round() as i32, (from.1 + (to.1 - from.1) * part).round() as i32)
                };
                if is_on {
                    if part.is_empty() {
                        part.push(point(walked));
                    }
                    part.push(point(walked + step));
                } else if part.len() > 1 {
                    self.line(&part, color, width);
                    part.clear();
                }
                walked += step;
                at += step;
            }
        }
        if part.len() > 1 {
            self.line(&part, color, width);
        }
    }

    /// A point.
    pub(crate) fn dot(&self, at: (i32, i32), radius: i32, color: RGBColor) {
        let _never_fails = self.0.draw(&Circle::new(at, radius, color.filled()));
    }

    /// An interval across `y`, with its ends marked.
    pub(crate) fn interval(&self, [low, high]: [i32; 2], y: i32, reach: i32) {
        self.line(&[(low, y), (high, y)], INK, 2);
        for x in [low, high] {
            self.line(&[(x, y - reach), (x, y + reach)], INK, 2);
        }
    }
}

/// About how wide a text is, in pixels.
pub(crate) fn width_of(text: &str, size: i32) -> i32 {
    (text.chars().count() as f64 * f64::from(size) * 0.47).ceil() as i32
}

/// The widest of some texts.
pub(crate) fn widest<'a>(texts: impl IntoIterator<Item = &'a str>, size: i32) -> i32 {
    texts.into_iter().map(|text| width_of(text, size)).max().unwrap_or_default()
}

/// Round numbers from `low` to `high`, about `count` of them.
pub(crate) fn ticks(low: f64, high: f64, count: usize) -> Vec<f64> {
    let range = (high - low).max(f64::MIN_POSITIVE);
    let raw = range / count.max(1) as f64;
    let power = 10_f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|step| *step >= raw).unwrap_or(raw);
    let first = (low / step).ceil() as i64;
    (first..).map(|number| number as f64 * step).take_while(|tick| *tick <= high + step * 1e-9).collect()
}

/// A place on a scale.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    /// The values at its ends.
    pub(crate) values: [f64; 2],
    /// Its ends, in pixels.
    pub(crate) pixels: [i32; 2],
}

impl Scale {
    /// Where a value is.
    pub(crate) fn at(&self, value: f64) -> i32 {
        let [low, high] = self.values;
        let part = ((value - low) / (high - low).max(f64::MIN_POSITIVE)).clamp(-0.02, 1.02);
        let [from, to] = self.pixels;
        from + (part * f64::from(to - from)).round() as i32
    }

    /// Round numbers on it.
    pub(crate) fn ticks(&self, count: usize) -> Vec<f64> {
        ticks(self.values[0], self.values[1], count)
    }
}

/// A number on a scale, without digits that say nothing.
pub(crate) fn label(number: f64) -> String {
    let text = format!("{number:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_numbers() {
        assert_eq!(ticks(0.0, 1.0, 5).len(), 6);
        assert_eq!(ticks(0.93, 1.07, 4).into_iter().map(label).collect::<Vec<_>>(), ["0.95", "1", "1.05"]);
        assert_eq!([0.5, 100.0, 1.25].map(label), ["0.5", "100", "1.25"]);
    }

    #[test]
    fn a_picture_is_svg_and_text_is_escaped() {
        let svg = draw(100, 50, |canvas| canvas.text("a < b", (1, 10), TEXT, INK, Anchor::Start));
        assert!(svg.starts_with("<svg") && svg.contains("viewBox"), "{svg}");
        assert!(svg.contains("a &lt; b"), "{svg}");
    }

    #[test]
    fn a_broken_line_has_gaps() {
        let svg = draw(100, 20, |canvas| canvas.broken_line(&[(0, 10), (100, 10)], INK, 1, [10.0, 10.0]));
        assert_eq!(svg.matches("<polyline").count() + svg.matches("<line").count(), 5, "{svg}");
    }
}
