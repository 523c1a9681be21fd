//! Results: a line of JSON a run, with all that is needed to repeat it and to believe it.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::strategy::Strategy;

/// The form of a record. A new number means that old ones are not readable.
pub const FORMAT: u32 = 1;

/// One run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    /// [`FORMAT`].
    pub format: u32,
    /// The hash of everything else: two records with one id are one run.
    #[serde(default)]
    pub id: String,
    /// The hash of what was to run: command, guest, plugins and switches.
    pub cell: String,
    /// What the guest is called.
    pub guest: String,
    /// The strategy.
    pub strategy: Strategy,
    /// The name of the strategy that the plan told ratios against.
    pub baseline: String,
    /// The round. What was measured in one round, on one host, is compared.
    pub round: u32,
    /// Which of the round's runs it was, from 0 on.
    pub place: u32,
    /// Whether it was only looked at while it ran: its times do not count.
    pub profile: bool,
    /// The switches of `patchbay`.
    pub arguments: Vec<String>,
    /// What made it possible.
    pub provenance: Provenance,
    /// When it started, in seconds since 1970.
    pub started: f64,
    /// How it ended.
    pub outcome: RunOutcome,
    /// What it took.
    pub times: Times,
    /// The most memory that the process had, in bytes.
    pub memory: u64,
    /// What a guest that measures operations said, in nanoseconds each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<Operation>,
    /// What `patchbay run --stats json` counted, as it was.
    pub counters: Value,
    /// What was seen while it ran.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<Sample>,
    /// The sites with most events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sites: Vec<Site>,
}

/// What a run was made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// The version of the command.
    pub version: String,
    /// The hash of its file.
    pub command: String,
    /// The hash of the guest's files.
    pub guest: String,
    /// The plugins.
    pub plugins: Vec<PluginFile>,
    /// The machine.
    pub host: Host,
}

/// A plugin that was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginFile {
    /// Its name, or its file as it was given.
    pub name: String,
    /// The hash of its library; empty if the command has it inside.
    pub hash: String,
}

/// The machine that a run ran on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// Its processor.
    pub processor: String,
    /// How many processors may be used.
    pub processors: usize,
    /// Its kernel.
    pub kernel: String,
    /// How many threads wanted to run in the minute before.
    pub load: f64,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunOutcome {
    /// As it should.
    Well,
    /// It failed, and why. Its times do not count.
    Failed(String),
}

/// What a run took, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Times {
    /// From the start of the process to its end.
    pub wall: f64,
    /// Processor time of the process in user mode.
    pub user: f64,
    /// Processor time of the process in the host's kernel.
    pub system: f64,
    /// From the guest's first instruction to its end.
    pub guest_wall: f64,
    /// Processor time of the threads that run the guest's processors.
    pub guest_cpu: f64,
}

/// An operation that the guest has measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// What it is.
    pub name: String,
    /// Its time in nanoseconds.
    pub nanoseconds: f64,
}

/// What had happened at a moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Seconds since the guest's first instruction.
    pub seconds: f64,
    /// Virtualization faults until then.
    pub faults: u64,
    /// Triggers until then, by kind.
    pub triggers: Vec<(String, u64)>,
}

/// A site and how often it was emulated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// The function that it is in, or its address.
    pub symbol: String,
    /// Its mnemonic.
    pub mnemonic: String,
    /// Faults and triggers.
    pub events: u64,
}

impl Record {
    /// Gives the record its id.
    #[must_use]
    pub fn sealed(mut self) -> Record {
        self.id = String::new();
        let text = serde_json::to_vec(&self).unwrap_or_default();
        self.id = short(&blake3::hash(&text));
        self
    }

    /// Whether it ended as it should.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.outcome == RunOutcome::Well
    }

    /// Whether its times count.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.is_well() && !self.profile
    }
}

/// The first 16 digits of a hash.
pub(crate) fn short(hash: &blake3::Hash) -> String {
    hash.to_hex()[..16].to_owned()
}

/// Why there are no results.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A file cannot be read.
    #[error("cannot read {0}: {1}")]
    Read(PathBuf, io::Error),
    /// A file cannot be written.
    #[error("cannot write {0}: {1}")]
    Write(PathBuf, io::Error),
    /// A line is no record.
    #[error("{0}: line {1} is not a result of patchbay bench: {2}")]
    Line(PathBuf, usize, String),
    /// There is nothing.
    #[error("{0} has no results")]
    Empty(String),
}

/// The records of a file. A last line that was not written to its end is left out: whoever wrote it was killed.
///
/// # Errors
/// If the file is not readable, or a line is no record.
pub fn read(path: &Path) -> Result<Vec<Record>, RecordError> {
    let text = std::fs::read_to_string(path).map_err(|error| RecordError::Read(path.to_owned(), error))?;
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let lines = whole.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let record = |(number, line): (usize, &str)| {
        let wrong = |why: String| RecordError::Line(path.to_owned(), number + 1, why);
        let record: Record = serde_json::from_str(line).map_err(|error| wrong(error.to_string()))?;
        if record.format != FORMAT {
            return Err(wrong(format!("its format is {}, and this command reads {FORMAT}", record.format)));
        }
        Ok(record)
    };
    lines.map(record).collect()
}

