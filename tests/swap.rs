//! Plugins are swapped while a guest runs, and the guest does not notice.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use patchbay_machine::handle::Handle;
use patchbay_machine::loader::symbols::Symbols;
use patchbay_machine::outcome::Outcome;
use patchbay_plugin_api::instruction::Mnemonic;
use patchbay_plugin_api::plugin::Counter;
use patchbay_tests::endless::Endless;
use patchbay_tests::{Boot, Booted, plugins};
use patchbay_vmm::control::Target;
use patchbay_vmm::conventional::fetch::{Fetch, Fetches};
use patchbay_vmm::patch::bundle;
use patchbay_vmm::patch::site::PatchSite;
use patchbay_vmm::patch::trigger::{KINDS, KindIndex};
use patchbay_vmm::plugins::Kind;
use patchbay_vmm::statistics::VpStatistics;
use patchbay_vmm::swap::{Order, Rollback, Setting, Swapped};
use patchbay_vmm::vm::{Scope, Vm};
use patchbay_vmm::vp::supervisor::Virtual;

/// Where Cargo puts the libraries of this package's dependencies.
fn library(name: &str) -> PathBuf {
    std::env::current_exe().unwrap().with_file_name(format!("lib{name}.so"))
}

fn back(kind: Kind, limit: Duration) -> Rollback {
    Rollback { kind, discard_state: false, limit }
}

fn order(kind: Kind, plugin: &str) -> Order {
    let plugin = plugin.replace("unreliable", library("unreliable_plugins").to_str().unwrap());
    let (limit, base) = (Duration::from_secs(60), PathBuf::from("/"));
    Order { kind, plugin, library: None, base, config: None, vp: None, repatch: false, discard_state: false, limit }
}

/// What a virtual processor has counted, and its routines.
type Counts = (VpStatistics, Vec<Counter>);

/// What each virtual processor and its routines have counted, those that run.
fn counts(endless: &Endless) -> Vec<Counts> {
    let Ok(target) = endless.control.target(Some(0)) else { return Vec::new() };
    let vps = target.statistics(0).unwrap().unwrap().vps;
    let routines = endless.vm().plugins().unwrap().routines.into_iter();
    vps.into_iter().zip(routines.map(|routines| routines.counters().unwrap())).collect()
}

fn passes(booted: &Booted) {
    booted.expect_power_off();
    let summary = booted.console.lines().last().unwrap_or_default();
    assert!(summary.ends_with(" 0 failed"), "{}", booted.console);
}

/// The guest was ended while it ran.
fn was_ended(booted: &Booted) {
    assert!(matches!(booted.run.outcome, Outcome::Quit), "{:?}\n{}", booted.run.outcome, booted.console);
}

/// Linux on two processors, with routines of their own.
fn two_processors() -> Endless {
    Endless::new(Boot::linux("run=longer", 2), Scope::Vp)
}

fn wait_until(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(120));
        std::thread::sleep(Duration::from_millis(5));
    }
}

const SWAPS: [(Kind, &str, Option<&str>); 14] = [
    (Kind::Classifier, "classify-operands", None),
    (Kind::Classifier, "classify-mnemonic", None),
    (Kind::PatchManager, "patch-first-fault", None),
    (Kind::PatchManager, "patch-hot", None),
    (Kind::PatchManager, "patch-adaptive", None),
    (Kind::PatchManager, "patch-never", None),
    (Kind::Routines, "routines-standard", None),
    (Kind::Routines, "routines-tracing", None),
    (Kind::Routines, "unreliable#partial", None),
    (Kind::Classifier, "unreliable#create-error", Some("cannot be created: there is no licence")),
    (Kind::Classifier, "unreliable#create-panic", Some("cannot be created: panicked")),
    (Kind::Classifier, "unreliable#self-test-error", Some("fails its self-test: 1 is not 2")),
    (Kind::Routines, "/no/such/file.so", Some("cannot read /no/such/file.so")),
    (Kind::PatchManager, "/dev/null", Some("/dev/null is not a regular file")),
];

/// The memory of this process, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// The threads of processors and swaps.
fn threads() -> usize {
    let ours = |thread: &std::fs::DirEntry| {
        let name = std::fs::read_to_string(thread.path().join("comm")).unwrap_or_default();
        name.starts_with("processor") || name.trim() == "swap"
    };
    std::fs::read_dir("/proc/self/task").unwrap().flatten().filter(ours).count()
}

