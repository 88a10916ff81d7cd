//! Per entry of a real day: taking apart, packing for the log, reading that, encoding, decoding, putting together.
//!
//! `RUSHHOUR_DAYS=… cargo bench -p rushhour-chunk`; the days are read in place.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a benchmark that cannot go on may panic"
)]

use std::io::Read;
use std::path::Path;

use divan::Bencher;
use divan::counter::ItemsCount;
use rushhour_chunk::{NewRow, Rows};
use serde_json::Value;

fn main() {
    divan::main();
}

const DAYS: [&str; 3] = ["android-2016-08-15", "android-2023-03-12", "ios-2016-02-22"];

fn day(name: &str) -> Vec<(String, String, f64, String)> {
    let path = Path::new(&std::env::var("RUSHHOUR_DAYS").unwrap()).join(format!("{name}.raw.json.gz"));
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    let entries: Vec<Value> = serde_json::from_str(&text).unwrap();
    let mut rows: Vec<_> = entries
        .into_iter()
        .map(|entry| {
            let metadata = &entry["metadata"];
            let [key, kind] = ["key", "type"].map(|field| metadata[field].as_str().unwrap().to_owned());
            (key, kind, metadata["write_ts"].as_f64().unwrap(), entry.to_string())
        })
        .collect();
    rows.sort_by(|a, b| (&a.0, a.2).partial_cmp(&(&b.0, b.2)).unwrap());
    rows
}

fn new_rows(day: &[(String, String, f64, String)]) -> Vec<NewRow<'_>> {
    day.iter().map(|(key, kind, write_ts, text)| NewRow { kind, key, write_ts: *write_ts, text }).collect()
}

#[divan::bench(args = DAYS)]
fn parse(bencher: Bencher<'_, '_>, name: &str) {
    let day = day(name);
    let rows = new_rows(&day);
    bencher.counter(ItemsCount::new(rows.len())).bench(|| Rows::parse(&rows));
}

#[divan::bench(args = DAYS)]
fn pack(bencher: Bencher<'_, '_>, name: &str) {
    let day = day(name);
    let rows = Rows::parse(&new_rows(&day));
    bencher.counter(ItemsCount::new(rows.len())).bench(|| rows.pack());
}

#[divan::bench(args = DAYS)]
fn unpack(bencher: Bencher<'_, '_>, name: &str) {
    let day = day(name);
    let bytes = Rows::parse(&new_rows(&day)).pack();
    bencher.counter(ItemsCount::new(day.len())).bench(|| Rows::decode(&bytes, None).unwrap());
}

#[divan::bench(args = DAYS)]
fn encode(bencher: Bencher<'_, '_>, name: &str) {
    let day = day(name);
    let rows = Rows::parse(&new_rows(&day));
    bencher.counter(ItemsCount::new(rows.len())).bench(|| rows.encode());
}

#[divan::bench(args = DAYS)]
fn decode(bencher: Bencher<'_, '_>, name: &str) {
    let day = day(name);
    let bytes = Rows::parse(&new_rows(&day)).encode();
    bencher.counter(ItemsCount::new(day.len())).bench(|| Rows::decode(&bytes, None).unwrap());
}

#[divan::bench(args = DAYS)]
fn write_texts(bencher: Bencher<'_, '_>, name: &str) {
    let day = day(name);
    let rows = Rows::parse(&new_rows(&day));
    bencher.counter(ItemsCount::new(rows.len())).bench(|| rows.texts().map(|text| text.len()).sum::<usize>());
}
