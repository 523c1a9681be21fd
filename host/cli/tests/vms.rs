//! `patchbay run --vm`: virtual machines side by side.

use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// A folder with these files, by name and text.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// Runs the virtual machines that these files of a folder describe.
fn run(folder: &Path, files: &[&str], options: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
    command.arg("run").args(options).env_remove("PATCHBAY_PLUGIN_PATH");
    for file in files {
        command.arg("--vm").arg(folder.join(file));
    }
    command.output().unwrap()
}

fn counts_of(output: &Output) -> Vec<serde_json::Value> {
    let text = String::from_utf8_lossy(&output.stderr);
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

#[test]
fn two_guests_run_side_by_side_each_with_its_console_and_policy() {
    let folder = folder(&[
        ("a.toml", "guest = 'timer'\nconsole = 'a.log'\npolicy = 'own.toml'\n"),
        ("b.toml", "guest = 'ipi'\nprocessors = 2\nmode = 'trap'\nmemory = '128M'\n"),
        ("own.toml", "[patch-manager]\nplugin = 'patch-hot'\nthreshold = 2\n"),
    ]);
    let output = run(folder.path(), &["a.toml", "b.toml"], &["--stats", "json"]);
    let first = std::fs::read_to_string(folder.path().join("a.log")).unwrap();
    let second = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{first}{second}{output:?}");
    assert!(first.trim_end().ends_with(" 0 failed") && first.contains("timer: "), "{first}");
    assert!(second.trim_end().ends_with(" 0 failed") && second.contains("ipi: "), "{second}");
    let [a, b] = &counts_of(&output)[..] else { panic!("{output:?}") };
    assert!(a["vm"].as_str().unwrap().ends_with("a.toml") && b["vm"].as_str().unwrap().ends_with("b.toml"));
    let vps = |vm: &serde_json::Value| vm["monitor"]["vps"].as_array().unwrap().len();
    assert_eq!((vps(a), vps(b)), (1, 2));
    assert_ne!(a["monitor"]["sites_patched"], 0);
    assert_eq!(b["monitor"]["sites_patched"], 0);
}

/// Neither counts what the other does: each counts what it does alone.
#[test]
fn two_patched_guests_count_apart() {
    let folder = folder(&[
        ("a.toml", "guest = 'timer'\nconsole = 'a.log'\n"),
        ("b.toml", "guest = 'vhpt'\nconsole = 'b.log'\npolicy = 'mnemonic'\n"),
    ]);
    let monitors = |files: &[&str]| -> Vec<serde_json::Value> {
        let output = run(folder.path(), files, &["--deterministic", "--stats", "json"]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let counts = |mut vm: serde_json::Value| {
            let mut monitor = vm["monitor"].take();
            // Ids are shared, and times differ.
            monitor.as_object_mut().unwrap().remove("ids");
            for work in ["/total", "/vps/0"] {
                let work = monitor.pointer_mut(work).unwrap();
                work.as_object_mut().unwrap().remove("conventional_time");
                for kind in work["by_kind"].as_array_mut().unwrap() {
                    kind.as_object_mut().unwrap().remove("time");
                }
            }
            monitor
        };
        counts_of(&output).into_iter().map(counts).collect()
    };
    let [first, second] = [["a.toml"], ["b.toml"]].map(|file| monitors(&file).remove(0));
    assert_ne!(first["total"], second["total"]);
    assert!(first["total"]["triggers"] != 0 && second["total"]["triggers"] != 0);
    assert_eq!(monitors(&["a.toml", "b.toml"]), [first, second]);
}

#[test]
fn the_first_status_that_is_not_0_is_the_commands() {
    let folder = folder(&[
        ("a.toml", "guest = 'hello'\nconsole = 'a.log'\nmode = 'native'\n"),
        ("b.toml", "guest = 'privops'\nconsole = 'b.log'\n"),
    ]);
    let output = run(folder.path(), &["a.toml", "b.toml"], &["--limit-instructions", "50000"]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains("a.toml:\n") && text.contains("b.toml:\npatchbay: the limit of instructions is reached"));
}

#[test]
fn bad_descriptions_are_refused_in_one_sentence() {
    let good = "guest = 'hello'\n";
    for (bad, part) in [
        ("", "missing field `guest`"),
        ("guest = 'hello'\nprocessor = 2\n", "bad.toml: line 2: unknown field `processor`"),
        ("guest = 'hello'\nmemory = 'much'\n", "bad.toml: memory: a size is a number of bytes"),
        ("guest = 'hello'\nmode = 'fast'\n", "line 2: unknown variant `fast`"),
        ("guest = 'no guest'\nconsole = 'x'\n", "no guest is neither a bundled guest"),
        ("guest = 'hello'\nconsole = 'x'\npolicy = 'none'\n", "there is no policy"),
        ("guest = 'hello'\nconsole = 'x'\nrouts = []\n", "unknown field `routs`"),
        ("guest = 'hello'\nconsole = 'x'\nclassifier = './x.so'\n", "x.so"),
        ("guest = 'hello'\nconsole = 'x'\nprocessors = 2\n", "hello uses at most 1 processors, not 2"),
        (good, "have the same console, stdio"),
    ] {
        let folder = folder(&[("good.toml", good), ("bad.toml", bad)]);
        let output = run(folder.path(), &["good.toml", "bad.toml"], &[]);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(part) && text.lines().count() == 1, "{part}: {text}");
    }
    let missing = run(Path::new("/no/such"), &["file"], &[]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&missing.stderr).starts_with("patchbay: cannot read /no/such/file"));
}

#[test]
#[ignore = "long: it boots Linux twice"]
fn two_linuxes_run_side_by_side() {
    let description = |log: &str| format!("guest = 'linux'\nappend = 'run=smoke'\nconsole = '{log}'\nprocessors = 2\n");
    let folder = folder(&[("a.toml", &description("a.log")), ("b.toml", &description("b.log"))]);
    let output = run(folder.path(), &["a.toml", "b.toml"], &["--stats", "json"]);
    for log in ["a.log", "b.log"] {
        let console = std::fs::read_to_string(folder.path().join(log)).unwrap();
        for line in ["b5cfa9d6c8febd618f91ac2843d50a1c  -", "GUEST: exit status 0", "reboot: Power down"] {
            assert!(console.contains(line), "{line}\n{console}");
        }
    }
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(counts_of(&output).iter().all(|vm| vm["monitor"]["sites_patched"] != 0));
}