/// Exchanges all triggers for those of a kind, as far as there is a machine just now.
fn retrigger(endless: &Endless, kind: KindIndex) {
    if let Ok(target) = endless.control.target(Some(0)) {
        let done = endless.vm().retrigger(&target.machine, kind);
        let because: u64 = done.because.values().sum();
        assert_eq!(because, done.fell_back, "{done:?}");
    }
}

/// Swaps so often, with failures, rollbacks and other triggers in between; how many libraries were loaded, the refused ones
/// included.
fn swap_at_random(endless: &Endless, swaps: u64) -> u64 {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64 ^ swaps;
    let mut random = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 8) as usize % below
    };
    let mut loaded = 0;
    for number in 0..swaps {
        let (kind, plugin, refused) = SWAPS[random(SWAPS.len())];
        let order = Order { repatch: random(2) == 0, ..order(kind, plugin) };
        match (endless.swap(&order), refused) {
            (Ok(_), None) => {}
            (Err(sentence), Some(expected)) if sentence.contains(expected) => {}
            (result, _) => panic!("{kind} {plugin}: {result:?}"),
        }
        loaded += u64::from(!plugin.starts_with('/'));
        if number % 2 == 1 {
            retrigger(endless, KindIndex::all().nth(random(KINDS)).expect("a kind"));
        }
        if number % 5 == 4 {
            // There may be nothing to go back to.
            let _rolled_back = endless.control.rollback(None, back(kind, Duration::from_secs(60)));
        }
    }
    loaded
}

fn stress(endless: &Endless, check: impl Fn(&Booted), swaps: u64) {
    // What is done once takes memory once.
    endless.run(&check, || swap_at_random(endless, 20));
    let (descriptors_before, threads_before, memory) = (descriptors(), threads(), resident());
    let generations = endless.run(&check, || swap_at_random(endless, swaps));
    let grown = resident().saturating_sub(memory);
    println!("{} KiB a generation: {grown} KiB for {generations}", grown / generations);
    assert!(grown / generations < 1024, "{generations} generations take {grown} KiB");
    // A library that serves, or that one of 16 rollbacks a kind brings back, has its file open.
    let kept = 3 * (1 + 16);
    assert!(
        descriptors() <= descriptors_before + 3 + kept,
        "{descriptors_before} descriptors became {}",
        descriptors()
    );
    // Other tests leave some behind on purpose; one that was joined may still be seen.
    wait_until(|| threads() <= threads_before);
}

#[test]
fn a_guest_that_checks_itself_survives_swaps_in_any_order() {
    stress(&Endless::new(Boot::bare("privops", 1), Scope::Vm), passes, 50);
}

#[test]
#[ignore = "long: 50 swaps under a small guest are made by default"]
fn linux_on_four_processors_survives_two_thousand_swaps() {
    let check = |booted: &Booted| {
        booted.expect_power_off();
        assert!(booted.console.contains("GUEST: exit status 0"), "{}", booted.console);
        assert!(!booted.console.contains("FAILED"), "{}", booted.console);
    };
    stress(&Endless::new(Boot::linux("run=longer", 4), Scope::Vp), check, 2000);
}

#[test]
fn a_swap_for_one_virtual_processor_changes_only_its_counters() {
    let endless = two_processors();
    endless.run(was_ended, || {
        let tracing = |vp: usize, records: u64| {
            let config = Some(format!("records = {records}"));
            Order { vp: Some(vp), config, ..order(Kind::Routines, "routines-tracing") }
        };
        let operations = |counts: &Counts| counts.1[0].value;
        endless.swap(&tracing(0, 16)).unwrap();
        endless.swap(&tracing(1, 32)).unwrap();
        wait_until(|| counts(&endless).len() == 2 && counts(&endless).iter().all(|counts| operations(counts) > 1000));
        let machine = endless.control.target(Some(0)).unwrap().machine;
        machine.pause(Duration::from_secs(60)).unwrap();
        let before = counts(&endless);
        endless.swap(&tracing(1, 64)).unwrap();
        let after = counts(&endless);
        assert_eq!(format!("{:?}", after[0]), format!("{:?}", before[0]));
        assert_eq!(format!("{:?}", after[1].0), format!("{:?}", before[1].0));
        assert_eq!((operations(&before[1]) > 1000, operations(&after[1])), (true, 0));
        machine.resume();
        wait_until(|| counts(&endless).iter().zip(&after).all(|(now, then)| operations(now) > operations(then) + 100));
        machine.pause(Duration::from_secs(60)).unwrap();
        // Each operation is in the counters of the virtual processor that did it, and nowhere else.
        for (now, then) in counts(&endless).iter().zip(&after) {
            assert_eq!(operations(now) - operations(then), now.0.work.triggers - then.0.work.triggers);
        }
        endless.finish();
    });
}

