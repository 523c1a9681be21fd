//! Guest instructions a second, and the time of the same C built natively: the ratio is printed behind each kernel.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "what a bench casts is small"
)]

use std::hint::black_box;
use std::time::Instant;

use criterion::{Criterion, Throughput};
use patchbay_benches::{Emulated, KERNELS, Native};

/// The median time of a few calls, in seconds.
fn median(mut call: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..7)
        .map(|_| {
            let start = Instant::now();
            call();
            start.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut ratios = Vec::new();
    for kernel in KERNELS {
        let (emulated, native) = (Emulated::load(kernel), Native::build(kernel));
        let (checksum, instructions) = emulated.run(1);
        assert_eq!(checksum, native.run(1), "{kernel} computes the same");
        let mut group = criterion.benchmark_group(kernel);
        group.sample_size(10).throughput(Throughput::Elements(instructions));
        group.bench_function("interpreter", |bencher| bencher.iter(|| emulated.run(1)));
        group.bench_function("native", |bencher| bencher.iter(|| native.run(black_box(1))));
        group.finish();
        let interpreted = median(|| {
            black_box(emulated.run(1));
        });
        let ratio = interpreted
            / median(|| {
                black_box(native.run(black_box(1)));
            });
        ratios.push((kernel, ratio, instructions as f64 / interpreted / 1e6));
    }
    for (kernel, ratio, mips) in ratios {
        println!("{kernel:10} {ratio:6.1} times native, {mips:6.1} million instructions a second");
    }
    criterion.final_summary();
}
