//! The control protocol: how other programs look at a virtual machine that runs, and change it.
//!
//! `patchbay run --control SOCKET` listens at a Unix socket that only its owner can use. Both sides write lines of JSON.
//! The server begins with a greeting, `{"protocol":"patchbay","version":1}`. A request is an object:
//!
//! ```json
//! {"command":"swap","id":7,"kind":"routines","plugin":"/home/me/libmine.so"}
//! ```
//!
//! * `command` is one of [`commands::COMMANDS`]; its arguments stand beside it.
//! * `id` may be anything, and comes back with the answer. It may be left out.
//! * `vm` is the number of a virtual machine. It may be left out if only one runs, for `events`, which are of all, and
//!   for `status`, whose answer is then a list if several run.
//! * `version` may be left out, too. A request with another version than the greeting's is refused.
//!
//! Each request has one answer, in the order of the requests: `{"id":7,"ok":…}`, or `{"id":7,"error":"a sentence"}`. What
//! the server does not know, such as a command or an argument, it refuses so, and the connection stays. So it does with
//! lines that are not JSON, or longer than [`protocol::LINE_MAX`] bytes. A line that never ends is never executed.
//!
//! After `{"command":"events","follow":true}` the server also sends `{"event":{…}}` when something happens, between
//! answers. A client that does not read loses events, and is told how many: `"lost":3`. A client that does not read its
//! answers for [`server::PATIENCE`] is disconnected; nobody else waits for it.
//!
//! After `{"command":"console"}` the server sends `{"console":"…"}` when the guest prints something, in which each character
//! stands for one byte, and `{"console":null}` when it has ended.
//!
//! A new version of the protocol may add commands, arguments that may be left out, fields of answers, and kinds of events.
//! Everything else is a new number in the greeting.
//!
//! To add a command: a file in [`commands`], and a line in its table.

pub mod commands;
pub mod console;
pub mod events;
pub mod protocol;
pub mod server;
pub mod watch;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use patchbay_machine::handle::Handle;
use patchbay_machine::loader::symbols::Symbols;
use patchbay_machine::outcome::Outcome;

use console::Line;
use events::Events;

use crate::fast_path::lock;
use crate::plugins::deadline::{self, NothingGiven};
use crate::plugins::{Registry, names_file};
use crate::statistics::{VmStatistics, VpCounts};
use crate::swap::{Order, PolicyOrder, Rollback, Setting, Step, SwapError, Swapped};
use crate::vm::Vm;
use crate::vp::VirtualProcessor;

/// How long a processor may take to come to a block boundary, unless a request says something else.
pub const LIMIT: Duration = Duration::from_secs(5);

/// What can be controlled: the virtual machines that run, and what has happened to them.
#[derive(Default)]
pub struct Control {
    attached: Mutex<BTreeMap<u32, Target>>,
    /// Of machines that run, or will run.
    consoles: Mutex<BTreeMap<u32, Arc<Line>>>,
    /// What has happened.
    pub events: Events,
    /// Once a plugin was looked for.
    registry: Arc<OnceLock<Arc<Registry>>>,
}

/// A virtual machine that runs.
#[derive(Clone)]
pub struct Target {
    /// Its number.
    pub number: u32,
    /// The guest's name.
    pub guest: String,
    /// How its privileged instructions are emulated: `native`, `trap` or `patch`.
    pub mode: String,
    /// Its machine.
    pub machine: Handle,
    /// The monitor's side of it; `None` in native mode.
    pub vm: Option<Arc<Vm>>,
    /// The names of its guest's addresses.
    pub symbols: Arc<Symbols>,
    /// When it started.
    pub started: Instant,
}

