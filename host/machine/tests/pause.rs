//! Pausing: a paused processor is not waited for by one that purges everywhere, and purges when it goes on; and whoever
//! pauses and resumes at once leaves a machine that runs with its time, or stands with it.

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use patchbay_cpu::bus::Clock;
use patchbay_cpu::coherence_domain::{CoherenceDomain, Purge};
use patchbay_cpu::engine::EngineChoice;
use patchbay_cpu::exit::Exit;
use patchbay_cpu::processor::Processor;
use patchbay_machine::handle::{Handle, NoAnswer};
use patchbay_machine::loader::Source;
use patchbay_machine::loader::symbols::Symbols;
use patchbay_machine::machine::{Configuration, Machine, Run, Timing};
use patchbay_machine::outcome::Outcome;
use patchbay_machine::platform::Platform;
use patchbay_machine::supervisor::{Executor, Native, Reaction, Supervisor};

/// `{ .mib nop.m 0; nop.i 0; br.cond.sptk.few . }`
const LOOP: [u64; 2] = [0x0000_0001_0000_0010, 0x4000_0000_0000_0200];
/// Far more than anything here takes.
const LIMIT: Duration = Duration::from_secs(10);

/// Passes on what the processors share.
struct Tells(Sender<Arc<CoherenceDomain>>);

impl Supervisor for Tells {
    fn start(&mut self, _: &mut Processor, platform: &Platform) {
        self.0.send(Arc::clone(&platform.domain)).expect("somebody listens");
    }

    fn react(&mut self, executor: &mut Executor, exit: Exit, platform: &Platform) -> Reaction {
        Native.react(executor, exit, platform)
    }
}

fn comes_true(condition: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    while !condition() {
        if start.elapsed() > LIMIT {
            return false;
        }
        std::thread::yield_now();
    }
    true
}

/// A machine that loops, what its processors share, and the thread on which it runs.
fn looping() -> (Handle, Arc<CoherenceDomain>, JoinHandle<Run>) {
    let directory = tempfile::tempdir().expect("a directory");
    let image = directory.path().join("code");
    std::fs::write(&image, LOOP.map(u64::to_le_bytes).concat()).expect("a file");
    let configuration = Configuration {
        memory: 64 << 20,
        processors: 2,
        engine: EngineChoice::default(),
        timing: Timing::Host,
        instruction_limit: None,
        time_limit: Some(6 * LIMIT),
        symbols: Symbols::default(),
    };
    let source = Source { image, load_address: Some(0x10_0000), ..Source::default() };
    let machine = Machine::new(&configuration, &source).expect("a machine");
    let handle = machine.handle();
    let (sender, domain) = channel();
    let sender = Mutex::new(sender);
    let runs = std::thread::spawn(move || {
        machine.run(|_| Box::new(Tells(sender.lock().expect("no panic").clone()))).expect("threads")
    });
    let domain = domain.recv_timeout(LIMIT).expect("processor 0 starts");
    (handle, domain, runs)
}

#[test]
fn a_paused_processor_is_not_waited_for_and_purges_when_it_goes_on() {
    let (handle, domain, runs) = looping();
    let purge = Purge { rid: 0, address: 0, page_size: 12 };
    assert_eq!(handle.pause(LIMIT), Ok(true));
    domain.broadcast(1, purge);
    assert!(comes_true(|| domain.purges_done(1)));
    assert!(domain.mailbox(0).has_purges());
    assert!(handle.resume());
    assert!(comes_true(|| !domain.mailbox(0).has_purges()));
    handle.end(Outcome::Quit);
    runs.join().expect("no panic");
}

/// Keeps processor 0 from its block boundary until the sender is dropped.
fn keep(handle: &Handle) -> Sender<()> {
    let (held, begun) = channel();
    let (sender, receiver) = channel();
    let receiver = Mutex::new(receiver);
    let handle = handle.clone();
    std::thread::spawn(move || {
        handle.ask(2 * LIMIT, move |executor, _| {
            if executor.index == 0 {
                held.send(()).expect("somebody waits");
                let _disconnected = receiver.lock().expect("no panic").recv();
            }
        })
    });
    begun.recv_timeout(LIMIT).expect("processor 0 does errands");
    sender
}

fn time_goes_on(handle: &Handle) -> bool {
    let before = handle.clock().ticks();
    comes_true(|| handle.clock().ticks() > before)
}

#[test]
fn a_machine_that_does_not_stop_in_time_goes_on() {
    let (handle, _, runs) = looping();
    let limit = Duration::from_millis(50);
    let kept = keep(&handle);
    assert_eq!(handle.pause(limit), Err(NoAnswer::Stuck { processors: vec![0], limit }));
    assert!(!handle.is_paused());
    assert!(time_goes_on(&handle));
    assert!(!handle.resume());
    drop(kept);
    assert_eq!(handle.pause(LIMIT), Ok(true));
    assert_eq!(handle.pause(LIMIT), Ok(false));
    assert!(handle.resume());
    handle.end(Outcome::Quit);
    runs.join().expect("no panic");
}

#[test]
fn resuming_a_machine_that_is_just_pausing_lets_its_time_go_on() {
    let (handle, _, runs) = looping();
    let kept = keep(&handle);
    let pauses = std::thread::spawn({
        let handle = handle.clone();
        move || handle.pause(LIMIT)
    });
    assert!(comes_true(|| handle.is_paused()));
    let (sender, resumed) = channel();
    let resumes = std::thread::spawn({
        let handle = handle.clone();
        move || {
            let went_on = handle.resume();
            sender.send(()).expect("somebody waits");
            went_on
        }
    });
    // It waits for the pause, which waits for processor 0.
    assert!(resumed.recv_timeout(Duration::from_millis(50)).is_err());
    drop(kept);
    assert_eq!(pauses.join().expect("no panic"), Ok(true));
    assert!(resumes.join().expect("no panic"));
    assert!(!handle.is_paused());
    assert!(time_goes_on(&handle));
    handle.end(Outcome::Quit);
    runs.join().expect("no panic");
}
