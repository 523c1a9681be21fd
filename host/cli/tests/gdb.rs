//! gdb debugs guests: gdb-multiarch itself is at the other end.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const GDB: &str = "gdb-multiarch";

fn gdb_is_missing() -> bool {
    let missing = Command::new(GDB).arg("--version").output().is_err();
    if missing {
        println!("skipped: {GDB} is not installed");
    }
    missing
}

fn guest(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guests").join(name).join(format!("{name}.elf"))
}

/// A guest that gdb can connect to.
struct Debugged {
    patchbay: Child,
    errors: BufReader<std::process::ChildStderr>,
    address: String,
}

impl Debugged {
    /// Starts a guest that waits for gdb.
    fn start(address: &str, options: &[&str]) -> Debugged {
        let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
        command.args(["run", "--stats", "none", "--limit-time", "120", "--gdb", address]).args(options);
        command.env_remove("PATCHBAY_PLUGIN_PATH").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut patchbay = command.spawn().expect("patchbay starts");
        let mut errors = BufReader::new(patchbay.stderr.take().expect("a pipe"));
        let mut line = String::new();
        errors.read_line(&mut line).expect("a line");
        let address = line.trim().rsplit(' ').next().expect("an address").to_owned();
        assert!(line.contains("waits for gdb: target remote "), "{line}");
        Debugged { patchbay, errors, address }
    }

    /// What gdb prints at these commands.
    fn gdb(&self, file: Option<&Path>, commands: &str) -> String {
        let mut script = tempfile::NamedTempFile::new().expect("a file");
        let start = format!("set pagination off\nset confirm off\ntarget remote {}", self.address);
        writeln!(script, "{start}\n{commands}").expect("written");
        let mut gdb = Command::new(GDB);
        gdb.args(["-nx", "-batch", "-x"]).arg(script.path()).args(file).stdin(Stdio::null());
        // What the target says goes to standard error.
        let (mut reader, writer) = std::io::pipe().expect("a pipe");
        gdb.stdout(writer.try_clone().expect("a pipe")).stderr(writer);
        let mut running = gdb.spawn().expect("gdb runs");
        drop(gdb);
        let mut said = String::new();
        reader.read_to_string(&mut said).expect("text");
        running.wait().expect("it ends");
        said
    }

    /// What the guest printed, what patchbay said, and its exit status.
    fn end(mut self) -> (String, String, Option<i32>) {
        let (mut console, mut said) = (String::new(), String::new());
        self.patchbay.stdout.take().expect("a pipe").read_to_string(&mut console).expect("text");
        self.errors.read_to_string(&mut said).expect("text");
        (console, said, self.patchbay.wait().expect("it ends").code())
    }
}

/// Whether these texts appear in this order.
#[track_caller]
fn assert_in_order(text: &str, expected: &[&str]) {
    let mut rest = text;
    for expected in expected {
        let Some(at) = rest.find(expected) else { panic!("{expected:?} is not in the rest of:\n{text}") };
        rest = &rest[at + expected.len()..];
    }
}

#[test]
fn a_guest_is_stepped_slot_by_slot_and_runs_to_its_end() {
    if gdb_is_missing() {
        return;
    }
    for mode in ["native", "trap", "patch"] {
        let hello = guest("hello");
        let guest = Debugged::start("127.0.0.1:0", &[hello.to_str().expect("UTF-8"), "--mode", mode]);
        let said = guest.gdb(
            Some(&hello),
            "p/x $pc
             stepi
             stepi
             p/x $pc
             stepi
             p/x $pc
             set var $r14 = 0x1234
             p/x $r14
             set var $pr = 0x31
             p $p4 + $p5
             p $p6
             break main
             hbreak put_number
             continue
             p/x $psr & (1 << 13)
             set var $save = $r32
             set var $r32 = 0x7777
             x/gx $bsp - 8 * ($cfm & 0x7f)
             p/x $r32
             set var $r32 = $save
             delete 1
             continue
             bt 2
             delete
             monitor cr.iva
             monitor registers rr
             compare-sections .text
             continue",
        );
        assert_in_order(
            &said,
            &[
                "0x1008000\n",
                "0x1008002\n",
                "0x1008010\n",
                "0x1234\n",
                "= 2\n",
                "= 0\n",
                "Breakpoint 1, ",
                "in main ()",
                "0x0000000000007777",
                "0x7777\n",
                "Breakpoint 2, ",
                "in put_number ()",
                "#1 ",
                "in print ()",
                "cr.iva = 0x1000000\n",
                "rr7       0x30\n",
                "matched.",
                "[Inferior 1 (process 1) exited normally]",
            ],
        );
        let (console, _, status) = guest.end();
        assert!(console.trim_end().ends_with("3 checks, 0 failed"), "{console:?}");
        assert_eq!(status, Some(0));
    }
}