/// The mnemonics that `unreliable#partial` has templates for.
const PARTIAL: [Mnemonic; 2] = [Mnemonic::Cover, Mnemonic::MovFromCr];

#[test]
fn classes_without_a_routine_are_conventional_and_without_any_table_unpatched() {
    let endless = two_processors();
    endless.run(was_ended, || {
        let machine = || endless.control.target(Some(0)).unwrap().machine;
        let partial = |vp| Order { vp: Some(vp), ..order(Kind::Routines, "unreliable#partial") };
        let served = |site: &Arc<PatchSite>| PARTIAL.contains(&site.instruction.mnemonic().unwrap());
        let patched = || -> Vec<Arc<PatchSite>> {
            endless.vm().sites.all().into_iter().filter(|site| site.is_patched()).collect()
        };
        let key = |site: &Arc<PatchSite>| (site.place.bundle, site.instruction.slot);
        let busy = || counts(&endless).len() == 2 && counts(&endless).iter().all(|(vp, _)| vp.work.triggers > 1000);
        wait_until(busy);
        machine().pause(Duration::from_secs(60)).unwrap();
        let all = patched();
        let (kept, lost): (Vec<_>, Vec<_>) = all.iter().cloned().partition(served);
        assert!(!kept.is_empty() && !lost.is_empty());

        // One table has a routine for each class: all patches stay, and the other one has the host's.
        endless.swap(&partial(1)).unwrap();
        assert!(patched().iter().map(key).eq(all.iter().map(key)));
        let before = counts(&endless);
        machine().resume();
        wait_until(|| counts(&endless)[1].0.work.without_routine > before[1].0.work.without_routine + 100);
        assert_eq!(counts(&endless)[0].0.work.without_routine, 0);

        // No table has one: the guest's memory has its instructions again.
        machine().pause(Duration::from_secs(60)).unwrap();
        endless.swap(&partial(0)).unwrap();
        assert!(patched().iter().all(served));
        assert!(kept.iter().all(|site| site.is_patched()) && !lost.iter().any(|site| site.is_patched()));
        let bus = machine().bus().unwrap();
        for site in &lost {
            let bundle = bundle::read(&*bus, site.address()).unwrap();
            assert_eq!(bundle.slot(site.slot()), site.instruction.bits, "{:#x}", site.place.bundle);
        }
        drop(bus);
        let before = counts(&endless);
        machine().resume();
        let falls_back = |vp: usize| counts(&endless)[vp].0.work.fallbacks.no_template;
        wait_until(|| (0..2).all(|vp| falls_back(vp) > before[vp].0.work.fallbacks.no_template + 100));

        // With the routines of before they are patched again.
        for _ in 0..2 {
            endless.control.rollback(Some(0), back(Kind::Routines, Duration::from_secs(60))).unwrap();
        }
        wait_until(|| !patched().iter().all(served));
        endless.finish();
    });
}

#[test]
fn the_conventional_path_fetches_as_it_is_told() {
    let endless = two_processors();
    endless.run(was_ended, || {
        let limit = Duration::from_secs(60);
        let fetches = || -> Vec<_> { counts(&endless).iter().map(|(vp, _)| vp.work.conventional.fetches).collect() };
        let never = Order { repatch: true, ..order(Kind::PatchManager, "patch-never") };
        endless.swap(&never).unwrap();
        wait_until(|| fetches().len() == 2 && fetches().iter().all(|vp| vp.temporary_entry > 100));
        let machine = endless.control.target(Some(0)).unwrap().machine;
        machine.pause(limit).unwrap();
        endless.vm().set_fetch(&machine, Fetch::Physical, limit).unwrap();
        let before = fetches();
        machine.resume();
        wait_until(|| fetches().iter().zip(&before).all(|(now, then)| now.physical > then.physical + 1000));
        let by_data =
            |vps: Vec<Fetches>| -> Vec<_> { vps.iter().map(|vp| (vp.temporary_entry, vp.existing_entry)).collect() };
        assert_eq!(by_data(fetches()), by_data(before));
        endless.finish();
    });
}

