//! What was counted, for people: one line while a machine runs.

use patchbay_machine::statistics::{Sample, Statistics};
use patchbay_vmm::control::{LIMIT, Target};

/// What a machine has done until now, in a line.
///
/// # Errors
/// A sentence if a processor does not answer.
pub(crate) fn brief(target: &Target) -> Result<String, String> {
    let samples = target.machine.ask(LIMIT, |executor, _| Sample::of(&executor.processor));
    let samples = samples.map_err(|error| error.to_string())?;
    let processors = samples.len();
    let machine = Statistics::new(samples.into_iter(), target.started.elapsed());
    let seconds = target.started.elapsed().as_secs_f64();
    let stands = if target.machine.is_paused() { ", paused" } else { "" };
    let mut text = format!(
        "{}{stands}: {seconds:.1} s, {processors} processors, {:.1} million instructions, {:.1} MIPS",
        target.guest,
        machine.instructions as f64 / 1e6,
        machine.instructions as f64 / 1e6 / seconds
    );
    if let Some(monitor) = target.statistics(0)? {
        let total = monitor.total;
        text +=
            &format!(", {} faults, {} executions by trigger ({:.1} %)", total.faults, total.triggers, total.by_trigger);
    }
    Ok(text)
}
