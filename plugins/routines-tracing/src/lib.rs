//! The standard emulation routines, each wrapped in one that records what it did: when, where, which operation, and the
//! value that it read or wrote. The last operations are in the plugin's report.

mod ring;

use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

use patchbay_plugin_api::prelude::*;
use ring::{Operation, Record, Ring};

/// The set of routines. The setting `records` says how many operations it keeps.
pub struct RoutinesTracing {
    ring: Ring,
    /// The wrapped routines. Each has a place of its own, because fix-up values point to it.
    #[expect(clippy::vec_box)]
    wrapped: Mutex<Vec<Box<Routine>>>,
}

impl Plugin for RoutinesTracing {
    const NAME: &'static str = "routines-tracing";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const DESCRIPTION: &'static str = "the standard routines, with a record of the last operations";

    fn create(config: &str, _: &Host) -> Result<Self, String> {
        let mut settings = Settings::new(config)?;
        let records: usize = settings.get("records", 1024)?;
        settings.done()?;
        if !(1..=1 << 20).contains(&records) {
            return Err(format!("records cannot be {records}: it is from 1 to {}", 1 << 20));
        }
        Ok(RoutinesTracing { ring: Ring::new(records), wrapped: Mutex::default() })
    }

    fn counters(&self) -> Vec<Counter> {
        vec![Counter::new("operations", self.ring.recorded())]
    }

    /// The last operations, one a line, the oldest first: number, IP, operation, which application or control register,
    /// value, and `left` if the guest did not go on behind it.
    fn report(&self) -> String {
        let mut text = String::new();
        for Record { number, ip, operation, value } in self.ring.last() {
            let Some(mnemonic) = Mnemonic::new(operation.mnemonic) else { continue };
            let names_register = mnemonic.operands().contains(Attributes::REGISTER);
            let register = if names_register { operation.register.to_string() } else { String::new() };
            let end = if operation.left { " left" } else { "" };
            let _ = writeln!(text, "{number:>12} {ip:#018x} {:<16} {register:>3} {value:#x}{end}", mnemonic.name());
        }
        text
    }
}

impl Routines for RoutinesTracing {
    fn templates(&self) -> Vec<Template> {
        patchbay_routines::templates()
    }

    fn build(&self, class: &ClassKey) -> Option<Routine> {
        let routine = Box::new(patchbay_routines::build(class)?);
        let fixups = Fixups([(&raw const self.ring) as u64, (&raw const *routine) as u64, 0, 0]);
        self.wrapped.lock().unwrap_or_else(PoisonError::into_inner).push(routine);
        Some(Routine::new(traced, fixups).with_site())
    }
}

fn traced(vp: &mut Vp, fixups: &Fixups, instruction: &Instruction) -> Emulated {
    let [ring, routine, ..] = fixups.0;
    // SAFETY: both belong to the instance, which outlives its routines: the host keeps it where `create` left it.
    let (ring, routine) = unsafe { (&*(ring as *const Ring), &*(routine as *const Routine)) };
    let ip = vp.ip();
    let written = vp.gr(instruction.r2);
    let emulated = routine.run(vp, instruction);
    let left = !matches!(emulated, Ok(()) | Err(Outcome::SERIALIZE));
    let value = if instruction.r1 != 0 && !left { vp.gr(instruction.r1) } else { written };
    let operation = Operation { mnemonic: instruction.mnemonic, register: instruction.register, left };
    ring.record(ip, operation, value);
    emulated
}

patchbay_plugin_api::export_plugins! {
    statics: none,
    routines: [RoutinesTracing],
}
