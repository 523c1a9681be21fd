//! What is tried of a plugin library.

use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use patchbay_plugin_api::class::{Attributes, ClassKey};
use patchbay_plugin_api::classifier::ClassifierRef;
use patchbay_plugin_api::conditions::Conditions;
use patchbay_plugin_api::instruction::{Instruction, Mnemonic};
use patchbay_plugin_api::loading::ApiVersion;
use patchbay_plugin_api::patch_manager::{PatchManagerRef, Trigger};
use patchbay_plugin_api::routines::{RoutinesRef, Template};
use patchbay_plugin_api::site::{Site, SiteFault, SiteStatistics};
use patchbay_vmm::equivalence::{Instructions, Random, Trial, compare, measure};
use patchbay_vmm::plugins::{
    Classifier, Descriptor, Failed, Instance, Library, PatchManager, Plugin, PluginKind, Routines, forbidden,
};

use super::{Check, Message, Report};

/// Instructions of each mnemonic that a classifier is asked about.
const INSTRUCTIONS: usize = 200;
/// Faults of one site that a patch manager is asked about.
const FAULTS: u64 = 10_000;
/// What a plugin's threads may take to end when it is dropped.
const TIME_TO_END: Duration = Duration::from_secs(1);

/// Tries all plugins of a library, or those of a name.
pub(super) fn examine(check: &Check, file: &Path, name: Option<&str>, report: &Report) -> io::Result<()> {
    report.step("it is loaded")?;
    let library = match Library::load_watched(file) {
        Ok(library) => library,
        Err(error) => return report.send(&Message::Refused(error.to_string())),
    };
    let host = ApiVersion::host();
    report.line(&format!("{}: built against API {}; this host has {host}", file.display(), library.api()))?;
    let descriptors = library.descriptors();
    let wanted = |plugin: &Descriptor| name.is_none_or(|name| plugin.name == name);
    if !descriptors.iter().any(wanted) {
        let what = name.map_or("plugin".to_owned(), |name| format!("plugin named {name}"));
        return report.send(&Message::Refused(format!("{} exports no {what}", file.display())));
    }
    let mut seen = HashSet::new();
    for plugin in &descriptors {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if plugin.name.is_empty() || !plugin.name.chars().all(plain) {
            report.wrong(&format!("{plugin}: its name is not of lower-case letters, digits and hyphens"))?;
        }
        if !seen.insert((plugin.kind, &plugin.name)) {
            report.wrong(&format!("{plugin} is exported twice"))?;
        }
    }
    for plugin in library.plugins::<ClassifierRef>().filter(|plugin| wanted(plugin.descriptor())) {
        each(check, &plugin, report, |instance, report| classifier(check, instance, report))?;
    }
    for plugin in library.plugins::<PatchManagerRef>().filter(|plugin| wanted(plugin.descriptor())) {
        each(check, &plugin, report, patch_manager)?;
    }
    for plugin in library.plugins::<RoutinesRef>().filter(|plugin| wanted(plugin.descriptor())) {
        each(check, &plugin, report, |instance, report| routines(check, instance, report))?;
    }
    Ok(())
}

/// What is tried of plugins of all kinds, and of this kind.
fn each<T: PluginKind>(
    check: &Check,
    plugin: &Plugin<T>,
    report: &Report,
    kind: impl FnOnce(&Instance<T>, &Report) -> io::Result<Result<(), Failed>>,
) -> io::Result<()> {
    let Descriptor { kind: of, name, version, description, .. } = plugin.descriptor();
    report.line(&format!("{of} {name} {version}: {description}"))?;
    let threads = threads();
    report.step(&format!("{of} {name} is created and tests itself"))?;
    let instance = match Instance::create(plugin, &check.config, None) {
        Ok(instance) => instance,
        Err(failed) => return report.wrong(&failed),
    };
    report.line("  is created, and passes its self-test")?;
    report.step(&format!("{of} {name} is given a setting that it does not know"))?;
    let unknown = Instance::create(plugin, "no-plugin-has-this-setting = 1", None);
    if unknown.is_ok() {
        report.line("  note: settings that it does not know are not refused; Settings::done does that")?;
    }
    if let Err(failed) = kind(&instance, report)? {
        return report.wrong(&failed);
    }
    report.step(&format!("{of} {name} exports its state, its counters and its report"))?;
    let told = instance.export_state().and_then(|state| {
        let told = (state, instance.counters()?);
        instance.report().map(|_| told)
    });
    let (state, counters) = match told {
        Ok(told) => told,
        Err(failed) => return report.wrong(&failed),
    };
    for counter in counters {
        report.line(&format!("  counter {}: {}", counter.name(), counter.value))?;
    }
    if let Some(state) = state {
        let (version, length) = (state.version(), state.bytes().len());
        report.line(&format!("  exports state of version {version}, {length} bytes"))?;
        report.step(&format!("{of} {name} imports its own state"))?;
        if let Err(failed) = Instance::create(plugin, &check.config, Some(&state)) {
            return report.wrong(&failed);
        }
    }
    report.step(&format!("{of} {name} is dropped"))?;
    drop(unknown);
    if let Err(failed) = instance.destroy() {
        return report.wrong(&failed);
    }
    match threads_that_stay(threads) {
        0 => Ok(()),
        stay => report
            .wrong(&format!("{}: threads that it has started run on after it is dropped: {stay}", plugin.descriptor())),
    }
}