#[test]
fn watchpoints_stop_after_the_access_and_a_guest_goes_on_without_gdb() {
    if gdb_is_missing() {
        return;
    }
    for mode in ["native", "patch"] {
        let hello = guest("hello");
        let guest = Debugged::start("127.0.0.1:0", &[hello.to_str().expect("UTF-8"), "--mode", mode]);
        let said = guest.gdb(
            Some(&hello),
            "watch *(long *)&checks
             continue
             continue
             delete
             rwatch *(long *)&checks
             continue
             detach",
        );
        assert_in_order(
            &said,
            &[
                "Hardware watchpoint 1",
                "Old value = 0\nNew value = 1\n",
                "in check ()",
                "Old value = 1\nNew value = 2\n",
                "Hardware read watchpoint 2",
                "Value = 2\n",
                "detached]",
            ],
        );
        let (console, _, status) = guest.end();
        assert!(console.trim_end().ends_with("3 checks, 0 failed"), "{console:?}");
        assert_eq!(status, Some(0));
    }
}

#[test]
fn processors_are_threads() {
    if gdb_is_missing() {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let socket = directory.path().join("gdb");
    let ipi = guest("ipi");
    let options = [ipi.to_str().expect("UTF-8"), "--processors", "3"];
    let guest = Debugged::start(socket.to_str().expect("UTF-8"), &options);
    let said = guest.gdb(
        Some(&ipi),
        "info threads
         break processor_main
         continue
         p $_thread != 1
         info threads
         thread 1
         p/x $r0
         set scheduler-locking on
         stepi
         thread
         set scheduler-locking off
         monitor @1 cr.lid
         kill",
    );
    assert_in_order(
        &said,
        &[
            "processor 0: runs",
            "processor 2: waits in the firmware",
            "Breakpoint 1",
            "in processor_main ()",
            "= 1\n",
            "processor_main ()",
            "Switching to thread 1",
            "0x0\n",
            "Current thread is 1",
            "cr.lid = 0x1000000\n",
            "killed]",
        ],
    );
    let (_, _, status) = guest.end();
    assert_eq!(status, Some(0));
    assert!(!socket.exists());
}

/// The instructions of a guest are the same under a monitor that patches them, and gdb sees its code, not what executes in
/// its place.
#[test]
fn patches_are_not_seen() {
    if gdb_is_missing() {
        return;
    }
    let faults = guest("faults");
    let trace = |mode: &str| {
        let options = [faults.to_str().expect("UTF-8"), "--mode", mode, "--deterministic"];
        let guest = Debugged::start("127.0.0.1:0", &options);
        let said = guest.gdb(
            Some(&faults),
            "break *interruption_entry
             continue
             ignore 1 20
             continue
             delete
             compare-sections .text
             set var $n = 0
             while $n < 700
             stepi
             set var $n = $n + 1
             end
             p/x $psr
             p/x $cfm
             info registers r1 r8 r12 r14 r32 b0 pr
             kill",
        );
        guest.end();
        let (before, steps) = said.split_once("matched.").unwrap_or_else(|| panic!("not matched:\n{said}"));
        assert!(before.contains("interruption_entry"), "{said}");
        steps.to_owned()
    };
    let native = trace("native");
    assert!(native.contains("in interruption ()"), "{native}");
    assert_eq!(native, trace("trap"));
    assert_eq!(native, trace("patch"));
}

#[test]
fn the_names_of_linux_come_with_it() {
    if gdb_is_missing() {
        return;
    }
    let guest = Debugged::start("127.0.0.1:0", &["linux", "--append", "run=smoke"]);
    let said = guest.gdb(
        None,
        "hbreak start_kernel
         continue
         delete
         break schedule
         continue
         bt 2
         delete
         watch *(long *)&jiffies_64
         continue
         info symbol $pc
         monitor translate 0xa000000100000000
         kill",
    );
    assert_in_order(
        &said,
        &[
            "in start_kernel ()",
            "in schedule ()",
            "#1 ",
            "in schedule_preempt_disabled ()",
            "Old value = ",
            "do_timer",
            "code: 0x4000000\n",
            "killed]",
        ],
    );
    guest.end();
}

#[test]
fn what_cannot_be_served_is_said() {
    for (address, says) in [
        ("0.0.0.0:1", "0.0.0.0:1 is not an address of this host alone"),
        ("gdb", "an address is 127.0.0.1:PORT, or the path of a Unix socket"),
        ("/does/not/exist/gdb", "cannot listen at /does/not/exist/gdb"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
        let output = command.args(["run", "hello", "--gdb", address]).output().expect("it runs");
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(says), "{said}");
    }
}
