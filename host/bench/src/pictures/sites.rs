//! A heat map of the guest's functions: how often their sites were emulated under each strategy.

use std::collections::BTreeMap;

use super::Picture;
use super::canvas::{Anchor, HEAT, INK, MUTED, SMALL, TEXT, draw as picture, widest};
use crate::summary::{OfStrategy, Summary};
use crate::table::count;

const ROWS: usize = 24;
const ROW: i32 = 24;
const COLUMN: i32 = 84;

pub(super) fn draw(summary: &Summary) -> Option<Picture> {
    let columns: Vec<&OfStrategy> = summary.strategies.iter().filter(|row| !row.sites.is_empty()).collect();
    let events: Vec<BTreeMap<&str, u64>> = columns
        .iter()
        .map(|row| {
            let mut events: BTreeMap<&str, u64> = BTreeMap::new();
            row.sites.iter().for_each(|site| *events.entry(&site.symbol).or_default() += site.events);
            events
        })
        .collect();
    let mut total: BTreeMap<&str, u64> = BTreeMap::new();
    for (symbol, events) in events.iter().flatten() {
        *total.entry(symbol).or_default() += events;
    }
    let mut symbols: Vec<&str> = total.keys().copied().collect();
    symbols.sort_by_key(|symbol| std::cmp::Reverse(total[symbol]));
    symbols.truncate(ROWS);
    let most = events.iter().flat_map(BTreeMap::values).max().copied().filter(|most| *most > 0)?;
    let names = 16 + widest(symbols.iter().copied(), TEXT);
    let svg = picture(names + COLUMN * columns.len() as i32 + 16, 44 + ROW * symbols.len() as i32 + 12, |canvas| {
        for (column, row) in columns.iter().enumerate() {
            let middle = names + COLUMN * column as i32 + COLUMN / 2;
            let fits = row.name.chars().take(11).collect::<String>();
            // Every other name is higher, so that long ones keep out of each other's way.
            let y = if column % 2 == 0 { 30 } else { 14 };
            canvas.text(if row.name.len() > 22 { &fits } else { &row.name }, (middle, y), SMALL, MUTED, Anchor::Middle);
        }
        for (line, symbol) in symbols.iter().enumerate() {
            let y = 44 + ROW * line as i32;
            canvas.text(symbol, (names - 8, y + ROW / 2), TEXT, INK, Anchor::End);
            for (column, events) in events.iter().enumerate() {
                let number = events.get(symbol).copied().unwrap_or_default();
                let x = names + COLUMN * column as i32;
                let heat = ((1 + number) as f64).ln() / ((1 + most) as f64).ln();
                // A bar as long as the cell is hot: its length can be seen without colours.
                let corner = (x + 3, y + 3);
                canvas.frame(corner, (x + COLUMN - 3, y + ROW - 3), MUTED);
                let shade = HEAT[((heat * HEAT.len() as f64) as usize).min(HEAT.len() - 1)];
                canvas.bar(corner, (x + 3 + (heat * f64::from(COLUMN - 6)) as i32, y + ROW - 3), shade);
                let text = if number == 0 { "-".to_owned() } else { count(number as f64) };
                canvas.text(&text, (x + COLUMN / 2, y + ROW / 2), SMALL, INK, Anchor::Middle);
            }
        }
    });
    Some(Picture {
        name: "sites",
        title: "Where the guest is emulated",
        caption: format!(
            "Faults and triggers of the sites of each function ({} functions with most of them), when they were listed last \
             before the guest ended. The bar of a cell grows with the logarithm of its number.",
            symbols.len()
        ),
        svg,
    })
}
