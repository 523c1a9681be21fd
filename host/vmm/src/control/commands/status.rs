//! `status`: what runs.

use patchbay_machine::handle::Activity;
use serde_json::{Map, Value, json};

use super::{Command, Nothing, arguments};
use crate::control::server::Session;
use crate::control::{LIMIT, Target};
use crate::plugins::{Instance, Table};
use crate::vm::Plugins;

pub(super) const COMMAND: Command =
    Command { name: "status", arguments: &[], help: "What runs, and what each processor does", execute };

/// The plugins that serve, and their counters.
fn describe(plugins: &Plugins) -> Vec<Value> {
    let Plugins { classifier, patch_manager, routines } = plugins;
    let mut all = vec![instance(classifier, None), instance(patch_manager, None)];
    let shared = routines.len() < 2;
    all.extend(routines.iter().enumerate().map(|(vp, routines)| instance(routines, (!shared).then_some(vp))));
    all
}

fn instance<T: Table>(instance: &Instance<T>, vp: Option<usize>) -> Value {
    let descriptor = instance.descriptor();
    let counters = instance.counters().unwrap_or_default();
    let counters: Map<String, Value> =
        counters.iter().map(|counter| (counter.name().to_owned(), json!(counter.value))).collect();
    json!({
        "kind": descriptor.kind,
        "vp": vp,
        "name": descriptor.name,
        "version": descriptor.version,
        "config": instance.config().lines().collect::<Vec<_>>().join(", "),
        "file": descriptor.file,
        "counters": counters,
    })
}

fn execute(session: &Session, given: Map<String, Value>) -> Result<Value, String> {
    let Nothing {} = arguments(given)?;
    match (session.vm, session.control.targets()) {
        (None, targets) if targets.len() > 1 => Ok(targets.iter().map(one_of_several).collect()),
        _ => one(&session.target()?),
    }
}

/// One that does not answer does not hide the others.
fn one_of_several(target: &Target) -> Value {
    one(target).unwrap_or_else(|error| json!({ "vm": target.number, "guest": target.guest, "error": error }))
}

fn one(target: &Target) -> Result<Value, String> {
    let paused = target.machine.is_paused();
    let looks = target.machine.ask(LIMIT, |executor, activity| {
        let registers = &executor.processor.registers;
        (activity, registers.ip, registers.psr.cpl())
    });
    let processors = looks.map_err(|error| error.to_string())?.into_iter().enumerate().map(|(number, look)| {
        let (activity, ip, privilege_level): (Activity, u64, u8) = look;
        let does = if paused { json!("paused") } else { json!(activity) };
        json!({ "processor": number, "activity": does, "ip": format!("{ip:#x}"), "cpl": privilege_level })
    });
    let plugins = target.vm.as_ref().and_then(|vm| vm.plugins());
    Ok(json!({
        "vm": target.number,
        "guest": target.guest,
        "mode": target.mode,
        "fetch": target.vm.as_ref().map(|vm| vm.fetch()),
        "scope": target.vm.as_ref().and_then(|vm| vm.scope()),
        "paused": paused,
        "seconds": target.started.elapsed().as_secs_f64(),
        "processors": processors.collect::<Vec<_>>(),
        "plugins": plugins.map(|plugins| describe(&plugins)).unwrap_or_default(),
    }))
}
