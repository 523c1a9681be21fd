//! A machine under a debugger: processors stop at breakpoints, step, and stand while others run.

use std::thread::JoinHandle;
use std::time::Duration;

use patchbay_cpu::processor::debugger::{DebuggerStop, DebuggerWants, Position};
use patchbay_isa::Slot;
use patchbay_machine::debugger::{Go, Stopped, Why};
use patchbay_machine::handle::Handle;
use patchbay_machine::loader::Source;
use patchbay_machine::loader::symbols::Symbols;
use patchbay_machine::machine::{Configuration, Machine, Run, Timing};
use patchbay_machine::outcome::Outcome;
use patchbay_machine::supervisor::Native;

/// `{ .mib adds r8=1,r8; nop.i 0; nop.b 0 } { .mib nop.m 0; nop.i 0; br.cond.sptk.few .-16 }`
const COUNT: [u64; 4] = [0x0000_2100_1004_4010, 0x2000_0000_0000_0200, 0x0000_0001_0000_0010, 0x48ff_fff0_0000_0200];
const ENTRY: u64 = 0x10_0000;
/// Far more than anything here takes.
const LIMIT: Duration = Duration::from_secs(10);

/// A machine that counts in r8 of processor 0, and does not run yet.
fn counting(timing: Timing) -> (Handle, JoinHandle<Run>) {
    let directory = tempfile::tempdir().expect("a directory");
    let image = directory.path().join("code");
    std::fs::write(&image, COUNT.map(u64::to_le_bytes).concat()).expect("a file");
    let configuration = Configuration {
        memory: 64 << 20,
        processors: 2,
        engine: patchbay_cpu::engine::EngineChoice::default(),
        timing,
        instruction_limit: None,
        time_limit: Some(6 * LIMIT),
        symbols: Symbols::default(),
    };
    let source = Source { image, load_address: Some(ENTRY), ..Source::default() };
    let machine = Machine::new(&configuration, &source).expect("a machine");
    let handle = machine.handle();
    handle.pause_at_start();
    (handle, std::thread::spawn(move || machine.run(|_| Box::new(Native)).expect("threads")))
}

/// Bundle, slot, r8 and instruction count of processor 0.
fn state(handle: &Handle) -> (u64, u8, u64, u64) {
    let of = |executor: &mut patchbay_machine::supervisor::Executor, _| {
        let p = &executor.processor;
        (p.registers.ip, p.registers.psr.ri(), p.registers.gr[8], p.instructions)
    };
    handle.ask(LIMIT, of).expect("answers")[0]
}

fn end(handle: &Handle, thread: JoinHandle<Run>) {
    handle.end(Outcome::Quit);
    handle.resume();
    thread.join().expect("no panic");
}

#[test]
fn a_machine_stands_from_its_first_instruction_and_steps() {
    for timing in [Timing::Host, Timing::Deterministic] {
        let (handle, thread) = counting(timing);
        let stops = handle.debug();
        assert_eq!(state(&handle), (ENTRY, 0, 0, 0));
        for (after, r8) in [((ENTRY, 1), 1), ((ENTRY, 2), 1), ((ENTRY + 16, 0), 1), ((ENTRY + 16, 1), 1)] {
            assert!(handle.go(|processor| if processor == 0 { Go::Steps } else { Go::Runs }));
            let stopped = stops.recv_timeout(LIMIT).expect("a stop");
            assert_eq!(stopped, Stopped { processor: 0, why: Why::Stepped });
            assert_eq!(handle.pause(LIMIT), Ok(true));
            let (bundle, slot, sum, _) = state(&handle);
            assert_eq!(((bundle, slot), sum), (after, r8));
        }
        end(&handle, thread);
    }
}

#[test]
fn processors_stop_at_breakpoints_until_nobody_listens() {
    for timing in [Timing::Host, Timing::Deterministic] {
        let (handle, thread) = counting(timing);
        let stops = handle.debug();
        let position = Position { bundle: ENTRY + 16, slot: Slot::Two };
        let wants = DebuggerWants { breakpoints: [position].into(), watchpoints: vec![] };
        handle.ask(LIMIT, move |executor, _| executor.processor.set_debugger(wants.clone())).expect("answers");
        for round in 1..4 {
            assert!(handle.resume());
            let stopped = stops.recv_timeout(LIMIT).expect("a stop");
            assert_eq!(stopped, Stopped { processor: 0, why: Why::Wanted(DebuggerStop::Breakpoint) });
            assert_eq!(handle.pause(LIMIT), Ok(true));
            assert_eq!(state(&handle), (ENTRY + 16, 2, round, 6 * round - 1));
            handle.go(|_| Go::Steps);
            assert_eq!(stops.recv_timeout(LIMIT), Ok(Stopped { processor: 0, why: Why::Stepped }));
            assert_eq!(handle.pause(LIMIT), Ok(true));
        }
        drop(stops);
        handle.resume();
        std::thread::sleep(Duration::from_millis(20));
        assert!(state(&handle).3 > 100);
        end(&handle, thread);
    }
}

#[test]
fn a_processor_that_is_to_stand_does_so() {
    for timing in [Timing::Host, Timing::Deterministic] {
        let (handle, thread) = counting(timing);
        handle.go(|_| Go::Stands);
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(state(&handle), (ENTRY, 0, 0, 0));
        assert_eq!(handle.pause(LIMIT), Ok(true));
        handle.resume();
        std::thread::sleep(Duration::from_millis(20));
        assert!(state(&handle).3 > 100);
        end(&handle, thread);
    }
}
