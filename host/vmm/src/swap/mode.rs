//! Taking the policy off a guest that runs, and giving it back.

use std::sync::Arc;
use std::time::Duration;

use patchbay_machine::handle::Handle;

use super::{Serving, SwapError};
use crate::fast_path::lock;
use crate::vm::Vm;
use crate::vp::VirtualProcessor;

impl Vm {
    /// Lets the plugins serve, or takes them and all triggers off the guest: its virtualized instructions then take the
    /// conventional path. The plugins keep what they know.
    ///
    /// # Errors
    /// Why all is as it was.
    pub fn set_patching(&self, machine: &Handle, patches: bool, limit: Duration) -> Result<(), SwapError> {
        let _no_swap = self.swaps.history.try_lock().map_err(|_| SwapError::Busy)?;
        let before = self.serving();
        if before.is_some() == patches {
            return Ok(());
        }
        let after = if patches { Some(lock(&self.set_aside).clone().ok_or(SwapError::NoPlugins)?) } else { None };
        self.set_serving(after.clone());
        let serve = |limit, table: Option<Arc<Serving>>| {
            machine.ask(limit, move |executor, _| {
                if let Some(mut vp) = executor.processor.take_hook::<VirtualProcessor>() {
                    vp.serve(table.as_ref());
                    executor.processor.hook = Some(vp);
                }
            })
        };
        if let Err(late) = serve(limit, after) {
            self.set_serving(before.clone());
            let _late_ones_follow = serve(Duration::from_millis(100), before);
            return Err(late.into());
        }
        // Nobody places triggers any more.
        if !patches && let Some(bus) = machine.bus() {
            for site in self.sites.all() {
                self.view.remove(&*bus, &site);
            }
        }
        *lock(&self.set_aside) = before.as_ref().map(Arc::clone);
        Ok(())
    }
}
