//! Reports of results: one page with pictures that needs nothing else, and the same as Markdown, CSV and SVG.

mod html;
mod sheets;

use std::io;
use std::path::{Path, PathBuf};

use crate::pictures::{self, Picture};
use crate::record::Record;
use crate::summary::{Summary, method, summarize};

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}", file.display())]
pub struct ReportError {
    file: PathBuf,
    source: io::Error,
}

/// The page.
#[must_use]
pub fn page(records: &[Record]) -> String {
    html::page(records, &summarize(records))
}

/// Writes everything into a directory: `index.html`, `report.md`, `summary.csv`, `runs.csv` and more, and the pictures. Returns
/// how many files.
///
/// # Errors
/// If one cannot be written.
pub fn write(records: &[Record], directory: &Path) -> Result<usize, ReportError> {
    let failed = |file: PathBuf| move |source| ReportError { file, source };
    std::fs::create_dir_all(directory).map_err(failed(directory.to_owned()))?;
    let summaries = summarize(records);
    let mut files: Vec<(String, String)> = vec![
        ("index.html".to_owned(), html::page(records, &summaries)),
        ("report.md".to_owned(), markdown(&summaries)),
    ];
    files.extend(sheets::all(records, &summaries).into_iter().map(|(name, text)| (name.to_owned(), text)));
    for summary in &summaries {
        let pictures = pictures::all(summary).into_iter();
        files.extend(pictures.map(|picture| (file_of(&summaries, summary, &picture), picture.svg)));
    }
    for (name, text) in &files {
        let path = directory.join(name);
        std::fs::write(&path, text).map_err(failed(path))?;
    }
    Ok(files.len())
}

/// The file of a picture.
fn file_of(summaries: &[Summary], summary: &Summary, picture: &Picture) -> String {
    if summaries.len() == 1 {
        return format!("{}.svg", picture.name);
    }
    let word: String = summary.guest.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    format!("{word}-{}.svg", picture.name)
}

/// The report in Markdown, which shows the pictures beside it.
fn markdown(summaries: &[Summary]) -> String {
    let mut text = String::from("# Strategies compared\n");
    for summary in summaries {
        text += &format!("\n## {}\n\n", summary.guest);
        summary.conclusions.iter().for_each(|sentence| text += &format!("* {sentence}\n"));
        summary.warnings.iter().for_each(|warning| text += &format!("* Warning: {warning}\n"));
        text += &format!("\n{}\n", summary.table().markdown());
        for picture in pictures::all(summary) {
            let file = file_of(summaries, summary, &picture);
            text += &format!("### {}\n\n![{}]({file})\n\n{}\n\n", picture.title, picture.title, picture.caption);
        }
        if let Some(operations) = summary.operations() {
            text += &format!("### Operations\n\n{}\n", operations.markdown());
        }
    }
    text + &format!("\n{}\n", method())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::record;
    use crate::record::{Operation, Sample, Site};

    fn records() -> Vec<Record> {
        let mut all = Vec::new();
        for round in 0..4 {
            for (name, time) in [("trap", 2.0), ("break <&>", 1.0), ("jmp", 1.1)] {
                let mut one = record(name, round, time + 0.01 * f64::from(round));
                one.operations = vec![Operation { name: "rsm".into(), nanoseconds: 10.0 * time }];
                all.push(one);
            }
        }
        let mut profile = record("jmp", 0, 1.0);
        profile.profile = true;
        profile.samples = (1..20_u32)
            .map(|step| Sample {
                seconds: f64::from(step) * 0.1,
                faults: u64::from(step),
                triggers: vec![("jmp".into(), u64::from(step) * 100)],
            })
            .collect();
        profile.sites = vec![Site { symbol: "schedule".into(), mnemonic: "rsm".into(), events: 7 }];
        all.push(profile);
        all
    }

    #[test]
    fn everything_is_written_and_the_page_needs_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let count = write(&records(), folder.path()).unwrap();
        let names: Vec<String> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        assert_eq!(names.len(), count);
        for name in [
            "index.html",
            "report.md",
            "summary.csv",
            "runs.csv",
            "ratios.svg",
            "costs.svg",
            "events.svg",
            "pareto.svg",
            "sites.svg",
        ] {
            assert!(names.iter().any(|other| other == name), "{name} is not in {names:?}");
        }
        let page = std::fs::read_to_string(folder.path().join("index.html")).unwrap();
        for outside in ["src=", "href=\"http", "url(", "@import"] {
            assert!(!page.contains(outside), "{outside}");
        }
        assert!(page.contains("break &lt;&amp;&gt;") && !page.contains("break <&>"));
        assert!(page.contains("prefers-color-scheme: dark") && page.matches("<svg").count() == 5);
    }

    #[test]
    fn the_page_of_the_same_results_is_the_same() {
        let (forwards, mut backwards) = (records(), records());
        backwards.reverse();
        assert_eq!(page(&crate::record::merge(forwards)), page(&crate::record::merge(backwards)));
    }
}
