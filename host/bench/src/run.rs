//! A run: the command in a process of its own, whose times the host's kernel counts.

use std::io::{self, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde_json::Value;
use wait4::Wait4;

use crate::counters::guest_times;
use crate::record::{RunOutcome, Times};

/// The most bytes that are kept of what a run prints.
const OUTPUT_MAX: usize = 16 << 20;
/// How often a run is looked after.
const INTERVAL: Duration = Duration::from_millis(20);
/// The time that the command has to end after the time limit that it knows of.
const GRACE: Duration = Duration::from_secs(15);

/// A wish to stop, of the user or of another thread. It never ends.
pub type Stop = Arc<AtomicBool>;

/// What is started.
#[derive(Debug)]
pub struct Launch<'a> {
    /// The command.
    pub command: &'a Path,
    /// The directory that it runs in.
    pub directory: &'a Path,
    /// Its arguments.
    pub arguments: &'a [String],
    /// The time after which it has failed.
    pub patience: Duration,
    /// What the console must show.
    pub expect: Option<&'a str>,
}

/// A run that has ended.
#[derive(Debug)]
pub struct Ran {
    /// How.
    pub outcome: RunOutcome,
    /// Its exit status; `None` if a signal ended it.
    pub status: Option<i32>,
    /// What it took.
    pub times: Times,
    /// The most memory that it had, in bytes.
    pub memory: u64,
    /// What the guest printed.
    pub console: String,
    /// What was counted.
    pub counters: Value,
}

/// Why there was no run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The process was not started or not waited for.
    #[error("cannot run {0}: {1}")]
    Process(String, io::Error),
    /// It was asked to stop.
    #[error("stopped")]
    Stopped,
}

/// Runs the command and waits for its end; `watch` runs beside it, on a thread of its own, and is told when it has ended.
///
/// # Errors
/// If there is no process, or `stop` is set meanwhile.
pub fn run(launch: &Launch, stop: &Stop, watch: impl FnOnce(&AtomicBool) + Send) -> Result<Ran, RunError> {
    let failed = |error| RunError::Process(launch.command.display().to_string(), error);
    let start = Instant::now();
    let mut child = Command::new(launch.command)
        .args(launch.arguments)
        .current_dir(launch.directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let (console, errors) = (child.stdout.take(), child.stderr.take());
    let has_ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let console = scope.spawn(|| read(console));
        let errors = scope.spawn(|| read(errors));
        let (ended, end) = mpsc::channel::<()>();
        let deadline = start + launch.patience + GRACE;
        let watcher = pidfd(&child).map(|process| {
            scope.spawn(move || {
                while end.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                    if stop.load(Ordering::Relaxed) || Instant::now() > deadline {
                        let _has_ended = pidfd_send_signal(&process, Signal::KILL);
                    }
                }
            })
        });
        scope.spawn(|| watch(&has_ended));
        let used = child.wait4().map_err(failed);
        has_ended.store(true, Ordering::Relaxed);
        let wall = start.elapsed();
        drop(ended);
        let _watched = watcher.map(thread::ScopedJoinHandle::join);
        let console = console.join().unwrap_or_default();
        let errors = errors.join().unwrap_or_default();
        let used = used?;
        if stop.load(Ordering::Relaxed) {
            return Err(RunError::Stopped);
        }
        let counters = errors.lines().rev().find_map(|line| serde_json::from_str(line).ok()).unwrap_or_default();
        let (user, system) = (used.rusage.utime.as_secs_f64(), used.rusage.stime.as_secs_f64());
        let (guest_cpu, guest_wall) = guest_times(&counters);
        let guest_cpu = guest_cpu.unwrap_or(user + system);
        Ok(Ran {
            outcome: outcome(used.status, launch, &console, &errors, &counters),
            status: used.status.code(),
            times: Times { wall: wall.as_secs_f64(), user, system, guest_wall, guest_cpu },
            memory: used.rusage.maxrss,
            console,
            counters,
        })
    })
}

/// The process for other threads, which cannot mistake another one for it.
fn pidfd(child: &Child) -> Option<rustix::fd::OwnedFd> {
    let pid = Pid::from_raw(i32::try_from(child.id()).ok()?)?;
    pidfd_open(pid, PidfdFlags::empty()).ok()
}

/// What a process writes, until it closes its end.
fn read(from: Option<impl Read>) -> String {
    let Some(mut from) = from else { return String::new() };
    let (mut all, mut part) = (Vec::new(), [0; 1 << 16]);
    while let Ok(count @ 1..) = from.read(&mut part) {
        let keep = count.min(OUTPUT_MAX.saturating_sub(all.len()));
        all.extend_from_slice(&part[..keep]);
    }
    String::from_utf8_lossy(&all).replace('\r', "")
}

