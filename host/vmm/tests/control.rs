//! The control socket: many clients, and clients that misbehave, around a machine that loops for ever.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use patchbay_cpu::engine::EngineChoice;
use patchbay_isa::{Bundle, Template};
use patchbay_machine::loader::Source;
use patchbay_machine::loader::symbols::Symbols;
use patchbay_machine::machine::{Configuration, Machine, Run, Timing};
use patchbay_machine::outcome::Outcome;
use patchbay_machine::supervisor::Native;
use patchbay_vmm::control::protocol::LINE_MAX;
use patchbay_vmm::control::server::{ListenError, Server};
use patchbay_vmm::control::{Control, Target};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A machine that loops, and a server for it.
struct Looping {
    folder: TempDir,
    control: Arc<Control>,
    server: Option<Server>,
    thread: Option<JoinHandle<Run>>,
}

const NOP: u64 = 1 << 27;
/// `br.cond.sptk.few` to its own bundle.
const BRANCH: u64 = 4 << 37;

impl Looping {
    fn start() -> Looping {
        let folder = tempfile::tempdir().unwrap();
        let control = Arc::new(Control::default());
        let server = Server::listen(&folder.path().join("socket"), Arc::clone(&control)).unwrap();
        let thread = run(folder.path(), &control, 0);
        Looping { folder, control, server: Some(server), thread: Some(thread) }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    fn connect(&self) -> Client {
        Client::connect(&self.socket())
    }
}

impl Drop for Looping {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.control.target(Some(0)).unwrap().machine.end(Outcome::Quit);
            thread.join().unwrap();
        }
    }
}

/// Runs a machine that loops under this number.
fn run(folder: &Path, control: &Control, number: u32) -> JoinHandle<Run> {
    let image = folder.join("loop");
    std::fs::write(&image, Bundle::new(Template::new(0x1d), [NOP, NOP, BRANCH]).to_bytes()).unwrap();
    let configuration = Configuration {
        memory: 64 << 20,
        processors: 2,
        engine: EngineChoice::default(),
        timing: Timing::Host,
        instruction_limit: None,
        time_limit: Some(Duration::from_secs(100)),
        symbols: Symbols::default(),
    };
    let source = Source { image, load_address: Some(0x100_0000), initrd: Vec::new(), command_line: String::new() };
    let machine = Machine::new(&configuration, &source).unwrap();
    control.attach(Target {
        number,
        guest: "loop".to_owned(),
        mode: "native".to_owned(),
        machine: machine.handle(),
        vm: None,
        symbols: Arc::default(),
        started: Instant::now(),
    });
    std::thread::spawn(move || machine.run(|_| Box::new(Native)).unwrap())
}

struct Client {
    stream: UnixStream,
    lines: BufReader<UnixStream>,
}

impl Client {
    fn connect(socket: &Path) -> Client {
        let stream = UnixStream::connect(socket).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut client = Client { lines: BufReader::new(stream.try_clone().unwrap()), stream };
        assert_eq!(client.receive(), json!({ "protocol": "patchbay", "version": 1 }));
        client
    }

    fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    fn receive(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    fn ask(&mut self, request: &Value) -> Value {
        self.send(format!("{request}\n").as_bytes());
        self.receive()
    }

    fn ok(&mut self, request: &Value) -> Value {
        let answer = self.ask(request);
        assert!(answer.get("ok").is_some(), "{request}: {answer}");
        answer["ok"].clone()
    }

    fn error(&mut self, line: &[u8]) -> String {
        self.send(line);
        self.receive()["error"].as_str().unwrap().to_owned()
    }
}

fn instructions(client: &mut Client) -> u64 {
    client.ok(&json!({ "command": "stats" }))["machine"]["instructions"].as_u64().unwrap()
}

#[test]
fn a_paused_machine_stands_still_with_its_time() {
    let looping = Looping::start();
    let mut client = looping.connect();
    let status = client.ok(&json!({ "command": "status" }));
    assert_eq!(status["processors"][0]["activity"], "runs");
    assert_eq!(status["processors"][0]["ip"], "0x1000000");
    assert_eq!(status["processors"][1]["activity"], "waits");
    let before = instructions(&mut client);
    while instructions(&mut client) == before {}
    assert_eq!(client.ok(&json!({ "command": "pause" })), json!({ "paused": true }));
    let ticks = || patchbay_cpu::bus::Clock::ticks(looping.control.target(None).unwrap().machine.clock());
    let (stands, time) = (instructions(&mut client), ticks());
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!((instructions(&mut client), ticks()), (stands, time));
    assert_eq!(client.ok(&json!({ "command": "status" }))["paused"], true);
    client.ok(&json!({ "command": "resume" }));
    while instructions(&mut client) == stands {}
    assert!(ticks() > time);
}

#[test]
fn what_is_not_known_is_refused_and_the_connection_stays() {
    let looping = Looping::start();
    let mut client = looping.connect();
    assert!(
        client.error(b"{\"command\":\"dance\"}\n").starts_with("there is no command \"dance\"; there are status, ")
    );
    assert!(
        client.error(b"{\"command\":\"status\",\"loud\":1}\n").starts_with("wrong arguments: unknown field `loud`")
    );
    assert_eq!(client.error(b"{\"command\":\"status\",\"version\":7}\n"), "the version of the protocol is 1, not 7");
    assert_eq!(client.error(b"{\"command\":\"status\",\"vm\":1}\n"), "no machine has the number 1");
    assert!(client.error(b"\0\xff\xfe garbage\r\n").starts_with("the line is not JSON: "));
    assert!(
        client
            .error("[".repeat(10_000).as_bytes().iter().chain(b"\n").copied().collect::<Vec<_>>().as_slice())
            .starts_with("the line is not JSON: ")
    );
    let huge = [vec![b'x'; 40 * LINE_MAX], b"\n".to_vec()].concat();
    assert_eq!(client.error(&huge), format!("a line has at most {LINE_MAX} bytes"));
    client.send(b"{\"command\":\"sta");
    client.send(b"tus\",\"id\":{\"a\":[1]}}\n\n\n{\"command\":\"resume\"}\n");
    assert_eq!(client.receive()["id"], json!({ "a": [1] }));
    assert_eq!(client.receive()["ok"], json!({ "paused": false }));
}

#[test]
fn limits_that_no_clock_can_reach_are_refused() {
    let looping = Looping::start();
    let mut client = looping.connect();
    for limit in ["1.5e19", "1e300", "3601", "-1"] {
        let swap = format!(r#"{{"command":"swap","kind":"routines","plugin":"routines-standard","limit":{limit}}}"#);
        let sentence = "wrong arguments: limit is a number of seconds from 0 to 3600";
        assert_eq!(client.error(format!("{swap}\n").as_bytes()), sentence, "{limit}");
    }
    client.ok(&json!({ "command": "status" }));
}

#[test]
fn half_lines_are_not_executed() {
    let looping = Looping::start();
    let mut client = looping.connect();
    client.send(b"{\"command\":\"stop\"}");
    drop(client);
    let mut other = looping.connect();
    assert_eq!(other.ok(&json!({ "command": "status" }))["guest"], "loop");
    assert!(!looping.control.target(None).unwrap().machine.has_ended());
}

#[test]
fn a_hundred_clients_in_any_order() {
    let looping = Looping::start();
    let mut clients: Vec<Client> = (0..100).map(|_| looping.connect()).collect();
    for (index, client) in clients.iter_mut().enumerate().rev() {
        client.send(format!("{{\"command\":\"stats\",\"id\":{index}}}\n").as_bytes());
    }
    for (index, client) in clients.iter_mut().enumerate() {
        let answer = client.receive();
        assert_eq!(answer["id"], index);
        assert!(answer["ok"]["machine"]["instructions"].is_u64());
    }
}

#[test]
fn who_does_not_read_hurts_nobody_else() {
    let looping = Looping::start();
    let mut follower = looping.connect();
    follower.ok(&json!({ "command": "events", "follow": true }));
    let mut deaf = looping.connect();
    deaf.ok(&json!({ "command": "events", "follow": true }));
    let mut rude = looping.connect();
    rude.stream.set_nonblocking(true).unwrap();
    while rude.stream.write(b"{\"command\":\"stats\"}\n").is_ok() {}
    let mut client = looping.connect();
    let text = "x".repeat(10_000);
    for number in 0..1000 {
        looping.control.events.add(None, "tick", format!("{number} {text}"));
        if number % 100 == 0 {
            client.ok(&json!({ "command": "status" }));
        }
        let event = follower.receive();
        assert!(event["event"]["text"].as_str().unwrap().starts_with(&format!("{number} ")), "{event}");
    }
}

#[test]
fn stop_ends_the_machine() {
    let mut looping = Looping::start();
    let mut client = looping.connect();
    client.ok(&json!({ "command": "pause" }));
    client.ok(&json!({ "command": "stop" }));
    let run = looping.thread.take().unwrap().join().unwrap();
    assert!(matches!(run.outcome, Outcome::Quit));
    looping.control.detach(0, &run.outcome);
    assert_eq!(client.error(b"{\"command\":\"stats\"}\n"), "no machine runs");
    let events = client.ok(&json!({ "command": "events" }));
    let what: Vec<_> = events.as_array().unwrap().iter().map(|event| event["what"].as_str().unwrap()).collect();
    assert_eq!(what, ["started", "paused", "stopped", "ended"]);
}

#[test]
fn several_machines_are_told_apart_by_their_numbers() {
    let mut looping = Looping::start();
    let second = run(looping.folder.path(), &looping.control, 1);
    let mut client = looping.connect();
    let several = "several machines run, say the number of one: 0 (loop), 1 (loop)";
    for command in ["stats", "pause", "stop", "patches", "swap"] {
        let request = json!({ "command": command, "kind": "routines", "plugin": "routines-standard" });
        let answer = client.ask(&if command == "swap" { request } else { json!({ "command": command }) });
        assert_eq!(answer, json!({ "error": several }), "{command}");
    }
    assert_eq!(client.ok(&json!({ "command": "pause", "vm": 1 })), json!({ "paused": true }));
    let status = client.ok(&json!({ "command": "status" }));
    let paused: Vec<_> = status.as_array().unwrap().iter().map(|vm| (&vm["vm"], &vm["paused"])).collect();
    assert_eq!(paused, [(&json!(0), &json!(false)), (&json!(1), &json!(true))]);
    assert_eq!(client.ok(&json!({ "command": "status", "vm": 1 }))["processors"], status[1]["processors"]);
    assert_eq!(client.error(b"{\"command\":\"status\",\"vm\":2}\n"), "no machine has the number 2");

    client.ok(&json!({ "command": "stop", "vm": 0 }));
    let first = looping.thread.take().unwrap().join().unwrap();
    looping.control.detach(0, &first.outcome);
    assert_eq!(client.ok(&json!({ "command": "status" }))["vm"], 1);
    assert_eq!(client.error(b"{\"command\":\"status\",\"vm\":0}\n"), "no machine has the number 0");
    client.ok(&json!({ "command": "resume" }));
    client.ok(&json!({ "command": "stop" }));
    second.join().unwrap();
    let events = client.ok(&json!({ "command": "events" }));
    let events = events.as_array().unwrap().iter();
    let of: Vec<_> = events.map(|event| (event["vm"].as_u64().unwrap(), event["what"].as_str().unwrap())).collect();
    let expected = [(0, "started"), (1, "started"), (1, "paused"), (0, "stopped"), (0, "ended")];
    assert_eq!(of, [&expected[..], &[(1, "resumed"), (1, "stopped")]].concat());
}

#[test]
fn the_socket_is_its_owners_and_goes_with_the_server() {
    let mut looping = Looping::start();
    let socket = looping.socket();
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o7777, 0o600);
    let again = Server::listen(&socket, Arc::default()).unwrap_err();
    assert!(matches!(again, ListenError::InUse(_)), "{again}");
    let mut client = looping.connect();
    looping.server = None;
    assert!(!socket.exists());
    assert_eq!(client.lines.read_line(&mut String::new()).unwrap_or(0), 0);

    drop(UnixListener::bind(&socket).unwrap());
    assert!(socket.exists());
    drop(Server::listen(&socket, Arc::default()).unwrap());
    std::fs::write(&socket, "mine").unwrap();
    let file = Server::listen(&socket, Arc::default()).unwrap_err();
    assert!(matches!(file, ListenError::Exists(_)), "{file}");
    assert_eq!(std::fs::read(&socket).unwrap(), b"mine");
    assert!(Server::listen(&looping.folder.path().join("no/such"), Arc::default()).is_err());
}

#[test]
fn threads_and_descriptors_of_clients_that_have_left_are_returned() {
    let count = |what: &str| std::fs::read_dir(format!("/proc/self/{what}")).unwrap().count();
    let looping = Looping::start();
    let mut first = looping.connect();
    let session = || {
        let mut client = looping.connect();
        client.ok(&json!({ "command": "events", "follow": true }));
        let again = client.error(b"{\"command\":\"events\",\"follow\":true}\n");
        assert_eq!(again, "events are sent on this connection already");
        client.ok(&json!({ "command": "stats" }));
    };
    session();
    std::thread::sleep(Duration::from_millis(1500));
    let before = (count("task"), count("fd"));
    (0..50).for_each(|_| session());
    // Other tests of this process come and go, too.
    let returned = |slack: usize| count("task") <= before.0 + slack && count("fd") <= before.1 + slack;
    let deadline = Instant::now() + Duration::from_secs(20);
    while !returned(10) {
        assert!(Instant::now() < deadline, "{:?} became {:?}", before, (count("task"), count("fd")));
        std::thread::sleep(Duration::from_millis(100));
    }
    first.ok(&json!({ "command": "status" }));
}
