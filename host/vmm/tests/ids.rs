//! Classes that come and go while a guest loops: ids that no site has any more are given again, and tables that are
//! rebuilt miss none.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "what a test casts is small"
)]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{JoinHandle, ThreadId};
use std::time::{Duration, Instant};

use patchbay_cpu::bus::PhysicalAddress;
use patchbay_cpu::engine::EngineChoice;
use patchbay_isa::rows::M;
use patchbay_isa::{Bundle, Instruction, Opcode, Template};
use patchbay_machine::handle::Handle;
use patchbay_machine::loader::Source;
use patchbay_machine::loader::symbols::Symbols;
use patchbay_machine::machine::{Configuration, Machine, Run, Timing};
use patchbay_machine::outcome::Outcome;
use patchbay_plugin_api::class::ClassKey;
use patchbay_plugin_api::host::Host;
use patchbay_plugin_api::instruction::Mnemonic;
use patchbay_plugin_api::plugin::Plugin;
use patchbay_plugin_api::routines::{Fixups, Routine, Routines, RoutinesRef, Template as Offer};
use patchbay_vmm::conventional::fetch::Fetch;
use patchbay_vmm::plugins::{Instance, Kind, Plugin as Found, Registry};
use patchbay_vmm::policy::Policy;
use patchbay_vmm::policy::serving::Plugins;
use patchbay_vmm::routines::class_ids::BASE_ID;
use patchbay_vmm::statistics::counters::Counters;
use patchbay_vmm::swap::{Order, PolicyOrder};
use patchbay_vmm::vm::{Scope, Vm, Vmm};
use patchbay_vmm::vp::VirtualProcessor;
use patchbay_vmm::vp::supervisor::Virtual;

/// The guest reads its PSR into so many registers from r14 on, in a bundle each, for ever.
const REGISTERS: usize = 10;
const LIMIT: Duration = Duration::from_secs(60);

const CODE: u64 = 0x100_0000;
const NOP: u64 = 1 << 27;

/// `br.cond` backwards (B1).
fn branch(from: u64, to: u64) -> u64 {
    4 << 37 | 1 << 36 | (to.wrapping_sub(from) >> 4 & 0xf_ffff) << 13
}

fn plugins() -> Plugins {
    Policy::load("default").unwrap().start(&Registry::discover()).unwrap()
}

fn mov_psr(r: usize) -> Bundle {
    let read = Instruction::encode(Opcode::M(M::MovFromPsr), 0, &[r as i64]).expect("operands").slot();
    Bundle::new(Template::new(1), [read, NOP, NOP])
}

