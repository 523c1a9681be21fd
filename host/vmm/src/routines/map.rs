//! The emulation routine map: from class ids to routines, and the emulation routine database.

use std::collections::HashSet;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, Mutex};

use patchbay_plugin_api::class::ClassKey;
use patchbay_plugin_api::instruction::Instruction;
use patchbay_plugin_api::routines::Routine;

use crate::fast_path::lock;
use crate::plugins::{Failed, Routines};
use crate::routines::class_ids::ClassId;
use crate::routines::database::Entry;

/// A routine table.
pub struct RoutineMap {
    routines: Arc<Routines>,
    entries: Box<[AtomicPtr<Entry>]>,
    /// What `entries` points to, or has.
    built: Mutex<Vec<(ClassId, Arc<Entry>)>>,
}

impl RoutineMap {
    /// An empty table for so many ids, whose routines this plugin builds.
    #[must_use]
    pub fn new(ids: u32, routines: Arc<Routines>) -> RoutineMap {
        RoutineMap {
            routines,
            entries: (0..ids).map(|_| AtomicPtr::new(null_mut())).collect(),
            built: Mutex::default(),
        }
    }

    /// The plugin that builds its routines.
    #[must_use]
    pub fn routines(&self) -> &Arc<Routines> {
        &self.routines
    }

    /// The entry of an id, on the thread of a virtual processor, which has done with it at its next quiescent point.
    #[inline]
    #[must_use]
    pub(crate) fn entry(&self, id: ClassId) -> Option<&Entry> {
        let entry = self.entries.get(id.0 as usize)?.load(Ordering::Acquire);
        // SAFETY: it is null or points to an entry that is in `built`, or was until it was removed; who removes one keeps
        // it until every virtual processor has passed a quiescent point.
        unsafe { entry.as_ref() }
    }

    /// The entry of an id, on any thread.
    #[must_use]
    pub fn find(&self, id: ClassId) -> Option<Arc<Entry>> {
        let built = lock(&self.built);
        let entry = self.entries.get(id.0 as usize)?.load(Ordering::Acquire);
        built.iter().find(|(_, built)| Arc::as_ptr(built) == entry).map(|(_, entry)| Arc::clone(entry))
    }

    /// The entries, by id.
    #[must_use]
    pub fn entries(&self) -> Vec<(ClassId, Arc<Entry>)> {
        let built = lock(&self.built);
        let serves = |id: ClassId, entry: &Arc<Entry>| {
            self.entries
                .get(id.0 as usize)
                .is_some_and(|serves| serves.load(Ordering::Acquire) == Arc::as_ptr(entry).cast_mut())
        };
        let mut entries: Vec<_> = built.iter().filter(|(id, entry)| serves(*id, entry)).cloned().collect();
        entries.sort_unstable_by_key(|(id, _)| *id);
        entries
    }

    /// Takes the entries of ids out. They are to be kept until every virtual processor has passed a quiescent point.
    #[must_use]
    pub(crate) fn remove(&self, ids: &HashSet<ClassId>) -> Vec<Arc<Entry>> {
        let mut built = lock(&self.built);
        for entry in ids.iter().filter_map(|id| self.entries.get(id.0 as usize)) {
            entry.store(null_mut(), Ordering::Release);
        }
        built.extract_if(.., |(id, _)| ids.contains(id)).map(|(_, entry)| entry).collect()
    }

    /// Sees to it that a class has an entry: builds its routine if there is none yet. Returns the entry, and whether it
    /// was built now.
    ///
    /// # Errors
    /// The plugin panicked.
    pub fn provide(
        &self,
        id: ClassId,
        class: &ClassKey,
        instruction: &Instruction,
    ) -> Result<(Arc<Entry>, bool), Failed> {
        self.provide_with(id, class, instruction, || self.routines.build(class))
    }

    /// The same with a routine that somebody else builds.
    pub(crate) fn provide_with<E>(
        &self,
        id: ClassId,
        class: &ClassKey,
        instruction: &Instruction,
        build: impl FnOnce() -> Result<Option<Routine>, E>,
    ) -> Result<(Arc<Entry>, bool), E> {
        if let Some(entry) = self.find(id).filter(|entry| entry.class == *class) {
            return Ok((entry, false));
        }
        let routine = build()?;
        let entry = Arc::new(Entry { routine, class: *class, instruction: *instruction });
        let mut built = lock(&self.built);
        let serves = |entry: &Arc<Entry>| Arc::as_ptr(entry).cast_mut();
        let Some(place) = self.entries.get(id.0 as usize) else { return Ok((entry, true)) };
        let now = place.load(Ordering::Acquire);
        // Another virtual processor may have been faster.
        if let Some((_, other)) = built.iter().find(|(_, other)| serves(other) == now && other.class == *class) {
            return Ok((Arc::clone(other), false));
        }
        place.store(serves(&entry), Ordering::Release);
        built.push((id, Arc::clone(&entry)));
        Ok((entry, true))
    }
}
