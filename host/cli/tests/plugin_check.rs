//! `patchbay plugin check` finds nothing wrong with the bundled plugins, and what is wrong with bad ones.

use std::path::PathBuf;
use std::process::Command;

/// Where Cargo puts the libraries of this package's dependencies.
fn library(name: &str) -> String {
    let file: PathBuf = std::env::current_exe().unwrap().with_file_name(format!("lib{name}.so"));
    file.into_os_string().into_string().unwrap()
}

/// Exit code, standard output and the sentences on standard error.
fn check(reference: &str, patience: u32) -> (Option<i32>, String, Vec<String>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
    let patience = patience.to_string();
    let checked =
        command.args(["plugin", "check", "--states", "20", "--patience", &patience, reference]).output().unwrap();
    let sentences = String::from_utf8(checked.stderr).unwrap();
    let sentences = sentences.lines().filter_map(|line| line.strip_prefix("patchbay: ")).map(ToOwned::to_owned);
    (checked.status.code(), String::from_utf8(checked.stdout).unwrap(), sentences.collect())
}

fn is_good(name: &str, expected: &[&str]) {
    let (code, text, sentences) = check(&library(name), 60);
    assert_eq!((code, sentences), (Some(0), vec![]), "{text}");
    assert!(text.ends_with("nothing wrong was found\n"), "{text}");
    for part in expected {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

/// The sentences about one of the plugins that are bad on purpose.
fn wrong(name: &str, patience: u32) -> Vec<String> {
    let (code, text, sentences) = check(&format!("{}#{name}", library("unreliable_plugins")), patience);
    assert_eq!(code, Some(1), "{text}");
    assert!(!text.contains("nothing wrong"), "{text}");
    sentences
}

fn wrong_is(name: &str, patience: u32, expected: &str) {
    let sentences = wrong(name, patience);
    assert!(sentences.len() == 1 && sentences[0].contains(expected), "{sentences:?}");
}

#[test]
fn nothing_is_wrong_with_bundled_plugins() {
    is_good(
        "patchbay_routines_standard",
        &["has templates for 48 of 48 mnemonics", "mov r=psr", "conventional path on 20"],
    );
    is_good("patchbay_classify_operands", &["classifier classify-operands", " classes"]);
    is_good("patchbay_patch_hot", &["patches a site at its fault 16 with break; the guest resumes at it"]);
    is_good("patchbay_patch_adaptive", &["a patched site with no trigger executed gets its instruction back"]);
    is_good("patchbay_patch_never", &["patches nothing in 10000 faults of a site"]);
}

#[test]
fn plugins_that_do_not_start_are_wrong() {
    wrong_is("create-error", 60, "cannot be created: there is no licence");
    wrong_is("create-panic", 60, "cannot be created: panicked: what is");
    wrong_is("self-test-error", 60, "fails its self-test: 1 is not 2");
}

#[test]
fn what_a_plugin_logs_is_shown_once() {
    let (_, text, _) = check(&format!("{}#counting", library("unreliable_plugins")), 60);
    assert_eq!(text.matches("\n  log info: counting: created\n").count(), 1, "{text}");
}

#[test]
fn what_a_plugin_leaves_behind_is_wrong() {
    wrong_is("drop-panic", 60, " fails in drop: panicked: not yet (");
    wrong_is("thread", 60, ": threads that it has started run on after it is dropped: 2");
}

#[test]
fn a_crash_harms_nobody() {
    wrong_is("create-abort", 60, " aborts: classifier create-abort is created and tests itself");
}

#[test]
fn an_endless_loop_is_ended() {
    wrong_is("classify-loop", 3, " takes more than 3 s: ");
}

#[test]
fn classes_contain_their_instructions() {
    wrong_is("classify-nonsense", 60, "which does not contain it");
}

#[test]
fn decisions_do_not_panic() {
    wrong_is("decide-panic", 60, "fails in decide: panicked: no idea at 0xa000000000100000");
}

#[test]
fn routines_are_tried_one_by_one() {
    let sentences = wrong("misbehaving", 5);
    assert_eq!(sentences.len(), 3, "{sentences:?}");
    assert!(sentences[0].ends_with("the routine returns the outcome 77"), "{sentences:?}");
    assert!(sentences[1].contains("panicked: cannot go back"), "{sentences:?}");
    assert!(sentences[2].contains(" takes more than 5 s: ") && sentences[2].contains("for bsw.0"), "{sentences:?}");
}

#[test]
fn routines_stay_on_the_fast_path() {
    let sentences = wrong("slow", 60);
    assert_eq!(sentences.len(), 2, "{sentences:?}");
    assert!(
        sentences[0].ends_with("and it is on the fast path") && sentences[0].contains("writes to a file"),
        "{sentences:?}"
    );
    assert!(sentences[1].contains("memory, and it is on the fast path"), "{sentences:?}");
}

#[test]
fn what_is_no_plugin_is_refused() {
    let (code, text, sentences) = check(&library("other_major_plugin"), 60);
    assert_eq!((code, text.as_str()), (Some(2), ""));
    assert!(
        sentences.len() == 1 && sentences[0].ends_with("requires API 2.0, this host supports 1.0 to 1.1"),
        "{sentences:?}"
    );
    let (code, _, sentences) = check(&format!("{}#nothing", library("unreliable_plugins")), 60);
    assert_eq!(code, Some(2));
    assert!(sentences[0].ends_with("exports no plugin named nothing"), "{sentences:?}");
    assert_eq!(check("/no/such/file.so", 60).0, Some(2));
}

/// The library is kept as API 1.0 made it: see `tests/prebuilt/api-1.0/build.sh`.
#[test]
#[cfg(target_arch = "x86_64")]
fn plugins_of_api_1_0_work() {
    let (code, text, sentences) =
        check(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/prebuilt/api-1.0/libapi_1_0.so"), 60);
    assert_eq!((code, sentences), (Some(0), vec![]), "{text}");
    for part in [
        "built against API 1.0",
        "patches a site at its fault 3 with break; the routine runs at once",
        "has templates for 8 of 48 mnemonics",
        "exports state of version 1, 8 bytes",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}
