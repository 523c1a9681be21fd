//! `patchbay plugins` and `patchbay plugin inspect` on good and bad libraries.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Where Cargo puts the libraries of this package's dependencies.
fn library(name: &str) -> PathBuf {
    std::env::current_exe().unwrap().with_file_name(format!("lib{name}.so"))
}

fn patchbay(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_patchbay")).args(arguments).env_remove("PATCHBAY_PLUGIN_PATH").output().unwrap()
}

/// The sentence with which a library is refused.
fn refused(file: &str) -> String {
    let Output { status, stderr, .. } = patchbay(&["plugin", "inspect", file]);
    assert_eq!(status.code(), Some(2), "{file}");
    let text = String::from_utf8(stderr).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    text.strip_prefix("patchbay: ").unwrap().trim_end().to_owned()
}

fn refused_with(file: &Path, reason: &str) {
    let sentence = refused(file.to_str().unwrap());
    let about = sentence.strip_prefix("cannot read ").unwrap_or(&sentence);
    assert!(about.starts_with(file.to_str().unwrap()) && sentence.ends_with(reason), "{sentence}");
}

#[test]
fn the_bundled_plugins_are_found() {
    let listed = patchbay(&["plugins"]);
    let text = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let (text, policies) = text.split_once("\npolicies:\n").unwrap();
    let heads: Vec<_> =
        text.lines().map(|line| line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")).collect();
    let expected = [
        "classifier classify-mnemonic",
        "classifier classify-operands",
        "patch-manager patch-adaptive",
        "patch-manager patch-conditions",
        "patch-manager patch-first-fault",
        "patch-manager patch-hot",
        "patch-manager patch-list",
        "patch-manager patch-never",
        "patch-manager patch-static",
        "routines routines-standard",
        "routines routines-tracing",
    ];
    assert_eq!(heads, expected);
    assert!(text.lines().all(|line| line.contains("  API 1.1  ")));
    // Their names and settings are those of the files in host/vmm/policies.
    let names: Vec<_> = policies.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   ")).collect();
    let names: Vec<_> = names.iter().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(names, ["default", "mnemonic", "hot", "adaptive", "static", "conditions", "never"]);
    assert!(policies.contains("classify-operands; patch-hot, threshold = 16; routines-standard\n"), "{policies}");
}

#[test]
fn the_plugin_path_comes_first() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
    let listed = command.arg("plugins").env("PATCHBAY_PLUGIN_PATH", library("unreliable_plugins")).output().unwrap();
    assert!(listed.status.success());
    assert!(String::from_utf8(listed.stdout).unwrap().starts_with("classifier     create-error"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
    let listed = command.arg("plugins").env("PATCHBAY_PLUGIN_PATH", library("no_entry")).output().unwrap();
    assert_eq!(listed.status.code(), Some(2));
    assert!(String::from_utf8(listed.stdout).unwrap().contains("classify-operands"));
}

#[test]
fn a_library_says_what_it_exports() {
    let shown = patchbay(&["plugin", "inspect", library("patchbay_routines_standard").to_str().unwrap()]);
    assert!(shown.status.success());
    let text = String::from_utf8(shown.stdout).unwrap();
    assert!(text.contains("built against API 1.1"), "{text}");
    assert!(text.contains("\n  mov r=psr "), "{text}");
}

#[test]
fn files_that_are_no_plugins_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, data: &[u8]| {
        let file = folder.path().join(name);
        std::fs::write(&file, data).unwrap();
        file
    };
    let good = std::fs::read(library("patchbay_patch_never")).unwrap();
    refused_with(&file("text.so", b"a plugin, some day"), "is not an ELF file of 64 bits");
    refused_with(&file("empty.so", b""), "is not an ELF file of 64 bits");
    let truncated = refused(file("half.so", &good[..good.len() / 2]).to_str().unwrap());
    assert!(truncated.contains("half.so is truncated: its headers promise "), "{truncated}");
    let mut other = good.clone();
    other[18..20].copy_from_slice(&50u16.to_le_bytes());
    assert!(
        refused(file("ia64.so", &other).to_str().unwrap())
            .contains("ia64.so is for machine 50 and not for this host's")
    );
    let mut program = good;
    program[16] = 1;
    refused_with(&file("object.so", &program), "is an ELF file, but no shared library");
    refused_with(&library("no_entry"), "is a shared library, but exports no Patchbay plugin");
    refused_with(folder.path(), "is not a regular file");
    refused_with(Path::new("/dev/zero"), "is not a regular file");
    let pipe = folder.path().join("pipe.so");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    refused_with(&pipe, "is not a regular file");
    assert!(refused("/no/such/plugin.so").starts_with("cannot read /no/such/plugin.so: "));
}

#[test]
fn other_versions_of_the_api_are_refused() {
    refused_with(&library("other_major_plugin"), ": plugin requires API 2.0, this host supports 1.0 to 1.1");
    refused_with(&library("newer_minor_plugin"), ": plugin requires API 1.4, this host supports 1.0 to 1.1");
    let layout = ": plugin says it was built against API 1.1 or older, and has other types than that";
    refused_with(&library("other_layout_plugin"), layout);
    let verbose =
        patchbay(&["plugin", "inspect", "--verbose", library("other_layout_plugin").to_str().unwrap()]).stderr;
    assert!(String::from_utf8(verbose).unwrap().contains("something_else"));
}

#[test]
fn plugins_that_do_not_start_are_refused() {
    let file = library("unreliable_plugins");
    let file = file.to_str().unwrap();
    let sentence = |name: &str| refused(&format!("{file}#{name}"));
    let expected = format!("classifier create-error ({file}) cannot be created: there is no licence");
    assert_eq!(sentence("create-error"), expected);
    let panicked = sentence("create-panic");
    let expected = format!("classifier create-panic ({file}) cannot be created: panicked: what is \"\"? (");
    assert!(panicked.starts_with(&expected), "{panicked}");
    let expected = format!("classifier self-test-error ({file}) fails its self-test: 1 is not 2");
    assert_eq!(sentence("self-test-error"), expected);
    assert_eq!(sentence("nothing"), format!("{file} exports no plugin named nothing"));
    assert!(patchbay(&["plugin", "inspect", &format!("{file}#counting")]).status.success());
}

#[test]
fn the_log_goes_to_standard_error() {
    let file = library("unreliable_plugins");
    let said = |log: &[&str], variable: &str, name: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
        command.args(log).args(["plugin", "inspect"]).arg(format!("{}#{name}", file.display()));
        let Output { stderr, .. } = command.env("PATCHBAY_LOG", variable).output().unwrap();
        String::from_utf8(stderr).unwrap()
    };
    assert_eq!(said(&[], "", "counting"), "");
    let created = "patchbay: info: counting: created\n";
    assert_eq!(said(&["--log", "plugin=info"], "", "counting"), created);
    assert_eq!(said(&[], "info", "counting"), created);
    assert_eq!(said(&["--log", "off"], "info", "counting"), "");
    let dropped = said(&[], "", "drop-panic");
    assert!(
        dropped.contains(" fails in drop: panicked: not yet (") && dropped.contains("patchbay: warn: "),
        "{dropped}"
    );
    let refused = patchbay(&["--log", "loud", "plugins"]);
    assert_eq!(refused.status.code(), Some(2));
    let expected = "patchbay: PATCHBAY_LOG: \"loud\" is no level: off, error, warn, info, debug and trace are\n";
    assert_eq!(said(&[], "loud", "counting"), expected);
}

