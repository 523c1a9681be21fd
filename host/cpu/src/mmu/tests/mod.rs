//! Translation against the manual's tables and a list of translations.

mod deferral;
mod faults;
mod state;
mod vhpt;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Side;
use super::translation::Pte;
use crate::flat_machine::{FlatMemory, processor};
use crate::interruption::{Interruption, Vector};
use crate::outcome::Leave;
use crate::processor::Processor;
use crate::psr::Psr;
use crate::registers::cr;

/// A present, accessed, dirty page that all may read, write and execute.
const GOOD: Pte = Pte::new().with_p(true).with_a(true).with_d(true).with_ar(3).with_pl(3);

/// A machine with 2 MiB and translation on; region n has identifier 0x100 + n and 16 KiB pages, and its walker is off.
fn machine() -> (Arc<FlatMemory>, Processor) {
    machine_with(2 << 20)
}

/// The same with some bytes of memory.
fn machine_with(size: u64) -> (Arc<FlatMemory>, Processor) {
    let memory = Arc::new(FlatMemory::new(size));
    let mut p = processor(memory.clone());
    for region in 0..8 {
        p.write_rr(region, (0x100 + region as u64) << 8 | 14 << 2);
    }
    p.set_psr(Psr::new().with_ic(true).with_dt(true).with_it(true).with_rt(true));
    (memory, p)
}

/// Inserts a translation of 2^`ps` bytes at `va` to `pa`.
fn map_sized(p: &mut Processor, side: Side, va: u64, pa: u64, ps: u8, key: u64, pte: Pte) {
    p.registers.cr[cr::IFA] = va;
    p.registers.cr[cr::ITIR] = u64::from(ps) << 2 | key << 8;
    p.insert_tc(side, pte.with_ppn(pa >> 12).into()).unwrap();
}

fn map(p: &mut Processor, va: u64, pa: u64, pte: Pte) {
    map_sized(p, Side::Data, va, pa, 14, 0x55, pte);
}

const VA: u64 = 0x4000_0000_0012_3448;
const RR_ITIR: u64 = 0x102 << 8 | 14 << 2;

/// What a fault reports.
#[derive(Debug, PartialEq)]
struct Report {
    vector: Vector,
    isr: u64,
    ifa: Option<u64>,
    itir: Option<u64>,
    iha: Option<u64>,
}

fn report<T: std::fmt::Debug>(p: &Processor, result: Result<T, Leave>) -> Report {
    assert_eq!(result.expect_err("a fault"), Leave::Fault);
    let Interruption { vector, isr, ifa, itir, iha, .. } = p.raised;
    Report { vector, isr: isr.into(), ifa, itir, iha }
}

const X: u64 = 1 << 32;
const W: u64 = 1 << 33;
const R: u64 = 1 << 34;
const NA: u64 = 1 << 35;
const SP: u64 = 1 << 36;
const RS: u64 = 1 << 37;
const ED: u64 = 1 << 43;

/// A fault that sets IFA and ITIR.
fn with_itir(vector: Vector, isr: u64) -> Report {
    Report { vector, isr, ifa: Some(VA), itir: Some(RR_ITIR), iha: None }
}

/// A fault that sets IFA.
fn with_ifa(vector: Vector, isr: u64) -> Report {
    Report { vector, isr, ifa: Some(VA), itir: None, iha: None }
}

fn load(p: &mut Processor, va: u64) -> Result<u64, Leave> {
    p.load::<u64>(va, Ordering::Relaxed)
}

fn store(p: &mut Processor, va: u64) -> Result<(), Leave> {
    p.store::<u64>(va, 1, Ordering::Relaxed).map(|_| ())
}

fn write(memory: &FlatMemory, address: u64, words: &[u64]) {
    for (index, word) in words.iter().enumerate() {
        memory.write_bytes(address + index as u64 * 8, &word.to_le_bytes()).unwrap();
    }
}
