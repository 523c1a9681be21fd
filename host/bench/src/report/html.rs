//! The page: one file, which needs no network and follows the reader's choice of light or dark.

use plotters::style::RGBColor;

use crate::pictures::{self, BAR, BASE, GRID, HEAT, INK, LINE, MUTED, OTHER, PAPER};
use crate::record::Record;
use crate::summary::{OfStrategy, Summary, method};
use crate::table::{Table, count};

/// Colours of pictures, and what they are where the page is dark.
const DARK: [(RGBColor, &str); 13] = [
    (INK, "#e4e8ee"),
    (MUTED, "#a3adba"),
    (GRID, "#39424e"),
    (PAPER, "#14181d"),
    (BAR, "#3c6f99"),
    (BASE, "#6e6446"),
    (LINE, "#6db3ea"),
    (OTHER, "#f0925c"),
    (HEAT[0], "#1b2129"),
    (HEAT[1], "#1f2d3a"),
    (HEAT[2], "#233b50"),
    (HEAT[3], "#284a67"),
    (HEAT[4], "#2f5c83"),
];

const STYLE: &str = "\
:root { color-scheme: light dark; --ink: #1c2430; --muted: #5b6775; --rule: #d9dee5; --paper: #fdfdfc; --box: #f2f4f6; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e8ee; --muted: #a3adba; --rule: #39424e; --paper: #14181d; --box: #1d232a; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem 1rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.3rem; margin: 2.5rem 0 .5rem; border-bottom: 1px solid var(--rule); padding-bottom: .25rem; }
h3 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
p, li { max-width: 46rem; }
.answer { background: var(--box); border-left: 4px solid var(--ink); padding: .75rem 1rem; margin: 1rem 0; }
.answer p { margin: .25rem 0; }
.warning::before { content: \"! \"; font-weight: bold; }
.warning { border-left: 4px double var(--muted); padding-left: .75rem; margin: .5rem 0; }
.wide { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .6rem; text-align: right; border-bottom: 1px solid var(--rule); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
th { color: var(--muted); font-weight: 600; }
td.words { text-align: left; white-space: normal; min-width: 16rem; }
figure { margin: 0; }
figure svg { display: block; min-width: 600px; max-width: 100%; height: auto; }
figcaption, .small { color: var(--muted); font-size: .85rem; max-width: 46rem; }
code { font-size: .85em; overflow-wrap: anywhere; }
summary { cursor: pointer; }
";

/// Text as HTML has it.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Rules that give the pictures' colours their dark counterparts.
fn dark() -> String {
    let rules = DARK.iter().map(|(RGBColor(r, g, b), dark)| {
        let light = format!("#{r:02X}{g:02X}{b:02X}");
        format!("svg [fill=\"{light}\"] {{ fill: {dark}; }} svg [stroke=\"{light}\"] {{ stroke: {dark}; }}\n")
    });
    format!("@media (prefers-color-scheme: dark) {{\n{}}}\n", rules.collect::<String>())
}

fn table(table: &Table) -> String {
    let cells = |row: &[String], tag: &str| {
        row.iter().map(|cell| format!("<{tag}>{}</{tag}>", escape(cell))).collect::<String>()
    };
    let rows: String = table.rows.iter().map(|row| format!("<tr>{}</tr>\n", cells(row, "td"))).collect();
    format!(
        "<div class=\"wide\"><table>\n<thead><tr>{}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n",
        cells(&table.heads, "th")
    )
}

/// The page of some results.
pub(super) fn page(records: &[Record], summaries: &[Summary]) -> String {
    let guests: Vec<String> = summaries.iter().map(|summary| summary.guest.clone()).collect();
    let mut body = format!("<h1>Strategies compared: {}</h1>\n", escape(&guests.join(", ")));
    summaries.iter().for_each(|summary| body += &section(summary));
    body += &format!("<h2>How it was measured</h2>\n<p>{}</p>\n{}", escape(&method()), conditions(records));
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n<style>\n{STYLE}{}</style>\n\
         </head>\n<body>\n{body}</body>\n</html>\n",
        escape(&guests.join(", ")),
        dark()
    )
}

fn section(summary: &Summary) -> String {
    let mut text = format!("<h2>{}</h2>\n<div class=\"answer\">\n", escape(&summary.guest));
    summary.conclusions.iter().for_each(|sentence| text += &format!("<p>{}</p>\n", escape(sentence)));
    text += "</div>\n";
    summary.warnings.iter().for_each(|warning| text += &format!("<p class=\"warning\">{}</p>\n", escape(warning)));
    text += &table(&summary.table());
    if summary.strategies.iter().any(OfStrategy::is_for_measurement_only) {
        text += "<p class=\"small\">In parentheses: for measurement only. Parts of the conventional path are left out.</p>\n";
    }
    for picture in pictures::all(summary) {
        let labelled =
            picture.svg.replacen("<svg ", &format!("<svg role=\"img\" aria-label=\"{}\" ", picture.title), 1);
        text += &format!(
            "<h3>{}</h3>\n<figure><div class=\"wide\">\n{labelled}</div>\n<figcaption>{}</figcaption></figure>\n",
            picture.title,
            escape(&picture.caption)
        );
    }
    if let Some(operations) = summary.operations() {
        text += &format!("<details><summary>All operations</summary>\n{}</details>\n", table(&operations));
    }
    text + &declined(summary) + &causes(summary)
}

/// Why sites were not patched as was asked for.
fn declined(summary: &Summary) -> String {
    let mut sheet = Table::new(&["strategy", "why", "sites", "faults"]);
    for row in &summary.strategies {
        for (reason, number) in &row.declined {
            sheet.rows.push(vec![row.name.clone(), reason.clone(), number.to_string(), "-".to_owned()]);
        }
        for (reason, number) in &row.fallbacks {
            sheet.rows.push(vec![row.name.clone(), reason.clone(), "-".to_owned(), number.to_string()]);
        }
    }
    if sheet.rows.is_empty() {
        return String::new();
    }
    let title = "Sites that got another trigger, and faults that the conventional path took";
    format!("<details><summary>{title}</summary>\n{}</details>\n", table(&sheet))
}

/// Events by cause.
fn causes(summary: &Summary) -> String {
    let rows: Vec<&OfStrategy> = summary.strategies.iter().filter(|row| !row.causes.is_empty()).collect();
    let Some(first) = rows.first() else { return String::new() };
    let heads: Vec<&str> = std::iter::once("events").chain(rows.iter().map(|row| row.name.as_str())).collect();
    let mut sheet = Table::new(&heads);
    for (cause, _) in &first.causes {
        let number = |row: &&OfStrategy| {
            row.causes
                .iter()
                .find(|(other, _)| other == cause)
                .map_or("-".to_owned(), |(_, number)| count(*number as f64))
        };
        sheet.rows.push(std::iter::once(cause.clone()).chain(rows.iter().map(number)).collect());
    }
    format!("<details><summary>Events by cause</summary>\n{}</details>\n", table(&sheet))
}

/// Hosts, builds, plugins and commands.
fn conditions(records: &[Record]) -> String {
    let mut hosts: Vec<String> = Vec::new();
    let mut commands: Vec<(String, String, String)> = Vec::new();
    for record in records {
        let host = &record.provenance.host;
        let text =
            format!("{}, {} processors of {}, Linux {}", host.name, host.processors, host.processor, host.kernel);
        if !hosts.contains(&text) {
            hosts.push(text);
        }
        let plugins: Vec<String> = record
            .provenance
            .plugins
            .iter()
            .map(|plugin| format!("{} {}", plugin.name, plugin.hash).trim().to_owned())
            .collect();
        let row = (
            format!("{}, {}", record.guest, record.strategy.name),
            format!("patchbay {}", record.arguments.join(" ")),
            format!(
                "patchbay {} ({}), guest {}{}",
                record.provenance.version,
                record.provenance.command,
                record.provenance.guest,
                if plugins.is_empty() { String::new() } else { format!(", {}", plugins.join(", ")) }
            ),
        );
        if !record.profile && !commands.contains(&row) {
            commands.push(row);
        }
    }
    let mut text = String::from("<ul>\n");
    hosts.iter().for_each(|host| text += &format!("<li>{}</li>\n", escape(host)));
    let failed = records.iter().filter(|record| !record.is_well()).count();
    text += &format!("<li>{} runs, {failed} of them failed</li>\n</ul>\n", records.len());
    text += "<details><summary>Commands and hashes</summary>\n<div class=\"wide\"><table>\n<tbody>\n";
    for (name, command, made) in commands {
        let cells =
            [escape(&name), format!("<code>{}</code>", escape(&command)), format!("<code>{}</code>", escape(&made))];
        text += &format!("<tr>{}</tr>\n", cells.map(|cell| format!("<td class=\"words\">{cell}</td>")).concat());
    }
    text + "</tbody></table></div></details>\n"
}