/// The threads of this process.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

/// How many threads there are more than before, after some time for them to end.
fn threads_that_stay(before: usize) -> usize {
    let deadline = Instant::now() + TIME_TO_END;
    while threads() > before && Instant::now() < deadline {
        std::thread::sleep(TIME_TO_END / 50);
    }
    threads().saturating_sub(before)
}

fn site(number: u64) -> Site {
    Site { bundle: 0x10_0000 + 16 * number, ip: 0xa000_0000_0010_0000 + 16 * number, rid: 7, vm: 0, vp: 0, reserved: 0 }
}

fn classifier(check: &Check, classifier: &Classifier, report: &Report) -> io::Result<Result<(), Failed>> {
    let name = &classifier.descriptor().to_string();
    let mut random = Random::new(check.seed);
    let (mut classes, mut left, mut by_site, mut asked) = (HashSet::new(), Vec::new(), false, 0);
    for &mnemonic in Mnemonic::ALL {
        let Some(instructions) = Instructions::of(mnemonic) else { continue };
        report.step(&format!("{name} classifies {}", mnemonic.name()))?;
        let mut none = 0;
        for number in 0..INSTRUCTIONS {
            let instruction = instructions.random(&mut random, None).instruction;
            let ask = |site| classifier.classify(&instruction, &site);
            let answers = ask(site(0)).and_then(|here| Ok((here, ask(site(0))?, ask(site(1 + number as u64))?)));
            let (here, again, there) = match answers {
                Ok(answers) => answers,
                Err(failed) => return Ok(Err(failed)),
            };
            asked += 1;
            by_site |= here != there;
            if here != again {
                report.wrong(&format!("{name} gives one {} at one site different classes", mnemonic.name()))?;
                return Ok(Ok(()));
            }
            match here {
                Some(class) if !class.contains(&instruction) => {
                    let of = describe(&instruction);
                    report.wrong(&format!("{name} gives {of} the class \"{class}\", which does not contain it"))?;
                    return Ok(Ok(()));
                }
                Some(class) => drop(classes.insert(class)),
                None => none += 1,
            }
        }
        if none == INSTRUCTIONS {
            left.push(mnemonic.name());
        }
    }
    report.line(&format!("  gives {asked} random instructions {} classes", classes.len()))?;
    if !left.is_empty() {
        report.line(&format!("  leaves {}", left.join(", ")))?;
    }
    if by_site {
        report.line("  note: the class depends on the site, too; each takes an id that the monitor has few of")?;
    }
    Ok(Ok(()))
}

/// `mov r=psr with r1 = 14`
fn describe(instruction: &Instruction) -> String {
    ClassKey::new(instruction, instruction.mnemonic().map_or(Attributes::NONE, Mnemonic::operands)).to_string()
}

