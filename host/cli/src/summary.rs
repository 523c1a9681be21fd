//! What was counted, for people: one line while a machine runs, and a screen at its end.

use std::fmt::Write;

use patchbay_machine::statistics::{Sample, Statistics};
use patchbay_vmm::control::{LIMIT, Target};
use patchbay_vmm::statistics::{OfTrigger, VmStatistics};

/// How many rows of a kind a summary has.
const ROWS: usize = 5;

/// What a machine has done until now, in a line.
///
/// # Errors
/// A sentence if a processor does not answer.
pub(crate) fn brief(target: &Target) -> Result<String, String> {
    let samples = target.machine.ask(LIMIT, |executor, _| Sample::of(&executor.processor));
    let samples = samples.map_err(|error| error.to_string())?;
    let processors = samples.len();
    let machine = Statistics::new(samples.into_iter(), target.started.elapsed());
    let stands = if target.machine.is_paused() { ", paused" } else { "" };
    let mut text = format!(
        "{}{stands}: {:.1} s, {}, {:.1} million instructions, {:.1} MIPS",
        target.guest,
        machine.seconds,
        count(processors, "processor"),
        machine.instructions as f64 / 1e6,
        machine.mips
    );
    if let Some(monitor) = target.statistics(0)? {
        let total = monitor.total;
        let (faults, triggers) = (grouped(total.faults), grouped(total.triggers));
        text += &format!(", {faults} faults, {triggers} executions by trigger ({:.1} %)", total.by_trigger);
    }
    Ok(text)
}

/// `3 processors`
fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// A number whose digits are in groups of three: `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// The greatest of some counts, and how many others there are: `rfi 1,234, ssm 56 and 12 others`.
fn greatest(mut counts: Vec<(String, u64)>) -> String {
    counts.retain(|(_, count)| *count > 0);
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let others = counts.len().saturating_sub(ROWS);
    counts.truncate(ROWS);
    let shown: Vec<_> = counts.iter().map(|(name, count)| format!("{name} {}", grouped(*count))).collect();
    let others = if others == 0 { String::new() } else { format!(" and {others} others") };
    if shown.is_empty() { "none".to_owned() } else { shown.join(", ") + &others }
}

/// What machine and monitor counted, in the lines of a screen; `cpu` is the processor time that the command has used, in
/// seconds.
pub(crate) fn summary(machine: &Statistics, monitor: Option<&VmStatistics>, cpu: f64) -> String {
    let mut text = String::new();
    let mut row = |name: &str, content: &str| {
        let _never_fails = writeln!(text, "{name:<14} {content}");
    };
    let Statistics { seconds, instructions, processors, mips, interruptions, processor_seconds, translated } = machine;
    let own = processor_seconds.map(|own| format!(", the guest's processors {own:.2} s of it")).unwrap_or_default();
    row("time", &format!("{seconds:.2} s; the command used {cpu:.2} s of processor time{own}"));
    let of = count(processors.len(), "processor");
    row("instructions", &format!("{} on {of}, {mips:.1} million a second", grouped(*instructions)));
    let delivered = interruptions.iter().map(|one| (one.vector.clone(), one.count)).collect();
    row("interruptions", &greatest(delivered));
    if let Some(t) = translated {
        let part = |count: u64| 100.0 * count as f64 / (*instructions).max(1) as f64;
        let (all, called, milliseconds) = (part(t.instructions), part(t.called), t.seconds * 1e3);
        let made = format!("{} regions, {} bytes in {milliseconds:.0} ms", grouped(t.regions), grouped(t.bytes));
        row("translated", &format!("{all:.1} % of the instructions, {called:.1} % by a call; {made}"));
    }
    let Some(monitor) = monitor else { return text };
    let total = &monitor.total;
    row(
        "emulated",
        &format!(
            "{} faults, {} executions by trigger ({:.2} %)",
            grouped(total.faults),
            grouped(total.triggers),
            total.by_trigger
        ),
    );
    let causes = total.causes.iter().map(|of| (of.cause.to_owned(), of.faults + of.triggers)).collect();
    row("causes", &greatest(causes));
    let time = &total.conventional_time;
    let (emulated, p50, p99) = (grouped(total.conventional.emulated), time.p50, time.p99);
    row("conventional", &format!("{emulated} emulated, p50 {p50} ns, p99 {p99} ns"));
    for OfTrigger { trigger, events, time, .. } in total.by_kind.iter().filter(|kind| kind.events > 0) {
        let (events, p50, p99) = (grouped(*events), time.p50, time.p99);
        row(trigger, &format!("{events} executions, p50 {p50} ns, p99 {p99} ns"));
    }
    row(
        "sites",
        &format!(
            "{}, {} of them patched; {} classes; {} of {} ids in use",
            grouped(monitor.sites as u64),
            grouped(monitor.sites_patched),
            monitor.classes,
            monitor.ids.used,
            grouped(u64::from(monitor.ids.count))
        ),
    );
    for site in monitor.top.iter().filter(|site| site.faults + site.triggers > 0).take(ROWS) {
        let (ip, slot, faults, triggers) = (site.ip, site.slot, grouped(site.faults), grouped(site.triggers));
        let symbol = site.symbol.as_deref().unwrap_or_default();
        row(
            "",
            &format!(
                "{ip:016x}.{slot} {:<14} {faults:>9} faults {triggers:>12} executions by trigger  {symbol}",
                site.mnemonic
            ),
        );
    }
    for plugin in
        monitor.plugins.iter().filter(|plugin| plugin.error.is_some() || !plugin.counters.is_empty()).take(ROWS)
    {
        let counters: Vec<_> =
            plugin.counters.iter().take(ROWS).map(|(name, value)| format!("{} {name}", grouped(*value))).collect();
        let more = plugin.counters.len().saturating_sub(ROWS);
        let more = if more == 0 { String::new() } else { format!(" and {more} others") };
        row(
            plugin.kind.name(),
            &plugin.error.clone().unwrap_or_else(|| format!("{}: {}{more}", plugin.name, counters.join(", "))),
        );
    }
    text += "(--stats full has all counts, --stats json for programs)\n";
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_can_be_read() {
        let expected = [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")];
        assert!(expected.iter().all(|(number, text)| grouped(*number) == *text));
        assert_eq!(
            (count(1, "processor"), count(64, "processor")),
            ("1 processor".to_owned(), "64 processors".to_owned())
        );
    }

    #[test]
    fn what_is_greatest_comes_first_and_the_rest_is_counted() {
        let counts =
            |numbers: &[u64]| (0..).zip(numbers).map(|(place, number)| (format!("c{place}"), *number)).collect();
        assert_eq!(greatest(counts(&[1, 0, 2000])), "c2 2,000, c0 1");
        assert_eq!(greatest(counts(&[7; 8])), "c0 7, c1 7, c2 7, c3 7, c4 7 and 3 others");
        assert_eq!(greatest(counts(&[0])), "none");
    }
}
