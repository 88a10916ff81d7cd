//! Per request on the sending side: deciding it, making it, and recording what became of it.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on may panic")]

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use divan::Bencher;
use divan::counter::ItemsCount;
use jiff::civil::Date;
use rushhour_load::operation::Operation;
use rushhour_load::plan::{Materials, Plan};
use rushhour_load::population::Population;
use rushhour_load::recorder::{Outcome, Record, Recorder, Sample};
use rushhour_load::recording;
use rushhour_load::request::{Before, Requests};
use rushhour_load::scenario::Scenario;
use rushhour_load::schedule::{Part, Schedule};
use rushhour_load::transport::Answer;
use rushhour_synth::parameters::Parameters;
use rushhour_synth::region::{Region, RegionParameters};
use rushhour_synth::world::{Study, World};

const MIX: &str = "users = 100\nphases = { warm_up_s = 0, measure_s = 100 }\n[arrivals]\n\
    get = { rate_per_s = 100 }\nput = { rate_per_s = 50 }\ntimeline = { rate_per_s = 20 }";

fn main() {
    divan::main();
}

#[divan::bench]
fn schedule_17_000_arrivals(bencher: Bencher<'_, '_>) {
    let scenario = Scenario::parse(MIX).unwrap();
    bencher.counter(ItemsCount::new(17_000_u32)).bench(|| Schedule::new(&scenario).count());
}

#[divan::bench]
fn make_17_000_requests(bencher: Bencher<'_, '_>) {
    let scenario = Scenario::parse(MIX).unwrap();
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/days");
    let population = Population::recorded(&scenario, recording::read_dir(&dir).unwrap());
    let materials = Materials { population, feeders: Vec::new() };
    let (plan, identity) = Plan::new(&scenario, materials, &"http://127.0.0.1".parse().unwrap(), || {});
    let plan = Arc::new(plan);
    bencher
        .counter(ItemsCount::new(identity.arrivals))
        .bench(|| Requests::new(Arc::clone(&plan), Schedule::new(&scenario), Part::WHOLE).count());
}

#[divan::bench]
fn make_the_uploads_of_200_recorded_days(bencher: Bencher<'_, '_>) {
    let scenario = Scenario::parse(MIX).unwrap();
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/days");
    let recordings = recording::read_dir(&dir).unwrap();
    let population = || Population::recorded(&scenario, recordings.clone());
    let count = Before::all(population()).count();
    bencher
        .counter(ItemsCount::new(count))
        .with_inputs(population)
        .bench_values(|population| Before::all(population).count());
}

#[divan::bench]
fn make_the_uploads_of_200_synthetic_days(bencher: Bencher<'_, '_>) {
    let region = Region::synthetic(&RegionParameters::default(), 1);
    let study = Study { seed: 1, first_day: Date::constant(2026, 1, 5), days: u32::MAX };
    let world = Arc::new(World { region, parameters: Parameters::default(), study });
    let population = || Population::synthetic(Arc::clone(&world), NonZeroU32::new(100).unwrap(), 2);
    let count = Before::all(population()).count();
    bencher
        .counter(ItemsCount::new(count))
        .with_inputs(population)
        .bench_values(|population| Before::all(population).count());
}

#[divan::bench]
fn record_a_sample(bencher: Bencher<'_, '_>) {
    let mut recorder = Recorder::new(&Scenario::parse(MIX).unwrap());
    let mut at = Duration::ZERO;
    bencher.counter(ItemsCount::new(1_u32)).bench_local(|| {
        at = if at > Duration::from_secs(99) { Duration::ZERO } else { at + Duration::from_micros(137) };
        recorder.record(&Sample {
            number: 7,
            operation: Operation(1),
            user: 3,
            intended: at,
            released: at + Duration::from_micros(3),
            sent: Some(at + Duration::from_micros(9)),
            done: at + Duration::from_micros(800),
            entries: 180,
            request_bytes: 65_000,
            is_retry: false,
            outcome: Outcome::Completed(Answer { bytes: 0, is_empty: true }),
        });
    });
}