#[test]
fn orders_for_one_virtual_processor_are_checked() {
    let endless = Endless::new(Boot::bare("ipi", 2), Scope::Vp);
    endless.run(passes, || {
        let one = Order { vp: Some(1), ..order(Kind::Routines, "routines-tracing") };
        endless.swap(&one).unwrap();
        let names = endless.vm().plugins().unwrap().routines.into_iter();
        let names: Vec<_> = names.map(|routines| routines.descriptor().name.clone()).collect();
        assert_eq!(names, ["routines-standard", "routines-tracing"]);
        let nobody = Order { vp: Some(2), ..one.clone() };
        assert_eq!(endless.swap(&nobody).unwrap_err(), "there is no virtual processor 2: there are 2");
        let shared = Order { vp: Some(1), ..order(Kind::Classifier, "classify-mnemonic") };
        assert!(endless.swap(&shared).unwrap_err().starts_with("virtual processors share their classifier"));
    });
}

/// A bare-metal guest that stands still while its plugins are changed.
fn standing(processors: usize, work: impl FnOnce(&Endless, &Handle) + Send) {
    let endless = Endless::new(Boot::bare(if processors > 1 { "ipi" } else { "privops" }, processors), Scope::Vp);
    let check = |booted: &Booted| {
        assert!(matches!(booted.run.outcome, Outcome::Quit | Outcome::PowerOff(_)), "{:?}", booted.run.outcome);
    };
    endless.run(check, || {
        let stands = || {
            let machine = endless.control.target(Some(0)).ok()?.machine;
            machine.pause(Duration::from_secs(60)).is_ok().then_some(machine)
        };
        let machine = loop {
            if let Some(machine) = stands() {
                break machine;
            }
        };
        work(&endless, &machine);
        endless.finish();
    });
}

#[test]
fn a_setting_changes_each_plugin_that_has_it_and_loads_nothing() {
    standing(2, |endless, _| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tracing.so");
        std::fs::copy(library("patchbay_routines_tracing"), &file).unwrap();
        let swap = |vp: usize, plugin: &str, config: &str| {
            let config = Some(config.to_owned());
            endless.swap(&Order { vp: Some(vp), config, ..order(Kind::Routines, plugin) }).map(|_| ())
        };
        let set = |vp: Option<usize>, value: &str| {
            let (name, value, limit) = ("records".to_owned(), value.to_owned(), Duration::from_secs(60));
            let setting =
                Setting { kind: Kind::Routines, vp, name, value, repatch: false, discard_state: false, limit };
            endless.control.set(Some(0), &setting).map(|_| ())
        };
        let serve = || -> Vec<String> {
            let routines = endless.vm().plugins().unwrap().routines.into_iter();
            routines.map(|routines| format!("{}: {}", routines.descriptor().name, routines.config())).collect()
        };
        swap(1, file.to_str().unwrap(), "records = 16").unwrap();
        let before = serve();
        assert_eq!(before, ["routines-standard: ", "routines-tracing: records = 16"]);
        let sentence = set(None, "64").unwrap_err();
        assert!(sentence.contains("there is no setting records"), "{sentence}");
        assert_eq!(serve(), before);

        // What serves was loaded before its file became something else.
        std::fs::write(&file, "half a plugin").unwrap();
        set(Some(1), "64").unwrap();
        assert_eq!(serve(), ["routines-standard: ", "routines-tracing: records = \"64\""]);
        swap(0, "routines-tracing", "records = 32").unwrap();
        set(None, "128").unwrap();
        assert_eq!(serve(), ["routines-tracing: records = \"128\"", "routines-tracing: records = \"128\""]);
        endless.control.rollback(Some(0), back(Kind::Routines, Duration::from_secs(60))).unwrap();
        assert_eq!(serve(), ["routines-tracing: records = 32", "routines-tracing: records = \"64\""]);
    });
}

