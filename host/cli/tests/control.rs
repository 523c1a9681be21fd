//! `patchbay run --control` and `patchbay ctl`, as a user has them.

mod running;

use std::path::Path;
use std::process::{Command, Output, Stdio};

use running::{Running, forever_in, library};

#[test]
fn a_machine_is_looked_at_and_changed() {
    let running = Running::looping(&["--processors", "2"]);
    let status = running.done(&["status"]);
    let says = |line: [&str; 2]| running.done(&["status"]).lines().any(|said| said.split_whitespace().eq(line));
    assert!(says(["mode", "patch"]) && status.contains("classify-operands"), "{status}");
    let stats = running.done(&["stats"]);
    assert!(stats.lines().any(|line| line.split_whitespace().take(2).eq(["vp", "faults"])), "{stats}");
    running.done(&["pause"]);
    assert!(says(["paused", "true"]));
    assert_eq!(running.done(&["--json", "status"]).matches(r#""activity":"paused""#).count(), 2);
    running.done(&["resume"]);

    running.done(&["swap", "patch-manager", "patch-hot", "--config", "threshold=3"]);
    let status = running.done(&["--json", "status"]);
    assert!(status.contains(r#""config":"threshold=3""#) && status.contains("patch-hot"), "{status}");
    running.done(&["set", "threshold", "5"]);
    assert!(running.done(&["--json", "status"]).contains("threshold = \\\"5\\\""));
    let sentence = running.refused(&["set", "threshold", "many"]);
    assert!(sentence.contains("cannot be created: setting threshold cannot be \"many\""), "{sentence}");
    running.done(&["rollback", "patch-manager"]);
    running.done(&["rollback", "patch-manager"]);
    assert!(running.done(&["status"]).contains("patch-first-fault"));
    assert_eq!(running.refused(&["rollback", "patch-manager"]), "there is no patch-manager to go back to");

    let file = library("patchbay_routines_tracing");
    let sentence = running.refused(&["swap", "routines", file.to_str().unwrap(), "--vp", "1"]);
    assert!(sentence.starts_with("virtual processors share their routines"), "{sentence}");
    let fetch = |name: &str| says(["fetch", name]);
    assert!(fetch("translated"));
    running.done(&["set", "fetch", "physical"]);
    assert!(fetch("physical"));
    assert_eq!(
        running.refused(&["set", "fetch", "slowly"]),
        "fetch cannot be \"slowly\": it is translated or physical"
    );
    running.done(&["set", "scope", "vp"]);
    assert!(says(["scope", "vp"]));
    running.done(&["swap", "routines", file.to_str().unwrap(), "--vp", "1"]);
    running.done(&["report", "routines", "--vp", "1"]);
    let sentence = running.refused(&["swap", "routines", "./nothing.so"]);
    assert!(sentence.starts_with("cannot read ") && sentence.contains("/nothing.so: "), "{sentence}");
    running.done(&["swap", "classifier", &format!("{}#counting", library("unreliable_plugins").display())]);
    let events = running.done(&["events", "--last", "100"]);
    for expected in
        ["info: counting: created", "self-test", "publish", "destroy", "routines-tracing", "scope is vp", "goes on"]
    {
        assert!(events.contains(expected), "{expected} is not in {events}");
    }
    running.done(&["stop"]);
    assert_eq!(running.end(), (Some(0), String::new()));
}

/// `mov r14=psr` and a branch to itself (MIB), for ever.
fn privileged_loop() -> [u8; 16] {
    let mov_psr: u128 = 1 << 37 | 0x25 << 27 | 14 << 6;
    (0x11 | mov_psr << 5 | 1 << (27 + 46) | 4 << (37 + 87)).to_le_bytes()
}

#[test]
fn triggers_are_exchanged_and_shown_while_the_guest_runs() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("privileged"), privileged_loop()).unwrap();
    let guest = ["./privileged", "--load-address", "0x1000000", "--memory", "64M", "--console", "console"];
    let running = Running::start_in(folder, &guest);
    let says = |arguments: &[&str], line: &[&str]| {
        running.done(arguments).lines().any(|said| said.split_whitespace().eq(line.iter().copied()))
    };
    running.wait_until(|_| says(&["patches"], &["patched", "1"]));
    let listing = |place: &str| running.done(&["patches", "--disassemble", place]);
    assert!(listing("1000000").contains("break.m 0x18"), "{}", listing("1000000"));
    for (trigger, shown) in [
        ("branch", "br.few 0x1fc0000"),
        ("jmp", "brl.few"),
        ("check", "chk.a.nc r0,"),
        ("pseudo", "data8"),
        ("break", "break.m 0x18"),
    ] {
        assert!(says(&["set", "trigger", trigger], &["sites", "1"]), "{trigger}");
        let text = listing("0x1000000");
        assert!(text.contains("mov r14=psr") && text.contains(shown), "{trigger}: {text}");
        let has_stub = ["branch", "jmp", "check"].contains(&trigger);
        assert_eq!(text.contains("vmsw.0"), has_stub, "{trigger}: {text}");
        assert_eq!(listing(""), running.done(&["patches", "--disassemble"]));
    }
    assert_eq!(
        running.refused(&["set", "trigger", "call"]),
        "trigger cannot be \"call\": it is one of break, pseudo, branch, jmp, check"
    );
    running.done(&["set", "mode", "trap"]);
    assert!(says(&["status"], &["mode", "trap"]) && says(&["patches"], &["patched", "0"]));
    let text = listing("1000000");
    assert_eq!(text.matches("mov r14=psr").count(), 2, "memory and view are the same: {text}");
    running.done(&["set", "mode", "patch"]);
    running.wait_until(|_| says(&["patches"], &["patched", "1"]));
    running.done(&["swap", "policy", "mnemonic"]);
    assert!(running.done(&["status"]).contains("classify-mnemonic"));
    let sentence = running.refused(&["swap", "policy", "nonsense"]);
    assert!(sentence.starts_with("there is no policy nonsense"), "{sentence}");
    running.done(&["rollback", "policy"]);
    assert!(running.done(&["status"]).contains("classify-operands"));
    running.done(&["stop"]);
    assert_eq!(running.end(), (Some(0), String::new()));
}

#[test]
fn several_machines_are_changed_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    forever_in(folder.path());
    write("a.toml", "guest = './forever'\nconsole = 'a.log'\n");
    write("b.toml", "guest = './forever'\nconsole = 'b.log'\npolicy = 'mnemonic'\n");
    let running = Running::start_in(folder, &["--vm", "a.toml", "--vm", "b.toml"]);
    running.wait_until(|running| running.ctl(&["--machine", "1", "status"]).status.success());
    let serves = |number: &str, plugin: &str| running.done(&["--machine", number, "status"]).contains(plugin);
    let both = running.done(&["status"]);
    assert!(both.contains("classify-operands") && both.contains("classify-mnemonic"), "{both}");
    assert!(serves("0", "classify-operands") && serves("1", "classify-mnemonic"));
    assert_eq!(
        running.refused(&["swap", "patch-manager", "patch-never"]),
        "several machines run, say the number of one: 0 (forever), 1 (forever)"
    );
    running.done(&["--machine", "1", "swap", "patch-manager", "patch-never"]);
    assert!(serves("0", "patch-first-fault") && serves("1", "patch-never"));
    assert_eq!(running.refused(&["--machine", "2", "status"]), "no machine has the number 2");
    running.done(&["--machine", "0", "stop"]);
    running.wait_until(|running| !running.ctl(&["--machine", "0", "status"]).status.success());
    assert_eq!(running.refused(&["--machine", "0", "status"]), "no machine has the number 0");
    let status = running.done(&["status"]);
    assert!(status.contains("patch-never") && !status.contains("patch-first-fault"), "{status}");
    running.done(&["stop"]);
    assert_eq!(running.end().0, Some(0));
}

/// Has the file with other bytes at its end, which an ELF file does not mind.
fn build(file: &Path, version: u8) {
    let mut library = std::fs::read(library("patchbay_patch_hot")).unwrap();
    library.push(version);
    std::fs::write(file, library).unwrap();
}

#[test]
fn a_plugin_is_swapped_when_its_file_changes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("libmine.so");
    build(&file, 0);
    let running = Running::looping_in(folder, &["--watch", ".", "--patch-manager", "./libmine.so,threshold=7"]);
    let swaps = |running: &Running| {
        let events = running.done(&["--json", "events", "--last", "1000"]);
        events.matches(r#""what":"swapped""#).count()
    };
    for version in 1..3 {
        build(&file, version);
        running.wait_until(|running| swaps(running) == usize::from(version));
    }
    // What was loaded to look what is in it is what serves.
    assert!(!running.done(&["--json", "events", "--last", "1000"]).contains(r#""text":"load""#));
    build(&file, 2);
    std::fs::write(&file, "half a plugin").unwrap();
    running.wait_until(|running| running.done(&["events"]).contains("is not an ELF file"));
    assert_eq!(swaps(&running), 2);
    assert!(running.done(&["status"]).contains("threshold=7"));
    running.done(&["stop"]);
    assert_eq!(running.end().0, Some(0));
}

#[test]
fn a_plugin_that_never_returns_keeps_neither_clients_nor_the_command() {
    let running = Running::looping(&[]);
    let plugin = |name: &str| format!("{}#{name}", library("unreliable_plugins").display());
    running.done(&["swap", "classifier", &plugin("drop-hangs")]);
    running.done(&["swap", "classifier", &plugin("counters-hang"), "--limit", "30"]);
    assert!(running.done(&["events"]).contains("has not been destroyed yet"));
    let sentence = "does not return from counters within 500ms";
    assert!(running.done(&["status", "--limit", "0.5"]).contains(sentence));
    let refused = running.refused(&["report", "classifier", "--limit", "0.5"]);
    assert!(refused.ends_with("does not return from report within 500ms"), "{refused}");
    running.done(&["stats"]);
    running.done(&["swap", "classifier", &plugin("drop-hangs")]);
    running.done(&["stop"]);
    assert_eq!(running.end().0, Some(0));
}

/// The first of two machines meets a routine that never returns: it can be stopped, and the other one goes on. Nothing
/// can end the thread, so the command goes when no other machine runs.
#[test]
fn a_routine_that_never_returns_does_not_keep_the_command() {
    let folder = tempfile::tempdir().unwrap();
    forever_in(folder.path());
    std::fs::write(folder.path().join("a.toml"), "guest = 'linux'\nconsole = 'a.log'\n").unwrap();
    std::fs::write(folder.path().join("b.toml"), "guest = './forever'\nconsole = 'b.log'\n").unwrap();
    let running = Running::start_in(folder, &["--vm", "a.toml", "--vm", "b.toml"]);
    running.wait_until(|running| running.ctl(&["--machine", "1", "status"]).status.success());
    let endless = format!("{}#endless", library("unreliable_plugins").display());
    running.done(&["--machine", "0", "swap", "routines", &endless]);
    let sentence = "processor 0 has not come to a block boundary within 5s";
    running.wait_until(|running| {
        let status = running.ctl(&["--machine", "0", "status"]);
        String::from_utf8_lossy(&status.stderr).contains(sentence)
    });
    assert_eq!(running.refused(&["--machine", "0", "swap", "routines", "routines-standard"]), sentence);
    let both = running.done(&["status"]);
    assert!(both.contains(sentence) && both.contains("forever"), "{both}");
    running.done(&["--machine", "0", "stop"]);
    running.done(&["--machine", "1", "swap", "routines", "routines-tracing"]);
    running.done(&["--machine", "1", "stop"]);
    let (code, said) = running.end();
    assert_eq!(code, Some(1));
    let sentence = "patchbay: the machine is off, and a processor is still in code of a plugin that does not return";
    assert_eq!(said.lines().last(), Some(sentence), "{said}");
}

#[test]
fn sockets_that_cannot_be_used_are_refused() {
    let running = Running::looping(&[]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
    command.args(["run", "hello", "--control", "socket"]).current_dir(running.folder.path());
    let Output { status, stderr, .. } = command.stdin(Stdio::null()).output().unwrap();
    assert_eq!(status.code(), Some(2));
    assert_eq!(String::from_utf8(stderr).unwrap(), "patchbay: socket is in use: something listens there\n");
    running.done(&["stop"]);
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
    let Output { status, stderr, .. } =
        command.args(["ctl", "socket", "status"]).current_dir(folder.path()).output().unwrap();
    assert_eq!(status.code(), Some(2));
    assert!(String::from_utf8(stderr).unwrap().starts_with("patchbay: cannot connect to socket: "));
}
