//! What taking in costs: a user's day, with others who are registered and silent, and with months behind it.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on may panic")]

use std::cell::Cell;

use divan::{Bencher, black_box};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rushhour_model::ids::UserId;
use rushhour_pipeline::transit::Stops;
use rushhour_server::diary::{Portion, take_in};
use rushhour_store::{NewRow, Options, Store, Upload};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const ALL: Portion = Portion { entries_max: 1_000_000, span_s_max: f64::INFINITY };

fn main() {
    divan::main();
}

/// A day with four trips, about as many entries as a phone has of the keys that are read.
fn day(number: u32) -> Vec<(f64, &'static str, String)> {
    let start = 1.7e9 + f64::from(number) * 86_400.0;
    let mut rows = Vec::new();
    let mut push = |key: &'static str, ts: f64, data: Value| {
        let metadata =
            json!({"key": key, "type": "sensor-data", "platform": "android", "write_ts": ts, "time_zone": "UTC"});
        rows.push((ts, key, json!({"metadata": metadata, "data": data}).to_string()));
    };
    for trip in 0..4_u32 {
        for step in 0..70_u32 {
            let ts = start + f64::from(trip) * 10_000.0 + f64::from(step) * 30.0;
            let metres = f64::from(step.min(50)) * 150.0;
            let east = if trip % 2 == 0 { metres } else { 7_500.0 - metres };
            push(
                "background/filtered_location",
                ts,
                json!({"longitude": east / 111_195.0, "latitude": 0.0, "ts": ts,
                "bearing": 0, "filter": "time", "altitude": 1.5}),
            );
            push("background/motion_activity", ts + 0.01, json!({"ts": ts, "type": 0, "confidence": 90}));
        }
    }
    rows
}

struct People {
    store: Store,
    runtime: Runtime,
    users: Vec<UserId>,
    next_day: Cell<u32>,
    _dir: TempDir,
}

impl People {
    fn new(registered: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(Options::new(dir.path(), StdRng::seed_from_u64(1))).unwrap();
        let runtime = Runtime::new().unwrap();
        let users =
            (0..registered).map(|number| runtime.block_on(store.register(&number.to_string())).unwrap()).collect();
        Self { store, runtime, users, next_day: Cell::new(0), _dir: dir }
    }

    /// The next day of the first `active` people.
    fn live(&self, active: usize) {
        let rows = day(self.next_day.replace(self.next_day.get() + 1));
        let rows: Vec<NewRow<'_>> = rows
            .iter()
            .map(|(write_ts, key, text)| NewRow { kind: "sensor-data", key, write_ts: *write_ts, text })
            .collect();
        for user in self.users.iter().take(active) {
            self.runtime.block_on(self.store.append(Upload::pack(*user, &rows))).unwrap();
        }
    }

    fn take_in(&self) {
        while let Some(user) = self.store.next_pending() {
            black_box(take_in(&self.store, user, &Stops::default(), ALL).unwrap());
        }
    }
}

/// A hundred people who lived a day, among so many who are registered.
#[divan::bench(args = [100, 10_000], sample_count = 20)]
fn a_hundred_days_among(bencher: Bencher<'_, '_>, registered: usize) {
    let people = People::new(registered);
    bencher.with_inputs(|| people.live(100)).bench_local_values(|()| people.take_in());
}

/// A person's day, with so many days behind it.
#[divan::bench(args = [2, 30, 180], sample_count = 20)]
fn a_day_behind(bencher: Bencher<'_, '_>, days: u32) {
    let people = People::new(1);
    for _ in 0..days {
        people.live(1);
        people.take_in();
    }
    bencher.with_inputs(|| people.live(1)).bench_local_values(|()| people.take_in());
}
