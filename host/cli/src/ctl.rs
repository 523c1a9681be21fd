//! `patchbay ctl`: looks at a virtual machine that runs, and changes it.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use patchbay::output::OutputError;
use patchbay_vmm::control::protocol;
use patchbay_vmm::plugins::{Kind, split_reference};
use patchbay_vmm::swap::Part;
use serde_json::{Map, Value, json};

use crate::attach::console;
use crate::rates::Rates;
use crate::render;

/// What is watched has a line that says what it is, before so many others.
const LINES: u32 = 20;

/// Looks at a virtual machine that runs, and changes it
#[derive(Args)]
#[command(
    after_help = "The machine is one that `patchbay run --control SOCKET` runs. SOCKET speaks lines of JSON; the \
documentation of patchbay_vmm::control describes them.\n\n\
Examples:\n  \
patchbay ctl /tmp/vm status\n  \
patchbay ctl /tmp/vm stats --watch\n  \
patchbay ctl /tmp/vm swap routines target/release/libmine.so\n  \
patchbay ctl /tmp/vm rollback routines\n  \
patchbay ctl /tmp/vm set threshold 16\n  \
patchbay ctl /tmp/vm set fetch physical\n  \
patchbay ctl /tmp/vm events --follow"
)]
pub(crate) struct Ctl {
    /// The socket of the machine
    socket: PathBuf,
    /// The number of the machine, if several run: 0 is that of the first --vm
    #[arg(long = "machine", global = true, value_name = "N")]
    vm: Option<u32>,
    /// Print the answers as they come, as JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// What runs, and what each processor does
    Status {
        /// How long each processor, and each plugin, may take to say so, in seconds [default: 5]
        #[arg(long, value_name = "SECONDS", value_parser = seconds)]
        limit: Option<f64>,
    },
    /// What was counted until now
    Stats {
        /// Print a line with rates, again and again, every so many seconds; with --json, all counts
        #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "1")]
        watch: Option<f64>,
    },
    /// Swap a plugin, or the whole policy, while the guest runs
    Swap {
        /// Which kind: classifier, patch-manager or routines; or policy, for all of them at once
        kind: Part,
        /// The plugin that is to serve; or the policy: its name, its file, or a library that exports its plugins
        #[arg(value_name = "NAME|FILE|FILE#NAME")]
        plugin: String,
        /// For routines with the scope vp: the virtual processor [default: all]
        #[arg(long, value_name = "N")]
        vp: Option<usize>,
        /// Its settings [default: those of a plugin of the same name]
        #[arg(long, value_name = "NAME=VALUE,…")]
        config: Option<String>,
        /// For patch managers: decide sites that are patched anew
        #[arg(long)]
        repatch: bool,
        /// Lose what the plugin before has learned, without asking it
        #[arg(long)]
        discard_state: bool,
        /// How long it may take, in seconds [default: 5]
        #[arg(long, value_name = "SECONDS", value_parser = seconds)]
        limit: Option<f64>,
    },
    /// Go back to the plugin before the last swap
    Rollback {
        /// Which kind: classifier, patch-manager or routines; or policy, for the last swap of a whole policy
        #[arg(required_unless_present = "list")]
        kind: Option<Part>,
        /// Say what there is to go back to, the next first, and do nothing
        #[arg(long)]
        list: bool,
        /// Lose what plugins have learned: the present one is not asked, the one before starts anew
        #[arg(long)]
        discard_state: bool,
        /// How long it may take, in seconds [default: 5]
        #[arg(long, value_name = "SECONDS", value_parser = seconds)]
        limit: Option<f64>,
    },
    /// Change how the conventional path fetches, the scope of routine tables, or a setting of a plugin
    Set {
        /// fetch (translated or physical), scope (vmm or vp), or a setting of the plugin, such as trigger or threshold
        name: String,
        /// Its value
        value: String,
        /// The kind of the plugin whose setting it is [default: patch-manager]
        #[arg(long, value_name = "KIND")]
        kind: Option<Kind>,
        /// For routines with the scope vp: the virtual processor [default: all, each with its own plugin]
        #[arg(long, value_name = "N")]
        vp: Option<usize>,
        /// For patch managers: decide sites that are patched anew
        #[arg(long)]
        repatch: bool,
        /// Lose what the plugin before has learned, without asking it
        #[arg(long)]
        discard_state: bool,
        /// How long it may take, in seconds [default: 5]
        #[arg(long, value_name = "SECONDS", value_parser = seconds)]
        limit: Option<f64>,
    },
    /// The text in which a plugin tells what it did
    Report {
        #[command(flatten)]
        kind: OfKind,
        /// For routines: the virtual processor whose routines they are [default: 0]
        #[arg(long, value_name = "N")]
        vp: Option<usize>,
        /// How long it may take, in seconds [default: 5]
        #[arg(long, value_name = "SECONDS", value_parser = seconds)]
        limit: Option<f64>,
    },
    /// The sites with most faults and triggers
    Patches {
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 20)]
        top: usize,
        /// Only the sites that did not get the trigger that was asked for, and why
        #[arg(long)]
        declined: bool,
        /// Bundles as memory has them and as the guest executes them, with their stubs: the one at an address or symbol
        /// [default: those with triggers]
        #[arg(long, value_name = "ADDRESS|SYMBOL", num_args = 0..=1, default_missing_value = "")]
        disassemble: Option<String>,
        /// All sites as a list that the plugin patch-list reads; those without a trigger as comments
        #[arg(long, conflicts_with_all = ["declined", "disassemble"])]
        as_list: bool,
    },
    /// The guest's console at this terminal; Ctrl-A x leaves it
    Console,
    /// Stop all processors, and the machine's time
    Pause,
    /// Let a paused machine go on
    Resume,
    /// Switch the machine off; the command that runs it ends with its last machine
    Stop,
    /// What has happened to the machine from outside
    Events {
        /// How many of the events so far
        #[arg(long, value_name = "N", default_value_t = 20)]
        last: usize,
        /// Print those that follow, too
        #[arg(long)]
        follow: bool,
    },
}