#[test]
fn what_a_plugin_has_learned_goes_to_its_successors_of_the_same_name() {
    standing(1, |endless, _| {
        let imports = |swapped: Swapped| swapped.steps.iter().any(|step| step.step == "import");
        let swap = |plugin: &str| imports(endless.swap(&order(Kind::Classifier, plugin)).unwrap());
        assert!(!swap("unreliable#counting"));
        assert!(swap("unreliable#counting"));
        assert!(!swap("classify-mnemonic"));
        let back = || endless.control.rollback(Some(0), back(Kind::Classifier, Duration::from_secs(60))).unwrap();
        assert!(imports(back()));
    });
}

#[test]
fn the_scope_is_what_it_was_set_to_and_a_wrong_name_takes_memory_once() {
    standing(1, |endless, machine| {
        for scope in [Scope::Vp, Scope::Vm, Scope::Vp] {
            endless.vm().set_scope(machine, scope, Duration::from_secs(60)).unwrap();
            assert_eq!(endless.vm().scope(), Some(scope));
        }
        let mapped = || {
            let sentence = endless.swap(&order(Kind::Classifier, "clasify-operands")).unwrap_err();
            assert!(sentence.starts_with("there is no classifier named clasify-operands; there are "), "{sentence}");
            let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
            maps.lines().filter(|line| line.contains("patchbay-plugin-")).count()
        };
        let once = mapped();
        assert_eq!((0..5).map(|_| mapped()).max(), Some(once));
    });
}

/// Runs a guest beside another one, swaps this plugin in, and returns why its machine ended.
fn crash_under(endless: &Endless, plugin: &str) -> String {
    for _ in 0..100 {
        let boot = Boot::bare("privops", 1);
        let vm = Vm::new(Arc::default(), 1, 1, Some(&plugins("default")), Scope::Vm, Fetch::default());
        let vm = Arc::new(vm.unwrap());
        let machine = boot.machine();
        endless.control.attach(Target {
            number: 1,
            guest: boot.guest.to_owned(),
            mode: "patch".to_owned(),
            machine: machine.handle(),
            vm: Some(Arc::clone(&vm)),
            symbols: Arc::new(Symbols::default()),
            started: Instant::now(),
        });
        let run = move || Booted::of(machine, |index| Box::new(Virtual::new(Arc::clone(&vm), index)));
        let runs = std::thread::spawn(run);
        let swapped = endless.control.swap(Some(1), &order(Kind::Routines, plugin));
        let outcome = runs.join().unwrap().run.outcome;
        endless.control.detach(1, &outcome);
        match (swapped, outcome) {
            (Ok(_) | Err(_), Outcome::Crash(report)) => return report.reason,
            // The guest was faster than the swap.
            (_, Outcome::PowerOff(_)) => {}
            (swapped, outcome) => panic!("{swapped:?}: {outcome:?}"),
        }
    }
    panic!("no guest meets {plugin}")
}

#[test]
fn a_routine_that_fails_stops_its_virtual_machine_and_no_other() {
    let endless = Endless::new(Boot::bare("privops", 1), Scope::Vm);
    let file = library("unreliable_plugins").display().to_string();
    endless.run(passes, || {
        let reason = crash_under(&endless, "unreliable#panicking");
        let expected = format!("routines panicking ({file}) fails in a routine: panicked: cannot go on (");
        assert!(reason.starts_with(&expected), "{reason}");
        let reason = crash_under(&endless, "unreliable#nonsense");
        let expected = "fails in a routine: it returned the outcome 77, which means nothing";
        assert_eq!(reason, format!("routines nonsense ({file}) {expected}"));
        endless.swap(&order(Kind::Routines, "routines-tracing")).unwrap();
    });
}

