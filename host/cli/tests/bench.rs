//! `patchbay bench`: what a strategy costs is found, failures are reported, and a benchmark that was killed goes on.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Where Cargo puts the libraries of this package's dependencies.
fn library(name: &str) -> String {
    let file: PathBuf = std::env::current_exe().unwrap().with_file_name(format!("lib{name}.so"));
    file.into_os_string().into_string().unwrap()
}

fn bench(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
    command.arg("bench").current_dir(directory).env_remove("PATCHBAY_PLUGIN_PATH");
    command
}

/// Runs it to its end: exit status, standard output, standard error.
fn ran(command: &mut Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

fn records(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

#[test]
fn a_microsecond_an_event_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = library("slow_plugins");
    let plan = format!(
        "repetitions = 3\nbaseline = 'quick'\nprofile = false\n\n\
         [[guest]]\nguest = 'privops'\n\n\
         [[strategy]]\nname = 'quick'\npatch-manager = '{plugin},nanoseconds=0'\n\n\
         [[strategy]]\nname = 'slow'\npatch-manager = '{plugin},nanoseconds=1000'\n"
    );
    std::fs::write(folder.path().join("plan.toml"), plan).unwrap();
    let (code, text, errors) = ran(bench(folder.path()).args(["plan.toml", "--output", "results.jsonl"]));
    assert_eq!(code, Some(0), "{text}{errors}");
    let report = ["report", "results.jsonl", "--output", "report"];
    assert_eq!(ran(bench(folder.path()).args(report)).0, Some(0));
    let records = records(&folder.path().join("results.jsonl"));
    assert_eq!(records.len(), 6);
    let costs: Vec<f64> = (0..3)
        .map(|round| {
            let of = |name: &str| {
                let record =
                    records.iter().find(|run| run["round"] == round && run["strategy"]["name"] == name).unwrap();
                let faults = record["counters"]["monitor"]["total"]["faults"].as_f64().unwrap();
                (record["times"]["guest_cpu"].as_f64().unwrap(), faults)
            };
            let ((slow, events), (quick, _)) = (of("slow"), of("quick"));
            (slow - quick) * 1e9 / events
        })
        .collect();
    assert!(costs.iter().all(|cost| (950.0..1150.0).contains(cost)), "{costs:?}");
    let sheet = std::fs::read_to_string(folder.path().join("report/summary.csv")).unwrap();
    let row = |name: &str| sheet.lines().find(|line| line.split(',').nth(1) == Some(name)).unwrap().to_owned();
    let heads: Vec<&str> = sheet.lines().next().unwrap().split(',').collect();
    let at = heads.iter().position(|head| *head == "ns an event over baseline").unwrap();
    let found: f64 = row("slow").split(',').nth(at).unwrap().parse().unwrap();
    assert!((950.0..1150.0).contains(&found), "{found}");
}

#[test]
fn a_run_that_fails_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let common = ["hello", "--strategies", "native,trap", "-r", "2", "--no-profile", "--no-report"];
    let (code, text, errors) =
        ran(bench(folder.path()).args(common).args(["--expect", "never printed", "--output", "failed.jsonl"]));
    assert_eq!(code, Some(1), "{text}{errors}");
    assert!(text.contains("2 of 2 runs of trap failed") && text.contains("never printed"), "{text}");
    let (code, text, errors) = ran(bench(folder.path()).args(common).args(["--output", "well.jsonl"]));
    assert_eq!(code, Some(0), "{text}{errors}");
    assert!(!text.contains("failed"), "{text}");
}

#[test]
fn what_cannot_run_is_refused_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("plan.toml"),
        "strategies = ['native']\n[[guest]]\nguest = 'hello'\nprocessors = 99\n",
    )
    .unwrap();
    for (arguments, sentence) in [
        (&["hello", "--strategies", "bogus"][..], "there is no strategy bogus"),
        (&["nothing"], "nothing is neither a bundled guest"),
        (&["hello", "--vary", "bogus=1,2", "--strategies", "hot"], "there is no setting bogus"),
        (&["hello", "--processors", "99"], "at most"),
        (&["plan.toml"], "at most"),
        (&["missing.toml"], "cannot read missing.toml"),
        (&["plan.toml", "--append", "x"], "--append"),
        (&["report", "missing.jsonl"], "cannot read missing.jsonl"),
    ] {
        let (code, text, errors) = ran(bench(folder.path()).args(arguments));
        assert_eq!(code, Some(2), "{arguments:?}: {text}{errors}");
        assert!(errors.contains(sentence), "{arguments:?}: {errors}");
        assert!(!folder.path().join("bench-hello.jsonl").exists(), "{arguments:?}");
    }
}

#[test]
fn a_benchmark_that_was_killed_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("results.jsonl");
    let arguments =
        ["hello", "--strategies", "native,trap", "-r", "6", "--no-profile", "--no-report", "--output", "results.jsonl"];
    let mut killed = bench(folder.path()).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    while records(&file).len() < 3 {
        assert!(start.elapsed() < Duration::from_secs(120), "no results");
        std::thread::sleep(Duration::from_millis(2));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    let before = records(&file);
    assert!((3..12).contains(&before.len()), "{}", before.len());
    // As if it had been killed while it wrote.
    let mut text = std::fs::read(&file).unwrap();
    text.extend_from_slice(b"{\"format\":1,\"id\":\"");
    std::fs::write(&file, text).unwrap();
    let (code, _, errors) = ran(bench(folder.path()).args(arguments));
    assert_eq!(code, Some(2), "{errors}");
    assert!(errors.contains("--resume"), "{errors}");
    let (code, text, errors) = ran(bench(folder.path()).args(arguments).arg("--resume"));
    assert_eq!(code, Some(0), "{text}{errors}");
    let after = records(&file);
    assert_eq!(after[..before.len()], before);
    let mut runs: Vec<(u64, String)> =
        after.iter().map(|run| (run["round"].as_u64().unwrap(), run["strategy"]["name"].to_string())).collect();
    runs.sort();
    runs.dedup();
    assert_eq!((after.len(), runs.len()), (12, 12));
}

#[test]
fn parts_of_a_plan_make_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    let common = ["hello", "--strategies", "native,trap", "-r", "3", "--no-profile"];
    for (number, output) in [("1/2", "1.jsonl"), ("2/2", "2.jsonl")] {
        let (code, text, errors) = ran(bench(folder.path()).args(common).args(["--shard", number, "--output", output]));
        assert_eq!(code, Some(0), "{text}{errors}");
    }
    let merged = ["merge", "2.jsonl", "1.jsonl", "2.jsonl", "--output", "all.jsonl"];
    let (code, text, errors) = ran(bench(folder.path()).args(merged));
    assert_eq!(code, Some(0), "{errors}");
    assert!(text.contains("6 results") && text.contains("2 doubles"), "{text}");
    let (code, text, _) = ran(bench(folder.path()).args(["plan", "--list"]).args(common));
    assert_eq!((code, text.lines().count()), (Some(0), 6));
    // Each line is a command that runs one of them.
    let line = text.lines().next().unwrap();
    let status = Command::new("/bin/sh").args(["-c", line]).current_dir(folder.path()).output().unwrap().status;
    assert!(status.success(), "{line}");
    assert_eq!(records(&folder.path().join("run-0.jsonl")).len(), 1);
    let (code, text, _) = ran(bench(folder.path()).args(["compare", "all.jsonl", "all.jsonl"]));
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("Nothing became slower or faster"), "{text}");
}
