//! What `patchbay top` shows, drawn from what was asked.

use patchbay_machine::text;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, Borders, Paragraph, Row, Table};
use serde_json::Value;

use crate::rates::Rates;
use crate::summary::grouped;

/// What rows are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Order {
    /// What happens most, now.
    #[default]
    Rate,
    /// What has happened most.
    Total,
    Name,
}

impl Order {
    pub(super) fn next(self) -> Order {
        match self {
            Order::Rate => Order::Total,
            Order::Total => Order::Name,
            Order::Name => Order::Rate,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Order::Rate => "rate",
            Order::Total => "total",
            Order::Name => "name",
        }
    }
}

/// What was asked last, and what the user does.
#[derive(Default)]
pub(super) struct View {
    pub(super) status: Value,
    pub(super) rates: Rates,
    /// The answer to `patches`, and the counts of each site before.
    pub(super) sites: Vec<Site>,
    pub(super) events: Vec<Value>,
    pub(super) order: Order,
    /// What is typed, behind what it is for.
    pub(super) prompt: Option<(&'static str, String)>,
    /// What came of the last key.
    pub(super) said: String,
}

/// A site, and what happens there in a second.
#[derive(Clone, Debug, Default)]
pub(super) struct Site {
    pub(super) place: String,
    pub(super) mnemonic: String,
    pub(super) trigger: String,
    pub(super) symbol: String,
    pub(super) rate: f64,
    pub(super) total: u64,
}

const KEYS: &str = "q quit  p pause  s swap  t trigger  r rollback  o order  m machine";

fn shown(value: &Value) -> String {
    match value {
        Value::String(string) => text::line(string, text::NAME),
        Value::Null => String::new(),
        value => value.to_string(),
    }
}

impl View {
    pub(super) fn draw(&self, frame: &mut Frame) {
        let processors = u16::try_from(self.rates.processors.len().clamp(1, 8)).unwrap_or(8) + 3;
        let events = 6;
        let [head, upper, middle, sites, log, said, keys] = Layout::vertical([
            Constraint::Length(2),
            Constraint::Length(processors),
            Constraint::Min(5),
            Constraint::Min(5),
            Constraint::Length(events),
            Constraint::Length(1),
            Constraint::Length(1),
        ])
        .areas(frame.area());
        self.head(frame, head);
        let [of_processors, of_kinds] =
            Layout::horizontal([Constraint::Percentage(60), Constraint::Percentage(40)]).areas(upper);
        self.processors(frame, of_processors);
        self.kinds(frame, of_kinds);
        self.causes(frame, middle);
        self.sites(frame, sites);
        self.log(frame, log);
        let line = match &self.prompt {
            Some((what, typed)) => format!("{what}: {typed}_"),
            None => self.said.clone(),
        };
        frame.render_widget(Paragraph::new(text::line(&line, text::MESSAGE)), said);
        let keys_line = format!("{KEYS}  (sorted by {})", self.order.name());
        frame.render_widget(Paragraph::new(keys_line).style(Style::new().add_modifier(Modifier::REVERSED)), keys);
    }

    fn head(&self, frame: &mut Frame, area: Rect) {
        let Rates { time, instructions, faults, triggers, interruptions, swaps: (done, refused), .. } = &self.rates;
        let paused = if self.status["paused"] == true { ", paused" } else { "" };
        let who = format!(
            "patchbay top: machine {} {} ({}{paused}), {time:.0} s, {done} swaps, {refused} refused",
            shown(&self.status["vm"]),
            shown(&self.status["guest"]),
            shown(&self.status["mode"]),
        );
        let what = format!(
            "{:.1} MIPS, {faults:.0} faults/s, {triggers:.0} executions by trigger/s ({:.1} %), {interruptions:.0} \
             interruptions/s",
            instructions / 1e6,
            self.rates.by_trigger()
        );
        frame.render_widget(Paragraph::new(vec![Line::from(who).style(Modifier::BOLD), Line::from(what)]), area);
    }

    fn processors(&self, frame: &mut Frame, area: Rect) {
        let looks = self.status["processors"].as_array().cloned().unwrap_or_default();
        let rows = self.rates.processors.iter().enumerate().map(|(number, (instructions, faults, triggers))| {
            let look = looks.get(number).cloned().unwrap_or_default();
            Row::new([
                number.to_string(),
                shown(&look["activity"]),
                format!("{:.1}", instructions / 1e6),
                format!("{faults:.0}"),
                format!("{triggers:.0}"),
                shown(&look["ip"]),
            ])
        });
        let widths = [4, 8, 8, 9, 13, 18].map(Constraint::Length);
        let heads = ["vp", "does", "MIPS", "faults/s", "by trigger/s", "ip"];
        frame.render_widget(table("processors", rows, &widths, heads), area);
    }

    fn kinds(&self, frame: &mut Frame, area: Rect) {
        let rows = self.rates.kinds.iter().map(|(name, rate, median)| {
            Row::new([
                name.clone(),
                format!("{rate:.0}"),
                if *median == 0 { String::new() } else { median.to_string() },
            ])
        });
        let widths = [10, 13, 8].map(Constraint::Length);
        frame.render_widget(table("triggers", rows, &widths, ["kind", "executions/s", "p50 ns"]), area);
    }

