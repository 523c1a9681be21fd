//! Plugins that fail in every way they can.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use patchbay_plugin_api::prelude::*;

/// Instances made from this copy of the library.
static INSTANCES: AtomicU64 = AtomicU64::new(0);

macro_rules! plugin {
    ($type:ident, $name:literal, $(fn $function:ident($($argument:tt)*) -> $result:ty $body:block)*) => {
        /// A plugin.
        pub struct $type;

        impl Plugin for $type {
            const NAME: &'static str = $name;
            const VERSION: &'static str = "0.0.1";
            const DESCRIPTION: &'static str = "for tests";
            $(fn $function($($argument)*) -> $result $body)*
        }
    };
}

macro_rules! classifier {
    ($($type:ident)*) => { $(
        impl Classifier for $type {
            fn classify(&self, instruction: &Instruction, _: &Site) -> Option<ClassKey> {
                Some(ClassKey::new(instruction, Attributes::NONE))
            }
        }
    )* };
}

plugin! { CreateError, "create-error",
    fn create(_: &str, _: &Host) -> Result<Self, String> { Err("there is\nno licence".to_owned()) }
}
plugin! { CreatePanic, "create-panic",
    fn create(config: &str, _: &Host) -> Result<Self, String> { panic!("what is {config:?}?") }
}
plugin! { SelfTestError, "self-test-error",
    fn create(_: &str, _: &Host) -> Result<Self, String> { Ok(SelfTestError) }
    fn self_test(&self) -> Result<(), String> { Err("1 is not 2".to_owned()) }
}
plugin! { DropPanic, "drop-panic",
    fn create(_: &str, _: &Host) -> Result<Self, String> { Ok(DropPanic) }
}
plugin! { Counting, "counting",
    fn create(_: &str, host: &Host) -> Result<Self, String> {
        host.log(Level::INFO, "created");
        INSTANCES.fetch_add(1, Ordering::Relaxed);
        Ok(Counting)
    }
    fn import_state(&mut self, state: &State) -> Result<(), String> {
        match state.version() {
            1 => { INSTANCES.fetch_add(state.bytes().len() as u64, Ordering::Relaxed); Ok(()) }
            2 => panic!("version 2"),
            _ => Err("not version 1".to_owned()),
        }
    }
    fn export_state(&self) -> Option<State> { Some(State::new(1, vec![0; 3])) }
    fn counters(&self) -> Vec<Counter> { vec![Counter::new("instances", INSTANCES.load(Ordering::Relaxed))] }
    fn report(&self) -> String { panic!("nothing to report") }
}

plugin! { SelfTestSleeps, "self-test-sleeps",
    fn create(_: &str, _: &Host) -> Result<Self, String> { Ok(SelfTestSleeps) }
    fn self_test(&self) -> Result<(), String> {
        loop {
            std::thread::park();
        }
    }
}
plugin! { Thread, "thread",
    fn create(_: &str, _: &Host) -> Result<Self, String> {
        std::thread::spawn(|| {
            loop {
                std::thread::park();
            }
        });
        Ok(Thread)
    }
}
plugin! { CreateAbort, "create-abort",
    fn create(_: &str, _: &Host) -> Result<Self, String> { std::process::abort() }
}
plugin! { CreateExit, "create-exit",
    fn create(_: &str, _: &Host) -> Result<Self, String> { std::process::exit(0) }
}
plugin! { CreateCrash, "create-crash",
    fn create(_: &str, _: &Host) -> Result<Self, String> { crash() }
}
plugin! { CreateOverflow, "create-overflow",
    fn create(config: &str, _: &Host) -> Result<Self, String> {
        fn deeper(depth: u64) -> u64 {
            let frame = std::hint::black_box([depth; 64]);
            if frame[3] == u64::MAX { 0 } else { deeper(frame[5] + 1) + frame[7] }
        }
        Err(format!("{config}{}", deeper(0)))
    }
}
plugin! { ImportCrash, "import-crash",
    fn create(_: &str, _: &Host) -> Result<Self, String> { Ok(ImportCrash) }
    fn import_state(&mut self, _: &State) -> Result<(), String> { crash() }
    fn export_state(&self) -> Option<State> { Some(State::new(1, vec![7])) }
}
plugin! { SelfTestCrash, "self-test-crash",
    fn create(_: &str, _: &Host) -> Result<Self, String> { Ok(SelfTestCrash) }
    fn self_test(&self) -> Result<(), String> { crash() }
}
plugin! { ExportHangs, "export-hangs",
    fn create(_: &str, _: &Host) -> Result<Self, String> { Ok(ExportHangs) }
    fn export_state(&self) -> Option<State> { hang() }
    fn counters(&self) -> Vec<Counter> { ["z", "a", "m"].map(|name| Counter::new(name, 7)).to_vec() }
}
plugin! { ExportCrash, "export-crash",
    fn create(_: &str, _: &Host) -> Result<Self, String> { Ok(ExportCrash) }
    fn export_state(&self) -> Option<State> { crash() }
}

