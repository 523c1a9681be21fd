//! Answers of the control protocol as text.

use std::fmt::Write;

use patchbay_machine::text;
use serde_json::{Map, Value};

/// What stands in one place is cut at so many bytes.
const CELL: usize = 2000;

/// A value as text: a line a field, indented below its name; a list of objects as a table.
pub(crate) fn text(value: &Value) -> String {
    let mut text = String::new();
    block(&mut text, value, 0);
    text
}

fn block(text: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(fields) => object(text, fields, indent),
        Value::Array(rows) if rows.iter().all(Value::is_object) => table(text, rows, indent),
        Value::Array(values) => values.iter().for_each(|value| line(text, indent, &cell(value))),
        Value::String(several) => several.lines().for_each(|one| line(text, indent, &shown(one))),
        value => line(text, indent, &cell(value)),
    }
}

/// A text as a terminal may have it.
fn shown(text: &str) -> String {
    text::line(text, CELL)
}

fn line(text: &mut String, indent: usize, content: &str) {
    let _never_fails = writeln!(text, "{:indent$}{}", "", content.trim_end());
}

fn object(text: &mut String, fields: &Map<String, Value>, indent: usize) {
    let width = fields.keys().map(|name| shown(name).chars().count()).max().unwrap_or_default();
    for (name, value) in fields {
        let name = shown(name).replace('_', " ");
        match value {
            Value::Object(fields) if fields.is_empty() => {}
            Value::Array(values) if values.is_empty() => {}
            Value::Array(values) if !values.iter().any(Value::is_object) => {
                let values: Vec<_> = values.iter().map(cell).collect();
                line(text, indent, &format!("{name:<width$}  {}", values.join(" ")));
            }
            Value::Object(_) | Value::Array(_) => {
                line(text, indent, &name);
                block(text, value, indent + 2);
            }
            value => line(text, indent, &format!("{name:<width$}  {}", cell(value))),
        }
    }
}

/// Events, a line each, of which widths do not depend on others: `TIME  VM  WHAT  TEXT (SECONDS)`.
pub(crate) fn events(events: &[Value]) -> String {
    let mut text = String::new();
    for event in events {
        let field = |name: &str| event.get(name).unwrap_or(&Value::Null);
        let fixed = |name: &str, digits| field(name).as_f64().map(|number| format!("{number:.digits$}"));
        if let Some(lost) = event.get("lost") {
            line(&mut text, 0, &format!("({lost} events are lost)"));
        }
        let vm = field("vm").as_u64().map_or("-".to_owned(), |vm| vm.to_string());
        let took = fixed("took", 6).map(|seconds| format!(" ({seconds} s)")).unwrap_or_default();
        let (time, what, says) = (fixed("time", 3).unwrap_or_default(), cell(field("what")), cell(field("text")));
        line(&mut text, 0, &format!("{time:>10}  {vm:>2}  {what:<8}  {says}{took}"));
    }
    text
}

/// A line a row. What is not simple follows its row.
fn table(text: &mut String, rows: &[Value], indent: usize) {
    let rows: Vec<&Map<String, Value>> = rows.iter().filter_map(Value::as_object).collect();
    let mut columns: Vec<&String> = Vec::new();
    for row in &rows {
        for (name, value) in *row {
            if !value.is_object() && !value.is_array() && !columns.contains(&name) {
                columns.push(name);
            }
        }
    }
    let cells = |row: &Map<String, Value>| -> Vec<String> {
        columns.iter().map(|column| row.get(*column).map(cell).unwrap_or_default()).collect()
    };
    let contents: Vec<Vec<String>> = rows.iter().map(|row| cells(row)).collect();
    let width = |column: usize| {
        let longest = contents.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
        longest.max(shown(columns[column]).chars().count())
    };
    let join = |cells: &[String]| -> String {
        let padded = cells.iter().enumerate().map(|(index, cell)| format!("{cell:<width$}", width = width(index)));
        padded.collect::<Vec<_>>().join("  ")
    };
    let heads: Vec<_> = columns.iter().map(|column| shown(column).replace('_', " ")).collect();
    line(text, indent, &join(&heads));
    for (row, content) in rows.iter().zip(&contents) {
        line(text, indent, &join(content));
        let rest = row.iter().filter(|(_, value)| value.is_object() || value.is_array());
        object(text, &rest.map(|(name, value)| (name.clone(), value.clone())).collect(), indent + 2);
    }
}

/// A simple value. Fractions are for reading, not for calculating.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => shown(text),
        Value::Number(number) if number.is_f64() => format!("{:.6}", number.as_f64().unwrap_or_default()),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_are_lines_and_lists_are_tables() {
        let value = json!({ "guest": "hello", "seconds": 1.5, "each": [1, 2], "vps": [
            { "vp": 0, "of_all": { "a": 1 } },
            { "vp": 10, "name": "x" },
        ]});
        let expected = "\
guest    hello
seconds  1.500000
each     1 2
vps
  vp  name
  0
    of all
      a  1
  10  x
";
        assert_eq!(text(&value), expected);
        assert_eq!(text(&json!([{ "vp": 0, "of_all": 7 }])), "vp  of all\n0   7\n");
    }

    #[test]
    fn nothing_is_executed_or_hides_the_rest() {
        let value = json!({ "\u{1b}[2J": "a\nb", "long": "x".repeat(100_000), "list": [{ "y": "z".repeat(100_000) }] });
        let text = text(&value);
        assert!(text.starts_with("\\u{1b}[2J  a\\nb\n") && text.len() < 10_000, "{text}");
        assert_eq!(super::text(&json!("first\nsecond \u{7}")), "first\nsecond \\u{7}\n");
    }

    #[test]
    fn events_are_lines_that_do_not_wait_for_each_other() {
        let list = [
            json!({ "number": 0, "time": 0.25, "what": "log", "text": "info: mine: ready" }),
            json!({ "number": 9, "time": 12.5, "vm": 1, "what": "step", "text": "load", "took": 0.25, "lost": 3 }),
        ];
        let expected = "     0.250   -  log       info: mine: ready
(3 events are lost)
    12.500   1  step      load (0.250000 s)
";
        assert_eq!(events(&list), expected);
    }
}
