//! Loading libraries, and instances at work.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use patchbay_machine::loader::symbols::Symbols;
use patchbay_plugin_api::classifier::ClassifierRef;
use patchbay_plugin_api::conditions::Conditions;
use patchbay_plugin_api::patch_manager::PatchManagerRef;
use patchbay_plugin_api::prelude::*;
use patchbay_plugin_api::routines::RoutinesRef;
use patchbay_vmm::plugins::{
    Classifier, Instance, Library, PatchManager, Plugin as Found, PluginKind, Registry, Routines,
};
use patchbay_vmm::policy::{BUNDLED, Choice, Policy};

/// Where Cargo puts the libraries of this package's dependencies.
fn library(name: &str) -> PathBuf {
    std::env::current_exe().unwrap().with_file_name(format!("lib{name}.so"))
}

fn unreliable<T: patchbay_vmm::plugins::PluginKind>(name: &str) -> Found<T> {
    let reference = format!("{}#{name}", library("unreliable_plugins").display());
    Registry::default().find(&reference, Path::new("")).unwrap()
}

const INSTRUCTION: Instruction = Instruction {
    bits: 0,
    immediate: 0,
    mnemonic: Mnemonic::MovFromPsr as u16,
    cause: 7,
    unit: Unit::M as u8,
    slot: 1,
    template: 8,
    qp: 0,
    r1: 14,
    r2: 0,
    r3: 0,
    register: 0,
    reserved: 0,
};

const SITE: Site = Site { bundle: 0x4000, ip: 0xa000_0000_0000_4000, rid: 7, vm: 0, vp: 0, reserved: 0 };

fn fault(faults: u64) -> SiteFault {
    SiteFault { site: SITE, class: ClassKey::new(&INSTRUCTION, Attributes::R1), instruction: INSTRUCTION, faults }
}

fn statistics(trigger: Trigger, faults: u64, triggers: u64) -> SiteStatistics {
    let SiteFault { site, class, instruction, .. } = fault(0);
    SiteStatistics { site, class, instruction, trigger, reserved: 0, faults, triggers }
}

#[test]
fn every_load_has_statics_of_its_own() {
    let plugin: Found<ClassifierRef> = unreliable("counting");
    let instances = |plugin: &Found<ClassifierRef>| {
        let classifier = Instance::create(plugin, "", None).unwrap();
        classifier.counters().unwrap()[0].value
    };
    assert_eq!(instances(&plugin), 1);
    assert_eq!(instances(&plugin), 2);
    for _ in 0..50 {
        assert_eq!(instances(&unreliable("counting")), 1);
    }
    assert_eq!(instances(&plugin), 3);
}

#[test]
fn a_file_may_be_replaced_after_it_was_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plugin.so");
    std::fs::copy(library("patchbay_patch_hot"), &file).unwrap();
    let hot: PatchManager = Choice::from_argument(file.to_str().unwrap()).start(&Registry::default()).unwrap();
    // In place, which would crash a library that is mapped from there.
    std::fs::copy(library("patchbay_patch_never"), &file).unwrap();
    let never: PatchManager = Choice::from_argument(file.to_str().unwrap()).start(&Registry::default()).unwrap();
    assert_eq!((hot.descriptor().name.as_str(), never.descriptor().name.as_str()), ("patch-hot", "patch-never"));
    assert_eq!(hot.decide(&fault(16), &Conditions::default()).unwrap().trigger(), Some(Trigger::BREAK));
    assert_eq!(never.decide(&fault(16), &Conditions::default()).unwrap(), Decision::LEAVE);
}

#[test]
fn a_name_means_what_its_file_has_now() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plugin.so");
    let content = std::fs::read(library("unreliable_plugins")).unwrap();
    std::fs::write(&file, &content).unwrap();
    let mut registry = Registry::default();
    registry.add(folder.path());
    // Each load of the library counts from 1.
    let instances = || {
        let plugin: Found<ClassifierRef> =
            registry.find("counting", Path::new("")).map_err(|error| error.to_string())?;
        Ok::<u64, String>(Instance::create(&plugin, "", None).unwrap().counters().unwrap()[0].value)
    };
    assert_eq!((instances(), instances()), (Ok(1), Ok(2)));
    std::fs::write(&file, [&content[..], b"built again"].concat()).unwrap();
    assert_eq!(instances(), Ok(1));
    std::fs::copy(library("patchbay_patch_never"), &file).unwrap();
    assert_eq!(instances(), Err(format!("{} exports no classifier", file.display())));
    std::fs::remove_file(&file).unwrap();
    assert_eq!(instances(), Ok(3));
}

