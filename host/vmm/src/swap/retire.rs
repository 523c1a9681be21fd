//! Classes that no site has any more: their routines are dropped, and their ids are free again.

use std::collections::HashSet;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::Transaction;
use crate::fast_path::lock;
use crate::routines::class_ids::ClassId;
use crate::vm::{Retired, Scope};

/// What is left of the time limit when a swap has done its work is this at least.
const LEAST: Duration = Duration::from_millis(100);

impl Transaction<'_> {
    /// Takes classes out of use that no site has. What does not succeed in time is left to the next swap.
    pub(super) fn retire(&mut self) {
        let deadline = self.deadline.max(Instant::now() + LEAST);
        self.retire_unused(deadline);
        let retired = std::mem::take(&mut *lock(&self.vm.retired));
        if !retired.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now()).max(LEAST);
            if self.machine.ask(left, |_, _| ()).is_ok() {
                for Retired { ids, entries } in retired {
                    self.vm.ids().done(&ids);
                    drop(entries);
                }
            } else {
                lock(&self.vm.retired).extend(retired);
            }
        }
        self.done("collect");
    }

    /// Takes ids and routines away that no site has and none can get.
    fn retire_unused(&self, deadline: Instant) {
        let vm = self.vm;
        let Some(serving) = vm.serving() else { return };
        // A virtual processor that gives a class to a site may be waiting for a plugin.
        let _none_is_given = loop {
            if let Some(guard) = vm.no_class_is_given() {
                break guard;
            }
            if Instant::now() >= deadline {
                return;
            }
            sleep(Duration::from_micros(100));
        };
        let sites = vm.sites.all();
        let used: HashSet<ClassId> = sites.iter().filter(|site| site.is_patched()).map(|site| site.class()).collect();
        let held = vm.ids().held(vm.holder());
        let unused: HashSet<ClassId> = held.into_iter().map(|(id, _)| id).filter(|id| !used.contains(id)).collect();
        if unused.is_empty() {
            return;
        }
        let mut ids: Vec<ClassId> = unused.iter().copied().collect();
        ids.sort_unstable();
        let mut entries = Vec::new();
        vm.ids().retire(vm.holder(), &ids, |gone| {
            // A table of several virtual machines keeps what others use.
            let removed = if serving.scope == Scope::Vmm { gone } else { &unused };
            entries.extend(serving.tables.iter().flat_map(|table| table.remove(removed)));
        });
        lock(&vm.retired).push(Retired { ids, entries });
    }
}
