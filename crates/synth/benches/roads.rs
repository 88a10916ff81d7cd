//! Making a region, and asking it: for homes, places, ways and rides.

use divan::Bencher;
use rand::RngExt;
use rushhour_synth::draws::{Draws, Subject, draws};
use rushhour_synth::region::{Region, RegionParameters};
use rushhour_synth::roads::Way;
use rushhour_synth::truth::Purpose;

fn main() {
    divan::main();
}

fn region() -> (Region, Draws) {
    (Region::synthetic(&RegionParameters::default(), 1), draws(1, 0, 0, Subject::Travel))
}

#[divan::bench(sample_count = 5)]
fn prepare() -> Region {
    region().0
}

#[divan::bench(sample_size = 100)]
fn home(bencher: Bencher<'_, '_>) {
    let (region, mut rng) = region();
    bencher.bench_local(|| region.home(&mut rng));
}

/// From a home, to a place at the distances that people go.
#[divan::bench(sample_size = 100, args = [Purpose::Work, Purpose::School, Purpose::Shop, Purpose::Social])]
fn site(bencher: Bencher<'_, '_>, purpose: Purpose) {
    let (region, mut rng) = region();
    let mut asking = rng.clone();
    let question = || (region.home(&mut asking).at, length_m(&mut asking));
    bencher
        .with_inputs(question)
        .bench_local_values(|(from, distance_m)| region.site(purpose, from, distance_m, &mut rng));
}

/// From 200 m to 25 km, as many short as long ones.
fn length_m(rng: &mut Draws) -> f64 {
    200.0 * 125_f64.powf(rng.random())
}

#[divan::bench(sample_size = 20, args = [Way::Car { habit: 1 }, Way::Bicycle, Way::Foot])]
fn route(bencher: Bencher<'_, '_>, way: Way) {
    let (region, mut rng) = region();
    let mut router = region.roads.router();
    let question = || {
        let home = region.home(&mut rng);
        (home.node, region.site(Purpose::Social, home.at, length_m(&mut rng), &mut rng).node)
    };
    bencher.with_inputs(question).bench_local_values(|(from, to)| router.route(&region.roads, way, from, to));
}

#[divan::bench(sample_size = 100)]
fn ride(bencher: Bencher<'_, '_>) {
    let (region, mut rng) = region();
    let question = || (region.home(&mut rng).at, region.home(&mut rng).at);
    bencher.with_inputs(question).bench_local_values(|(from, to)| region.ride(from, to));
}

#[divan::bench]
fn router(bencher: Bencher<'_, '_>) {
    let (region, _) = region();
    bencher.bench_local(|| region.roads.router());
}