/// A compiler truncates the file, writes it bit by bit, or renames another one over it.
#[test]
fn a_file_may_be_replaced_while_it_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plugin.so");
    let versions = ["patchbay_patch_hot", "patchbay_patch_never"].map(|name| std::fs::read(library(name)).unwrap());
    std::fs::write(&file, &versions[0]).unwrap();
    let done = AtomicBool::new(false);
    let (loaded, refused) = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for version in versions.iter().cycle() {
                let mut written = std::fs::File::create(&file).unwrap();
                version.chunks(1 << 16).for_each(|part| written.write_all(part).unwrap());
                let other = folder.path().join("other.so");
                std::fs::write(&other, version).unwrap();
                std::fs::rename(other, &file).unwrap();
                if done.load(Ordering::Relaxed) {
                    return;
                }
            }
        });
        let (mut loaded, mut refused) = (0, 0);
        // Until a load has succeeded.
        while loaded == 0 || loaded + refused < 40 {
            match Library::load(&file) {
                Ok(library) => {
                    let plugins = library.descriptors();
                    assert!(matches!(plugins[0].name.as_str(), "patch-hot" | "patch-never"));
                    loaded += 1;
                }
                Err(error) => {
                    assert!(error.to_string().contains(file.to_str().unwrap()), "{error}");
                    refused += 1;
                }
            }
        }
        done.store(true, Ordering::Relaxed);
        writer.join().unwrap();
        (loaded, refused)
    });
    assert!(loaded > 0, "{refused} loads were refused");
}

#[test]
fn truncated_libraries_are_refused_wherever_they_end() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plugin.so");
    let data = std::fs::read(library("unreliable_plugins")).unwrap();
    let lengths = (0..20).map(|part| data.len() * part / 20).chain([1, 63, 64, 100, data.len() - 1]);
    for length in lengths {
        std::fs::write(&file, &data[..length]).unwrap();
        let Err(error) = Library::load(&file) else { panic!("{length} bytes are loaded") };
        assert!(!error.to_string().contains('\n'), "{error}");
    }
}

#[test]
fn panics_are_errors_with_the_name_of_the_plugin() {
    let classifier: Classifier = Instance::create(&unreliable("counting"), "", None).unwrap();
    let error = classifier.report().unwrap_err().to_string();
    assert!(
        error.contains("counting (") && error.contains(" fails in report: panicked: nothing to report ("),
        "{error}"
    );
    let manager: PatchManager = Instance::create(&unreliable::<PatchManagerRef>("decide-panic"), "", None).unwrap();
    let error = manager.decide(&fault(1), &Conditions::default()).unwrap_err().to_string();
    assert!(error.contains(" fails in decide: panicked: no idea at 0xa000000000004000 ("), "{error}");
    // Dropping it panics as well.
    drop(Instance::create(&unreliable::<ClassifierRef>("drop-panic"), "", None).unwrap());
}

#[test]
fn state_that_is_not_taken_is_no_obstacle_but_a_panic_is() {
    let plugin: Found<ClassifierRef> = unreliable("counting");
    let first = Instance::create(&plugin, "", None).unwrap();
    let state = first.export_state().unwrap().unwrap();
    assert_eq!((state.version(), state.bytes()), (1, &[0; 3][..]));
    // `counting` counts instances and the bytes of states.
    let second = Instance::create(&plugin, "", Some(&state)).unwrap();
    assert_eq!(second.counters().unwrap(), [Counter::new("instances", 1 + 1 + 3)]);
    Instance::create(&plugin, "", Some(&State::new(9, vec![]))).unwrap();
    let error = Instance::create(&plugin, "", Some(&State::new(2, vec![]))).err().unwrap().to_string();
    assert!(error.contains("does not take over the state of its predecessor: panicked: version 2 ("), "{error}");
}

#[test]
fn bundled_policies_start() {
    let registry = Registry::discover();
    for (name, _) in BUNDLED {
        let plugins = Policy::load(name).unwrap().start(&registry).unwrap();
        let (manager, routines) = (&plugins.patch_manager, &plugins.routines[0]);
        let class = plugins.classifier.classify(&INSTRUCTION, &SITE).unwrap().unwrap();
        assert!(class.contains(&INSTRUCTION));
        assert!(routines.build(&class).unwrap().is_some(), "{name}");
        assert_eq!(routines.templates().unwrap().len(), Mnemonic::ALL.len());
        let patched = manager.decide(&fault(16), &Conditions::default()).unwrap().trigger();
        assert_eq!(patched, (*name != "never").then_some(Trigger::BREAK), "{name}");
    }
}

