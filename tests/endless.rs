//! A virtual machine that never ends, to swap its plugins.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use patchbay_machine::loader::symbols::Symbols;
use patchbay_machine::outcome::Outcome;
use patchbay_vmm::control::{Control, Target};
use patchbay_vmm::conventional::fetch::Fetch;
use patchbay_vmm::policy::serving::Plugins;
use patchbay_vmm::swap::{Order, Swapped};
use patchbay_vmm::vm::{Scope, Vm, Vmm};
use patchbay_vmm::vp::supervisor::Virtual;

use crate::{Boot, Booted, plugins};

/// Threads, descriptors and memory are counted: one at a time.
static ONE: Mutex<()> = Mutex::new(());

/// A virtual machine whose guest boots again and again, with the plugins of the one before.
pub struct Endless {
    boot: Boot,
    /// What it is controlled by, as number 0.
    pub control: Arc<Control>,
    scope: Scope,
    vm: Mutex<Option<Arc<Vm>>>,
    done: AtomicBool,
    _alone: MutexGuard<'static, ()>,
}

impl Endless {
    /// One that has yet to be run.
    #[must_use]
    pub fn new(boot: Boot, scope: Scope) -> Endless {
        let alone = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let (control, vm, done) = (Arc::default(), Mutex::default(), AtomicBool::new(false));
        Endless { boot, control, scope, vm, done, _alone: alone }
    }

    /// Boots once, under these plugins or those of the boot before.
    fn boot(&self, vmm: &Arc<Vmm>, plugins: Option<Plugins>) -> Booted {
        let machine = self.boot.machine();
        let processors = self.boot.processors;
        let plugins = plugins.or_else(|| self.vm().plugins());
        let vm = Vm::new(Arc::clone(vmm), 0, processors, plugins.as_ref(), self.scope, Fetch::default());
        let vm = Arc::new(vm.expect("a virtual machine"));
        drop(plugins);
        *self.vm.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&vm));
        self.control.attach(Target {
            number: 0,
            guest: self.boot.guest.to_owned(),
            mode: "patch".to_owned(),
            machine: machine.handle(),
            vm: Some(Arc::clone(&vm)),
            symbols: Arc::new(Symbols::default()),
            started: Instant::now(),
        });
        let booted = Booted::of(machine, |index| Box::new(Virtual::new(Arc::clone(&vm), index)));
        self.control.detach(0, &booted.run.outcome);
        booted
    }

    /// The virtual machine of the present boot, or the last.
    ///
    /// # Panics
    /// If it was not run.
    pub fn vm(&self) -> Arc<Vm> {
        let vm = self.vm.lock().unwrap_or_else(PoisonError::into_inner).clone();
        vm.expect("a virtual machine that was run")
    }

    /// Boots until `work` has ended; `check` looks at each boot.
    ///
    /// # Panics
    /// If one of both panics.
    pub fn run<T: Send>(&self, check: impl Fn(&Booted), work: impl FnOnce() -> T + Send) -> T {
        let vmm = Arc::new(Vmm::new());
        self.done.store(false, Ordering::Release);
        std::thread::scope(|scope| {
            let worker = scope.spawn(|| {
                let _done = Done(self);
                work()
            });
            let mut plugins = Some(plugins("default"));
            while !self.done.load(Ordering::Acquire) {
                check(&self.boot(&vmm, plugins.take()));
            }
            worker.join().unwrap_or_else(|panic| resume_unwind(panic))
        })
    }

    /// Ends the guest in the middle of what it does, and boots it no more.
    pub fn finish(&self) {
        self.done.store(true, Ordering::Release);
        if let Ok(target) = self.control.target(Some(0)) {
            target.machine.end(Outcome::Quit);
        }
    }

    /// Swaps; a machine that has just ended is waited for.
    ///
    /// # Errors
    /// Why the old plugin still serves.
    pub fn swap(&self, order: &Order) -> Result<Swapped, String> {
        loop {
            match self.control.swap(Some(0), order) {
                Err(sentence) if sentence.starts_with("no machine ") || sentence == "the machine has ended" => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                result => return result,
            }
        }
    }
}

struct Done<'a>(&'a Endless);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.done.store(true, Ordering::Release);
        if std::thread::panicking() {
            self.0.finish();
        }
    }
}
