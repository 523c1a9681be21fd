//! `patches`: the sites with most faults and triggers, what could not be placed, and bundles as they execute.

use patchbay_cpu::bus::PhysicalAddress;
use patchbay_plugin_api::instruction::Mnemonic;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Command, arguments};
use crate::control::server::Session;
use crate::control::{LIMIT, Target};
use crate::patch::bundle;
use crate::patch::listing::BundleListing;
use crate::patch::site::PatchSite;
use crate::patch::site_list;
use crate::statistics::SiteReport;
use crate::vm::Vm;

pub(super) const COMMAND: Command = Command {
    name: "patches",
    arguments: &[
        ("top", "at most so many sites or bundles [20]"),
        ("declined", "only the sites that did not get the trigger that was asked for, and why [false]"),
        ("disassemble", "the bundle at a hexadecimal address or a symbol; empty for all with triggers"),
        ("as_list", "all sites, as a list that the plugin patch-list reads [false]"),
    ],
    help: "The sites with most faults and triggers; or bundles as memory has them and as the guest executes them",
    execute,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    #[serde(default = "top")]
    top: usize,
    #[serde(default)]
    declined: bool,
    disassemble: Option<String>,
    #[serde(default)]
    as_list: bool,
}

fn top() -> usize {
    20
}

fn execute(session: &Session, given: Map<String, Value>) -> Result<Value, String> {
    let Arguments { top, declined, disassemble, as_list } = arguments(given)?;
    let target = session.target()?;
    let vm = target.vm.as_ref().ok_or("in native mode nothing is patched")?;
    let symbol = |address| target.symbol(address);
    if let Some(place) = disassemble {
        let listings = listings(&target, vm, place.trim(), top)?;
        return Ok(json!({ "bundles": listings }));
    }
    if as_list {
        return Ok(vm.sites.all().iter().map(|site| list_line(&target, site)).collect::<String>().into());
    }
    if declined {
        let mut sites = vm.sites.all();
        sites.retain(|site| site.declined().is_some());
        sites.sort_by_key(|site| std::cmp::Reverse(site.events()));
        let reports: Vec<_> = sites.iter().take(top).map(|site| SiteReport::new(site, symbol)).collect();
        return Ok(json!({ "declined": sites.len(), "top": reports }));
    }
    let statistics = target.statistics(top)?.ok_or("in native mode nothing is patched")?;
    Ok(json!({
        "sites": statistics.sites,
        "patched": statistics.sites_patched,
        "classes": statistics.classes,
        "top": statistics.top,
    }))
}

/// A site in a list: a comment if no trigger stands there.
fn list_line(target: &Target, site: &PatchSite) -> String {
    let (trigger, mnemonic) = (site.standing(), site.instruction.mnemonic().map_or("", Mnemonic::name));
    let trigger = trigger.map(|standing| standing.kind.kind().name);
    let line = site_list::line(&target.symbols, site.place.ip & !0xf, site.instruction.slot, trigger, mnemonic);
    if trigger.is_some() { line } else { format!("# {line}") }
}

/// The bundles with triggers, or the one at a place.
fn listings(target: &Target, vm: &Vm, place: &str, top: usize) -> Result<Vec<BundleListing>, String> {
    let bus = target.machine.bus().ok_or("the machine has ended")?;
    let listing = |physical: u64, ip: u64| {
        let address = PhysicalAddress(physical & !0xf);
        let in_memory = bundle::read(&*bus, address).ok_or_else(|| format!("no memory answers at {physical:#x}"))?;
        let listing = BundleListing::new(&vm.view, address, in_memory, ip & !0xf);
        Ok(BundleListing { symbol: target.symbol(ip & !0xf), ..listing })
    };
    let sites = vm.sites.all();
    if place.is_empty() {
        let ip = |physical: u64| {
            sites.iter().find(|site| site.place.bundle == physical).map_or(physical, |site| site.place.ip)
        };
        let addresses = vm.view.addresses().into_iter().take(top);
        return addresses.map(|address| listing(address.0, ip(address.0))).collect();
    }
    let ip = target.address(place)?;
    let met = sites.iter().find(|site| [site.place.ip, site.place.bundle].contains(&(ip & !0xf)));
    if let Some(site) = met {
        return Ok(vec![listing(site.place.bundle, site.place.ip)?]);
    }
    // As processor 0 would find it now.
    let found = target.machine.ask(LIMIT, move |executor, _| executor.processor.debug_translate(ip));
    let found = found.map_err(|error| error.to_string())?.first().copied().flatten();
    let physical = found.ok_or_else(|| format!("{ip:#x} is not mapped on processor 0"))?;
    Ok(vec![listing(physical.0, ip)?])
}
