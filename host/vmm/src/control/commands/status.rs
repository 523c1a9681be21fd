//! `status`: what runs.

use std::sync::Arc;
use std::time::Duration;

use patchbay_machine::handle::Activity;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Command, arguments, limit};
use crate::control::server::Session;
use crate::control::{LIMIT, Target};
use crate::plugins::{Instance, PluginKind};
use crate::policy::serving::Plugins;
use crate::statistics::PluginReport;

pub(super) const COMMAND: Command = Command {
    name: "status",
    arguments: &[("limit", "how many seconds each processor, and each plugin, may take to say what it does [5]")],
    help: "What runs, and what each processor does",
    execute,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    #[serde(default, deserialize_with = "limit")]
    limit: Option<Duration>,
}

/// The plugins that serve, and their counters.
fn describe(plugins: &Plugins, limit: Duration) -> Vec<Value> {
    let Plugins { classifier, patch_manager, routines } = plugins;
    let mut all = vec![instance(classifier, None, limit), instance(patch_manager, None, limit)];
    let shared = routines.len() < 2;
    let each = |(vp, routines)| instance(routines, (!shared).then_some(vp), limit);
    all.extend(routines.iter().enumerate().map(each));
    all
}

fn instance<T: PluginKind>(instance: &Arc<Instance<T>>, vp: Option<usize>, limit: Duration) -> Value {
    let PluginReport { kind, vp, name, version, counters, error } = PluginReport::new(instance, vp, limit);
    let counters: Map<String, Value> = counters.into_iter().map(|(name, value)| (name, json!(value))).collect();
    let mut described = json!({
        "kind": kind,
        "vp": vp,
        "name": name,
        "version": version,
        "config": instance.config().lines().collect::<Vec<_>>().join(", "),
        "file": instance.descriptor().file,
        "counters": counters,
    });
    if let Some(error) = error {
        described["error"] = json!(error);
    }
    described
}

fn execute(session: &Session, given: Map<String, Value>) -> Result<Value, String> {
    let Arguments { limit } = arguments(given)?;
    let limit = limit.unwrap_or(LIMIT);
    match (session.vm, session.control.targets()) {
        (None, targets) if targets.len() > 1 => {
            Ok(targets.iter().map(|target| one_of_several(target, limit)).collect())
        }
        _ => one(&session.target()?, limit),
    }
}

/// One that does not answer does not hide the others.
fn one_of_several(target: &Target, limit: Duration) -> Value {
    one(target, limit).unwrap_or_else(|error| json!({ "vm": target.number, "guest": target.guest, "error": error }))
}

fn one(target: &Target, limit: Duration) -> Result<Value, String> {
    let paused = target.machine.is_paused();
    let looks = target.machine.ask(limit, |executor, activity| {
        let registers = &executor.processor.registers;
        (activity, registers.ip, registers.psr.cpl())
    });
    let processors = looks.map_err(|error| error.to_string())?.into_iter().enumerate().map(|(number, look)| {
        let (activity, ip, privilege_level): (Activity, u64, u8) = look;
        let does = if paused { json!("paused") } else { json!(activity) };
        json!({ "processor": number, "activity": does, "ip": format!("{ip:#x}"), "cpl": privilege_level })
    });
    let plugins = target.vm.as_ref().and_then(|vm| vm.plugins());
    // The policy may have been taken off.
    let mode = if plugins.is_none() && target.vm.is_some() { "trap" } else { &target.mode };
    Ok(json!({
        "vm": target.number,
        "guest": target.guest,
        "mode": mode,
        "fetch": target.vm.as_ref().map(|vm| vm.fetch()),
        "scope": target.vm.as_ref().and_then(|vm| vm.scope()),
        "paused": paused,
        "seconds": target.started.elapsed().as_secs_f64(),
        "processors": processors.collect::<Vec<_>>(),
        "plugins": plugins.map(|plugins| describe(&plugins, limit)).unwrap_or_default(),
    }))
}