/// The superuser may read everything, unless it runs without that capability.
#[test]
fn a_file_without_permission_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret.so");
    std::fs::copy(library("patchbay_patch_never"), &file).unwrap();
    std::fs::set_permissions(&file, Permissions::from_mode(0o000)).unwrap();
    let all_powerful = std::fs::File::open(&file).is_ok();
    let mut command = Command::new(if all_powerful { "setpriv" } else { env!("CARGO_BIN_EXE_patchbay") });
    if all_powerful {
        let capabilities = "-dac_override,-dac_read_search";
        command.args(["--inh-caps", capabilities, "--bounding-set", capabilities, env!("CARGO_BIN_EXE_patchbay")]);
    }
    let refused = command.args(["plugin", "inspect"]).arg(&file).output().unwrap();
    let expected = format!("patchbay: cannot read {}: Permission denied (os error 13)\n", file.display());
    assert_eq!((refused.status.code(), String::from_utf8(refused.stderr).unwrap()), (Some(2), expected));
}

#[test]
fn links_to_nowhere_and_to_themselves_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("link.so");
    std::os::unix::fs::symlink("nowhere.so", &link).unwrap();
    refused_with(&link, "No such file or directory (os error 2)");
    std::fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink("link.so", &link).unwrap();
    refused_with(&link, "Too many levels of symbolic links (os error 40)");
}