/// A kind of plugin.
#[derive(Args)]
struct OfKind {
    /// Which kind: classifier, patch-manager or routines
    kind: Kind,
}

fn seconds(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| "a number of seconds is needed".to_owned())
}

/// A request with those of these arguments that are given.
fn with(mut request: Value, arguments: &[(&str, Value)]) -> Value {
    for (name, value) in arguments.iter().filter(|(_, value)| !value.is_null()) {
        request[*name] = value.clone();
    }
    request
}

/// A plugin as the server is to look for it: files are named from the root on.
pub(crate) fn absolute(plugin: &str) -> String {
    let (file, name) = split_reference(plugin);
    match (std::path::absolute(file), name) {
        (Ok(file), name) if plugin.contains('/') || plugin.contains(".so") || plugin.ends_with(".toml") => {
            file.display().to_string() + &name.map(|name| format!("#{name}")).unwrap_or_default()
        }
        _ => plugin.to_owned(),
    }
}

/// Why a command was not executed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CtlError {
    #[error("cannot connect to {}: {source}", socket.display())]
    Connect { socket: PathBuf, source: io::Error },
    #[error("{} does not speak version {} of the protocol of patchbay", .0.display(), protocol::VERSION)]
    OtherProtocol(PathBuf),
    #[error("{0}")]
    Refused(String),
    #[error("the connection broke: {0}")]
    Broken(#[from] io::Error),
    #[error(transparent)]
    Write(OutputError),
    #[error("a number of seconds is needed, not {0}")]
    Seconds(f64),
    #[error("standard input and output are no terminal; patchbay ctl {} stats --watch prints lines", .0.display())]
    NoTerminal(PathBuf),
}

impl Command {
    /// The request, and how often to repeat it.
    fn request(&self) -> Result<(Value, Option<Duration>), CtlError> {
        let mut repeat = None;
        let request = match self {
            Command::Status { limit } => with(json!({ "command": "status" }), &[("limit", json!(limit))]),
            Command::Stats { watch } => {
                let seconds = |seconds| Duration::try_from_secs_f64(seconds).map_err(|_| CtlError::Seconds(seconds));
                repeat = watch.map(seconds).transpose()?;
                json!({ "command": "stats" })
            }
            Command::Swap { kind, plugin, vp, config, repatch, discard_state, limit } => {
                let plugin = absolute(plugin);
                let request = json!({ "command": "swap", "kind": kind, "plugin": plugin, "repatch": repatch,
                    "discard_state": discard_state });
                with(request, &[("vp", json!(vp)), ("config", json!(config)), ("limit", json!(limit))])
            }
            Command::Rollback { kind, list, discard_state, limit } => {
                let request = json!({ "command": "rollback", "list": list, "discard_state": discard_state });
                with(request, &[("kind", json!(kind)), ("limit", json!(limit))])
            }
            Command::Set { name, value, kind, vp, repatch, discard_state, limit } => {
                let request = json!({ "command": "set", "name": name, "value": value, "repatch": repatch,
                    "discard_state": discard_state });
                with(request, &[("kind", json!(kind)), ("vp", json!(vp)), ("limit", json!(limit))])
            }
            Command::Report { kind, vp, limit } => {
                let request = json!({ "command": "report", "kind": kind.kind });
                with(request, &[("vp", json!(vp)), ("limit", json!(limit))])
            }
            Command::Patches { as_list: true, .. } => json!({ "command": "patches", "as_list": true }),
            Command::Patches { top, declined, disassemble, .. } => {
                let request = json!({ "command": "patches", "top": top, "declined": declined });
                with(request, &[("disassemble", json!(disassemble))])
            }
            Command::Console => json!({ "command": "console" }),
            Command::Pause => json!({ "command": "pause" }),
            Command::Resume => json!({ "command": "resume" }),
            Command::Stop => json!({ "command": "stop" }),
            Command::Events { last, follow } => json!({ "command": "events", "last": last, "follow": follow }),
        };
        Ok((request, repeat))
    }
}

