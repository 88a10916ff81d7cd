//! How long phones take to live through a hundred simple days, per row of `background/location`.
#![expect(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "a benchmark fails where it is wrong")]

#[path = "../tests/support/lives.rs"]
mod lives;

use divan::Bencher;
use divan::counter::ItemsCount;
use rushhour_synth::phone::{Handset, PhoneParameters, Witnessed};
use rushhour_synth::upload::Request;

use lives::{phone, planned, witnessed};

fn main() {
    divan::main();
}

fn rows(days: &[Witnessed]) -> usize {
    let calls = days.iter().flat_map(|day| &day.calls);
    let counts = calls.map(|call| match &call.request {
        Request::Put { recording, is_answered: true } => recording.fixes.len(),
        _ => 0,
    });
    counts.sum()
}

fn hundred_days(bencher: Bencher<'_, '_>, handset: Handset, text: &str) {
    let parameters: PhoneParameters = serde_json::from_str(text).unwrap();
    let plan = planned(100, 1);
    let count = rows(&witnessed(phone(handset, &parameters, 1), &plan));
    let bencher = bencher.counter(ItemsCount::new(count)).with_inputs(|| phone(handset, &parameters, 1));
    bencher.bench_values(|phone| witnessed(phone, &plan));
}

#[divan::bench(sample_count = 5, sample_size = 10)]
fn android(bencher: Bencher<'_, '_>) {
    hundred_days(bencher, Handset::ANDROID_2023, "{}");
}

#[divan::bench(sample_count = 5, sample_size = 10)]
fn ios_50_m(bencher: Bencher<'_, '_>) {
    hundred_days(bencher, Handset::IOS_2016, "{}");
}

#[divan::bench(sample_count = 5, sample_size = 10)]
fn ios_1_m(bencher: Bencher<'_, '_>) {
    hundred_days(bencher, Handset::IOS_2016, r#"{"ios_distance_m": 1.0}"#);
}
