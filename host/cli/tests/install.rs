//! `patchbay install`: what is installed works without the tree that it was built from.

use std::path::Path;
use std::process::{Command, Output};

fn text(Output { status, stdout, stderr }: Output) -> String {
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

#[test]
fn an_installed_command_has_its_plugins_and_guests() {
    let prefix = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let install = |command: &Path| {
        let mut command = Command::new(command);
        text(command.args(["install", "--prefix"]).arg(prefix.path()).current_dir(elsewhere.path()).output().unwrap())
    };
    let said = install(Path::new(env!("CARGO_BIN_EXE_patchbay")));
    let bin = prefix.path().join("bin");
    assert!(
        said.contains(" plugin libraries in ") && said.contains(&format!("export PATH=\"{}", bin.display())),
        "{said}"
    );
    let installed = bin.join("patchbay");
    // Again, over itself while it runs.
    install(&installed);
    let run = |arguments: &[&str]| {
        let mut command = Command::new(&installed);
        command.args(arguments).current_dir(elsewhere.path()).env_remove("PATCHBAY_PLUGIN_PATH");
        text(command.output().unwrap())
    };
    let plugins = run(&["plugins", "--files"]);
    let lib = format!("[{}/", bin.join("../lib/patchbay").display());
    assert_eq!(plugins.matches(&lib).count(), 11, "{plugins}");
    assert!(run(&["guests"]).contains("linux"));
    assert!(run(&["run", "hello", "--stats", "none"]).contains("0 failed"));
    let share = prefix.path().join("share");
    for file in ["man/man1/patchbay-ctl-swap.1", "zsh/site-functions/_patchbay", "patchbay/guests/linux/vmlinux.gz"] {
        assert!(share.join(file).is_file(), "{file}");
    }
    let linked: Vec<_> = std::fs::read_dir(&bin).unwrap().collect();
    assert_eq!(linked.len(), 1);
}

#[test]
fn completions_and_manual_pages_know_the_commands() {
    let patchbay =
        |arguments: &[&str]| text(Command::new(env!("CARGO_BIN_EXE_patchbay")).args(arguments).output().unwrap());
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let completions = patchbay(&["completions", shell]);
        assert!(completions.contains("rollback") && completions.contains("limit-time"), "{shell}");
    }
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man");
    patchbay(&["man", pages.to_str().unwrap()]);
    let run = std::fs::read_to_string(pages.join("patchbay-run.1")).unwrap();
    assert!(run.contains("limit\\-time") && run.contains(".TH"), "{run}");
    assert!(!pages.join("patchbay-plugin-try.1").exists());
}