#[test]
fn classes() {
    let registry = Registry::discover();
    let other = Instruction { r1: 15, slot: 0, ..INSTRUCTION };
    let elsewhere = Instruction { slot: 2, qp: 6, ..INSTRUCTION };
    let same = |plugin: &str| {
        let classifier: Classifier = Choice::from_argument(plugin).start(&registry).unwrap();
        let class = |instruction| classifier.classify(instruction, &SITE).unwrap();
        [class(&INSTRUCTION) == class(&other), class(&INSTRUCTION) == class(&elsewhere)]
    };
    assert_eq!(same("classify-operands"), [false, true]);
    assert_eq!(same("classify-operands,slot=true"), [false, false]);
    assert_eq!(same("classify-mnemonic"), [true, true]);
    let left: Classifier = Choice::from_argument("classify-mnemonic,leave=mov r=psr").start(&registry).unwrap();
    assert_eq!(left.classify(&INSTRUCTION, &SITE).unwrap(), None);
}

#[test]
fn patch_managers() {
    let registry = Registry::discover();
    let manager = |argument: &str| -> PatchManager { Choice::from_argument(argument).start(&registry).unwrap() };
    let first = manager("patch-first-fault,trigger=jmp,then=run");
    assert_eq!(first.decide(&fault(1), &Conditions::default()).unwrap(), Decision::patch(Trigger::JMP).run_on_behalf());
    let hot = manager("patch-hot,threshold=3");
    let decisions =
        [1, 2, 3, 4].map(|faults| hot.decide(&fault(faults), &Conditions::default()).unwrap().trigger().is_some());
    assert_eq!(decisions, [false, false, true, true]);
    assert_eq!(hot.review_period().unwrap(), None);
    let adaptive = manager("patch-adaptive,period-ms=20,hot=4,cold=2");
    assert_eq!(adaptive.review_period().unwrap().unwrap().as_millis(), 20);
    assert_eq!(adaptive.review(&statistics(Trigger::NONE, 3, 0), &Conditions::default()).unwrap(), Review::KEEP);
    assert_eq!(
        adaptive.review(&statistics(Trigger::NONE, 4, 0), &Conditions::default()).unwrap(),
        Review::patch(Trigger::BREAK)
    );
    assert_eq!(adaptive.review(&statistics(Trigger::BREAK, 0, 2), &Conditions::default()).unwrap(), Review::KEEP);
    assert_eq!(adaptive.review(&statistics(Trigger::BREAK, 0, 1), &Conditions::default()).unwrap(), Review::UNPATCH);
    let state = adaptive.export_state().unwrap();
    let next = Instance::create(adaptive.plugin(), "", state.as_ref()).unwrap();
    assert_eq!(next.counters().unwrap(), adaptive.counters().unwrap());
}

#[test]
fn what_cannot_be_found_or_set_is_a_sentence() {
    let registry = Registry::discover();
    let error = |argument: &str| {
        let started = Choice::from_argument(argument).start::<PatchManagerRef>(&registry);
        started.err().unwrap().to_string()
    };
    let all = "patch-adaptive, patch-conditions, patch-first-fault, patch-hot, patch-list, patch-never, patch-static";
    assert_eq!(error("patch-some"), format!("there is no patch-manager named patch-some; there are {all}"));
    assert!(error("patch-hot,threshold=much").ends_with(": setting threshold cannot be \"much\": it is a number"));
    assert!(error("patch-hot,limit=3").ends_with(": there is no setting limit; there are threshold, trigger, then"));
    let file = library("patchbay_classify_operands");
    assert_eq!(error(file.to_str().unwrap()), format!("{} exports no patch-manager", file.display()));
    let file = library("unreliable_plugins");
    let several = Registry::default().find::<ClassifierRef>(file.to_str().unwrap(), Path::new("")).err().unwrap();
    assert!(several.to_string().contains("several plugins of the kind classifier: say "), "{several}");
}

#[test]
fn policies() {
    let parse = |text: &str| Policy::parse("p.toml", text, Path::new("/policies"));
    let policy =
        parse("description = \"x\"\n[patch-manager]\nplugin = \"./hot.so\"\nthreshold = 3\nthen = \"run\"").unwrap();
    let choice = Choice {
        otherwise: None,
        plugin: "./hot.so".into(),
        base: "/policies".into(),
        config: "then = \"run\"\nthreshold = 3\n".into(),
    };
    assert_eq!(policy.patch_manager, choice);
    assert_eq!(policy.classifier.plugin, "classify-operands");
    let error = |text: &str| parse(text).unwrap_err().to_string();
    assert_eq!(error("[routines]\nx = 1"), "p.toml is not a policy: [routines] has settings, and no plugin = \"NAME\"");
    assert!(error("[router]").starts_with("p.toml is not a policy: it has router, and only "));
    assert!(error("\n\n[").starts_with("p.toml is not a policy: line 3: "), "{}", error("\n\n["));
    let unknown = Policy::load("nothing").unwrap_err().to_string();
    assert!(
        unknown.starts_with("there is no policy nothing: it is neither a file nor one of default, mnemonic, "),
        "{unknown}"
    );
}

