//! `patchbay top`: what a machine does, second by second, and the keys that change it.

mod view;

use std::collections::HashMap;
use std::io::{self, IsTerminal};
use std::net::Shutdown;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use serde_json::{Value, json};

use crate::console::signals;
use crate::ctl::{Connection, CtlError, absolute};
use crate::rates::Rates;
use view::{Site, View};

/// The sites that are asked for.
const SITES: usize = 100;

/// Shows what a virtual machine does, second by second: rates, hot causes and sites, triggers, processors, swaps
#[derive(Args)]
#[command(after_help = "The machine is one that `patchbay run --control SOCKET` runs. For a pipe, there is \
`patchbay ctl SOCKET stats --watch`.\n\n\
Keys:\n  \
q  quit\n  \
p  pause the machine, or let it go on\n  \
s  swap a plugin: KIND NAME|FILE, as in routines routines-tracing\n  \
t  set the trigger of the patch manager, as in break\n  \
r  roll a kind of plugin back: KIND\n  \
o  sort by rate, total or name\n  \
m  the next machine")]
pub(crate) struct Top {
    /// The socket of the machine
    socket: PathBuf,
    /// The number of the machine, if several run: 0 is that of the first --vm
    #[arg(long = "machine", value_name = "N")]
    vm: Option<u32>,
    /// How often it is asked, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    interval: f64,
}

/// A machine that is looked at.
struct Watched {
    connection: Connection,
    vm: u32,
    /// The last answer to `stats`.
    stats: Value,
    /// Until then, what has happened at each site.
    sites: HashMap<String, u64>,
    view: View,
}

impl Top {
    /// Shows the machine until the user or the machine leaves.
    pub(crate) fn run(&self) -> Result<(), CtlError> {
        let interval = Duration::try_from_secs_f64(self.interval).ok().filter(|interval| !interval.is_zero());
        let interval = interval.ok_or(CtlError::Seconds(self.interval))?;
        let mut connection = Connection::open(&self.socket)?;
        if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
            return Err(CtlError::NoTerminal(self.socket.clone()));
        }
        let leaves = connection.stream.try_clone()?;
        let vm = match self.vm {
            Some(vm) => vm,
            None => machines(&mut connection)?.first().copied().unwrap_or_default(),
        };
        let mut watched = Watched { connection, vm, stats: Value::Null, sites: HashMap::new(), view: View::default() };
        watched.look()?;
        let signals = signals::watch(move || drop(leaves.shutdown(Shutdown::Both)))?;
        let mut terminal = ratatui::try_init().map_err(CtlError::Broken)?;
        let ended = watched.show(&mut terminal, interval);
        ratatui::restore();
        if signals.signal().is_some() { Ok(()) } else { ended }
    }
}

/// The numbers of the machines that run.
fn machines(connection: &mut Connection) -> Result<Vec<u32>, CtlError> {
    let status = connection.ask(&json!({ "command": "status" }))?;
    let number = |status: &Value| status["vm"].as_u64().and_then(|number| u32::try_from(number).ok());
    Ok(match &status {
        Value::Array(all) => all.iter().filter_map(number).collect(),
        one => number(one).into_iter().collect(),
    })
}

impl Watched {
    fn ask(&mut self, mut request: Value) -> Result<Value, CtlError> {
        request["vm"] = json!(self.vm);
        self.connection.ask(&request)
    }

    /// Asks for all that is shown.
    fn look(&mut self) -> Result<(), CtlError> {
        let stats = self.ask(json!({ "command": "stats" }))?;
        self.view.rates = Rates::between(&self.stats, &stats);
        let elapsed = stats["machine"]["seconds"].as_f64().unwrap_or_default()
            - self.stats["machine"]["seconds"].as_f64().unwrap_or_default();
        self.stats = stats;
        self.view.status = self.ask(json!({ "command": "status" }))?;
        self.view.events = match self.ask(json!({ "command": "events", "last": 20 }))? {
            Value::Array(events) => events.into_iter().filter(|event| event["what"] != "step").collect(),
            _ => Vec::new(),
        };
        // In native mode there are none.
        let patches = match self.ask(json!({ "command": "patches", "top": SITES })) {
            Err(CtlError::Refused(_)) => Value::Null,
            patches => patches?,
        };
        let top = patches["top"].as_array().cloned().unwrap_or_default();
        self.view.sites = top.iter().map(|row| self.site(row, elapsed)).collect();
        self.sites = self.view.sites.iter().map(|site| (site.place.clone(), site.total)).collect();
        Ok(())
    }