    fn causes(&self, frame: &mut Frame, area: Rect) {
        let mut causes = self.rates.causes.clone();
        match self.order {
            Order::Rate => causes.sort_by(|a, b| (b.1 + b.2).total_cmp(&(a.1 + a.2)).then(b.3.cmp(&a.3))),
            Order::Total => causes.sort_by_key(|cause| std::cmp::Reverse(cause.3)),
            Order::Name => causes.sort_by(|a, b| a.0.cmp(&b.0)),
        }
        let rows = causes.into_iter().map(|(name, faults, triggers, total)| {
            Row::new([name, format!("{faults:.0}"), format!("{triggers:.0}"), grouped(total)])
        });
        let widths = [20, 11, 13, 16].map(Constraint::Length);
        let heads = ["cause", "faults/s", "by trigger/s", "all until now"];
        frame.render_widget(table("causes", rows, &widths, heads), area);
    }

    fn sites(&self, frame: &mut Frame, area: Rect) {
        let mut sites = self.sites.clone();
        match self.order {
            Order::Rate => sites.sort_by(|a, b| b.rate.total_cmp(&a.rate).then(b.total.cmp(&a.total))),
            Order::Total => sites.sort_by_key(|site| std::cmp::Reverse(site.total)),
            Order::Name => sites.sort_by(|a, b| a.symbol.cmp(&b.symbol)),
        }
        let rows = sites.into_iter().map(|site| {
            let rate = format!("{:.0}", site.rate);
            Row::new([site.place, site.mnemonic, site.trigger, rate, grouped(site.total), site.symbol])
        });
        let widths = [20, 14, 8, 11, 14, 40].map(Constraint::Length);
        let heads = ["site", "instruction", "trigger", "times/s", "until now", "symbol"];
        frame.render_widget(table("sites", rows, &widths, heads), area);
    }

    fn log(&self, frame: &mut Frame, area: Rect) {
        let lines: Vec<Line> = self
            .events
            .iter()
            .rev()
            .take(5)
            .rev()
            .map(|event| {
                let time = event["time"].as_f64().unwrap_or_default();
                Line::from(format!("{time:>9.1}  {:<8} {}", shown(&event["what"]), shown(&event["text"])))
            })
            .collect();
        let block = Block::new().borders(Borders::TOP).title("log");
        frame.render_widget(Paragraph::new(lines).block(block), area);
    }
}

fn table<'a, const N: usize>(
    title: &'a str,
    rows: impl Iterator<Item = Row<'a>>,
    widths: &[Constraint],
    heads: [&'a str; N],
) -> Table<'a> {
    let header = Row::new(heads).style(Style::new().add_modifier(Modifier::UNDERLINED));
    Table::new(rows, widths.to_vec()).header(header).block(Block::new().borders(Borders::TOP).title(title))
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use serde_json::json;

    use super::*;
    use crate::rates::tests::look;

    fn drawn(view: &View) -> String {
        let mut terminal = Terminal::new(TestBackend::new(110, 40)).unwrap();
        terminal.draw(|frame| view.draw(frame)).unwrap();
        let buffer = terminal.backend().buffer().clone();
        let rows =
            buffer.content.chunks(110).map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>());
        rows.map(|row| row.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
    }

    fn view() -> View {
        let site = |symbol: &str, rate, total| Site {
            place: "a000000100000100.1".to_owned(),
            mnemonic: "rfi".to_owned(),
            trigger: "break".to_owned(),
            symbol: symbol.to_owned(),
            rate,
            total,
        };
        View {
            status: json!({ "vm": 1, "guest": "linux\u{1b}[2J", "mode": "patch", "paused": true, "processors": [
                { "activity": "runs", "ip": "0x100" }, { "activity": "halts", "ip": "0x200" },
            ]}),
            rates: Rates::between(&look(1.0, 10), &look(3.0, 30)),
            sites: vec![site("cold", 1.0, 9_000_000), site("hot", 50.0, 100)],
            events: vec![json!({ "time": 2.5, "what": "swapped", "text": "routines serve" })],
            ..View::default()
        }
    }

    #[test]
    fn all_is_on_the_screen() {
        let screen = drawn(&view());
        for expected in [
            "patchbay top: machine 1 linux\\u{1b}[2J (patch, paused), 3 s, 3 swaps, 1 refused",
            "10.0 MIPS, 10 faults/s, 90 executions by trigger/s (90.0 %), 20 interruptions/s",
            "1    halts    4.0      0         90            0x200",
            "break      90            20",
            "rfi                  10          90            300",
            "      2.5  swapped  routines serve",
            "q quit",
        ] {
            assert!(screen.contains(expected), "{expected:?} is not in\n{screen}");
        }
    }

    #[test]
    fn rows_are_sorted_as_the_user_wants() {
        let mut view = view();
        let first_is_hot = |view: &View| {
            let screen = drawn(view);
            screen.find("hot").unwrap() < screen.find("cold").unwrap()
        };
        assert!(first_is_hot(&view));
        view.order = view.order.next();
        assert!(!first_is_hot(&view) && drawn(&view).contains("sorted by total"));
        view.order = view.order.next();
        assert!(!first_is_hot(&view));
        view.prompt = Some(("set trigger", "branch".to_owned()));
        assert!(drawn(&view).contains("set trigger: branch_"));
    }
}