/// Ends the process as soon as the file exists that is its configuration, in the way that the file says.
pub struct Ends {
    file: PathBuf,
}

impl Plugin for Ends {
    const NAME: &'static str = "ends";
    const VERSION: &'static str = "0.0.1";
    const DESCRIPTION: &'static str = "for tests";

    fn create(config: &str, _: &Host) -> Result<Self, String> {
        Ok(Ends { file: PathBuf::from(config) })
    }

    fn counters(&self) -> Vec<Counter> {
        match std::fs::read_to_string(&self.file).unwrap_or_default().as_str() {
            "crash" => crash(),
            "exit" => std::process::exit(0),
            "abort" => std::process::abort(),
            _ => Vec::new(),
        }
    }
}

fn crash() -> ! {
    // SAFETY: none. It is what this is for.
    unsafe {
        std::hint::black_box(std::ptr::null_mut::<u64>().wrapping_add(1)).write_volatile(7);
    }
    unreachable!("that has ended the process")
}

/// What a terminal would execute.
const ESCAPES: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}\nname  value";

plugin! { Escapes, "escapes",
    fn create(config: &str, host: &Host) -> Result<Self, String> {
        host.log(Level::WARN, ESCAPES);
        match config {
            "error" => Err(ESCAPES.to_owned()),
            "panic" => panic!("{ESCAPES}"),
            "long" => Err("x".repeat(2_600_000)),
            _ => Ok(Escapes),
        }
    }
    fn counters(&self) -> Vec<Counter> {
        vec![Counter::new(ESCAPES, 1), Counter::new(&"y".repeat(100_000_000), 2)]
    }
    fn report(&self) -> String { format!("first\nsecond {ESCAPES}") }
}

plugin! { ClassifyLoop, "classify-loop",
    fn create(_: &str, _: &Host) -> Result<Self, String> { Ok(ClassifyLoop) }
}
plugin! { ClassifyNonsense, "classify-nonsense",
    fn create(_: &str, _: &Host) -> Result<Self, String> { Ok(ClassifyNonsense) }
}

impl Classifier for ClassifyLoop {
    fn classify(&self, _: &Instruction, _: &Site) -> Option<ClassKey> {
        loop {
            std::hint::spin_loop();
        }
    }
}

impl Classifier for ClassifyNonsense {
    fn classify(&self, instruction: &Instruction, _: &Site) -> Option<ClassKey> {
        let other = Instruction { slot: instruction.slot ^ 1, ..*instruction };
        Some(ClassKey::new(&other, Attributes::SLOT))
    }
}

plugin! { DropHangs, "drop-hangs",
    fn create(_: &str, _: &Host) -> Result<Self, String> { Ok(DropHangs) }
}
plugin! { CountersHang, "counters-hang",
    fn create(_: &str, _: &Host) -> Result<Self, String> { Ok(CountersHang) }
    fn counters(&self) -> Vec<Counter> { hang() }
    fn report(&self) -> String { hang() }
}

impl Drop for DropHangs {
    fn drop(&mut self) {
        hang()
    }
}

fn hang() -> ! {
    loop {
        std::thread::park();
    }
}

impl Drop for DropPanic {
    fn drop(&mut self) {
        panic!("not yet");
    }
}

classifier! {
    CreateError CreatePanic SelfTestError DropPanic DropHangs CountersHang Counting SelfTestSleeps Thread CreateAbort
    CreateExit CreateCrash CreateOverflow ImportCrash SelfTestCrash ExportHangs ExportCrash Ends Escapes
}

plugin! { DecidePanic, "decide-panic",
    fn create(_: &str, _: &Host) -> Result<Self, String> { Ok(DecidePanic) }
}

impl PatchManager for DecidePanic {
    fn decide(&self, fault: &SiteFault) -> Decision {
        panic!("no idea at {:#x}", fault.site.ip)
    }
}

plugin! { Misbehaving, "misbehaving",
    fn create(_: &str, _: &Host) -> Result<Self, String> { Ok(Misbehaving) }
}

