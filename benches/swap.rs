//! How long a swap keeps virtual processors from their guest: Linux with four of them tests itself while plugins of the three
//! kinds are swapped.
//!
//! Processors are interrupted once a swap, to take the new plugins over. A *pause* is what one of them loses: from the
//! moment it stands at a block boundary and turns to the swap, until it goes on with its guest. It waits for nobody in
//! there: neither for the other processors, which take over when they come to a boundary of their own, nor for what is done
//! before and behind on the thread of the swap. With more processors than the host has, a pause may include that another
//! thread has its turn. *Publish* is the time from the request until the last processor has taken over, in which guests run;
//! *swap* is all of it, from the file to the end of the old instance.
//!
//! Exits with status 1 if one pause in a hundred is longer than 50 ms.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "what a bench casts is small"
)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use patchbay_machine::outcome::Outcome;
use patchbay_tests::endless::Endless;
use patchbay_tests::{Boot, Booted};
use patchbay_vmm::plugins::Kind;
use patchbay_vmm::swap::Order;
use patchbay_vmm::vm::Scope;

const PROCESSORS: usize = 4;
const SWAPS: usize = 300;
/// The 99th percentile of the pauses is at most this, in milliseconds.
const LIMIT: f64 = 50.0;

const PLUGINS: [(Kind, &str); 6] = [
    (Kind::Classifier, "classify-mnemonic"),
    (Kind::PatchManager, "patch-hot"),
    (Kind::Routines, "routines-tracing"),
    (Kind::Classifier, "classify-operands"),
    (Kind::PatchManager, "patch-first-fault"),
    (Kind::Routines, "routines-standard"),
];

/// Times in milliseconds.
struct Times(Vec<f64>);

impl Times {
    fn percentile(&self, percent: usize) -> f64 {
        self.0.get((self.0.len() * percent).div_ceil(100).saturating_sub(1)).copied().unwrap_or_default()
    }

    fn report(&mut self, name: &str) {
        self.0.sort_by(f64::total_cmp);
        let [p50, p99, max] = [50, 99, 100].map(|percent| self.percentile(percent));
        println!("{name:8} {:5} of them, {p50:9.4} ms p50, {p99:9.4} ms p99, {max:9.4} ms max", self.0.len());
    }
}

fn check(booted: &Booted) {
    match booted.run.outcome {
        Outcome::Quit => {}
        _ => {
            booted.expect_power_off();
            assert!(booted.console.contains("GUEST: exit status 0"), "{}", booted.console);
        }
    }
}

fn main() -> ExitCode {
    let endless = Endless::new(Boot::linux("run=longer", PROCESSORS), Scope::Vp);
    let [mut pauses, mut publishes, mut swaps] = [const { Times(Vec::new()) }; 3];
    endless.run(check, || {
        for number in 0..SWAPS {
            while !is_up(&endless) {
                std::thread::sleep(Duration::from_millis(20));
            }
            let (kind, plugin) = PLUGINS[number % PLUGINS.len()];
            let (plugin, base, repatch) = (plugin.to_owned(), PathBuf::new(), kind == Kind::PatchManager);
            let order = Order {
                kind,
                plugin,
                library: None,
                base,
                config: None,
                vp: None,
                repatch,
                discard_state: false,
                limit: Duration::from_secs(60),
            };
            let swapped = endless.swap(&order).expect("a swap");
            pauses.0.extend(swapped.pauses.iter().map(|pause| *pause as f64 / 1e6));
            let milliseconds = |step: &str| -> f64 {
                let steps = swapped.steps.iter().filter(|done| step.is_empty() || done.step == step);
                steps.map(|done| done.seconds * 1e3).sum()
            };
            publishes.0.push(milliseconds("publish"));
            swaps.0.push(milliseconds(""));
        }
        endless.finish();
    });
    for (times, name) in [(&mut pauses, "pause"), (&mut publishes, "publish"), (&mut swaps, "swap")] {
        times.report(name);
    }
    let late = pauses.percentile(99) > LIMIT;
    if late {
        eprintln!("the 99th percentile of the pauses is more than {LIMIT} ms");
    }
    ExitCode::from(u8::from(late))
}

/// Whether the guest has started all its processors.
fn is_up(endless: &Endless) -> bool {
    let statistics = endless.control.target(Some(0)).and_then(|target| target.statistics(0));
    statistics.is_ok_and(|vm| vm.is_some_and(|vm| vm.vps.len() == PROCESSORS))
}