/// Whether a condition comes true in time.
fn comes_true(condition: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    while !condition() {
        if start.elapsed() > LIMIT {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    true
}

/// A guest that runs.
struct Looping {
    vm: Arc<Vm>,
    machine: Handle,
    thread: Option<JoinHandle<Run>>,
}

impl Looping {
    fn start(vmm: &Arc<Vmm>, number: u32, scope: Scope, folder: &Path) -> Looping {
        Looping::under(&plugins(), vmm, number, scope, folder)
    }

    fn under(plugins: &Plugins, vmm: &Arc<Vmm>, number: u32, scope: Scope, folder: &Path) -> Looping {
        let mut code: Vec<Bundle> = (0..REGISTERS).map(|index| mov_psr(14 + index)).collect();
        let back = branch(CODE + 16 * REGISTERS as u64, CODE);
        code.push(Bundle::new(Template::new(0x11), [NOP, NOP, back]));
        let image = folder.join(format!("loop{number}"));
        std::fs::write(&image, code.iter().flat_map(|bundle| bundle.to_bytes()).collect::<Vec<u8>>()).unwrap();
        let configuration = Configuration {
            memory: 64 << 20,
            processors: 2,
            engine: EngineChoice::default(),
            timing: Timing::Host,
            instruction_limit: None,
            time_limit: Some(2 * LIMIT),
            symbols: Symbols::default(),
        };
        let source = Source { image, load_address: Some(CODE), initrd: Vec::new(), command_line: String::new() };
        let machine = Machine::new(&configuration, &source).unwrap();
        let vm = Vm::new(Arc::clone(vmm), number, 2, Some(plugins), scope, Fetch::Translated).unwrap();
        let vm = Arc::new(vm);
        let (handle, owned) = (machine.handle(), Arc::clone(&vm));
        let run = move || machine.run(|index| Box::new(Virtual::new(Arc::clone(&owned), index))).unwrap();
        let looping = Looping { vm, machine: handle, thread: Some(std::thread::spawn(run)) };
        looping.wait_for_sites();
        looping
    }

    /// Waits until all is patched.
    fn wait_for_sites(&self) {
        let patched = || self.vm.sites.all().iter().filter(|site| site.is_patched()).count();
        assert!(comes_true(|| patched() >= REGISTERS), "{} sites are patched", patched());
    }

    /// What the first virtual processor has counted.
    fn counters(&self) -> Counters {
        let counters = self.machine.ask(LIMIT, |executor, _| {
            let vp = executor.processor.take_hook::<VirtualProcessor>()?;
            let counters = vp.counters.clone();
            executor.processor.hook = Some(vp);
            Some(counters)
        });
        counters.unwrap().swap_remove(0).unwrap()
    }

    /// Lets another classifier take over, and looks at what the guest reads then.
    fn swap(&self, plugin: &str, config: &str) {
        let order = Order {
            kind: Kind::Classifier,
            plugin: plugin.to_owned(),
            library: None,
            base: PathBuf::from("/"),
            config: Some(config.to_owned()),
            vp: None,
            repatch: false,
            discard_state: false,
            limit: LIMIT,
        };
        let registry = Arc::new(Registry::discover());
        self.vm.swap(&self.machine, &registry, &order, &mut |_| ()).unwrap();
        let read = self.machine.ask(LIMIT, |executor, _| {
            executor.processor.registers.gr[14..14 + REGISTERS].fill(1);
        });
        read.unwrap();
        let read = || {
            let read = self.machine.ask(LIMIT, |executor, _| {
                let gr = &executor.processor.registers.gr;
                gr[14..14 + REGISTERS].iter().all(|value| *value == gr[14] && *value != 1)
            });
            read.unwrap()[0]
        };
        assert!(comes_true(read), "{plugin} {config}");
    }
}

impl Drop for Looping {
    fn drop(&mut self) {
        self.machine.end(Outcome::Quit);
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(std::thread::panicking() || matches!(ended, Some(Ok(_))));
    }
}

/// The register of the class that comes while tables are rebuilt.
const LATE: u8 = 30;
/// The guest, and the thread that rebuilds tables.
static REBUILDS: OnceLock<(Handle, ThreadId)> = OnceLock::new();
static LATE_IS_BUILT: AtomicBool = AtomicBool::new(false);

/// Routines for `mov r=psr`. While a table is rebuilt, the guest meets another class.
struct MeetsLate;

impl Plugin for MeetsLate {
    const NAME: &'static str = "meets-late";
    const VERSION: &'static str = "0.0.0";
    const DESCRIPTION: &'static str = "for tests";
    fn create(_: &str, _: &Host) -> Result<Self, String> {
        Ok(MeetsLate)
    }
}

impl Routines for MeetsLate {
    fn templates(&self) -> Vec<Offer> {
        vec![Offer::new(Mnemonic::MovFromPsr, "emulates")]
    }

    fn build(&self, class: &ClassKey) -> Option<Routine> {
        if let Some((machine, thread)) = REBUILDS.get()
            && std::thread::current().id() == *thread
        {
            let write = |p: &patchbay_cpu::processor::Processor| {
                p.write_physical(PhysicalAddress(CODE), &mov_psr(LATE.into()).to_bytes()).unwrap();
            };
            machine.ask(LIMIT, move |executor, _| write(&executor.processor)).unwrap();
            while !LATE_IS_BUILT.load(Ordering::Acquire) {
                std::thread::yield_now();
            }
        } else if class.r1() == Some(LATE) {
            LATE_IS_BUILT.store(true, Ordering::Release);
        }
        Some(Routine::new(|vp, _, at_site| vp.emulate(at_site), Fixups::default()).with_site())
    }
}

#[test]
fn a_change_of_scope_misses_no_class() {
    let folder = tempfile::tempdir().unwrap();
    let routines = Instance::create(&Found::<RoutinesRef>::linked::<MeetsLate>(), "", None).unwrap();
    let plugins = Plugins { routines: vec![Arc::new(routines)], ..plugins() };
    let looping = Looping::under(&plugins, &Arc::new(Vmm::new()), 0, Scope::Vm, folder.path());
    REBUILDS.get_or_init(|| (looping.machine.clone(), std::thread::current().id()));
    looping.vm.set_scope(&looping.machine, Scope::Vp, LIMIT).unwrap();
    let before = looping.counters();
    let triggers = |counters: &Counters| counters.triggers.iter().sum::<u64>();
    // Each site has triggered again.
    let enough = triggers(&before) + 2 * REGISTERS as u64;
    assert!(comes_true(|| triggers(&looping.counters()) > enough));
    assert_eq!(looping.counters().without_routine, before.without_routine);
}

/// What the settings of classify-operands tell apart makes other classes of the same instructions.
const CONFIGS: [&str; 5] = ["slot = true", "unit = true", "banked = true", "slot = true\nunit = true", ""];

#[test]
fn swaps_use_no_ids_up() {
    let folder = tempfile::tempdir().unwrap();
    let vmm = Arc::new(Vmm::with_ids(BASE_ID, 3 * REGISTERS as u32 + 1).unwrap());
    let used = || vmm.ids.statistics().used as usize;
    let other = Looping::start(&vmm, 1, Scope::Vm, folder.path());
    let looping = Looping::start(&vmm, 0, Scope::Vp, folder.path());
    assert_eq!(used(), REGISTERS, "both have the same classes");
    for _ in 0..4 {
        for config in CONFIGS {
            looping.swap("classify-operands", config);
            looping.wait_for_sites();
            assert_eq!(looping.vm.ids().held(looping.vm.holder()).len(), REGISTERS);
            assert_eq!(used(), if config.is_empty() { REGISTERS } else { 2 * REGISTERS }, "{config}");
        }
        looping.swap("classify-mnemonic", "");
        assert_eq!(used(), REGISTERS + 1);
    }
    let statistics = looping.vm.statistics_of(&[], 100, |_| None);
    assert_eq!((statistics.classes, statistics.sites_patched), (1, REGISTERS as u64));
    assert!(statistics.top.iter().all(|site| site.faults == 1), "no site was ever unpatched: {:?}", statistics.top);
    drop(looping);
    assert_eq!(used(), REGISTERS, "those of the other virtual machine");
    assert_eq!(other.vm.ids().held(other.vm.holder()).len(), REGISTERS);
    drop(other);
    assert_eq!(used(), 0);
}

/// All parts of a policy are exchanged, or none.
#[test]
fn a_policy_is_swapped_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let looping = Looping::start(&Arc::new(Vmm::new()), 0, Scope::Vm, folder.path());
    let registry = Arc::new(Registry::discover());
    let names = || {
        let Plugins { classifier, patch_manager, routines } = looping.vm.plugins().unwrap();
        let routines = routines[0].descriptor().name.clone();
        [classifier.descriptor().name.clone(), patch_manager.descriptor().name.clone(), routines]
    };
    let order = |text: &str| {
        let policy = Policy::parse("test", text, Path::new("")).unwrap();
        PolicyOrder { policy, repatch: true, discard_state: false, limit: LIMIT }
    };
    let swap = |text: &str| looping.vm.swap_policy(&looping.machine, &registry, &order(text), &mut |_| ());
    let before = names();
    let wrong = "[classifier]\nplugin = 'classify-mnemonic'\n[patch-manager]\nplugin = 'patch-hot'\nthreshold = 'many'";
    assert!(swap(wrong).is_err());
    assert_eq!(names(), before);
    let other = "[classifier]\nplugin = 'classify-mnemonic'\n[patch-manager]\nplugin = 'patch-first-fault'\n\
                 trigger = 'check'\n[routines]\nplugin = 'routines-tracing'";
    let swapped = swap(other).unwrap();
    assert_eq!(swapped.plugin, "policy test");
    assert_eq!(names(), ["classify-mnemonic", "patch-first-fault", "routines-tracing"]);
    let kinds = || {
        let standing = looping.vm.sites.all().into_iter().filter_map(|site| site.standing());
        standing.map(|standing| standing.kind.kind().name).collect::<Vec<_>>()
    };
    assert_eq!(kinds(), ["check"; REGISTERS], "sites that are patched are decided anew");
    assert_eq!(looping.vm.ids().held(looping.vm.holder()).len(), 1);
    looping.vm.rollback_policy(&looping.machine, false, LIMIT, &mut |_| ()).unwrap();
    assert_eq!(names(), before);
    assert!(looping.vm.rollback_policy(&looping.machine, false, LIMIT, &mut |_| ()).is_err());
    looping.wait_for_sites();
}

/// The policy is taken off a guest that runs, and put on again.
#[test]
fn a_mode_is_left_without_a_trace() {
    let folder = tempfile::tempdir().unwrap();
    let looping = Looping::start(&Arc::new(Vmm::new()), 0, Scope::Vm, folder.path());
    for _ in 0..3 {
        looping.vm.set_patching(&looping.machine, false, LIMIT).unwrap();
        assert!(looping.vm.view.addresses().is_empty());
        let before = looping.counters();
        let faults = |counters: &Counters| counters.faults.iter().sum::<u64>();
        assert!(comes_true(|| faults(&looping.counters()) > faults(&before) + 100));
        let triggers = |counters: &Counters| counters.triggers.iter().sum::<u64>();
        assert_eq!(triggers(&looping.counters()), triggers(&before));
        looping.vm.set_patching(&looping.machine, true, LIMIT).unwrap();
        looping.wait_for_sites();
    }
}

/// Virtual machines with the scope vmm run the same routines; what one has no use for any more, the other keeps.
#[test]
fn virtual_machines_share_a_routine_table() {
    let folder = tempfile::tempdir().unwrap();
    let vmm = Arc::new(Vmm::new());
    let one = Looping::start(&vmm, 0, Scope::Vmm, folder.path());
    let other = Looping::start(&vmm, 1, Scope::Vmm, folder.path());
    let apart = Looping::start(&vmm, 2, Scope::Vm, folder.path());
    let routines = |looping: &Looping| looping.vm.plugins().unwrap().routines.remove(0);
    assert!(Arc::ptr_eq(&routines(&one), &routines(&other)));
    assert!(!Arc::ptr_eq(&routines(&one), &routines(&apart)));
    // The classes of one change; those of the other still have their routines.
    one.swap("classify-operands", "slot = true");
    let before = other.counters();
    let triggers = |counters: &Counters| counters.triggers.iter().sum::<u64>();
    let enough = triggers(&before) + 2 * REGISTERS as u64;
    assert!(comes_true(|| triggers(&other.counters()) > enough));
    assert_eq!(other.counters().without_routine, before.without_routine);
    // A table of its own, and back.
    one.vm.set_scope(&one.machine, Scope::Vm, LIMIT).unwrap();
    one.vm.set_scope(&one.machine, Scope::Vmm, LIMIT).unwrap();
    assert!(Arc::ptr_eq(&routines(&one), &routines(&other)));
    let before = one.counters();
    let enough = triggers(&before) + 2 * REGISTERS as u64;
    assert!(comes_true(|| triggers(&one.counters()) > enough));
    assert_eq!(one.counters().without_routine, before.without_routine);
}

/// The new classes find too few ids as long as the old ones have theirs.
#[test]
fn a_range_that_was_full_is_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let vmm = Arc::new(Vmm::with_ids(BASE_ID, REGISTERS as u32 + 2).unwrap());
    let looping = Looping::start(&vmm, 0, Scope::Vm, folder.path());
    for config in CONFIGS {
        looping.swap("classify-operands", config);
        looping.wait_for_sites();
        assert_eq!(vmm.ids.statistics().used as usize, REGISTERS, "{config}");
    }
}
