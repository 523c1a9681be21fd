//! Consoles: at a terminal with the keys after Ctrl-A, a pseudo-terminal, a socket, through the control socket, a pipe.

mod running;

use std::fs::File;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use running::terminal::{Heard, sit};
use running::{Running, library, loop_in_place};

#[test]
fn ctrl_a_leads_to_all_that_a_terminal_can_do() {
    let folder = tempfile::tempdir().unwrap();
    let mut sitting = sit();
    std::fs::write(folder.path().join("a.toml"), "guest = './forever'\n").unwrap();
    std::fs::write(folder.path().join("b.toml"), "guest = 'hello'\nconsole = 'b.log'\n").unwrap();
    std::fs::write(folder.path().join("c.toml"), "guest = './forever'\nconsole = 'pty'\n").unwrap();
    let machines = ["--vm", "a.toml", "--vm", "b.toml", "--vm", "c.toml", "--stats", "none"];
    let mut command = sitting.start(folder.path(), &machines);
    sitting.wait_until_raw();
    sitting.screen.wait("patchbay: the console of forever is /dev/pts/");
    sitting.press(b"\x01h");
    let help = sitting.screen.wait("this help\r\n");
    assert!(help.contains("patchbay: Ctrl-A n       the console of the next machine\r\n"), "{help:?}");
    sitting.press(b"\x01s");
    let brief = sitting.screen.wait("executions by trigger");
    assert!(brief.contains("patchbay: forever: ") && brief.contains(" MIPS"), "{brief:?}");
    sitting.press(b"\x01p");
    sitting.screen.wait("the machine stands still");
    sitting.press(b"\x01s");
    sitting.screen.wait("forever, paused: ");
    sitting.press(b"\x01p");
    sitting.screen.wait("the machine goes on");
    sitting.press(b"\x01b");
    sitting.screen.wait("a break is sent");
    sitting.press(b"\x01n");
    sitting.screen.wait("machine 2, forever:");
    sitting.press(b"\x01x\x01n");
    sitting.screen.wait("machine 0, forever:");
    sitting.press(b"\x01x");
    assert_eq!(command.wait().unwrap().code(), Some(0));
    assert!(!sitting.is_raw());
}

#[test]
fn a_crash_gives_the_terminal_back() {
    let folder = tempfile::tempdir().unwrap();
    let sitting = sit();
    let config = folder.path().join("how");
    let classifier = format!("{}#ends,{}", library("unreliable_plugins").display(), config.display());
    let run = ["./forever", "--control", "socket", "--classifier", &classifier, "--stats", "none"];
    let mut command = sitting.start(folder.path(), &run);
    sitting.wait_until_raw();
    std::fs::write(&config, "crash").unwrap();
    let mut ctl = Command::new(env!("CARGO_BIN_EXE_patchbay"));
    let _breaks = ctl.args(["ctl", "socket", "status"]).current_dir(folder.path()).output().unwrap();
    assert_eq!(command.wait().unwrap().code(), None);
    sitting.screen.wait("crashes with SIGSEGV, and the command with it");
    assert!(!sitting.is_raw());
}

#[test]
fn linux_has_its_shell_wherever_its_console_is() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.toml"), "guest = 'linux'\nconsole = 'pty'\n").unwrap();
    std::fs::write(folder.path().join("b.toml"), "guest = 'linux'\nconsole = 'unix:b.console'\n").unwrap();
    let mut running = Running::start_in(folder, &["--vm", "a.toml", "--vm", "b.toml"]);
    let said = Heard::of(running.command.stderr.take().unwrap());
    let told = said.wait("the console of linux is /dev/pts/");
    let name = told.split_once("the console of linux is ").unwrap().1.trim();
    let mut pty = File::options().read(true).write(true).open(name).unwrap();
    let of_pty = Heard::of(pty.try_clone().unwrap());
    let mut socket = UnixStream::connect(running.folder.path().join("b.console")).unwrap();
    let of_socket = Heard::of(socket.try_clone().unwrap());
    of_pty.wait("# ");
    pty.write_all(b"echo $((40+2))\r").unwrap();
    of_pty.wait("\n42\r\n");
    of_socket.wait("# ");
    socket.write_all(b"echo $((40+3))\r").unwrap();
    of_socket.wait("\n43\r\n");
    // Who comes later sees what was last; several may look at once.
    let mut ctl = Command::new(env!("CARGO_BIN_EXE_patchbay"));
    ctl.args(["ctl", "socket", "console", "--machine", "0"]).current_dir(running.folder.path());
    let mut ctl = ctl.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let of_ctl = Heard::of(ctl.stdout.take().unwrap());
    of_ctl.wait("\n42\r\n");
    ctl.stdin.take().unwrap().write_all(b"echo $((40+4)); poweroff -f\r").unwrap();
    of_ctl.wait("\n44\r\n");
    of_pty.wait("\n44\r\n");
    assert_eq!(ctl.wait().unwrap().code(), Some(0));
    socket.write_all(b"poweroff -f\r").unwrap();
    let folder = running.folder.path().to_owned();
    assert_eq!(running.command.wait().unwrap().code(), Some(0));
    assert!(!folder.join("b.console").exists());
}

#[test]
fn the_end_of_piped_input_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("loop"), loop_in_place()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
    command.args(["run", "./loop", "--load-address", "0x1000000", "--memory", "64M", "--limit-time", "1"]);
    command.args(["--stats", "none"]).current_dir(folder.path()).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut command = command.spawn().unwrap();
    command.stdin.take().unwrap().write_all(b"ls\n").unwrap();
    let output = command.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8(output.stderr).unwrap();
    let sentence = "patchbay: standard input has ended: nothing more is typed at the guest's console\n";
    assert_eq!(said.matches(sentence).count(), 1, "{said}");
}

#[test]
fn help_is_as_wide_as_the_terminal() {
    let sitting = sit();
    let size = rustix::termios::Winsize { ws_row: 24, ws_col: 60, ws_xpixel: 0, ws_ypixel: 0 };
    rustix::termios::tcsetwinsize(&sitting.terminal, size).unwrap();
    let stdio = || Stdio::from(sitting.terminal.try_clone().unwrap());
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
    command
        .args(["plugin", "new", "--help"])
        .env_remove("COLUMNS")
        .env("NO_COLOR", "1")
        .stdin(stdio())
        .stdout(stdio())
        .stderr(stdio());
    assert!(command.status().unwrap().success());
    let help = sitting.screen.wait("Print help");
    let widest = help.lines().map(|line| line.trim_end().chars().count()).max().unwrap();
    assert!((40..=60).contains(&widest), "{help}");
}
