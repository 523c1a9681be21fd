//! Virtual machines, and what they share.

use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError, Weak};
use std::time::Duration;

use patchbay_machine::handle::{Handle, NoAnswer};
use patchbay_machine::loader::CodeRange;
use patchbay_machine::supervisor::Executor;

use serde::{Deserialize, Serialize};

use crate::conventional::fetch::Fetch;
use crate::conventional::without::Without;
use crate::fast_path::lock;
use crate::patch::code_view::CodeView;
use crate::patch::sites::Sites;
use crate::plugins::Failed;
use crate::policy::conditions::Load;
use crate::policy::serving::{Plugins, Serving};
use crate::routines::class_ids::{BASE_ID, ClassId, Holder, Ids, RESERVED_NUM, RangeError};
use crate::routines::database::Entry;
use crate::routines::map::RoutineMap;
use crate::statistics::{KindReport, SiteReport, VmStatistics, VpCounts, WindowReport, work};
use crate::swap::Swaps;
use crate::vp::VirtualProcessor;

/// The sites that statistics list.
const TOP: usize = 20;

/// Who shares a routine table. Class ids are shared by all virtual machines in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// All virtual machines of the monitor that run the same routines plugin with the same settings share one table, and the
    /// plugin's instance.
    Vmm,
    /// All virtual processors of a virtual machine share one.
    #[default]
    Vm,
    /// Each virtual processor has its own.
    Vp,
}

/// The virtual machine monitor: what its virtual machines share.
pub struct Vmm {
    /// The class ids.
    pub ids: Ids,
    /// What the conventional path leaves out, for measurement only.
    pub without: Without,
    /// The routine tables that virtual machines share.
    shared: Mutex<Vec<Weak<RoutineMap>>>,
}

impl Vmm {
    /// A monitor with the ids that are usual.
    #[must_use]
    pub fn new() -> Vmm {
        // BASE_ID and RESERVED_NUM are in range.
        Vmm::with_ids(BASE_ID, RESERVED_NUM).unwrap_or_else(|error| unreachable!("{error}"))
    }

    /// A monitor with these ids.
    ///
    /// # Errors
    /// If they are not immediates of `break`.
    pub fn with_ids(base: u32, count: u32) -> Result<Vmm, RangeError> {
        Ok(Vmm { ids: Ids::new(base, count)?, without: Without::default(), shared: Mutex::default() })
    }
}

impl Vmm {
    /// The routine table that virtual machines with the same routines share: one that another has already, to which the
    /// classes of this one are added, or else this one.
    ///
    /// # Errors
    /// The plugin panicked.
    pub(crate) fn share(&self, table: Arc<RoutineMap>) -> Result<Arc<RoutineMap>, Failed> {
        let mut shared = lock(&self.shared);
        shared.retain(|table| table.strong_count() > 0);
        let other = shared.iter().filter_map(Weak::upgrade).find(|other| other.routines().is_like(table.routines()));
        let Some(other) = other else {
            shared.push(Arc::downgrade(&table));
            return Ok(table);
        };
        for (id, entry) in table.entries() {
            other.provide(id, &entry.class, &entry.instruction)?;
        }
        Ok(other)
    }
}

impl Default for Vmm {
    fn default() -> Vmm {
        Vmm::new()
    }
}

/// Classes that are out of use.
pub(crate) struct Retired {
    pub(crate) ids: Vec<ClassId>,
    /// Those of the routine tables.
    pub(crate) entries: Vec<Arc<Entry>>,
}

/// A virtual machine.
pub struct Vm {
    /// Its number.
    pub number: u32,
    /// The monitor that it runs under.
    pub vmm: Arc<Vmm>,
    /// Its sites.
    pub sites: Sites,
    /// What it executes in place of what its memory holds.
    pub view: Arc<CodeView>,
    fetch: Mutex<Fetch>,
    /// Identifies this virtual machine among the holders of class ids.
    holder: Holder,
    /// Read while a class has an id and no site yet.
    in_use: RwLock<()>,
    /// What is out of use, but for virtual processors that have yet to pass a quiescent point.
    pub(crate) retired: Mutex<Vec<Retired>>,
    serving: Mutex<Option<Arc<Serving>>>,
    /// What served until the policy was taken off the guest.
    pub(crate) set_aside: Mutex<Option<Arc<Serving>>>,
    pub(crate) swaps: Swaps,
    finished: Mutex<Vec<VpCounts>>,
    /// What is to be surveyed before its first processor starts.
    code: Mutex<Vec<CodeRange>>,
    /// What its processors have published of their work.
    pub(crate) load: Load,
}

impl Vm {
    /// A virtual machine with `processors`; without plugins, nothing is ever patched.
    ///
    /// # Errors
    /// If a plugin panics.
    pub fn new(
        vmm: Arc<Vmm>,
        number: u32,
        processors: usize,
        plugins: Option<&Plugins>,
        scope: Scope,
        fetch: Fetch,
    ) -> Result<Vm, Failed> {
        let serving = plugins.map(|plugins| Serving::new(&vmm, plugins, processors, scope)).transpose()?;
        Ok(Vm {
            number,
            holder: vmm.ids.holder(),
            in_use: RwLock::default(),
            retired: Mutex::default(),
            vmm,
            sites: Sites::default(),
            view: Arc::new(CodeView::new(processors)),
            fetch: Mutex::new(fetch),
            serving: Mutex::new(serving.map(Arc::new)),
            set_aside: Mutex::default(),
            swaps: Swaps::default(),
            finished: Mutex::default(),
            code: Mutex::default(),
            load: Load::new(processors),
        })
    }

