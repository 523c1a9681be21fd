//! `patchbay plugin new` writes crates that build and pass their tests at once.

use std::path::Path;
use std::process::{Command, Output};

fn new(folder: &Path, name: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
    command.current_dir(folder).args(["plugin", "new", name]).args(arguments).output().unwrap()
}

/// Builds and tests a new crate with what Cargo has at hand, and has the library checked.
fn builds(folder: &Path, name: &str, kind: &str, around: &[&str]) {
    let made = new(folder, name, &[&["--kind", kind], around].concat());
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let next = String::from_utf8(made.stdout).unwrap();
    for command in ["plugin check", &format!("run linux --{kind}"), &format!("ctl SOCKET swap {kind}")] {
        assert!(next.contains(&format!("patchbay {command} ../target/release/lib{name}.so\n")), "{next}");
    }
    let directory = folder.join(name);
    std::fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock"), directory.join("Cargo.lock")).unwrap();
    for command in ["test", "build"] {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(&directory).args([command, "--offline", "--quiet"]).env("RUSTFLAGS", "-D warnings");
        let Output { status, stdout, stderr } = cargo.env_remove("CARGO_TARGET_DIR").output().unwrap();
        assert!(status.success(), "{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
    let library = folder.join(format!("target/debug/lib{name}.so"));
    let checked = command.args(["plugin", "check", "--states", "50"]).arg(library).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    assert!(String::from_utf8_lossy(&checked.stdout).contains(&format!("{kind} {name} 0.1.0: ")));
}

/// The second finds what it needs of others where the first has built it.
#[test]
fn sets_of_routines_build() {
    let folder = tempfile::tempdir().unwrap();
    builds(folder.path(), "first", "routines", &[]);
    let dependencies = || -> Vec<_> {
        let entries = std::fs::read_dir(folder.path().join("target/debug/deps")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("libabi_stable-")).collect()
    };
    let before = dependencies();
    builds(folder.path(), "second", "routines", &["--around", "standard"]);
    assert_eq!(dependencies(), before);
}

#[test]
#[ignore = "compiles for half a minute; that of routines does not skip"]
fn a_classifier_builds() {
    builds(tempfile::tempdir().unwrap().path(), "first", "classifier", &[]);
}

#[test]
#[ignore = "compiles for half a minute; that of routines does not skip"]
fn a_patch_manager_builds() {
    builds(tempfile::tempdir().unwrap().path(), "first", "patch-manager", &[]);
}

fn refused(folder: &Path, name: &str, arguments: &[&str], expected: &str) {
    let Output { status, stderr, .. } = new(folder, name, arguments);
    assert_eq!(status.code(), Some(2), "{name}");
    let text = String::from_utf8(stderr).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains(expected), "{text}");
}

#[test]
fn bad_names_and_directories_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let kind = ["--kind", "routines"];
    for name in ["Mine", "1st", "a b", "../mine", "mine-", "é"] {
        refused(folder.path(), name, &kind, "a plugin cannot be named");
    }
    refused(
        folder.path(),
        "mine",
        &["--kind", "classifier", "--around", "standard"],
        "--around is for --kind routines",
    );
    refused(folder.path(), "type", &kind, "Rust or a crate that it uses has that name");
    refused(
        folder.path(),
        "mine",
        &["--kind", "routines", "--path", "."],
        "is not the directory of patchbay-plugin-api",
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    std::fs::write(folder.path().join("mine"), "precious").unwrap();
    refused(folder.path(), "mine", &kind, "mine exists");
    assert_eq!(std::fs::read_to_string(folder.path().join("mine")).unwrap(), "precious");
}

#[test]
fn a_reader_that_goes_early_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
    command.current_dir(folder.path()).args(["plugin", "new", "mine", "--kind", "classifier"]).stdout(writer);
    let Output { status, stderr, .. } = command.output().unwrap();
    assert_eq!((status.code(), String::from_utf8(stderr).unwrap()), (Some(0), String::new()));
}

#[test]
fn plugin_api_may_come_from_a_repository() {
    let folder = tempfile::tempdir().unwrap();
    let made =
        new(folder.path(), "mine", &["--kind", "classifier", "--git", "https://example.org/a\"b.git", "--to", "x"]);
    assert!(made.status.success());
    let manifest = std::fs::read_to_string(folder.path().join("x/Cargo.toml")).unwrap();
    assert!(manifest.contains(r#"patchbay-plugin-api = { git = "https://example.org/a\"b.git" }"#), "{manifest}");
}