    fn site(&self, row: &Value, elapsed: f64) -> Site {
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let count = |name: &str| row[name].as_u64().unwrap_or_default();
        let place = format!("{}.{}", text("ip"), count("slot"));
        let total = count("faults") + count("triggers");
        let before = self.sites.get(&place).copied().unwrap_or(total);
        let rate = if elapsed > 0.0 { total.saturating_sub(before) as f64 / elapsed } else { 0.0 };
        Site { place, mnemonic: text("mnemonic"), trigger: text("trigger"), symbol: text("symbol"), rate, total }
    }

    fn show(&mut self, terminal: &mut ratatui::DefaultTerminal, interval: Duration) -> Result<(), CtlError> {
        let mut next = Instant::now() + interval;
        loop {
            terminal.draw(|frame| self.view.draw(frame)).map_err(CtlError::Broken)?;
            if event::poll(next.saturating_duration_since(Instant::now())).map_err(CtlError::Broken)? {
                if let Event::Key(key) = event::read().map_err(CtlError::Broken)?
                    && key.kind != KeyEventKind::Release
                    && !self.press(key)?
                {
                    return Ok(());
                }
            } else {
                self.look()?;
                next = Instant::now() + interval;
            }
        }
    }

    /// Does what a key asks for; whether the user stays.
    fn press(&mut self, key: KeyEvent) -> Result<bool, CtlError> {
        if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c') {
            return Ok(false);
        }
        if let Some((what, mut typed)) = self.view.prompt.take() {
            match key.code {
                KeyCode::Enter => self.enter(what, &typed)?,
                KeyCode::Esc => {}
                KeyCode::Backspace => {
                    typed.pop();
                    self.view.prompt = Some((what, typed));
                }
                KeyCode::Char(c) => {
                    typed.push(c);
                    self.view.prompt = Some((what, typed));
                }
                _ => self.view.prompt = Some((what, typed)),
            }
            return Ok(true);
        }
        match key.code {
            KeyCode::Char('q') | KeyCode::Esc => return Ok(false),
            KeyCode::Char('p') => {
                let paused = self.view.status["paused"] == true;
                self.change(json!({ "command": if paused { "resume" } else { "pause" } }))?;
            }
            KeyCode::Char('s') => self.view.prompt = Some((SWAP, String::new())),
            KeyCode::Char('t') => self.view.prompt = Some((TRIGGER, String::new())),
            KeyCode::Char('r') => self.view.prompt = Some((ROLLBACK, String::new())),
            KeyCode::Char('o') => self.view.order = self.view.order.next(),
            KeyCode::Char('m') => {
                let machines = machines(&mut self.connection)?;
                let next = machines.iter().find(|number| **number > self.vm).or(machines.first());
                self.vm = next.copied().unwrap_or(self.vm);
                (self.stats, self.sites) = (Value::Null, HashMap::new());
                self.look()?;
            }
            _ => {}
        }
        Ok(true)
    }

    fn enter(&mut self, what: &str, typed: &str) -> Result<(), CtlError> {
        let mut words = typed.split_whitespace();
        let (first, rest) = (words.next().unwrap_or_default(), words.collect::<Vec<_>>().join(" "));
        match what {
            SWAP => self.change(json!({ "command": "swap", "kind": first, "plugin": absolute(&rest) })),
            ROLLBACK => self.change(json!({ "command": "rollback", "kind": first })),
            _ => self.change(json!({ "command": "set", "name": "trigger", "value": first })),
        }
    }

    /// Has something changed, and says what came of it.
    fn change(&mut self, request: Value) -> Result<(), CtlError> {
        self.view.said = match self.ask(request) {
            Ok(answer) => match answer["plugin"].as_str() {
                Some(plugin) => format!("{plugin} serves"),
                None => answer.to_string(),
            },
            Err(CtlError::Refused(sentence)) => sentence,
            Err(error) => return Err(error),
        };
        self.look()
    }
}

const SWAP: &str = "swap KIND PLUGIN";
const TRIGGER: &str = "set trigger";
const ROLLBACK: &str = "rollback KIND";
