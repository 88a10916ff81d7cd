//! Per sample and per operation: recording a latency, and reading the percentiles.

use std::time::Duration;

use divan::Bencher;
use rushhour_report::histogram::Latencies;

fn main() {
    divan::main();
}

#[divan::bench]
fn record(bencher: Bencher<'_, '_>) {
    let mut latencies = Latencies::default();
    let mut us = 1_u64;
    bencher.bench_local(|| {
        us = us * 7919 % 600_011;
        latencies.record(Duration::from_micros(us));
    });
}

#[divan::bench]
fn percentiles(bencher: Bencher<'_, '_>) {
    let mut latencies = Latencies::default();
    (0..100_000_u64).for_each(|n| latencies.record(Duration::from_micros(n * 7919 % 600_011)));
    bencher.bench(|| latencies.percentiles());
}