    /// Says what is surveyed before the first of its processors executes anything.
    pub fn set_code(&self, code: Vec<CodeRange>) {
        *lock(&self.code) = code;
    }

    pub(crate) fn take_code(&self) -> Vec<CodeRange> {
        std::mem::take(&mut *lock(&self.code))
    }

    /// The plugins that serve now.
    #[must_use]
    pub fn plugins(&self) -> Option<Plugins> {
        let serving = self.serving()?;
        Some(Plugins {
            classifier: Arc::clone(&serving.classifier),
            patch_manager: Arc::clone(&serving.patch_manager),
            routines: serving.tables.iter().map(|table| Arc::clone(table.routines())).collect(),
        })
    }

    /// How many routine tables it has; `None` without plugins.
    #[must_use]
    pub fn scope(&self) -> Option<Scope> {
        Some(self.serving()?.scope)
    }

    /// How its conventional path fetches.
    #[must_use]
    pub fn fetch(&self) -> Fetch {
        *lock(&self.fetch)
    }

    /// Makes the conventional path of all its virtual processors fetch so, those that start later included.
    ///
    /// # Errors
    /// If one does not come to a block boundary in time. It follows when it does.
    pub fn set_fetch(&self, machine: &Handle, fetch: Fetch, limit: Duration) -> Result<(), NoAnswer> {
        *lock(&self.fetch) = fetch;
        let set = |executor: &mut Executor, _| {
            if let Some(mut vp) = executor.processor.take_hook::<VirtualProcessor>() {
                // Not what was asked for: somebody else may have asked for something else since.
                vp.conventional.fetch = vp.vm.fetch();
                executor.processor.hook = Some(vp);
            }
        };
        machine.ask(limit, set).map(|_| ())
    }

    pub(crate) fn serving(&self) -> Option<Arc<Serving>> {
        lock(&self.serving).clone()
    }

    /// Says what virtual processors that start from now on have.
    pub(crate) fn set_serving(&self, serving: Option<Arc<Serving>>) {
        *lock(&self.serving) = serving;
    }

    /// The class ids.
    #[inline]
    #[must_use]
    pub fn ids(&self) -> &Ids {
        &self.vmm.ids
    }

    /// Identifies this virtual machine among the holders of class ids.
    #[must_use]
    pub fn holder(&self) -> Holder {
        self.holder
    }

    /// Keeps classes in use, until the sites that are to have them are patched.
    pub(crate) fn classes_in_use(&self) -> RwLockReadGuard<'_, ()> {
        self.in_use.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps classes from being given to sites; `None` if some are just now.
    pub(crate) fn no_class_is_given(&self) -> Option<RwLockWriteGuard<'_, ()>> {
        match self.in_use.try_write() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(guard)) => Some(guard.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Takes the counts of a virtual processor that has ended.
    pub(crate) fn finish(&self, counts: VpCounts) {
        let mut finished = lock(&self.finished);
        finished.retain(|other| other.vp != counts.vp);
        finished.push(counts);
        finished.sort_by_key(|vp| vp.vp);
    }

    /// What it did, as far as its virtual processors have ended; `symbol` names addresses.
    #[must_use]
    pub fn statistics(&self, symbol: impl Fn(u64) -> Option<String>) -> VmStatistics {
        let finished = lock(&self.finished).clone();
        self.statistics_of(&finished, TOP, symbol)
    }

    /// What it did as its virtual processors have counted, with at most `top` sites.
    #[must_use]
    pub fn statistics_of(
        &self,
        counts: &[VpCounts],
        top: usize,
        symbol: impl Fn(u64) -> Option<String>,
    ) -> VmStatistics {
        let mut sites = self.sites.all();
        let mut kinds = KindReport::all(&self.view);
        for site in &sites {
            if let Some(standing) = site.standing() {
                kinds[standing.kind.index()].sites += 1;
            }
        }
        let patched = kinds.iter().map(|kind| kind.sites).sum();
        let count = sites.len();
        sites.sort_by_key(|site| std::cmp::Reverse(site.events()));
        let top = sites.iter().take(top).map(|site| SiteReport::new(site, &symbol)).collect();
        let (total, vps) = work(counts);
        let (stubs, window_bytes, window_left) = self.view.window();
        VmStatistics {
            total,
            vps,
            top,
            classes: self.ids().held(self.holder).len(),
            ids: self.ids().statistics(),
            plugins: self.plugins().map(|plugins| plugins.report()).unwrap_or_default(),
            sites: count,
            sites_patched: patched,
            triggers: kinds,
            window: WindowReport { stubs, bytes: window_bytes, bytes_left: window_left },
        }
    }
}

/// Its memory is gone, and all triggers with it.
impl Drop for Vm {
    fn drop(&mut self) {
        let held: Vec<ClassId> = self.ids().held(self.holder).into_iter().map(|(id, _)| id).collect();
        self.ids().retire(self.holder, &held, |_| ());
        self.ids().done(&held);
        lock(&self.retired).iter().for_each(|retired| self.ids().done(&retired.ids));
    }
}
