//! The standard emulation routines, each wrapped in one that records what it did: when, where, which operation, and the
//! value that it read or wrote. The last operations are in the plugin's report.

mod ring;

use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

use patchbay_plugin_api::prelude::*;
use ring::{Record, Ring};

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

    /// The last operations, one a line, the oldest first.
    fn report(&self) -> String {
        let mut text = String::new();
        for Record { number, ip, mnemonic, value } in self.ring.last() {
            let name = Mnemonic::new(mnemonic).map_or("?", Mnemonic::name);
            let _ = writeln!(text, "{number:>12} {ip:#018x} {name:<16} {value:#x}");
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
    let value = if instruction.r1 != 0 { vp.gr(instruction.r1) } else { written };
    ring.record(ip, instruction.mnemonic, value);
    emulated
}

patchbay_plugin_api::export_plugins! {
    routines: [RoutinesTracing],
}
