//! How commands end: their exit statuses, and what becomes of output that nobody takes.

mod running;

use std::fs::File;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use running::Running;

fn patchbay(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
    command.args(arguments).env_remove("PATCHBAY_PLUGIN_PATH").stdin(Stdio::null());
    command
}

fn full() -> Stdio {
    File::options().write(true).open("/dev/full").unwrap().into()
}

/// The exit status, and what is on standard error.
fn ended(command: &mut Command) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = command.stderr(Stdio::piped()).output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

/// A guest that returns to its firmware with this status: `{ .mib adds r8=status,r0; nop.i 0; br.cond.sptk.few b0 }`
fn returning(folder: &Path, status: u128) -> String {
    let file = folder.join(format!("return-{status}"));
    let bundle = 0x0080_0000_0000_0200_0000_2100_0000_4010_u128 | (status & 0x7f) << 18;
    std::fs::write(&file, bundle.to_le_bytes()).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn a_guests_status_is_told_from_the_commands() {
    let folder = tempfile::tempdir().unwrap();
    for (status, expected) in [(0, 0), (1, 65), (2, 66), (3, 67), (63, 127), (64, 127), (127, 127)] {
        let image = returning(folder.path(), status);
        let run = ["run", &image, "--load-address", "0x1000000", "--memory", "64M", "--stats", "json"];
        let (code, said) = ended(&mut patchbay(&run));
        assert_eq!(code, Some(expected), "{said}");
        assert!(said.contains(&format!(r#""guest_status":{status}"#)), "{said}");
    }
    assert_eq!(ended(&mut patchbay(&["run", "/nonexistent"])).0, Some(2));
    let limited = ["run", "hello", "--limit-instructions", "10", "--stats", "none"];
    assert_eq!(ended(&mut patchbay(&limited)).0, Some(3));
}

#[test]
fn output_that_is_lost_has_a_status_of_its_own() {
    let hello = ["run", "hello", "--stats", "none"];
    let (code, said) = ended(patchbay(&hello).stdout(full()));
    let lost = "patchbay: the guest's output is lost in part: cannot write to";
    let reason = "No space left on device (os error 28)";
    assert_eq!((code, said), (Some(4), format!("{lost} standard output: {reason}\n")));
    let (code, said) = ended(&mut patchbay(&[&hello[..], &["--console", "/dev/full"]].concat()));
    assert_eq!((code, said), (Some(4), format!("{lost} /dev/full: {reason}\n")));
    // The guest's own status is not lost with it.
    let folder = tempfile::tempdir().unwrap();
    let image = returning(folder.path(), 7);
    let raw = ["run", &image, "--load-address", "0x1000000", "--memory", "64M", "--console", "/dev/full"];
    assert_eq!(ended(&mut patchbay(&raw)).0, Some(71));
}

#[test]
fn no_command_panics_where_its_output_is_not_taken() {
    let conformance = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/conformance/compare.json.gz");
    for arguments in [&["guests"] as &[_], &["plugins"], &["exec", conformance]] {
        let (code, said) = ended(patchbay(arguments).stdout(full()));
        assert_eq!(code, Some(2), "{said}");
        let expected = "patchbay: cannot write to standard output: No space left on device (os error 28)\n";
        assert_eq!(said, expected, "{arguments:?}");
    }
    // A reader that has left.
    for arguments in [&["guests"] as &[_], &["plugins"], &["exec", conformance]] {
        let mut command = patchbay(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let Output { status, stderr, .. } = child.wait_with_output().unwrap();
        assert_eq!((status.code(), String::from_utf8(stderr).unwrap()), (Some(0), String::new()), "{arguments:?}");
    }
    for stats in ["text", "json"] {
        let status = patchbay(&["run", "hello", "--stats", stats]).stdout(Stdio::null()).stderr(full()).status();
        assert_eq!(status.unwrap().code(), Some(0));
    }
    assert_eq!(patchbay(&["run", "/nonexistent"]).stderr(full()).status().unwrap().code(), Some(2));
    let running = Running::looping(&[]);
    let mut ctl = patchbay(&["ctl", "socket", "status"]);
    let (code, said) = ended(ctl.current_dir(running.folder.path()).stdout(full()));
    let expected = "patchbay: cannot write to standard output: No space left on device (os error 28)\n";
    assert_eq!((code, said.as_str()), (Some(2), expected));
    running.done(&["stop"]);
    assert_eq!(running.end().0, Some(0));
}

#[test]
fn the_limit_of_time_counts_while_loading() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let start = Instant::now();
    let run = ["run", "linux", "--initrd", pipe.to_str().unwrap(), "--limit-time", "0.5", "--stats", "none"];
    let (code, said) = ended(&mut patchbay(&run));
    assert_eq!(code, Some(3));
    assert_eq!(said, "patchbay: the limit of time is reached while the guest is loaded\n");
    assert!(start.elapsed() < Duration::from_secs(20));
}
