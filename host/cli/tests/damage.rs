//! What a plugin file may do without harm to the host: crash, end its process, never return. And what the host says when
//! one ends it after all.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "what a test casts is small"
)]

mod running;

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};

use running::{Running, library};

fn unreliable(name: &str) -> String {
    format!("{}#{name}", library("unreliable_plugins").display())
}

/// Plugins that end their process, how, and what they do meanwhile.
const ENDING: [(&str, &str); 6] = [
    ("create-abort", "aborts in create"),
    ("create-exit", "ends the process with code 0 in create"),
    ("create-crash", "crashes with signal 11 in create"),
    ("create-overflow", "aborts in create"),
    ("self-test-crash", "crashes with signal 11 in self_test"),
    ("export-crash", "crashes with signal 11 in export_state"),
];

fn sentence(name: &str, how: &str) -> String {
    let file = library("unreliable_plugins");
    let tried = "this was tried in a process of its own, and nothing of it is loaded";
    format!("classifier {name} ({}) {how}; {tried}", file.display())
}

#[test]
fn a_plugin_that_ends_its_process_does_not_start() {
    for (name, how) in ENDING {
        let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
        command.args(["run", "hello", "--classifier", &unreliable(name)]).env_remove("PATCHBAY_PLUGIN_PATH");
        let Output { status, stderr, .. } = command.output().unwrap();
        let said = String::from_utf8(stderr).unwrap();
        assert_eq!((status.code(), said), (Some(2), format!("patchbay: {}\n", sentence(name, how))));
    }
}

#[test]
fn a_plugin_that_ends_its_process_is_not_swapped_in() {
    let running = Running::looping(&[]);
    for (name, how) in ENDING {
        assert_eq!(running.refused(&["swap", "classifier", &unreliable(name)]), sentence(name, how));
    }
    running.done(&["swap", "classifier", &unreliable("import-crash")]);
    let expected = sentence("import-crash", "crashes with signal 11 in import_state");
    assert_eq!(running.refused(&["swap", "classifier", &unreliable("import-crash")]), expected);
    assert_eq!(running.refused(&["set", "anything", "1", "--kind", "classifier"]), expected);
    running.done(&["swap", "classifier", &unreliable("import-crash"), "--discard-state"]);
    let hangs = sentence("self-test-sleeps", "does not return from self_test within 1s");
    assert_eq!(running.refused(&["swap", "classifier", &unreliable("self-test-sleeps"), "--limit", "1"]), hangs);
    running.done(&["stop"]);
    assert_eq!(running.end(), (Some(0), String::new()));
}

/// What its file has become is nothing that the host must stand.
#[test]
fn damaged_copies_of_a_library_do_not_kill_the_host() {
    let whole = std::fs::read(library("patchbay_routines_standard")).unwrap();
    let running = Running::looping(&[]);
    let file = running.folder.path().join("damaged.so");
    let mut random = 1_u64;
    let mut next = |below: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % below
    };
    for _ in 0..40 {
        let mut damaged = whole.clone();
        // Most of a library is for debuggers; what is loaded stands before it.
        let (from, length) = (next(400_000), next(64) + 1);
        damaged[from..from + length].fill_with(|| next(256) as u8);
        std::fs::write(&file, damaged).unwrap();
        let Output { status, stderr, .. } = running.ctl(&["swap", "routines", "./damaged.so"]);
        assert!(matches!(status.code(), Some(0 | 2)), "{}", String::from_utf8_lossy(&stderr));
        running.done(&["status"]);
    }
    running.done(&["stop"]);
    assert_eq!(running.end(), (Some(0), String::new()));
}

#[test]
fn the_process_says_which_plugin_has_ended_it() {
    let classifier = format!("of classifier ends ({})", library("unreliable_plugins").display());
    for (how, signal, expected) in [
        ("crash", Some(11), format!("counters {classifier} crashes with SIGSEGV, and the command with it")),
        ("abort", Some(6), format!("counters {classifier} crashes with SIGABRT, and the command with it")),
        ("exit", None, format!("the process is ended by counters {classifier}")),
    ] {
        let mut running = Running::looping(&[]);
        let file = running.folder.path().join("how");
        let config = file.to_str().unwrap();
        running.done(&["swap", "classifier", &unreliable("ends"), "--config", config]);
        std::fs::write(&file, how).unwrap();
        let _breaks = running.ctl(&["status"]);
        let status = running.command.wait().unwrap();
        let mut said = String::new();
        std::io::Read::read_to_string(running.command.stderr.as_mut().unwrap(), &mut said).unwrap();
        assert_eq!(status.signal(), signal, "{said}");
        assert_eq!(said.trim(), format!("patchbay: {expected}"));
    }
}

#[test]
fn a_plugin_that_never_ends_exporting_is_replaced_without_its_state() {
    let running = Running::looping(&[]);
    running.done(&["swap", "classifier", &unreliable("export-hangs")]);
    let swapped = running.done(&["swap", "classifier", "classify-mnemonic", "--limit", "2"]);
    let note = "does not return from export_state within";
    assert!(swapped.contains(note) && swapped.contains("what it has learned is lost"), "{swapped}");
    running.done(&["rollback", "classifier"]);
    let swapped = running.done(&["swap", "classifier", "classify-mnemonic", "--discard-state"]);
    assert!(!swapped.contains(note), "{swapped}");
    let events = running.done(&["events", "--last", "1000"]);
    assert_eq!(events.matches("what it has learned is lost").count(), 2, "{events}");
    running.done(&["stop"]);
    assert_eq!(running.end().0, Some(0));
}

/// Neither escape sequences nor lines that look like others, nor megabytes.
fn harmless(text: &str) {
    let executed = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(!text.contains(executed) && text.len() < 20_000, "{:?}", &text[..1000.min(text.len())]);
}

#[test]
fn nothing_of_what_a_plugin_says_is_executed_by_a_terminal() {
    let running = Running::looping(&[]);
    for (config, said) in [
        ("error", "cannot be created: \\u{1b}[2J\\u{1b}]0;owned"),
        ("panic", "cannot be created: panicked: \\u{1b}[2J"),
        ("long", "xxx… (2598"),
    ] {
        let refused = running.refused(&["swap", "classifier", &unreliable("escapes"), "--config", config]);
        assert!(refused.contains(said), "{refused}");
        harmless(&refused);
    }
    running.done(&["swap", "classifier", &unreliable("escapes")]);
    for command in [&["status"] as &[_], &["stats"], &["report", "classifier"], &["events", "--last", "1000"]] {
        let said = running.done(command);
        assert!(said.contains("\\u{1b}[2J"), "{said}");
        harmless(&said);
    }
    assert_eq!(running.done(&["report", "classifier"]).lines().count(), 3);
    running.done(&["stop"]);
    let (code, said) = running.end();
    assert_eq!(code, Some(0));
    harmless(&said);
}

#[test]
fn a_name_that_cannot_be_seen_is_refused() {
    let mut library = std::fs::read(library("patchbay_patch_never")).unwrap();
    let places: Vec<_> = (0..library.len() - 11).filter(|&at| library[at..].starts_with(b"patch-never")).collect();
    for at in places {
        library[at + 5] = 0x1b;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("name.so");
    std::fs::write(&file, library).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
    let Output { status, stderr, .. } = command.args(["plugin", "inspect"]).arg(&file).output().unwrap();
    let said = String::from_utf8(stderr).unwrap();
    assert!(said.contains("the name of a plugin has no characters but those that can be seen"), "{said}");
    assert!(said.ends_with(": \"patch\\u{1b}never\"\n"), "{said}");
    assert_eq!(status.code(), Some(2));
}