fn patch_manager(manager: &PatchManager, report: &Report) -> io::Result<Result<(), Failed>> {
    let name = manager.descriptor().to_string();
    let mut random = Random::new(1);
    let Some(instructions) = Instructions::of(Mnemonic::MovFromPsr) else { return Ok(Ok(())) };
    let instruction = instructions.random(&mut random, None).instruction;
    let class = ClassKey::new(&instruction, Attributes::NONE);
    report.step(&format!("{name} decides about faults"))?;
    let mut patched = None;
    for faults in 1..=FAULTS {
        let decision =
            match manager.decide(&SiteFault { site: site(0), class, instruction, faults }, &Conditions::default()) {
                Ok(decision) => decision,
                Err(failed) => return Ok(Err(failed)),
            };
        if let Some(trigger) = decision.trigger() {
            patched = Some((faults, trigger, decision.runs_on_behalf()));
            break;
        }
    }
    match patched {
        None => report.line(&format!("  patches nothing in {FAULTS} faults of a site"))?,
        Some((faults, trigger, runs)) => {
            let then = if runs { "the routine runs at once" } else { "the guest resumes at it" };
            report.line(&format!("  patches a site at its fault {faults} with {}; {then}", trigger_name(trigger)))?;
        }
    }
    report.step(&format!("{name} surveys sites"))?;
    let surveyed = SiteFault { site: site(0), class, instruction, faults: 0 };
    match manager.survey(&surveyed, &Conditions { before_start: 1, ..Conditions::default() }) {
        Ok(None) => {}
        Ok(Some(decision)) => {
            let does = decision
                .trigger()
                .map_or("leaves it".to_owned(), |trigger| format!("patches it with {}", trigger_name(trigger)));
            report.line(&format!("  is asked about each site before the guest starts; {does}, for one"))?;
        }
        Err(failed) => return Ok(Err(failed)),
    }
    report.step(&format!("{name} reviews sites"))?;
    let period = match manager.review_period() {
        Ok(period) => period,
        Err(failed) => return Ok(Err(failed)),
    };
    let Some(period) = period else { return Ok(Ok(())) };
    report.line(&format!("  reviews all sites every {} ms", period.as_millis()))?;
    for (what, trigger, faults, triggers) in [
        ("a site with 1000000 faults", Trigger::NONE, 1_000_000, 0),
        ("a patched site with 1000000 triggers", Trigger::BREAK, 0, 1_000_000),
        ("a patched site with no trigger executed", Trigger::BREAK, 0, 0),
    ] {
        let site = SiteStatistics { site: site(0), class, instruction, trigger, reserved: 0, faults, triggers };
        let review = match manager.review(&site, &Conditions::default()) {
            Ok(review) => review,
            Err(failed) => return Ok(Err(failed)),
        };
        let does = match review.change() {
            None => "stays as it is".to_owned(),
            Some(Trigger::NONE) => "gets its instruction back".to_owned(),
            Some(trigger) => format!("gets {}", trigger_name(trigger)),
        };
        report.line(&format!("  {what} {does}"))?;
    }
    Ok(Ok(()))
}

fn trigger_name(trigger: Trigger) -> String {
    match trigger {
        Trigger::BREAK => "break".to_owned(),
        Trigger::BRANCH => "branch".to_owned(),
        Trigger::JMP => "jmp".to_owned(),
        Trigger(number) => format!("trigger {number}, which this host does not know (it places break)"),
    }
}

fn routines(check: &Check, routines: &Routines, report: &Report) -> io::Result<Result<(), Failed>> {
    let name = routines.descriptor().to_string();
    report.step(&format!("{name} lists its templates"))?;
    let templates = match routines.templates() {
        Ok(templates) => templates,
        Err(failed) => return Ok(Err(failed)),
    };
    report.line(&format!("  has templates for {} of {} mnemonics", templates.len(), Mnemonic::ALL.len()))?;
    let mut seen = HashSet::new();
    for mnemonic in templates.iter().filter_map(Template::mnemonic) {
        if !seen.insert(mnemonic) {
            report.wrong(&format!("{name} has two templates for {}", mnemonic.name()))?;
        }
    }
    let trial = Trial { states: check.states, seed: check.seed, forbidden };
    for &mnemonic in Mnemonic::ALL {
        let of = mnemonic.name();
        report.step(&format!("{name} has its routines for {of} run"))?;
        let compared = match compare(routines, mnemonic, trial) {
            Ok(compared) => compared,
            Err(difference) => {
                report.line(&format!("  {of:<15}  wrong"))?;
                report.wrong(&format!("{name}: {difference}"))?;
                continue;
            }
        };
        match (seen.contains(&mnemonic), compared.states) {
            (false, 0) => continue,
            (false, _) => {
                report.wrong(&format!("{name} builds routines for {of}, and has no template for it"))?;
                continue;
            }
            (true, 0) => {
                report.wrong(&format!("{name} has a template for {of}, and builds no routine"))?;
                continue;
            }
            (true, _) => (),
        }
        report.step(&format!("{name} has its routine for {of} measured"))?;
        let cost = match measure(routines, mnemonic, check.seed) {
            Ok(cost) => cost,
            Err(difference) => return report.wrong(&format!("{name}: {difference}")).map(Ok),
        };
        let cost = cost.map_or(String::new(), |cost| {
            format!("  {:>6.0} ns, conventional path {:>6.0} ns", cost.routine, cost.conventional)
        });
        let mut same = format!("as the conventional path on {} states", compared.states);
        for (count, which) in [(compared.faults, "faults"), (compared.left, "left to it")] {
            if count != 0 {
                same += &format!(", {count} {which}");
            }
        }
        report.line(&format!("  {of:<15}  {same:<56}{cost}"))?;
    }
    Ok(Ok(()))
}