/// Whether it has ended well: its exit status, what its console had to show, and the exit status that a guest prints.
fn outcome(status: ExitStatus, launch: &Launch, console: &str, errors: &str, counters: &Value) -> RunOutcome {
    let sentence = errors.lines().find(|line| !line.trim().is_empty() && !line.starts_with('{'));
    let sentence = sentence.map(|line| line.trim_start_matches("patchbay: ").trim_start_matches("error: ").to_owned());
    let last = || {
        let line = console.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("nothing");
        format!("the console ends with {line:?}")
    };
    let of_guest =
        console.lines().find_map(|line| line.split_once("GUEST: exit status ")?.1.trim().parse::<i64>().ok());
    let why = match (status.code(), status.signal()) {
        (Some(0), _) => match (launch.expect, of_guest) {
            (Some(text), _) if !console.contains(text) => {
                Some(format!("its console never showed {text:?}; {}", last()))
            }
            (_, Some(status)) if status != 0 => Some(format!("the guest's script ended with status {status}")),
            _ if counters.is_null() => Some("it has not told what it counted".to_owned()),
            _ => None,
        },
        (Some(3), _) => Some(format!("it reached the limit of {} s; {}", launch.patience.as_secs(), last())),
        (Some(status), _) => Some(format!("exit status {status}: {}", sentence.unwrap_or_else(last))),
        (None, signal) => Some(format!("signal {} ended it; {}", signal.unwrap_or_default(), last())),
    };
    why.map_or(RunOutcome::Well, RunOutcome::Failed)
}

/// The first sentence of what went wrong, for a run that was only tried.
#[must_use]
pub fn refusal(ran: &Ran) -> Option<String> {
    match (&ran.outcome, ran.status) {
        // The limit of instructions: it has come as far as it was to.
        (_, Some(0 | 3)) => None,
        (RunOutcome::Failed(why), _) => Some(why.trim_start_matches("exit status 2: ").to_owned()),
        (RunOutcome::Well, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, expect: Option<&str>, patience: u64) -> Result<Ran, RunError> {
        let arguments = ["-c".to_owned(), script.to_owned()];
        let patience = Duration::from_secs(patience);
        let (command, directory) = (Path::new("/bin/sh"), Path::new("/"));
        run(&Launch { command, directory, arguments: &arguments, patience, expect }, &Stop::default(), |_| ())
    }

    fn why(script: &str, expect: Option<&str>) -> String {
        match shell(script, expect, 5).unwrap().outcome {
            RunOutcome::Well => "well".into(),
            RunOutcome::Failed(why) => why,
        }
    }

    #[test]
    fn how_it_ends_is_told() {
        assert_eq!(why("echo '{\"seconds\":1}' >&2", None), "well");
        assert_eq!(why("exit 0", None), "it has not told what it counted");
        assert_eq!(why("echo 'patchbay: no such guest' >&2; exit 2", None), "exit status 2: no such guest");
        assert!(why("echo hello; exit 1", None).contains("hello"));
        assert!(why("kill -9 $$", None).contains("signal 9"));
        let counted = "echo '{\"seconds\":1}' >&2; echo";
        assert!(why(&format!("{counted} GUEST: exit status 4"), None).contains("status 4"));
        assert!(why(&format!("{counted} hello"), Some("world")).contains("world"));
        assert_eq!(why(&format!("{counted} hello world"), Some("world")), "well");
    }

    #[test]
    fn its_times_are_those_of_the_process() {
        let ran = shell("i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; sleep 0.3", None, 20).unwrap();
        let Times { wall, user, .. } = ran.times;
        assert!(wall > user + 0.25 && user > 0.01, "{:?}", ran.times);
        assert!(ran.memory > 100 << 10, "{}", ran.memory);
    }

    #[test]
    fn it_stops_when_it_is_asked_to() {
        let stop = Stop::default();
        let arguments = ["60".to_owned()];
        let (command, directory) = (Path::new("/bin/sleep"), Path::new("/"));
        let launch =
            Launch { command, directory, arguments: &arguments, patience: Duration::from_secs(60), expect: None };
        let asks = Arc::clone(&stop);
        let start = Instant::now();
        let ended = run(&launch, &stop, move |_| asks.store(true, Ordering::Relaxed));
        assert!(matches!(ended, Err(RunError::Stopped)), "{ended:?}");
        assert!(start.elapsed() < Duration::from_secs(30));
    }
}
