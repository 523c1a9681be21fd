//! Classes that come while tables are built, or while other tables serve for a moment.

use std::convert::Infallible;
use std::sync::Arc;

use patchbay_plugin_api::routines::Routine;

use super::{GRACE, SwapError, Transaction};
use crate::plugins::Failed;
use crate::plugins::deadline;
use crate::policy::serving::Serving;
use crate::routines::class_ids::ClassId;
use crate::routines::database::Entry;

/// A class that a table lacks.
#[derive(Clone)]
struct Missing {
    table: usize,
    id: ClassId,
    /// What another table has for it.
    entry: Arc<Entry>,
    /// The routine that the table is to have.
    routine: Option<Routine>,
}

/// The classes that tables lack and others have.
fn missing(to: &Serving, from: &Serving) -> Vec<Missing> {
    let mut missing = Vec::new();
    for (number, table) in to.tables.iter().enumerate() {
        let Some(from) = from.table(number).filter(|from| !Arc::ptr_eq(from, table)) else { continue };
        let lacks = |id: ClassId, entry: &Entry| table.find(id).is_none_or(|has| has.class != entry.class);
        let entries = from.entries().into_iter().filter(|(id, entry)| lacks(*id, entry));
        missing.extend(entries.map(|(id, entry)| Missing { table: number, id, entry, routine: None }));
    }
    missing
}

/// Builds their routines.
fn build(to: &Serving, mut missing: Vec<Missing>) -> Result<Vec<Missing>, Failed> {
    for Missing { table, entry, routine, .. } in &mut missing {
        *routine = to.tables[*table].routines().build(&entry.class)?;
    }
    Ok(missing)
}

/// Gives tables what they lack. Those without a routine are emulated by the host.
fn fill(to: &Serving, missing: Vec<Missing>) {
    for Missing { table, id, entry, routine } in missing {
        let routine = || Ok::<_, Infallible>(routine);
        let Ok(_is_there) = to.tables[table].provide_with(id, &entry.class, &entry.instruction, routine);
    }
}

impl Transaction<'_> {
    /// Gives new tables the classes that have come while they were built, and unpatches what none has a routine for.
    pub(super) fn complete(&mut self, new: &Arc<Serving>) -> Result<(), SwapError> {
        let (to, missing) = (Arc::clone(new), missing(new, &self.old));
        if !missing.is_empty() {
            fill(new, self.apart(move |_| Ok(build(&to, missing)?))?);
        }
        self.unpatch_unserved(new);
        Ok(())
    }

    /// Gives old tables, which serve again, the classes that have come while new ones served.
    pub(super) fn complete_old(&self, new: &Serving) {
        let missing = missing(&self.old, new);
        if !missing.is_empty() {
            let (to, building) = (Arc::clone(&self.old), missing.clone());
            let built = deadline::within(GRACE, move || build(&to, building));
            fill(&self.old, built.ok().and_then(Result::ok).unwrap_or(missing));
        }
    }
}
