//! External interrupts and the interval timer (SDM 2:114-130).

use std::sync::atomic::{AtomicU64, Ordering};

use patchbay_isa::rows::M;

use super::*;
use crate::bus::Clock;
use crate::coherence_domain::CoherenceDomain;
use crate::processor::Configuration;
use crate::processor::external_interrupts::SPURIOUS;

struct Time(AtomicU64);

impl Clock for Time {
    fn ticks(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Time {
    fn set(&self, ticks: u64) {
        self.0.store(ticks, Ordering::Relaxed);
    }
}

/// A clock that advances with each look at it.
struct Watched(AtomicU64);

impl Clock for Watched {
    fn ticks(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// A guest with a clock that a test sets.
fn timed() -> (Guest, Arc<Time>) {
    let clock = Arc::new(Time(AtomicU64::new(1000)));
    (guest_with(clock.clone()), clock)
}

fn guest_with(clock: Arc<dyn Clock>) -> Guest {
    let memory = Arc::new(FlatMemory::new(0x10_0000));
    let domain = Arc::new(CoherenceDomain::new(1, false));
    let configuration = Configuration { domain, index: 0, bus: memory.clone(), clock };
    Guest::of(Processor::new(configuration), memory)
}

/// The timer interrupts a program that never leaves its loop.
#[test]
fn running_programs_see_the_timer() {
    let mut guest = guest_with(Arc::new(Watched(AtomicU64::new(0))));
    guest.program(CODE, &[branch(0)]);
    guest.p.write_cr(cr::ITV, 0x40);
    guest.p.write_cr(cr::ITM, 20);
    guest.set_psr(Psr::new().with_ic(true).with_i(true));
    guest.engine.run(&mut guest.p, 200_000);
    assert_eq!((guest.delivered(), guest.p.read_ivr(), guest.cr(cr::IIP)), (1, 0x40, CODE));
}

/// Reads cr.ivr until it is spurious.
fn acknowledge_all(guest: &mut Guest) -> Vec<u8> {
    let mut vectors = Vec::new();
    loop {
        match guest.p.read_ivr() {
            SPURIOUS => return vectors,
            vector => {
                vectors.push(vector);
                guest.p.end_of_interrupt();
            }
        }
    }
}

/// SDM 2:116: NMI, ExtINT, then by number.
#[test]
fn priorities() {
    let mut guest = Guest::new();
    for vector in [0x10, 0xff, 0, 0x7f, 2, 0x80, 0x3f, 0x40] {
        guest.p.mailbox().raise(vector);
    }
    assert_eq!(acknowledge_all(&mut guest), [2, 0, 0xff, 0x80, 0x7f, 0x40, 0x3f, 0x10]);
}

/// SDM 2:124: what is in service masks its own priority and those below, until it is done.
#[test]
fn interrupts_in_service_nest() {
    let mut guest = Guest::new();
    guest.p.mailbox().raise(0x50);
    assert_eq!(guest.p.read_ivr(), 0x50);
    for vector in [0x50, 0x4f] {
        guest.p.mailbox().raise(vector);
    }
    assert_eq!((guest.p.read_ivr(), guest.p.external_interrupt_pending()), (SPURIOUS, false));
    guest.p.mailbox().raise(0x51);
    assert_eq!((guest.p.read_ivr(), guest.p.read_ivr()), (0x51, SPURIOUS));
    guest.p.end_of_interrupt();
    assert_eq!(guest.p.read_ivr(), SPURIOUS);
    guest.p.end_of_interrupt();
    assert_eq!(acknowledge_all(&mut guest), [0x50, 0x4f]);
}

/// SDM 2:123: TPR.mic masks classes, TPR.mmi all but NMI.
#[test]
fn the_task_priority_masks_classes() {
    let pending = |vector: u8, tpr: u64| {
        let mut guest = Guest::new();
        guest.p.mailbox().raise(vector);
        guest.p.write_cr(cr::TPR, tpr);
        guest.p.external_interrupt_pending()
    };
    for class in 1..16u8 {
        for mic in 0..16u8 {
            assert_eq!(pending(class << 4 | 5, u64::from(mic) << 4), class > mic, "{class} {mic}");
        }
    }
    assert!(pending(2, 0x1_00f0) && pending(0, 0xf0) && !pending(0, 0x1_0000) && !pending(0xff, 0x1_0000));
}

#[test]
fn an_interrupt_is_taken_between_instructions() {
    let mut guest = Guest::new();
    guest.put(CODE, &[bundle(MMI, [nop('m'), encode(Opcode::M(M::Ssm), &[1 << 14]), add(8, 1)])]);
    guest.p.mailbox().raise(0x40);
    guest.run_to_handler(Vector::ExternalInterrupt);
    assert_eq!((guest.isr(), guest.ipsr()), (Isr::new().with_ei(2), Psr::new().with_ic(true).with_i(true).with_ri(2)));
    assert_eq!((guest.cr(cr::IIP), guest.cr(cr::IIPA), guest.p.gr(8)), (CODE, CODE, 0));
    assert_eq!(guest.p.mailbox().irr(1), 1);
    assert_eq!((guest.p.read_ivr(), guest.p.mailbox().irr(1)), (0x40, 0));
}

/// Lowering TPR, or EOI, lets a pending interrupt through at once.
#[test]
fn unmasking_interrupts() {
    for (masked, unmask) in [(true, cr::TPR), (false, cr::EOI)] {
        let mut guest = Guest::new();
        guest.program(CODE, &[encode(Opcode::M(M::MovToCr), &[unmask as i64, 0]), nop('m')]);
        if masked {
            guest.p.write_cr(cr::TPR, 0xf0);
        } else {
            guest.p.mailbox().raise(0x80);
            assert_eq!(guest.p.read_ivr(), 0x80);
        }
        guest.p.mailbox().raise(0x40);
        guest.set_psr(Psr::new().with_ic(true).with_i(true));
        guest.run_to_handler(Vector::ExternalInterrupt);
        assert_eq!((guest.cr(cr::IIP), guest.ipsr().ri()), (CODE, 1));
    }
}

/// SDM 2:39, 2:126.
#[test]
fn the_timer_fires_once_when_its_time_has_come() {
    let (mut guest, time) = timed();
    guest.p.write_cr(cr::ITV, 0x40);
    guest.p.write_cr(cr::ITM, 1010);
    assert_eq!(guest.p.ticks_to_timer(), Some(10));
    for (now, fired) in [(1009, false), (1010, true)] {
        time.set(now);
        guest.p.check_timer();
        assert_eq!(guest.p.any_interrupt_pending(), fired);
    }
    assert_eq!((guest.p.read_ivr(), guest.p.ticks_to_timer()), (0x40, None));
    time.set(5000);
    guest.p.check_timer();
    assert!(!guest.p.any_interrupt_pending());
    // A time in the past is reached when the counter has wrapped.
    guest.p.write_cr(cr::ITM, 4999);
    guest.p.check_timer();
    assert!(!guest.p.any_interrupt_pending());
}

/// SDM 2:126: a match while ITV.m is 1 is lost, whenever the processor looks.
#[test]
fn a_masked_timer_loses_its_interrupt() {
    let (mut guest, time) = timed();
    guest.p.write_cr(cr::ITV, 1 << 16 | 0x40);
    guest.p.write_cr(cr::ITM, 1010);
    assert_eq!(guest.p.ticks_to_timer(), None);
    time.set(1020);
    guest.p.write_cr(cr::ITV, 0x40);
    guest.p.check_timer();
    assert!(!guest.p.any_interrupt_pending());
    // One that has matched before it is masked, or before its time is changed, is pending.
    for register in [cr::ITV, cr::ITM] {
        guest.p.write_cr(cr::ITV, 0x40);
        guest.p.write_cr(cr::ITM, guest.p.itc() + 10);
        time.set(guest.p.itc() + 20);
        guest.p.write_cr(register, if register == cr::ITV { 1 << 16 } else { u64::MAX });
        assert_eq!(guest.p.read_ivr(), 0x40);
        guest.p.end_of_interrupt();
    }
}

#[test]
fn the_counter_can_be_set() {
    let (mut guest, time) = timed();
    guest.p.write_cr(cr::ITV, 0x40);
    guest.p.write_cr(cr::ITM, 1 << 40);
    guest.p.set_itc((1 << 40) - 5);
    assert_eq!((guest.p.itc(), guest.p.ticks_to_timer()), ((1 << 40) - 5, Some(5)));
    // Set beyond ITM, it has not reached it.
    guest.p.set_itc((1 << 40) + 5);
    guest.p.check_timer();
    assert!(!guest.p.any_interrupt_pending());
    time.set(2000);
    assert_eq!(guest.p.itc(), (1 << 40) + 5 + 1000);
}
