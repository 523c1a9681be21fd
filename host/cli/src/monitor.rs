//! Under which monitor and policy a guest runs.

use std::convert::Infallible;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use patchbay_machine::loader::symbols::Symbols;
use patchbay_machine::supervisor::{Native, Supervisor};
use patchbay_vmm::conventional::fetch::Fetch as How;
use patchbay_vmm::conventional::without::Without;
use patchbay_vmm::plugins::{Failed, Registry, Routines};
use patchbay_vmm::policy::serving::Plugins;
use patchbay_vmm::policy::{self, Choice, Policy};
use patchbay_vmm::routines::class_ids::{BASE_ID, RESERVED_NUM, RangeError};
use patchbay_vmm::vm::{Scope as Tables, Vm, Vmm};
use patchbay_vmm::vp::supervisor::Virtual;

use crate::number::number;

/// The monitor.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Virtualization")]
pub struct Monitor {
    /// Who emulates the guest's privileged instructions
    #[arg(long, value_enum, default_value = "patch")]
    pub mode: Mode,
    /// What decides which of them are patched: a policy's name or file (`patchbay plugins` lists them)
    #[arg(long, value_name = "NAME|FILE", default_value = "default")]
    pub policy: String,
    /// The policy's classifier, by name or file, with settings
    #[arg(long, value_name = "PLUGIN[,NAME=VALUE…]", value_parser = choice)]
    pub classifier: Option<Choice>,
    /// The policy's patch manager
    #[arg(long, value_name = "PLUGIN[,NAME=VALUE…]", value_parser = choice)]
    pub patch_manager: Option<Choice>,
    /// The policy's emulation routines; with --scope vp once for each virtual processor, the last for all others
    #[arg(long, value_name = "PLUGIN[,NAME=VALUE…]", value_parser = choice)]
    pub routines: Vec<Choice>,
    /// Who shares a routine table; class ids are shared by all virtual machines
    #[arg(long, value_enum, default_value = "vm")]
    scope: Scope,
    /// How the conventional path reads the instruction that it emulates
    #[arg(long, value_enum, default_value = "translated")]
    fetch: Fetch,
    /// For measurement only: leave out parts of the conventional path (exit, frame, decode for pseudo triggers; frame, fetch
    /// for faults). What runs so says what they cost, and is nothing that could be used
    #[arg(long, value_name = "PART,…", hide_short_help = true)]
    conventional_without: Option<Without>,
    /// The lowest immediate of break that triggers use [default: 0x180000]
    #[arg(long, value_name = "ID", default_value_t = BASE_ID, hide_default_value = true, value_parser = number::<u32>)]
    base_id: u32,
    /// How many immediates triggers may use
    #[arg(long, value_name = "N", default_value_t = RESERVED_NUM, value_parser = number::<u32>)]
    reserved_num: u32,
}

/// Who emulates a guest's privileged instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Nobody: the guest owns the machine
    Native,
    /// The monitor, at a fault each time
    Trap,
    /// The monitor, which replaces them by triggers as the policy says
    Patch,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Scope {
    /// All virtual machines that run the same routines plugin with the same settings
    Vmm,
    /// All virtual processors of a virtual machine
    Vm,
    /// Nobody: each virtual processor has its own
    Vp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Fetch {
    /// As data, through a temporary entry of the data TLB if it needs one
    Translated,
    /// In physical mode
    Physical,
}

/// Why there is no such monitor.
#[derive(Debug, thiserror::Error)]
pub enum MonitorError {
    /// There is no such policy, or one of its plugins does not start.
    #[error(transparent)]
    Policy(#[from] policy::Error),
    /// A plugin fails.
    #[error(transparent)]
    Plugin(#[from] Failed),
    /// The ids are out of range.
    #[error(transparent)]
    Ids(#[from] RangeError),
}

fn choice(text: &str) -> Result<Choice, Infallible> {
    Ok(Choice::from_argument(text))
}

/// A monitor at work; `None` in native mode.
pub struct Started {
    vmm: Arc<Vmm>,
    plugins: Option<Plugins>,
    scope: Tables,
    fetch: How,
}

impl Monitor {
    /// The mode's name.
    #[must_use]
    pub fn mode(&self) -> String {
        self.mode.to_possible_value().map(|mode| mode.get_name().to_owned()).unwrap_or_default()
    }

    /// What all virtual machines share.
    ///
    /// # Errors
    /// If the ids are out of range.
    pub fn vmm(&self) -> Result<Arc<Vmm>, MonitorError> {
        let mut vmm = Vmm::with_ids(self.base_id, self.reserved_num)?;
        vmm.without = self.conventional_without.unwrap_or_default();
        Ok(Arc::new(vmm))
    }

    /// Loads the plugins, for a guest with these symbols.
    ///
    /// # Errors
    /// If one is not found or does not start.
    pub fn start(&self, vmm: &Arc<Vmm>, symbols: &Arc<Symbols>) -> Result<Option<Started>, MonitorError> {
        let plugins = match self.mode {
            Mode::Native => return Ok(None),
            Mode::Trap => None,
            Mode::Patch => Some(self.plugins(symbols)?),
        };
        Ok(Some(Started {
            vmm: Arc::clone(vmm),
            plugins,
            scope: match self.scope {
                Scope::Vmm => Tables::Vmm,
                Scope::Vm => Tables::Vm,
                Scope::Vp => Tables::Vp,
            },
            fetch: if self.fetch == Fetch::Physical { How::Physical } else { How::Translated },
        }))
    }

    fn plugins(&self, symbols: &Arc<Symbols>) -> Result<Plugins, MonitorError> {
        let registry = Registry::discover().with_symbols(Arc::clone(symbols));
        let mut policy = Policy::load(&self.policy)?;
        let replace = |choice: &mut Choice, argument: &Option<Choice>| {
            if let Some(argument) = argument {
                choice.clone_from(argument);
            }
        };
        replace(&mut policy.classifier, &self.classifier);
        replace(&mut policy.patch_manager, &self.patch_manager);
        let choices = if self.routines.is_empty() { vec![policy.routines] } else { self.routines.clone() };
        let routines = choices.iter().map(|choice| choice.start(&registry).map(Arc::<Routines>::new));
        Ok(Plugins {
            classifier: Arc::new(policy.classifier.start(&registry)?),
            patch_manager: Arc::new(policy.patch_manager.start(&registry)?),
            routines: routines.collect::<Result<_, _>>()?,
        })
    }
}

impl Started {
    /// Takes over what a virtual machine that starts again has: it may have been changed.
    pub fn keep(&mut self, vm: &Vm) {
        self.plugins = vm.plugins();
        self.scope = vm.scope().unwrap_or(self.scope);
        self.fetch = vm.fetch();
    }

    /// A virtual machine with so many processors. It has the plugins for itself, so that they can be swapped.
    ///
    /// # Errors
    /// If a plugin panics.
    pub fn vm(&mut self, number: u32, processors: usize) -> Result<Arc<Vm>, MonitorError> {
        let vmm = Arc::clone(&self.vmm);
        Ok(Arc::new(Vm::new(vmm, number, processors, self.plugins.take().as_ref(), self.scope, self.fetch)?))
    }
}

/// The owner of a processor's exits.
#[must_use]
pub fn supervisor(vm: Option<&Arc<Vm>>, index: usize) -> Box<dyn Supervisor> {
    match vm {
        None => Box::new(Native),
        Some(vm) => Box::new(Virtual::new(Arc::clone(vm), index)),
    }
}
