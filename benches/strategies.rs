//! What the ways of emulation cost: Linux from start to power off, and each operation of the guest `privops`, natively, on
//! the conventional path and under every bundled policy that patches.

use std::time::Duration;

use criterion::Criterion;
use patchbay_tests::{Boot, Booted};
use patchbay_vmm::vm::Scope;
use rustix::time::{ClockId, clock_gettime};

/// The columns of the table: native, conventional path, policies.
const STRATEGIES: [&str; 6] = ["native", "trap", "default", "hot", "adaptive", "mnemonic"];
/// Runs of a guest, of which the shortest time of each operation counts.
const ROUNDS: usize = 5;

fn run(boot: &Boot, strategy: &str) -> Booted {
    let booted = match strategy {
        "native" => boot.run(),
        "trap" => boot.run_virtual(None, Scope::Vm).0,
        policy => boot.run_virtual(Some(policy), Scope::Vm).0,
    };
    booted.expect_power_off();
    booted
}

/// The operations of `privops` and what each took, in nanoseconds.
fn operations(strategy: &str) -> Vec<(String, f64)> {
    let console = run(&Boot::bare("privops", 1), strategy).console;
    let lines = console.lines().filter_map(|line| line.strip_prefix("privops: ")?.rsplit_once(' '));
    lines.filter_map(|(name, time)| Some((name.to_owned(), time.parse().ok()?))).collect()
}

/// The time that all threads had on the host's processors: a guest sleeps, too.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("linux run=smoke");
    group.sample_size(10).warm_up_time(Duration::from_millis(1)).measurement_time(Duration::from_secs(60));
    for strategy in &STRATEGIES[..3] {
        let boot = Boot::linux("run=smoke", 1);
        let boots = |count| {
            let before = processor_time();
            (0..count).for_each(|_| drop(run(&boot, strategy)));
            processor_time() - before
        };
        group.bench_function(*strategy, |bencher| bencher.iter_custom(boots));
    }
    group.finish();
    criterion.final_summary();

    let mut columns = STRATEGIES.map(operations);
    for _ in 1..ROUNDS {
        // One after the other, so that what else the host does hits all.
        for (column, strategy) in columns.iter_mut().zip(STRATEGIES) {
            for (least, (_, time)) in column.iter_mut().zip(operations(strategy)) {
                least.1 = least.1.min(time);
            }
        }
    }
    println!("{:36}{}", "nanoseconds an operation", STRATEGIES.map(|name| format!("{name:>10}")).concat());
    for (row, (name, _)) in columns[0].iter().enumerate() {
        println!("{name:36}{}", columns.each_ref().map(|column| format!("{:10.1}", column[row].1)).concat());
    }
    let trap = &columns[1];
    let gain = |column: &Vec<(String, f64)>| {
        let ratios = column.iter().zip(trap).map(|((_, time), (_, trap))| trap / time.max(0.1));
        format!("{:9.2}x", median(ratios))
    };
    println!("{:36}{}", "median gain over the conventional path", columns.each_ref().map(gain).concat());
}