#[test]
fn a_rollback_returns_to_the_plugin_before() {
    let endless = Endless::new(Boot::bare("privops", 1), Scope::Vm);
    let limit = Duration::from_secs(60);
    endless.run(passes, || {
        let name = || endless.vm().plugins().unwrap().patch_manager.descriptor().name.clone();
        let hot = Order { config: Some("threshold = 3".to_owned()), ..order(Kind::PatchManager, "patch-hot") };
        // The guest may end between two of these, and its rollbacks with it.
        for _ in 0..100 {
            endless.swap(&hot).unwrap();
            endless.swap(&order(Kind::PatchManager, "patch-never")).unwrap();
            if endless.control.rollback(None, back(Kind::PatchManager, limit)).is_err() {
                continue;
            }
            let patch_manager = endless.vm().plugins().unwrap().patch_manager;
            assert_eq!((name().as_str(), patch_manager.config()), ("patch-hot", "threshold = 3"));
            return;
        }
        panic!("no rollback succeeds");
    });
    assert!(
        matches!(endless.control.rollback(None, back(Kind::Routines, limit)), Err(sentence) if sentence == "no machine runs")
    );
}

#[test]
fn a_plugin_that_takes_too_long_is_refused() {
    let endless = Endless::new(Boot::bare("privops", 1), Scope::Vm);
    endless.run(passes, || {
        let limit = Duration::from_millis(500);
        let late = Order { limit, ..order(Kind::Classifier, "unreliable#self-test-sleeps") };
        let sentence = endless.swap(&late).unwrap_err();
        assert_eq!(sentence, "the plugin has not come further than the step create within 500ms");
        assert_eq!(endless.vm().plugins().unwrap().classifier.descriptor().name, "classify-operands");
        endless.swap(&order(Kind::Classifier, "classify-mnemonic")).unwrap();
    });
}

#[test]
fn plugins_that_never_return_keep_neither_a_swap_nor_those_after_it() {
    let endless = two_processors();
    endless.run(was_ended, || {
        let classifier = || endless.vm().plugins().unwrap().classifier.descriptor().name.clone();
        let briefly = Duration::from_secs(3);
        endless.swap(&order(Kind::Classifier, "unreliable#drop-hangs")).unwrap();
        assert!(!endless.swap(&order(Kind::Classifier, "classify-operands")).unwrap().destroyed);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("wait");
        let config = Some(file.display().to_string());
        let waits = Order { config, ..order(Kind::Routines, "unreliable#build-waits") };
        assert!(endless.swap(&waits).unwrap().destroyed);
        assert_eq!(endless.control.events.last(100).iter().filter(|event| event.what == "left").count(), 1);

        // While the machine stands still, no virtual processor meets these plugins.
        wait_until(|| counts(&endless).len() == 2 && counts(&endless).iter().all(|(vp, _)| vp.work.triggers > 1000));
        let machine = endless.control.target(Some(0)).unwrap().machine;
        machine.pause(Duration::from_secs(60)).unwrap();
        std::fs::write(&file, "").unwrap();
        let late = endless.vm().set_scope(&machine, Scope::Vm, briefly).unwrap_err();
        assert_eq!(late.to_string(), "the plugin has not come to its first step within 3s");
        let mnemonic = Order { limit: briefly, ..order(Kind::Classifier, "classify-mnemonic") };
        let late = "the plugin has not come further than the step publish within 3s";
        assert_eq!(endless.swap(&mnemonic).unwrap_err(), late);
        assert_eq!((classifier().as_str(), endless.vm().scope()), ("classify-operands", Some(Scope::Vp)));
        endless.swap(&order(Kind::Routines, "routines-standard")).unwrap();
        endless.swap(&mnemonic).unwrap();
        assert_eq!(classifier(), "classify-mnemonic");
        let before = counts(&endless);
        machine.resume();
        wait_until(|| {
            counts(&endless).iter().zip(&before).all(|(now, then)| now.0.work.triggers > then.0.work.triggers)
        });
        endless.finish();
    });
}

#[test]
fn stopping_ends_a_guest_whose_plugins_are_swapped() {
    let endless = Endless::new(Boot::bare("privops", 1), Scope::Vm);
    let check = |booted: &Booted| {
        assert!(matches!(booted.run.outcome, Outcome::Quit | Outcome::PowerOff(_)), "{:?}", booted.run.outcome);
    };
    endless.run(check, || {
        endless.swap(&order(Kind::Routines, "routines-tracing")).unwrap();
        endless.control.target(None).unwrap().machine.end(Outcome::Quit);
    });
}
