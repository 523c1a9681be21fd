//! Pictures of a summary, as SVG: one file a picture.

mod canvas;
mod costs;
mod events;
mod pareto;
mod ratios;
mod sites;
mod waterfall;

pub(crate) use canvas::{BAR, BASE, GRID, HEAT, INK, LINE, MUTED, OTHER, PAPER};

use crate::summary::Summary;

/// A picture.
#[derive(Clone, Debug)]
pub struct Picture {
    /// The name of its file, without `.svg`.
    pub name: &'static str,
    /// What it shows.
    pub title: &'static str,
    /// How to read it.
    pub caption: String,
    /// The picture.
    pub svg: String,
}

/// The pictures that there is something for.
#[must_use]
pub fn all(summary: &Summary) -> Vec<Picture> {
    let draw = [ratios::draw, costs::draw, waterfall::draw, events::draw, pareto::draw, sites::draw];
    draw.into_iter().filter_map(|draw| draw(summary)).collect()
}
