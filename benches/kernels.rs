//! Guest instructions a second on each engine, and the time of the same C built natively: the ratios are printed at the
//! end. Names of kernels choose them.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "what a bench casts is small"
)]

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use patchbay_benches::{Emulated, KERNELS, Native};
use patchbay_cpu::engine::EngineKind;
use rustix::time::{ClockId, clock_gettime};

/// The time that this thread has had, in seconds.
fn time() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// The shortest time of a few calls, in seconds.
fn shortest(mut call: impl FnMut()) -> f64 {
    let times = (0..7).map(|_| {
        let start = time();
        call();
        time() - start
    });
    times.fold(f64::INFINITY, f64::min)
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut ratios = Vec::new();
    let named: Vec<&str> = KERNELS.into_iter().filter(|kernel| std::env::args().any(|word| word == *kernel)).collect();
    for kernel in if named.is_empty() { KERNELS.to_vec() } else { named } {
        let (emulated, native) = (Emulated::load(kernel), Native::build(kernel));
        let (checksum, instructions) = emulated.run(EngineKind::Interpreter, 1);
        assert_eq!(checksum, native.run(1), "{kernel} computes the same");
        let mut group = criterion.benchmark_group(kernel);
        group.sample_size(10).throughput(Throughput::Elements(instructions));
        for &kind in EngineKind::ALL {
            assert_eq!(emulated.run(kind, 1), (checksum, instructions), "{kernel} computes the same on the {kind}");
            group.bench_function(kind.to_string(), |bencher| bencher.iter(|| emulated.run(kind, 1)));
        }
        group.bench_function("native", |bencher| bencher.iter(|| native.run(black_box(1))));
        group.finish();
        let natively = shortest(|| {
            black_box(native.run(black_box(1)));
        });
        for &kind in EngineKind::ALL {
            let emulated = shortest(|| {
                black_box(emulated.run(kind, 1));
            });
            ratios.push((kernel, kind, emulated / natively, instructions as f64 / emulated / 1e6));
        }
    }
    for &kind in EngineKind::ALL {
        let of_kind = || ratios.iter().filter(|(_, other, ..)| *other == kind);
        for (kernel, _, ratio, mips) in of_kind() {
            println!("{kind:12} {kernel:10} {ratio:6.1} times native, {mips:7.1} million instructions a second");
        }
        let mean = (of_kind().map(|(_, _, ratio, _)| ratio.ln()).sum::<f64>() / of_kind().count() as f64).exp();
        println!("{kind:12} {:10} {mean:6.1} times native", "geometric mean");
    }
    criterion.final_summary();
}
