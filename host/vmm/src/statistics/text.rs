//! Statistics as text.

use std::fmt::{self, Display};

use crate::statistics::{KindReport, OfTrigger, PluginReport, SiteReport, VmStatistics, Work};

impl Display for VmStatistics {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for vp in &self.vps {
            write!(f, "virtual processor {}: {}", vp.vp, vp.work)?;
        }
        if self.vps.len() > 1 {
            write!(f, "all virtual processors: {}", self.total)?;
        }
        self.plugins.iter().try_for_each(|plugin| write!(f, "{plugin}"))?;
        let VmStatistics { ids, window, .. } = self;
        writeln!(f, "sites          {}, {} patched, {} classes", self.sites, self.sites_patched, self.classes)?;
        for kind in self.triggers.iter().filter(|kind| kind.placed + kind.retriggered + kind.declined > 0) {
            let KindReport { trigger, sites, placed, retriggered, removed, dropped, declined, .. } = kind;
            writeln!(
                f,
                "  {trigger:<12} at {sites} sites; {placed} placed, {retriggered} in place of another, {removed} removed, \
                 {dropped} dropped, {declined} declined"
            )?;
        }
        if window.stubs > 0 {
            writeln!(
                f,
                "window         {} stubs, {} bytes, {} bytes left",
                window.stubs, window.bytes, window.bytes_left
            )?;
        }
        writeln!(f, "ids            {} of {} in use, {} free again", ids.used, ids.count, ids.free_again)?;
        self.top.iter().try_for_each(|site| write!(f, "{site}"))
    }
}

/// A plugin's counters, if it has any, or why it does not say.
impl Display for PluginReport {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if let Some(error) = &self.error {
            return writeln!(f, "{error}");
        }
        if self.counters.is_empty() {
            return Ok(());
        }
        write!(f, "{}", self.name)?;
        if let Some(vp) = self.vp {
            write!(f, " of virtual processor {vp}")?;
        }
        let counters: Vec<String> = self.counters.iter().map(|(name, value)| format!("{value} {name}")).collect();
        writeln!(f, ": {}", counters.join(", "))
    }
}

impl Display for SiteReport {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let symbol = self.symbol.as_deref().unwrap_or("");
        let trigger = self.trigger.unwrap_or("");
        let (ip, slot, mnemonic, faults, triggers) = (self.ip, self.slot, self.mnemonic, self.faults, self.triggers);
        writeln!(f, "  {ip:016x}.{slot} {mnemonic:<14} {faults:>9} faults {triggers:>9} triggers {trigger:<8}{symbol}")
    }
}

impl Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Work { faults, triggers, by_trigger, .. } = self;
        writeln!(f, "{faults} faults, {triggers} triggers ({by_trigger:.2} % by trigger)")?;
        for cause in &self.causes {
            writeln!(f, "  {:<14} {:>9} faults {:>9} triggers", cause.cause, cause.faults, cause.triggers)?;
        }
        let conventional = &self.conventional;
        writeln!(
            f,
            "  conventional   {} emulated, {} ns p50, {} ns p99; {} decoded, {} bytes of frames",
            conventional.emulated,
            self.conventional_time.p50,
            self.conventional_time.p99,
            conventional.decodes,
            conventional.frame_bytes
        )?;
        let fetches = &conventional.fetches;
        writeln!(
            f,
            "  fetches        {} by temporary entry, {} by existing entry, {} physical",
            fetches.temporary_entry, fetches.existing_entry, fetches.physical
        )?;
        for OfTrigger { trigger, events, time, .. } in self.by_kind.iter().filter(|kind| kind.events > 0) {
            writeln!(f, "  {trigger:<14} {events} executed, {} ns p50, {} ns p99", time.p50, time.p99)?;
        }
        writeln!(
            f,
            "  routines       {} built, {} shared; {} sites unpatched; {} on behalf, {} without routine, {} left by their \
             routine",
            self.routines_built,
            self.routines_shared,
            self.sites_unpatched,
            self.on_behalf,
            self.without_routine,
            self.left_by_routine
        )?;
        let fallbacks = &self.fallbacks;
        let counts = [
            ("left by classifier", fallbacks.left_by_classifier),
            ("left by patch manager", fallbacks.left_by_patch_manager),
            ("no template", fallbacks.no_template),
            ("no class id", fallbacks.no_class_id),
            ("changed", fallbacks.changed),
            ("not in RAM", fallbacks.not_in_ram),
            ("no site", fallbacks.no_site),
        ];
        for (name, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
            writeln!(f, "  {name:<21} {count}")?;
        }
        Ok(())
    }
}
