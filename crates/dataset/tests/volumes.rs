//! How much a phone records on a day: the median day of each kind of phone lies within what was recorded of real ones.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::date;
use rushhour_dataset::configuration::{Configuration, region, world};
use rushhour_dataset::validate::answered;
use rushhour_synth::entries::{Key, items};
use rushhour_synth::parameters::{Parameters, Share};
use rushhour_synth::phone::Platform;
use rushhour_synth::truth::SECOND_US;
use rushhour_synth::world::{Study, World};

const USERS: u32 = 200;
const DAY_US: i64 = 86_400 * SECOND_US;

/// The lowest and the highest number of entries of a recorded day, by key; of all keys at the end.
type Ranges = &'static [(Option<Key>, u64, u64)];

/// Each kind of phone: its name, who carries one (Android at all, and of 2016), and its days in emission-format e.1.
const PHONES: [(&str, (f64, f64), Ranges); 3] = [
    (
        "android-2023",
        (1.0, 0.0),
        &[
            (Some(Key::Location), 95, 660),
            (Some(Key::FilteredLocation), 91, 656),
            (Some(Key::Motion), 68, 98),
            (Some(Key::Battery), 16, 68),
            (Some(Key::Transition), 6, 30),
            (Some(Key::ClientTime), 5, 73),
            (Some(Key::ClientNavEvent), 5, 24),
            (None, 373, 1_360),
        ],
    ),
    (
        "android-2016",
        (1.0, 1.0),
        &[
            (Some(Key::Location), 44, 801),
            (Some(Key::FilteredLocation), 42, 703),
            (Some(Key::Motion), 32, 1_009),
            (Some(Key::Battery), 20, 55),
            (Some(Key::Transition), 4, 74),
            (None, 144, 2_125),
        ],
    ),
    (
        "ios-2016",
        (0.0, 0.0),
        &[
            (Some(Key::Location), 6, 474),
            (Some(Key::FilteredLocation), 6, 265),
            (Some(Key::Motion), 594, 1_166),
            (Some(Key::Battery), 47, 110),
            (Some(Key::Transition), 20, 110),
            (None, 1_076, 1_807),
        ],
    ),
];

/// Denver for two weeks.
fn city() -> World {
    let study = Study { seed: 1, first_day: date(2026, 3, 2), days: 14 };
    let region = region("denver").unwrap();
    world(&Configuration { study, region, osm: None, parameters: Parameters::default() }).unwrap()
}

/// How many entries people have per key, and in all, on each day on which they went out: recorded days are such. The last
/// day is left out, of which not everything was sent.
fn volumes(world: &World) -> BTreeMap<Option<Key>, Vec<u64>> {
    let zone = world.region.locales.first().unwrap().zone.clone();
    let start_us = world.study.first_day.to_zoned(zone).unwrap().timestamp().as_microsecond();
    let day_of = |at_us: i64| (at_us - start_us) / DAY_US;
    let mut volumes: BTreeMap<Option<Key>, Vec<u64>> = BTreeMap::new();
    for user in 0..USERS {
        let mut counts: BTreeMap<(i64, Option<Key>), u64> = BTreeMap::new();
        let mut active = BTreeSet::new();
        for day in world.life(user) {
            active.extend(day.trips.iter().map(|trip| day_of(trip.depart_us)));
            for recording in answered(&day) {
                for item in items(recording, Platform::Android) {
                    for key in [Some(item.key()), None] {
                        *counts.entry((day_of(item.write_us()), key)).or_default() += 1;
                    }
                }
            }
        }
        for day in active.into_iter().filter(|&day| day < i64::from(world.study.days) - 1) {
            for key in Key::ALL.into_iter().map(Some).chain([None]) {
                volumes.entry(key).or_default().push(counts.get(&(day, key)).copied().unwrap_or(0));
            }
        }
    }
    volumes
}

#[test]
fn the_median_day_of_each_key_is_as_long_as_recorded_ones() {
    let mut world = city();
    let mut outside = Vec::new();
    for (name, (android, android_2016), ranges) in PHONES {
        world.parameters.phones.android_share = Share::try_from(android).unwrap();
        world.parameters.phones.android_2016_share = Share::try_from(android_2016).unwrap();
        let mut volumes = volumes(&world);
        for &(key, low, high) in ranges {
            let days = volumes.get_mut(&key).unwrap();
            days.sort_unstable();
            let median = days[days.len() / 2];
            let what = key.map_or("all", Key::name);
            if !(low..=high).contains(&median) {
                outside.push(format!("{name} {what}: {median} is not in {low}..={high}"));
            }
        }
    }
    assert!(outside.is_empty(), "{outside:?}");
}