impl Routines for Misbehaving {
    fn templates(&self) -> Vec<Template> {
        vec![
            Template::new(Mnemonic::Rfi, "panics"),
            Template::new(Mnemonic::Cover, "returns nonsense"),
            Template::new(Mnemonic::Bsw0, "never returns"),
        ]
    }

    fn build(&self, class: &ClassKey) -> Option<Routine> {
        let fixups = Fixups::default();
        match class.mnemonic()? {
            Mnemonic::Rfi => Some(Routine::new(|_, _, _| panic!("cannot go back"), fixups)),
            Mnemonic::Cover => Some(Routine::new(|_, _, _| Err(Outcome(77)), fixups)),
            Mnemonic::Bsw0 => Some(Routine::new(
                |_, _, _| loop {
                    std::hint::spin_loop();
                },
                fixups,
            )),
            _ => None,
        }
    }
}

plugin! { Slow, "slow",
    fn create(_: &str, _: &Host) -> Result<Self, String> { Ok(Slow) }
}

impl Routines for Slow {
    fn templates(&self) -> Vec<Template> {
        vec![Template::new(Mnemonic::Rfi, "allocates"), Template::new(Mnemonic::Cover, "prints")]
    }

    fn build(&self, class: &ClassKey) -> Option<Routine> {
        let fixups = Fixups::default();
        match class.mnemonic()? {
            Mnemonic::Rfi => Some(Routine::new(
                |vp, _, instruction| {
                    std::hint::black_box(vec![instruction.bits; 4]);
                    vp.emulate(instruction)
                },
                fixups,
            )),
            Mnemonic::Cover => Some(Routine::new(
                |vp, _, instruction| {
                    eprintln!("cover");
                    vp.emulate(instruction)
                },
                fixups,
            )),
            _ => None,
        }
    }
}

/// Routines that all are the same.
macro_rules! routines {
    ($type:ident, $name:literal, $mnemonics:expr, $routine:expr) => {
        plugin! { $type, $name,
            fn create(_: &str, _: &Host) -> Result<Self, String> { Ok($type) }
        }

        impl Routines for $type {
            fn templates(&self) -> Vec<Template> {
                $mnemonics.iter().map(|mnemonic| Template::new(*mnemonic, "for tests")).collect()
            }

            fn build(&self, class: &ClassKey) -> Option<Routine> {
                let routine = Routine::new($routine, Fixups::default()).with_site();
                $mnemonics.contains(&class.mnemonic()?).then_some(routine)
            }
        }
    };
}

routines! { Panicking, "panicking", Mnemonic::ALL, |_, _, _| panic!("cannot go on") }
routines! { Nonsense, "nonsense", Mnemonic::ALL, |_, _, _| Err(Outcome(77)) }
routines! { Partial, "partial", [Mnemonic::Cover, Mnemonic::MovFromCr], |vp, _, at_site| vp.emulate(at_site) }
routines! { Endless, "endless", Mnemonic::ALL, |_, _, _| loop { std::thread::park(); } }

/// Builds nothing as long as the file exists that is its configuration.
pub struct BuildWaits {
    file: PathBuf,
}

impl Plugin for BuildWaits {
    const NAME: &'static str = "build-waits";
    const VERSION: &'static str = "0.0.1";
    const DESCRIPTION: &'static str = "for tests";

    fn create(config: &str, _: &Host) -> Result<Self, String> {
        Ok(BuildWaits { file: PathBuf::from(config) })
    }
}

impl Routines for BuildWaits {
    fn templates(&self) -> Vec<Template> {
        Mnemonic::ALL.iter().map(|mnemonic| Template::new(*mnemonic, "for tests")).collect()
    }

    fn build(&self, _: &ClassKey) -> Option<Routine> {
        while self.file.exists() {
            std::thread::sleep(Duration::from_millis(1));
        }
        Some(Routine::new(|vp, _, at_site| vp.emulate(at_site), Fixups::default()).with_site())
    }
}

patchbay_plugin_api::export_plugins! {
    classifiers: [
        CreateError, CreatePanic, SelfTestError, DropPanic, DropHangs, CountersHang, Counting, SelfTestSleeps, Thread,
        CreateAbort, ClassifyLoop, ClassifyNonsense, CreateExit, CreateCrash, CreateOverflow, ImportCrash, SelfTestCrash,
        ExportHangs, ExportCrash, Ends, Escapes,
    ],
    patch_managers: [DecidePanic],
    routines: [Misbehaving, Slow, Panicking, Nonsense, Partial, Endless, BuildWaits],
}
