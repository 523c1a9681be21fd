//! A terminal at which a test sits.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use super::{PATIENCE, loop_in_place};

/// What comes from somewhere, gathered by a thread.
#[derive(Clone, Default)]
pub struct Heard(Arc<Mutex<Vec<u8>>>);

impl Heard {
    pub fn of(mut from: impl Read + Send + 'static) -> Heard {
        let heard = Heard::default();
        let gathered = heard.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = from.read(&mut buffer) {
                gathered.0.lock().unwrap().extend(&buffer[..length]);
            }
        });
        heard
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }

    /// Waits for some text, and forgets what has come until then.
    pub fn wait(&self, wanted: &str) -> String {
        let start = Instant::now();
        loop {
            let text = self.text();
            if text.contains(wanted) {
                self.0.lock().unwrap().clear();
                return text;
            }
            assert!(start.elapsed() < PATIENCE, "no {wanted:?} in {text:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A terminal, at which this test sits.
pub struct Sitting {
    pub keyboard: File,
    pub screen: Heard,
    pub terminal: File,
}

pub fn sit() -> Sitting {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
    let terminal = File::options().read(true).write(true).open(name).unwrap();
    tcsetwinsize(&terminal, Winsize { ws_row: 40, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    let keyboard = File::from(master);
    Sitting { screen: Heard::of(keyboard.try_clone().unwrap()), keyboard, terminal }
}

impl Sitting {
    pub fn start(&self, folder: &Path, arguments: &[&str]) -> Child {
        std::fs::write(folder.join("loop"), loop_in_place()).unwrap();
        let guest = "name = 'forever'\ndescription = ''\nkernel = 'loop'\nload_address = 0x1000000\nmemory = '64M'\n";
        std::fs::create_dir_all(folder.join("forever")).unwrap();
        std::fs::write(folder.join("forever/loop"), loop_in_place()).unwrap();
        std::fs::write(folder.join("forever/guest.toml"), guest).unwrap();
        let stdio = || Stdio::from(self.terminal.try_clone().unwrap());
        let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
        command.arg("run").args(arguments).env_remove("PATCHBAY_PLUGIN_PATH").current_dir(folder);
        command.stdin(stdio()).stdout(stdio()).stderr(stdio()).spawn().unwrap()
    }

    pub fn press(&mut self, keys: &[u8]) {
        self.keyboard.write_all(keys).unwrap();
    }

    pub fn is_raw(&self) -> bool {
        !tcgetattr(&self.terminal).unwrap().local_modes.contains(LocalModes::ICANON)
    }

    pub fn wait_until_raw(&self) {
        let start = Instant::now();
        while !self.is_raw() {
            assert!(start.elapsed() < PATIENCE, "{}", self.screen.text());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
