//! Exchanging the triggers of all patched sites for those of one kind, while the guest runs.

use std::collections::BTreeMap;
use std::time::Duration;

use patchbay_machine::handle::Handle;
use serde::Serialize;

use super::code_view::Placed;
use super::trigger::{Decline, KindIndex};
use crate::vm::Vm;

/// How long processors may take to leave their blocks, so that room in the window is free again.
const PATIENCE: Duration = Duration::from_secs(1);

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Retriggered {
    /// The kind that was asked for.
    pub trigger: &'static str,
    /// Sites that got it.
    pub sites: u64,
    /// Sites that had it.
    pub had_it: u64,
    /// Sites that have `break` instead.
    pub fell_back: u64,
    /// The same by reason.
    pub because: BTreeMap<&'static str, u64>,
    /// Sites whose instruction was no longer in memory, or whose trigger somebody else exchanged or took away meanwhile.
    pub changed: u64,
}

impl Vm {
    /// Places triggers of a kind at all sites at which a trigger stands. Processors go on meanwhile: each site has one
    /// trigger or the other at every moment.
    pub fn retrigger(&self, machine: &Handle, kind: KindIndex) -> Retriggered {
        let mut done = Retriggered { trigger: kind.kind().name, ..Retriggered::default() };
        let Some(bus) = machine.bus() else { return done };
        // No class goes out of use meanwhile.
        let _in_use = self.classes_in_use();
        for site in self.sites.all() {
            let Some(standing) = site.standing() else { continue };
            let number = self.ids().immediate(standing.class);
            let place = |stands| self.view.exchange(&*bus, &site, stands, kind, number);
            let mut placed = place(standing);
            if let Placed::Done { declined: Some(Decline::WindowFull), .. } | Placed::Declined(Decline::WindowFull) =
                placed
            {
                // The room of the stubs that the sites before it had is free when all processors have left their blocks.
                let _those_that_are_late_keep_it = machine.ask(PATIENCE, |_, _| ());
                let now = site.standing().filter(|now| now.class == standing.class);
                placed = now.map_or(Placed::Changed, place);
            }
            match placed {
                Placed::Done { declined: None, .. } => done.sites += 1,
                Placed::Done { declined: Some(why), .. } | Placed::Declined(why) => {
                    done.fell_back += 1;
                    *done.because.entry(why.name()).or_default() += 1;
                }
                Placed::Already => done.had_it += 1,
                Placed::Changed | Placed::NotInRam => done.changed += 1,
            }
        }
        tracing::debug!(target: "patch", ?done, "retriggered");
        done
    }
}
