//! How many bundles a second one core decodes and lists, on the code of the Linux kernel.

use std::fs::File;
use std::hint::black_box;
use std::io::Read;

use criterion::{Criterion, Throughput};
use object::{Object, ObjectSection};
use patchbay_isa::Bundle;
use patchbay_isa::disassemble::listing;

fn kernel_text() -> Vec<u8> {
    let image = File::open(concat!(env!("CARGO_MANIFEST_DIR"), "/../guests/linux/vmlinux.gz")).unwrap();
    let mut kernel = Vec::new();
    flate2::read::GzDecoder::new(image).read_to_end(&mut kernel).unwrap();
    let kernel = object::File::parse(&*kernel).unwrap();
    kernel.section_by_name(".text").unwrap().data().unwrap().to_vec()
}

fn main() {
    let text = kernel_text();
    let bundles = text.as_chunks::<16>().0;
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("kernel text");
    group.sample_size(20).throughput(Throughput::Elements(bundles.len() as u64));
    group.bench_function("decode", |bencher| {
        bencher.iter(|| {
            for bundle in bundles {
                black_box(Bundle::from_bytes(*bundle).decode());
            }
        });
    });
    group.bench_function("list", |bencher| bencher.iter(|| listing(0, &text).to_string()));
    group.finish();
    criterion.final_summary();
}
