//! Tables as text, as Markdown and as CSV.

use std::fmt::Write;

/// A table: heads, and rows of as many cells. The first column is words, the others are numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// The heads.
    pub heads: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    #[must_use]
    pub fn new(heads: &[&str]) -> Table {
        Table { heads: heads.iter().map(|head| (*head).to_owned()).collect(), rows: Vec::new() }
    }

    /// The table for a terminal.
    #[must_use]
    pub fn text(&self) -> String {
        let width = |column: usize| {
            let cells = self.rows.iter().map(|row| row[column].chars().count());
            cells.chain([self.heads[column].chars().count()]).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..self.heads.len()).map(width).collect();
        let mut text = String::new();
        for row in std::iter::once(&self.heads).chain(&self.rows) {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let _never_fails = match column {
                    0 => write!(line, "{cell:<width$}"),
                    _ => write!(line, "  {cell:>width$}"),
                };
            }
            text += line.trim_end();
            text.push('\n');
        }
        text
    }

    /// The table in Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let line = |cells: &[String]| {
            let escaped: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
            format!("| {} |\n", escaped.join(" | "))
        };
        let rule: Vec<&str> = (0..self.heads.len()).map(|column| if column == 0 { "---" } else { "---:" }).collect();
        let rule = format!("|{}|\n", rule.join("|"));
        line(&self.heads) + &rule + &self.rows.iter().map(|row| line(row)).collect::<String>()
    }
}

/// A number with three significant digits.
#[must_use]
pub fn digits(number: f64) -> String {
    match number.abs() {
        size if size >= 100.0 || size == 0.0 => format!("{number:.0}"),
        size if size >= 10.0 => format!("{number:.1}"),
        size if size >= 1.0 => format!("{number:.2}"),
        _ => format!("{number:.3}"),
    }
}

/// A time in nanoseconds: with three significant digits while it is short, with a unit when it is long.
#[must_use]
pub fn nanoseconds(time: f64) -> String {
    if time >= 1e4 { count(time) } else { digits(time) }
}

/// A count with a unit: `12.3 M`.
#[must_use]
pub fn count(number: f64) -> String {
    match number {
        number if number >= 1e9 => format!("{:.2} G", number / 1e9),
        number if number >= 1e6 => format!("{:.2} M", number / 1e6),
        number if number >= 1e4 => format!("{:.1} k", number / 1e3),
        number => format!("{number:.0}"),
    }
}

/// Words as a sentence has them: `a, b and c`.
#[must_use]
pub fn list(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_table_three_times() {
        let mut table = Table::new(&["name", "ns"]);
        table.rows.push(vec!["a|b".into(), "1.5".into()]);
        table.rows.push(vec!["c".into(), "100".into()]);
        assert_eq!(table.text(), "name   ns\na|b   1.5\nc     100\n");
        assert_eq!(table.markdown(), "| name | ns |\n|---|---:|\n| a\\|b | 1.5 |\n| c | 100 |\n");
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!([0.0, 0.1234, 1.234, 12.34, 123.4].map(digits), ["0", "0.123", "1.23", "12.3", "123"]);
        assert_eq!([12.0, 12_345.0, 2.5e6].map(count), ["12", "12.3 k", "2.50 M"]);
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
    }
}