impl Ctl {
    /// Executes the command and prints the answer.
    pub(crate) fn run(&self) -> Result<(), CtlError> {
        match self.converse() {
            Err(CtlError::Write(OutputError(error))) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }

    fn converse(&self) -> Result<(), CtlError> {
        let (mut request, repeat) = self.command.request()?;
        if let Some(vm) = self.vm {
            request["vm"] = json!(vm);
        }
        let mut connection = Connection::open(&self.socket)?;
        if matches!(self.command, Command::Console) {
            return console(connection, self.vm);
        }
        let mut output = io::stdout().lock();
        if let (Some(interval), false) = (repeat, self.json) {
            return watch(&mut connection, &request, &mut output, interval);
        }
        loop {
            let answer = connection.ask(&request)?;
            self.print(&mut output, &answer)?;
            let Some(interval) = repeat else { break };
            std::thread::sleep(interval);
            writeln!(output).map_err(|error| CtlError::Write(OutputError(error)))?;
        }
        if matches!(self.command, Command::Events { follow: true, .. }) {
            while let Some(line) = connection.receive()? {
                let event = line.get("event").cloned().unwrap_or_default();
                self.print(&mut output, &json!([event]))?;
            }
        }
        Ok(())
    }

    fn print(&self, output: &mut impl Write, answer: &Value) -> Result<(), CtlError> {
        let text = match (&self.command, answer) {
            _ if self.json => format!("{answer}\n"),
            (Command::Events { .. }, Value::Array(events)) => render::events(events),
            _ => render::text(answer),
        };
        let written = output.write_all(text.as_bytes()).and_then(|()| output.flush());
        written.map_err(|error| CtlError::Write(OutputError(error)))
    }
}

/// Prints rates, a line an interval, until the machine ends.
fn watch(
    connection: &mut Connection,
    request: &Value,
    output: &mut impl Write,
    interval: Duration,
) -> Result<(), CtlError> {
    let mut write = |line: &str| {
        let written = writeln!(output, "{line}").and_then(|()| output.flush());
        written.map_err(|error| CtlError::Write(OutputError(error)))
    };
    let mut before = connection.ask(request)?;
    for number in 0.. {
        std::thread::sleep(interval);
        let after = connection.ask(request)?;
        if number % LINES == 0 {
            write(Rates::HEADS)?;
        }
        write(&Rates::between(&before, &after).line())?;
        before = after;
    }
    Ok(())
}

/// A connection to a server of the control protocol.
pub(crate) struct Connection {
    pub(crate) stream: UnixStream,
    lines: BufReader<UnixStream>,
}

impl Connection {
    pub(crate) fn open(socket: &PathBuf) -> Result<Connection, CtlError> {
        let failed = |source| CtlError::Connect { socket: socket.clone(), source };
        let stream = UnixStream::connect(socket).map_err(failed)?;
        let lines = BufReader::new(stream.try_clone().map_err(failed)?);
        let mut connection = Connection { stream, lines };
        match connection.receive() {
            Ok(Some(greeting)) if Value::Object(greeting.clone()) == protocol::greeting() => Ok(connection),
            _ => Err(CtlError::OtherProtocol(socket.clone())),
        }
    }

    fn send(&mut self, request: &Value) -> io::Result<()> {
        self.stream.write_all(format!("{request}\n").as_bytes())
    }

    /// The answer to a request that is the only one under way.
    pub(crate) fn ask(&mut self, request: &Value) -> Result<Value, CtlError> {
        self.send(request)?;
        let mut answer = self.receive()?.ok_or(io::Error::from(io::ErrorKind::UnexpectedEof))?;
        match answer.get("error").and_then(Value::as_str) {
            Some(sentence) => Err(CtlError::Refused(sentence.to_owned())),
            None => Ok(answer.remove("ok").unwrap_or_default()),
        }
    }

    /// The next line; `None` at the end.
    pub(crate) fn receive(&mut self) -> io::Result<Option<Map<String, Value>>> {
        let mut line = String::new();
        if self.lines.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        Ok(Some(serde_json::from_str(&line)?))
    }
}
