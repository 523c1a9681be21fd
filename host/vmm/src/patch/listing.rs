//! Bundles as memory has them and as the guest executes them, side by side (tables 1 and 2 of the method), and the stubs
//! that some of them lead to.

use patchbay_cpu::bus::PhysicalAddress;
use patchbay_isa::Bundle;
use patchbay_isa::disassemble::slots;
use serde::Serialize;

use super::code_view::CodeView;
use super::patch::Patch;
use super::window::addresses::BUNDLE;
use crate::statistics::hexadecimal;

/// A bundle in memory, and what executes in its place.
#[derive(Clone, Debug, Serialize)]
pub struct BundleListing {
    /// Its address as the guest executes it: virtual where it was met so.
    #[serde(serialize_with = "hexadecimal")]
    pub ip: u64,
    /// Its guest-physical address.
    #[serde(serialize_with = "hexadecimal")]
    pub bundle: u64,
    /// The name of the address, if there are symbols.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    /// Its slots.
    pub slots: Vec<SlotListing>,
    /// The bundles of its stub; none where its triggers need none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stub: Vec<StubListing>,
}

/// A slot.
#[derive(Clone, Debug, Serialize)]
pub struct SlotListing {
    /// What memory has.
    pub memory: String,
    /// What executes.
    pub executed: String,
}

/// A bundle of a stub.
#[derive(Clone, Debug, Serialize)]
pub struct StubListing {
    /// Where it lies in the window.
    #[serde(serialize_with = "hexadecimal")]
    pub window: u64,
    /// Its slots, one after the other.
    pub executed: String,
    /// Where it leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leads: Option<String>,
}

impl BundleListing {
    /// The bundle in memory at an address, which the guest executes at `ip`, and what executes in its place.
    #[must_use]
    pub fn new(view: &CodeView, address: PhysicalAddress, in_memory: Bundle, ip: u64) -> BundleListing {
        let shown =
            view.with_patch(address, |patch| (patch.original == in_memory).then(|| (patch.written, stub(patch, ip))));
        let (written, stub) = shown.flatten().unwrap_or((in_memory, Vec::new()));
        let (mut memory, mut executed) = (slots(in_memory, ip), slots(written, ip));
        let most = memory.len().max(executed.len());
        memory.resize(most, String::new());
        executed.resize(most, String::new());
        let pairs = memory.into_iter().zip(executed);
        let slots = pairs.map(|(memory, executed)| SlotListing { memory, executed }).collect();
        BundleListing { ip, bundle: address.0, symbol: None, slots, stub }
    }
}

/// The stub of a patch whose bundle executes at `ip`: it appears at one distance from the bundle, under every alias.
fn stub(patch: &Patch, ip: u64) -> Vec<StubListing> {
    let Some(stub) = &patch.stub else { return Vec::new() };
    let appears = ip.wrapping_add(stub.place.appears.wrapping_sub(stub.at));
    let lines = stub.bundles.iter().enumerate().map(|(index, bundle)| {
        let offset = index as u64 * BUNDLE;
        let executed = slots(*bundle, appears.wrapping_add(offset)).join(" ");
        let entry = stub.entries.iter().position(|entry| *entry == Some(index));
        let last = index + 1 == stub.bundles.len();
        let leads = match entry {
            _ if last => Some("back to the guest".to_owned()),
            Some(slot) => Some(format!("slot {slot}")),
            None => stub.routine(index).map(|number| format!("routine {number:#x}")),
        };
        StubListing { window: stub.place.lies + offset, executed, leads }
    });
    lines.collect()
}
