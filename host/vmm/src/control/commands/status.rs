//! `status`: what runs.

use patchbay_machine::handle::Activity;
use serde_json::{Map, Value, json};

use super::{Command, Nothing, arguments};
use crate::control::LIMIT;
use crate::control::server::Session;

pub(super) const COMMAND: Command =
    Command { name: "status", arguments: &[], help: "What runs, and what each processor does", execute };

fn execute(session: &Session, given: Map<String, Value>) -> Result<Value, String> {
    let Nothing {} = arguments(given)?;
    let target = session.control.target()?;
    let paused = target.machine.is_paused();
    let looks = target.machine.ask(LIMIT, |executor, activity| {
        let registers = &executor.processor.registers;
        (activity, registers.ip, registers.psr.cpl())
    });
    let processors = looks.map_err(|error| error.to_string())?.into_iter().enumerate().map(|(number, look)| {
        let (activity, ip, privilege_level): (Activity, u64, u8) = look;
        json!({ "processor": number, "activity": activity, "ip": format!("{ip:#x}"), "cpl": privilege_level })
    });
    Ok(json!({
        "guest": target.guest,
        "mode": target.mode,
        "paused": paused,
        "seconds": target.started.elapsed().as_secs_f64(),
        "processors": processors.collect::<Vec<_>>(),
    }))
}
