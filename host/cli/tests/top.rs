//! `patchbay top`, `ctl stats --watch`, and the counts at the end of a run.

mod running;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use running::Running;
use running::terminal::sit;

#[test]
fn top_shows_a_machine_and_changes_it() {
    let running = Running::looping(&["--processors", "2"]);
    let mut sitting = sit();
    let terminal = sitting.terminal.try_clone().unwrap();
    let stdio = || Stdio::from(terminal.try_clone().unwrap());
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
    command.args(["top", "socket", "--interval", "0.2"]).env("TERM", "xterm").current_dir(running.folder.path());
    let mut top = command.stdin(stdio()).stdout(stdio()).stderr(stdio()).spawn().unwrap();
    let screen = sitting.screen.wait("MIPS");
    assert!(screen.contains("patchbay top: machine 0 loop (patch)"), "{screen:?}");
    sitting.press(b"p");
    running.wait_until(|running| running.done(&["status", "--json"]).contains(r#""paused":true"#));
    sitting.press(b"p");
    running.wait_until(|running| running.done(&["status", "--json"]).contains(r#""paused":false"#));
    sitting.press(b"spatch-manager patch-next\x7f\x7f\x7fever\r");
    running.wait_until(|running| running.done(&["status"]).contains("patch-never"));
    sitting.press(b"rpatch-manager\r");
    running.wait_until(|running| running.done(&["status"]).contains("patch-first-fault"));
    sitting.press(b"squatsch nothing\r");
    sitting.screen.wait("be exchanged");
    assert!(sitting.is_raw());
    sitting.press(b"q");
    assert_eq!(top.wait().unwrap().code(), Some(0));
    assert!(!sitting.is_raw());
    // When the machine ends, so does what looks at it.
    let mut top = command.stdin(stdio()).stdout(stdio()).stderr(stdio()).spawn().unwrap();
    sitting.screen.wait("patchbay top: machine 0 loop (patch)");
    running.done(&["stop"]);
    assert_eq!(running.end().0, Some(0));
    assert_eq!(top.wait().unwrap().code(), Some(2));
    assert!(!sitting.is_raw());
}

#[test]
fn top_wants_a_terminal() {
    let running = Running::looping(&[]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
    let output = command.args(["top", "socket"]).current_dir(running.folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("patchbay ctl socket stats --watch prints lines"), "{said}");
    running.done(&["stop"]);
    assert_eq!(running.end().0, Some(0));
}

#[test]
fn watched_statistics_are_a_line_an_interval() {
    let running = Running::looping(&[]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
    command.args(["ctl", "socket", "stats", "--watch", "0.1"]).current_dir(running.folder.path());
    let mut watch = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines: Vec<String> = BufReader::new(watch.stdout.take().unwrap()).lines().take(4).map(Result::unwrap).collect();
    assert!(lines[0].contains("MIPS") && lines[0].contains("by trigger/s"), "{lines:?}");
    for line in &lines[1..] {
        let numbers: Vec<f64> = line.split_whitespace().map(|number| number.parse().unwrap()).collect();
        assert!(numbers.len() == 8 && numbers[1] > 0.0, "{line}");
    }
    assert_eq!(watch.wait().unwrap().code(), Some(0));
    running.done(&["stop"]);
    assert_eq!(running.end().0, Some(0));
}

#[test]
fn the_counts_at_the_end_fit_a_screen() {
    let said = |stats: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
        let output = command.args(["run", "privops"]).args(stats).env_remove("PATCHBAY_PLUGIN_PATH").output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let text = said(&[]);
    assert!(text.lines().count() < 24, "{text}");
    for expected in
        ["s of processor time", " million a second", " executions by trigger (", " ns, p99 ", "--stats full"]
    {
        assert!(text.contains(expected), "{expected:?} is not in\n{text}");
    }
    assert!(said(&["--stats", "full"]).lines().count() > 40);
    assert!(said(&["--stats", "json"]).contains(r#""cpu_seconds":"#));
}