impl Target {
    /// What the monitor counted until now, with at most `top` sites; `None` in native mode.
    ///
    /// # Errors
    /// A sentence if a processor does not answer.
    pub fn statistics(&self, top: usize) -> Result<Option<VmStatistics>, String> {
        let Some(vm) = &self.vm else { return Ok(None) };
        let asked = self.machine.ask(LIMIT, |executor, _| {
            let vp = executor.processor.take_hook::<VirtualProcessor>()?;
            let counts = vp.counts();
            executor.processor.hook = Some(vp);
            Some(counts)
        });
        let counts: Vec<VpCounts> = asked.map_err(|error| error.to_string())?.into_iter().flatten().collect();
        Ok(Some(vm.statistics_of(&counts, top, |address| self.symbol(address))))
    }

    /// The name of an address: `symbol+0x10`.
    #[must_use]
    pub fn symbol(&self, address: u64) -> Option<String> {
        self.symbols.name(address).map(|(name, offset)| format!("{name}+{offset:#x}"))
    }

    /// The address that somebody names: hexadecimal digits, or a symbol, with an offset or without.
    ///
    /// # Errors
    /// A sentence if it is neither.
    pub fn address(&self, place: &str) -> Result<u64, String> {
        let hexadecimal = |text: &str| u64::from_str_radix(text.strip_prefix("0x").unwrap_or(text), 16).ok();
        let (name, offset) = place.split_once('+').unwrap_or((place, "0"));
        let base = match self.symbols.address(name) {
            Some(base) => base,
            None => hexadecimal(name).ok_or_else(|| format!("{name} is neither a symbol nor a hexadecimal address"))?,
        };
        let offset = hexadecimal(offset).ok_or_else(|| format!("the offset {offset} is not hexadecimal"))?;
        Ok(base.wrapping_add(offset))
    }
}

impl Control {
    /// A machine starts to run.
    pub fn attach(&self, target: Target) {
        self.events.add(Some(target.number), "started", format!("{} runs", target.guest));
        self.lock().insert(target.number, target);
    }

    /// The machine of this number has this console.
    pub fn set_console(&self, number: u32, line: &Arc<Line>) {
        lock(&self.consoles).insert(number, Arc::clone(line));
    }

    /// The console of a machine, and the machine's number.
    ///
    /// # Errors
    /// A sentence if there is none, or no number and several machines.
    pub fn console(&self, number: Option<u32>) -> Result<(u32, Arc<Line>), String> {
        let number = self.target(number)?.number;
        let line = lock(&self.consoles).get(&number).cloned();
        line.map(|line| (number, line)).ok_or_else(|| format!("machine {number} has no console"))
    }

    /// A machine has ended.
    pub fn detach(&self, number: u32, outcome: &Outcome) {
        let ended = self.lock().remove(&number);
        if let Some(target) = ended {
            self.events.add(Some(number), "ended", format!("{}: {outcome}", target.guest));
        }
    }

    /// The virtual machine with a number, or the only one.
    ///
    /// # Errors
    /// A sentence if there is none, or no number and several.
    pub fn target(&self, number: Option<u32>) -> Result<Target, String> {
        let attached = self.lock();
        match (number, attached.len()) {
            (_, 0) => Err("no machine runs".to_owned()),
            (Some(number), _) => {
                attached.get(&number).cloned().ok_or_else(|| format!("no machine has the number {number}"))
            }
            (None, 1) => attached.values().next().cloned().ok_or_else(|| "no machine runs".to_owned()),
            (None, _) => {
                let all: Vec<_> =
                    attached.values().map(|target| format!("{} ({})", target.number, target.guest)).collect();
                Err(format!("several machines run, say the number of one: {}", all.join(", ")))
            }
        }
    }

    /// The virtual machines that run, by their number.
    #[must_use]
    pub fn targets(&self) -> Vec<Target> {
        self.lock().values().cloned().collect()
    }

    /// Swaps a plugin of a virtual machine.
    ///
    /// # Errors
    /// A sentence that says why the old one still serves.
    pub fn swap(&self, number: Option<u32>, order: &Order) -> Result<Swapped, String> {
        // A library on PATCHBAY_PLUGIN_PATH that never ends loading keeps no file from being loaded.
        let registry = if names_file(&order.plugin) { Arc::default() } else { self.registry(order.limit)? };
        let of = |vp: usize| format!(" of virtual processor {vp}");
        let what = format!("swap of the {}{} for {}", order.kind, order.vp.map(of).unwrap_or_default(), order.plugin);
        self.change(number, &what, |vm, machine, log| vm.swap(machine, &registry, order, log))
    }