/// The records of several files without doubles, in the order of their times.
///
/// # Errors
/// If a file is not readable, or there is nothing in them.
pub fn read_all(paths: &[PathBuf]) -> Result<Vec<Record>, RecordError> {
    let mut records = Vec::new();
    for path in paths {
        records.extend(read(path)?);
    }
    if records.is_empty() {
        let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        return Err(RecordError::Empty(names.join(", ")));
    }
    Ok(merge(records))
}

/// Records without doubles, in an order that does not depend on the one they came in.
#[must_use]
pub fn merge(records: Vec<Record>) -> Vec<Record> {
    let mut seen = HashSet::new();
    let mut records: Vec<Record> = records.into_iter().map(Record::sealed).collect();
    records.retain(|record| seen.insert(record.id.clone()));
    records.sort_by(|a, b| a.started.total_cmp(&b.started).then_with(|| a.id.cmp(&b.id)));
    records
}

/// A file that results are appended to.
#[derive(Debug)]
pub struct Results {
    path: PathBuf,
    file: File,
}

impl Results {
    /// Goes on with a file, or begins it. A line that was not written to its end is cut off.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn append(path: &Path) -> Result<Results, RecordError> {
        let failed = |error| RecordError::Write(path.to_owned(), error);
        let mut options = File::options();
        let file = options.create(true).append(true).read(true).open(path).map_err(failed)?;
        let text = std::fs::read(path).map_err(failed)?;
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        if whole < text.len() {
            file.set_len(whole as u64).map_err(failed)?;
        }
        Ok(Results { path: path.to_owned(), file })
    }

    /// Writes a record. Whoever is killed later does not lose it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn add(&mut self, record: &Record) -> Result<(), RecordError> {
        let failed = |error| RecordError::Write(self.path.clone(), error);
        let mut line = serde_json::to_vec(record).map_err(|error| failed(error.into()))?;
        line.push(b'\n');
        self.file.write_all(&line).map_err(failed)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    /// A run of a strategy that took so many seconds of processor time.
    pub(crate) fn record(strategy: &str, round: u32, cpu: f64) -> Record {
        let record = Record {
            format: FORMAT,
            id: String::new(),
            cell: format!("cell of {strategy}"),
            guest: "guest".into(),
            strategy: Strategy { name: strategy.into(), ..Strategy::default() },
            baseline: "trap".into(),
            round,
            place: 0,
            profile: false,
            arguments: vec!["run".into()],
            provenance: Provenance {
                version: "0".into(),
                command: "c".into(),
                guest: "g".into(),
                plugins: Vec::new(),
                host: Host { name: "host".into(), processors: 2, ..Host::default() },
            },
            started: f64::from(round),
            outcome: RunOutcome::Well,
            times: Times { wall: cpu, user: cpu, system: 0.0, guest_wall: cpu, guest_cpu: cpu },
            memory: 1 << 20,
            operations: Vec::new(),
            counters: json!({}),
            samples: Vec::new(),
            sites: Vec::new(),
        };
        record.sealed()
    }

    #[test]
    fn doubles_are_recognised_and_order_does_not_count() {
        let (a, b, c) = (record("trap", 0, 1.0), record("break", 0, 2.0), record("trap", 1, 1.0));
        let ids = |records| merge(records).into_iter().map(|record| record.id).collect::<Vec<_>>();
        let one = ids(vec![a.clone(), b.clone(), c.clone(), a.clone()]);
        assert_eq!(one.len(), 3);
        assert_eq!(one, ids(vec![c, a, b.clone(), b]));
    }

    #[test]
    fn a_line_that_was_cut_off_is_left_out_and_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results.jsonl");
        let mut results = Results::append(&path).unwrap();
        results.add(&record("trap", 0, 1.0)).unwrap();
        results.file.write_all(b"{\"format\":1,\"id").unwrap();
        assert_eq!(read(&path).unwrap().len(), 1);
        Results::append(&path).unwrap().add(&record("trap", 1, 1.0)).unwrap();
        let rounds: Vec<u32> = read(&path).unwrap().iter().map(|record| record.round).collect();
        assert_eq!(rounds, [0, 1]);
    }

    #[test]
    fn what_is_no_result_is_refused_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results.jsonl");
        std::fs::write(&path, "{}\n").unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("line 1"));
        let other = Record { format: 9, ..record("trap", 0, 1.0) };
        std::fs::write(&path, serde_json::to_string(&other).unwrap() + "\n").unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("format is 9"));
    }
}
