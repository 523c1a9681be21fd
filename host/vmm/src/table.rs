//! The emulation routine map: from class ids to routines, and the emulation routine database behind it.

use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, Mutex};

use patchbay_plugin_api::class::ClassKey;
use patchbay_plugin_api::instruction::Instruction;
use patchbay_plugin_api::routines::Routine;

use crate::fast::lock;
use crate::ids::ClassId;
use crate::plugins::{Failed, Routines};

/// What the table has for a class.
#[derive(Debug)]
pub struct Entry {
    /// The routine; `None` where the plugin builds none, and the host emulates the instruction at the site.
    pub routine: Option<Routine>,
    /// The class.
    pub class: ClassKey,
    /// The instruction that was met first.
    pub instruction: Instruction,
}

/// A routine table. Entries stay as long as the table.
pub struct Table {
    routines: Arc<Routines>,
    entries: Box<[AtomicPtr<Entry>]>,
    /// What `entries` points to.
    built: Mutex<Vec<Arc<Entry>>>,
}

impl Table {
    /// An empty table for so many ids, whose routines this plugin builds.
    #[must_use]
    pub fn new(ids: u32, routines: Arc<Routines>) -> Table {
        Table { routines, entries: (0..ids).map(|_| AtomicPtr::new(null_mut())).collect(), built: Mutex::default() }
    }

    /// The plugin that builds its routines.
    #[must_use]
    pub fn routines(&self) -> &Arc<Routines> {
        &self.routines
    }

    /// The entry of an id.
    #[inline]
    #[must_use]
    pub fn entry(&self, id: ClassId) -> Option<&Entry> {
        let entry = self.entries.get(id.0 as usize)?.load(Ordering::Acquire);
        // SAFETY: it is null or points to an entry of `built`, which stays as long as the table.
        unsafe { entry.as_ref() }
    }

    /// The entries, by id.
    pub fn entries(&self) -> impl Iterator<Item = (ClassId, &Entry)> {
        (0..self.entries.len() as u32).map(ClassId).filter_map(|id| Some((id, self.entry(id)?)))
    }

    /// Sees to it that a class has an entry: builds its routine if there is none yet. Returns the entry, and whether it
    /// was built now.
    ///
    /// # Errors
    /// The plugin panicked.
    pub fn provide(&self, id: ClassId, class: &ClassKey, instruction: &Instruction) -> Result<(&Entry, bool), Failed> {
        if let Some(entry) = self.entry(id).filter(|entry| entry.class == *class) {
            return Ok((entry, false));
        }
        let routine = self.routines.build(class)?;
        let entry = Arc::new(Entry { routine, class: *class, instruction: *instruction });
        let mut built = lock(&self.built);
        if let Some(slot) = self.entries.get(id.0 as usize) {
            slot.store(Arc::as_ptr(&entry).cast_mut(), Ordering::Release);
        }
        built.push(Arc::clone(&entry));
        // SAFETY: `built` keeps it.
        Ok((unsafe { &*Arc::as_ptr(&entry) }, true))
    }
}
