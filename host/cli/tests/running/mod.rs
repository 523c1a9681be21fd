//! A machine that `patchbay run --control` runs, for tests.
#![allow(dead_code, unreachable_pub, reason = "each test takes what it needs")]

pub mod terminal;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub const PATIENCE: Duration = Duration::from_secs(60);

/// Where Cargo puts the libraries of this package's dependencies.
pub fn library(name: &str) -> PathBuf {
    std::env::current_exe().unwrap().with_file_name(format!("lib{name}.so"))
}

/// A machine that `patchbay run` runs.
pub struct Running {
    pub folder: TempDir,
    pub command: Child,
}

impl Running {
    pub fn start_in(folder: TempDir, arguments: &[&str]) -> Running {
        let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
        command.arg("run").args(arguments).env_remove("PATCHBAY_PLUGIN_PATH").current_dir(folder.path());
        command.args(["--control", "socket", "--stats", "none"]);
        let command = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let running = Running { folder, command };
        running.wait_until(|running| running.ctl(&["status"]).status.success());
        running
    }

    pub fn looping(arguments: &[&str]) -> Running {
        let folder = tempfile::tempdir().unwrap();
        Running::looping_in(folder, arguments)
    }

    pub fn looping_in(folder: TempDir, arguments: &[&str]) -> Running {
        std::fs::write(folder.path().join("loop"), loop_in_place()).unwrap();
        let guest = ["./loop", "--load-address", "0x1000000", "--memory", "64M", "--console", "console"];
        Running::start_in(folder, &[&guest, arguments].concat())
    }

    pub fn ctl(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
        command.arg("ctl").arg("socket").args(arguments).current_dir(self.folder.path()).output().unwrap()
    }

    pub fn done(&self, arguments: &[&str]) -> String {
        let Output { status, stdout, stderr } = self.ctl(arguments);
        assert!(status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&stderr));
        String::from_utf8(stdout).unwrap()
    }

    pub fn refused(&self, arguments: &[&str]) -> String {
        let Output { status, stderr, .. } = self.ctl(arguments);
        assert_eq!(status.code(), Some(2), "{arguments:?}");
        let text = String::from_utf8(stderr).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        text.strip_prefix("patchbay: ").unwrap().trim_end().to_owned()
    }

    pub fn wait_until(&self, condition: impl Fn(&Running) -> bool) {
        let start = Instant::now();
        while !condition(self) {
            assert!(start.elapsed() < PATIENCE, "{}", self.done(&["events"]));
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The exit status, and what it said.
    pub fn end(mut self) -> (Option<i32>, String) {
        let start = Instant::now();
        while self.command.try_wait().unwrap().is_none() {
            assert!(start.elapsed() < PATIENCE);
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(!self.folder.path().join("socket").exists());
        let mut said = String::new();
        std::io::Read::read_to_string(self.command.stderr.as_mut().unwrap(), &mut said).unwrap();
        (self.command.try_wait().unwrap().unwrap().code(), said)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _has_ended = self.command.kill();
        let _has_ended = self.command.wait();
    }
}

/// A guest that loops: `{ nop.m 0; nop.f 0; br.cond.sptk.few to itself }`.
pub fn loop_in_place() -> [u8; 16] {
    let bundle: u128 = 0x1d | 1 << (27 + 5) | 1 << (27 + 46) | 4 << (37 + 87);
    bundle.to_le_bytes()
}

/// The guest `./forever`, which is that loop.
pub fn forever_in(folder: &Path) {
    let guest = folder.join("forever");
    std::fs::create_dir(&guest).unwrap();
    std::fs::write(guest.join("loop"), loop_in_place()).unwrap();
    let text = "name = 'forever'\ndescription = ''\nkernel = 'loop'\nload_address = 0x1000000\nmemory = '64M'\n";
    std::fs::write(guest.join("guest.toml"), text).unwrap();
}
