//! The review of all sites that a patch manager asks for from time to time.

use std::time::Duration;

use patchbay_cpu::processor::Processor;
use patchbay_machine::clock::ITC_FREQUENCY;
use patchbay_plugin_api::patch_manager::Trigger;
use patchbay_plugin_api::site::SiteStatistics;

use crate::plugins::Failed;
use crate::sites::Site;
use crate::vm::Patching;
use crate::vp::VirtualProcessor;

/// When a virtual processor does its part of a review.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Reviews {
    /// The patch manager has not been asked yet.
    #[default]
    Unknown,
    /// It reviews nothing.
    Never,
    /// At this ar.itc, and after so many ticks again.
    At(u64, u64),
}

fn ticks(period: Duration) -> u64 {
    u64::try_from(period.as_nanos() * u128::from(ITC_FREQUENCY) / 1_000_000_000).unwrap_or(u64::MAX)
}

impl VirtualProcessor {
    /// Adds this virtual processor's triggers to their sites, and on the first reviews all sites, if it is time.
    pub(crate) fn review_if_due(&mut self, p: &mut Processor) {
        let due = match self.reviews {
            Reviews::Never => return,
            Reviews::Unknown => true,
            Reviews::At(time, _) => p.itc() >= time,
        };
        if due && let Err(failed) = self.review(p) {
            self.failure = Some(failed);
        }
    }

    fn review(&mut self, p: &mut Processor) -> Result<(), Failed> {
        let Some(patching) = self.patching.clone() else {
            self.reviews = Reviews::Never;
            return Ok(());
        };
        match self.reviews {
            Reviews::At(_, period) => {
                self.reviews = Reviews::At(p.itc().saturating_add(period), period);
                self.cache.add();
                if self.index == 0 {
                    for site in self.vm.sites.all() {
                        self.review_site(p, &patching, &site)?;
                    }
                }
            }
            _ => {
                let period = patching.patch_manager.review_period()?.map(ticks);
                self.reviews =
                    period.map_or(Reviews::Never, |period| Reviews::At(p.itc().saturating_add(period), period));
            }
        }
        Ok(())
    }

    fn review_site(&mut self, p: &mut Processor, patching: &Patching, site: &Site) -> Result<(), Failed> {
        let patched = site.is_patched();
        let known = patching.table(0).and_then(|table| table.entry(site.class())).filter(|_| patched);
        let class = match known {
            Some(entry) => Some(entry.class),
            None => patching.classifier.classify(&site.instruction, &site.place)?,
        };
        let Some(class) = class else { return Ok(()) };
        let (faults, triggers) = site.since_review();
        let statistics = SiteStatistics {
            site: site.place,
            class,
            instruction: site.instruction,
            trigger: if patched { Trigger::BREAK } else { Trigger::NONE },
            reserved: 0,
            faults,
            triggers,
        };
        match patching.patch_manager.review(&statistics)?.change() {
            Some(Trigger::NONE) if patched => {
                self.vm.sites.unpatch(p.bus(), site);
                self.counters.unpatched += 1;
            }
            Some(trigger) if trigger != Trigger::NONE && !patched => {
                self.place_trigger(p, patching, &class, site)?;
            }
            _ => {}
        }
        Ok(())
    }
}