#[test]
fn templates_answer_as_build_does() {
    let routines: Routines = Instance::create(&unreliable::<RoutinesRef>("misbehaving"), "", None).unwrap();
    let templates = routines.templates().unwrap();
    for &mnemonic in Mnemonic::ALL {
        let instruction = Instruction { mnemonic: mnemonic as u16, ..INSTRUCTION };
        let built = routines.build(&ClassKey::new(&instruction, Attributes::NONE)).unwrap();
        assert_eq!(built.is_some(), templates.iter().any(|template| template.mnemonic() == Some(mnemonic)));
    }
}

/// A search gives the values of tunables to `create` as they are.
#[test]
fn bundled_plugins_take_the_values_that_they_offer_to_a_search() {
    fn offered<T: PluginKind>(name: &str) -> Vec<(String, Vec<String>)> {
        let plugin = Registry::discover().find::<T>(name, Path::new("")).expect("a bundled plugin");
        let tunables = plugin.tunables().expect("no panic");
        for tunable in &tunables {
            for value in tunable.values() {
                let config = format!("{} = {value}", tunable.name());
                Instance::create(&plugin, &config, None).unwrap_or_else(|error| panic!("{config}: {error}"));
            }
        }
        let text = |values: &patchbay_plugin_api::plugin::Tunable| values.values().map(str::to_owned).collect();
        tunables.iter().map(|tunable| (tunable.name().to_owned(), text(tunable))).collect()
    }
    let names = |offered: &[(String, Vec<String>)]| offered.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    let hot = offered::<PatchManagerRef>("patch-hot");
    assert_eq!(names(&hot), ["threshold", "trigger", "then"]);
    assert_eq!(hot[0].1, ["1", "4", "16", "64"]);
    assert_eq!(names(&offered::<PatchManagerRef>("patch-adaptive")), ["period-ms", "hot", "cold", "trigger", "then"]);
    assert_eq!(names(&offered::<PatchManagerRef>("patch-first-fault")), ["trigger", "then"]);
    assert_eq!(names(&offered::<PatchManagerRef>("patch-static")), ["trigger", "then", "later"]);
    assert_eq!(names(&offered::<PatchManagerRef>("patch-conditions")), ["b-rate", "trigger", "then"]);
    assert_eq!(names(&offered::<PatchManagerRef>("patch-never")), [""; 0]);
    assert_eq!(names(&offered::<ClassifierRef>("classify-operands")), ["slot", "unit", "banked"]);
}

/// A patch manager that reports what it asked of the host when it was created.
struct Names(String);

impl patchbay_plugin_api::plugin::Plugin for Names {
    const NAME: &'static str = "names";
    const VERSION: &'static str = "0.0.0";
    const DESCRIPTION: &'static str = "for tests";

    fn create(_: &str, host: &Host) -> Result<Self, String> {
        let symbols = [0x1ff0, 0x2010].map(|address| host.symbol(address).unwrap_or_default());
        let addresses = ["second", "second+0x10", "twice", "never"].map(|name| host.address(name));
        Ok(Names(format!("{symbols:?} {addresses:x?}")))
    }

    fn report(&self) -> String {
        self.0.clone()
    }
}

impl patchbay_plugin_api::patch_manager::PatchManager for Names {
    fn decide(&self, _: &SiteFault) -> Decision {
        Decision::LEAVE
    }
}

#[test]
fn plugins_see_the_symbols_of_their_guest() {
    let report = |symbols: Option<&str>| {
        let symbols = symbols.map(|text| std::sync::Arc::new(Symbols::parse(text)));
        let plugin = Found::<PatchManagerRef>::linked::<Names>().with_symbols(symbols);
        Instance::create(&plugin, "", None).unwrap().report().unwrap()
    };
    let symbols = "1000 T first\n2000 T second\n3000 t twice\n4000 t twice\n";
    assert_eq!(report(Some(symbols)), r#"["first+0xff0", "second+0x10"] [Some(2000), Some(2010), None, None]"#);
    assert_eq!(report(None), r#"["", ""] [None, None, None, None]"#);
}