    /// Swaps the policy of a virtual machine, all its parts at once.
    ///
    /// # Errors
    /// A sentence that says why the old one still serves.
    pub fn swap_policy(&self, number: Option<u32>, order: &PolicyOrder) -> Result<Swapped, String> {
        let registry = self.registry(order.limit)?;
        let what = format!("swap of the policy for {}", order.policy.name);
        self.change(number, &what, |vm, machine, log| vm.swap_policy(machine, &registry, order, log))
    }

    /// Goes back to the policy before the last swap of a whole policy.
    ///
    /// # Errors
    /// A sentence that says why the present one still serves.
    pub fn rollback_policy(
        &self,
        number: Option<u32>,
        discard_state: bool,
        limit: Duration,
    ) -> Result<Swapped, String> {
        self.change(number, "rollback of the policy", |vm, machine, log| {
            vm.rollback_policy(machine, discard_state, limit, log)
        })
    }

    /// The plugins that can be named. Looking for them loads libraries, which is to run their code.
    fn registry(&self, limit: Duration) -> Result<Arc<Registry>, String> {
        let registry = Arc::clone(&self.registry);
        let look = move || Arc::clone(registry.get_or_init(|| Arc::new(Registry::discover())));
        deadline::within(limit, look).map_err(|error| match error {
            NothingGiven::Late(limit) => {
                format!("the libraries on PATCHBAY_PLUGIN_PATH are not loaded within {limit:?}")
            }
            error => format!("the libraries on PATCHBAY_PLUGIN_PATH are not loaded: {error}"),
        })
    }

    /// Changes a setting of plugins of a virtual machine.
    ///
    /// # Errors
    /// A sentence that says why they serve as before.
    pub fn set(&self, number: Option<u32>, setting: &Setting) -> Result<Swapped, String> {
        let Setting { kind, name, value, .. } = setting;
        let what = format!("{name} = {value} of the {kind}");
        self.change(number, &what, |vm, machine, log| vm.set(machine, setting, log))
    }

    /// Goes back to the plugin before the last swap.
    ///
    /// # Errors
    /// A sentence that says why the present one still serves.
    pub fn rollback(&self, number: Option<u32>, rollback: Rollback) -> Result<Swapped, String> {
        let what = format!("rollback of the {}", rollback.kind);
        self.change(number, &what, |vm, machine, log| vm.rollback(machine, rollback, log))
    }

    fn change(
        &self,
        number: Option<u32>,
        what: &str,
        change: impl FnOnce(&Vm, &Handle, &mut dyn FnMut(&Step)) -> Result<Swapped, SwapError>,
    ) -> Result<Swapped, String> {
        let target = self.target(number)?;
        let number = target.number;
        let vm = target.vm.as_ref().ok_or("in native mode there are no plugins")?;
        let begun = Instant::now();
        self.events.add(Some(number), "begins", what.to_owned());
        let mut log = |step: &Step| {
            let took = Duration::from_secs_f64(step.seconds);
            self.events.add_step(number, "step", step.step.to_owned(), took);
        };
        let changed = change(vm, &target.machine, &mut log).map_err(|error| error.to_string());
        match &changed {
            Ok(swapped) => {
                self.events.add_step(number, "swapped", format!("{} serves", swapped.plugin), begun.elapsed());
                for note in &swapped.notes {
                    self.events.add(Some(number), "left", note.clone());
                }
                if !swapped.destroyed {
                    let text =
                        format!("{what}: what served before has not been destroyed yet, and nobody waits for it");
                    self.events.add(Some(number), "left", text);
                }
            }
            Err(error) => self.events.add_step(number, "refused", format!("{what}: {error}"), begun.elapsed()),
        }
        changed
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<u32, Target>> {
        self.attached.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
