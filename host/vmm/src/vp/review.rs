//! The review of all sites that a patch manager asks for from time to time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use patchbay_cpu::processor::Processor;
use patchbay_machine::clock::ITC_FREQUENCY;
use patchbay_plugin_api::conditions::Conditions;
use patchbay_plugin_api::patch_manager::Trigger;
use patchbay_plugin_api::site::SiteStatistics;

use crate::patch::site::PatchSite;
use crate::plugins::{Failed, PatchManager};
use crate::policy::conditions::at_site;
use crate::policy::serving::Serving;
use crate::vp::VirtualProcessor;

/// The reviews of a patch manager, by the virtual processor that comes first.
#[derive(Debug)]
pub(crate) struct Reviews {
    /// In ticks of ar.itc.
    period: u64,
    /// The ar.itc of the next one: 0 before the guest runs, never while one is under way.
    due: AtomicU64,
}

const NEVER: u64 = u64::MAX;

impl Reviews {
    /// The reviews that a patch manager asks for.
    pub(crate) fn of(patch_manager: &PatchManager) -> Result<Option<Arc<Reviews>>, Failed> {
        let ticks = |period: Duration| {
            u64::try_from(period.as_nanos() * u128::from(ITC_FREQUENCY) / 1_000_000_000).unwrap_or(NEVER)
        };
        let reviews = |period| Arc::new(Reviews { period: ticks(period), due: AtomicU64::new(0) });
        Ok(patch_manager.review_period()?.map(reviews))
    }

    /// Does a review if it is time and nobody else does it. The first period begins when this is called first, each other
    /// one when the review before it has ended: `review` says when that was.
    fn at(&self, now: u64, review: impl FnOnce() -> (u64, Result<(), Failed>)) -> Result<(), Failed> {
        let next = now.saturating_add(self.period);
        let due = self.due.load(Ordering::Relaxed);
        let then = if due == 0 { next } else { NEVER };
        if now < due || self.due.compare_exchange(due, then, Ordering::Acquire, Ordering::Relaxed).is_err() || due == 0
        {
            return Ok(());
        }
        let (ended, done) = review();
        // The guest has its turn even where a review takes longer than the period.
        self.due.store(ended.saturating_add(self.period.max(ended.saturating_sub(now))), Ordering::Release);
        done
    }
}

impl VirtualProcessor {
    /// Reviews all sites, if it is time.
    pub(crate) fn review_if_due(&mut self, p: &mut Processor) {
        let Some(reviews) = self.serving.as_ref().and_then(|serving| serving.reviews.as_ref()) else { return };
        let now = p.itc();
        if now < self.next_review {
            return;
        }
        let reviews = Arc::clone(reviews);
        self.next_review = now.saturating_add(reviews.period);
        if let Err(failed) = reviews.at(now, || {
            let done = self.review(p);
            (p.itc(), done)
        }) {
            self.failure = Some(failed);
        }
    }

    fn review(&mut self, p: &mut Processor) -> Result<(), Failed> {
        let Some(serving) = self.serving.clone() else { return Ok(()) };
        self.publish(p.itc());
        let conditions = self.vm.conditions();
        self.vm.sites.all().iter().try_for_each(|site| self.review_site(p, &serving, site, &conditions))
    }

    fn review_site(
        &mut self,
        p: &mut Processor,
        serving: &Serving,
        site: &Arc<PatchSite>,
        conditions: &Conditions,
    ) -> Result<(), Failed> {
        let patched = site.is_patched();
        let known = serving.table(0).and_then(|table| table.entry(site.class())).filter(|_| patched);
        let class = match known {
            Some(entry) => Some(entry.class),
            None => serving.classifier.classify(&site.instruction, &site.place)?,
        };
        let Some(class) = class else { return Ok(()) };
        let (faults, triggers) = site.since_review();
        let statistics = SiteStatistics {
            site: site.place,
            class,
            instruction: site.instruction,
            trigger: site.trigger_kind(),
            reserved: 0,
            faults,
            triggers,
        };
        match serving.patch_manager.review(&statistics, &at_site(conditions, site))?.change() {
            Some(Trigger::NONE) if patched => {
                self.vm.view.remove(p.bus(), site);
                self.counters.unpatched += 1;
            }
            Some(trigger) if trigger != Trigger::NONE && trigger != statistics.trigger => {
                self.place_trigger(p, serving, &class, site, trigger)?;
            }
            _ => {}
        }
        Ok(())
    }
}
