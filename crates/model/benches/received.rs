//! Per entry: what a server does to take one in, and what a generator does to make one.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on may panic")]

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use rushhour_model::entry::Entry;
use rushhour_model::received::Received;
use rushhour_model::shift;
use rushhour_model::stored::to_stored;
use serde_json::value::RawValue;

fn main() {
    divan::main();
}

fn texts() -> Vec<Box<RawValue>> {
    serde_json::from_str(include_str!("../../../scenarios/days/android-commute.raw.json")).unwrap()
}

fn entries() -> Vec<Entry> {
    serde_json::from_str(include_str!("../../../scenarios/days/android-commute.raw.json")).unwrap()
}

#[divan::bench]
fn receive_a_day(bencher: Bencher<'_, '_>) {
    let texts = texts();
    let bytes: usize = texts.iter().map(|text| text.get().len()).sum();
    bencher
        .counter(ItemsCount::new(texts.len()))
        .counter(BytesCount::new(bytes))
        .bench(|| texts.iter().filter(|text| Received::read(text).is_ok()).count());
}

#[divan::bench]
fn parse_a_day(bencher: Bencher<'_, '_>) {
    let texts = texts();
    let bytes: usize = texts.iter().map(|text| text.get().len()).sum();
    bencher
        .counter(ItemsCount::new(texts.len()))
        .counter(BytesCount::new(bytes))
        .bench(|| texts.iter().filter(|text| serde_json::from_str::<Entry>(text.get()).is_ok()).count());
}

#[divan::bench]
fn shift_and_write_a_day(bencher: Bencher<'_, '_>) {
    let entries = entries();
    bencher.counter(ItemsCount::new(entries.len())).with_inputs(|| entries.clone()).bench_values(|mut entries| {
        entries.iter_mut().for_each(|entry| shift::by_days(entry, 1));
        serde_json::to_vec(&entries).unwrap()
    });
}

#[divan::bench]
fn format_a_day(bencher: Bencher<'_, '_>) {
    let entries = entries();
    bencher
        .counter(ItemsCount::new(entries.len()))
        .with_inputs(|| entries.clone())
        .bench_values(|entries| entries.into_iter().filter_map(|entry| to_stored(entry).ok()).count());
}
