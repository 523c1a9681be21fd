//! Looks at a run while it runs, through its control socket: such a run is slower, so its times do not count.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::counters;
use crate::record::{Sample, Site};

/// How often it is looked at.
const INTERVAL: Duration = Duration::from_millis(50);
/// The sites that are listed.
const SITES: usize = 400;
/// Sites are listed once in so many samples: it takes longer than to count.
const SITES_EVERY: usize = 4;
/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(10);

/// What was seen.
#[derive(Debug, Default)]
pub struct Seen {
    /// Counts over time.
    pub samples: Vec<Sample>,
    /// The sites when they were listed last.
    pub sites: Vec<Site>,
}

/// Looks until the machine ends, or `ended` says that the run has.
pub fn look(socket: &Path, ended: &AtomicBool) -> Seen {
    let mut seen = Seen::default();
    let connection = loop {
        if ended.load(Ordering::Relaxed) {
            return seen;
        }
        match UnixStream::connect(socket) {
            Ok(connection) => break connection,
            Err(_) => std::thread::sleep(INTERVAL / 10),
        }
    };
    // A connection that breaks means that the machine has ended.
    let _ended = ask(connection, &mut seen, ended);
    seen
}

fn ask(connection: UnixStream, seen: &mut Seen, ended: &AtomicBool) -> io::Result<()> {
    connection.set_read_timeout(Some(LIMIT))?;
    let mut requests = connection.try_clone()?;
    let mut lines = BufReader::new(connection).lines();
    let mut request = |request: &Value| -> io::Result<Value> {
        writeln!(requests, "{request}")?;
        let line = lines.next().ok_or(io::ErrorKind::UnexpectedEof)??;
        let mut answer: Value = serde_json::from_str(&line)?;
        // The greeting comes before the first answer.
        if answer.get("protocol").is_some() {
            let line = lines.next().ok_or(io::ErrorKind::UnexpectedEof)??;
            answer = serde_json::from_str(&line)?;
        }
        Ok(answer["ok"].take())
    };
    let mut count = 0_usize;
    while !ended.load(Ordering::Relaxed) {
        let answer = request(&json!({ "command": "stats" }))?;
        seen.samples.extend(counters::sample(&answer));
        if count.is_multiple_of(SITES_EVERY) {
            let sites = counters::sites(&request(&json!({ "command": "patches", "top": SITES }))?);
            if !sites.is_empty() {
                seen.sites = sites;
            }
        }
        count += 1;
        std::thread::sleep(INTERVAL);
    }
    Ok(())
}
