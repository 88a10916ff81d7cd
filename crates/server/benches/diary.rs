//! What reading a diary costs: a day of six trips as getTrips answers it, and a week of composite trips, of people who
//! are made up, from the routes to the last byte of the answer.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark that cannot go on may panic")]

#[path = "../tests/support/people.rs"]
mod people;

use std::cell::Cell;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use bytes::Bytes;
use divan::Bencher;
use divan::counter::BytesCount;
use http_body_util::BodyExt;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rushhour_pipeline::transit::Stops;
use rushhour_server::diary::{Portion, take_in};
use rushhour_server::{App, Limits, router};
use rushhour_store::{Options, Store};
use serde_json::{Value, json};
use tempfile::TempDir;
use tikv_jemallocator::Jemalloc;
use tokio::runtime::{Builder, Runtime};

const ALL: Portion = Portion { entries_max: 1_000_000, span_s_max: f64::INFINITY };
const PEOPLE: u32 = 40;
const DAYS: u32 = 14;
/// 2026-01-05 in UTC.
const MONDAY_TS: f64 = 1_767_571_200.0;

/// As in the program.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() {
    divan::main();
}

/// Where what people sent is when it is read.
#[derive(Clone, Copy, Debug)]
enum Kept {
    /// In the log.
    Hot,
    /// In chunks.
    Sealed,
}

struct Server {
    router: Router,
    runtime: Runtime,
    tokens: Vec<String>,
    _dir: TempDir,
}

impl Server {
    fn new(kept: Kept, limits: Limits) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(Options::new(dir.path(), StdRng::seed_from_u64(1))).unwrap();
        let app = Arc::new(App::new(store, limits));
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let people = people::people(PEOPLE, DAYS);
        let tokens = people.iter().map(|person| person.token.clone()).collect();
        let server = Self { router: router(Arc::clone(&app)), runtime, tokens, _dir: dir };
        for person in people {
            server.post("/profile/create", json!({"user": person.token}).to_string().into());
            for put in person.puts {
                server.post("/usercache/put", put);
            }
            while let Some(user) = app.store().next_pending() {
                take_in(app.store(), user, &Stops::default(), ALL).unwrap();
            }
        }
        if matches!(kept, Kept::Sealed) {
            app.store().seal_all().unwrap();
        }
        server
    }

    fn post(&self, path: &str, body: Vec<u8>) -> Bytes {
        let request = Request::builder().method("POST").uri(path).body(Body::from(body)).unwrap();
        self.runtime.block_on(async {
            let response = tower::ServiceExt::oneshot(self.router.clone(), request).await.unwrap();
            assert_eq!(response.status(), 200, "{path}");
            response.into_body().collect().await.unwrap().to_bytes()
        })
    }

    fn trips(&self, token: &str, day: u32) -> Bytes {
        self.post(&format!("/timeline/getTrips/2026-01-{:02}", 5 + day), json!({"user": token}).to_string().into())
    }

    fn week(&self, token: &str) -> Bytes {
        let query = json!({"user": token, "key_list": ["analysis/composite_trip"], "key_time": "data.end_ts",
            "start_time": MONDAY_TS + 2.0 * 86_400.0, "end_time": MONDAY_TS + 9.0 * 86_400.0});
        self.post("/datastreams/find_entries/timestamp", query.to_string().into())
    }

    /// The days with six trips, each of them of somebody.
    fn days_of_six(&self) -> Vec<(&str, u32)> {
        let days = self.tokens.iter().flat_map(|token| (0..DAYS).map(move |day| (token.as_str(), day)));
        let six = days.filter(|(token, day)| {
            let answer: Value = serde_json::from_slice(&self.trips(token, *day)).unwrap();
            answer["timeline"].as_array().unwrap().len() == 6
        });
        six.collect()
    }
}

/// No chapter is kept in memory.
fn cold() -> Limits {
    Limits { chapters_bytes_max: 0, ..Limits::default() }
}

/// Days that nobody has asked for before.
#[divan::bench(args = [Kept::Hot, Kept::Sealed])]
fn a_day_of_six_trips(bencher: Bencher<'_, '_>, kept: Kept) {
    let server = Server::new(kept, cold());
    let days = server.days_of_six();
    let next = Cell::new(0);
    bencher.bench_local(|| {
        let (token, day) = days[next.replace((next.get() + 1) % days.len())];
        server.trips(token, day)
    });
}

/// The same day, again and again.
#[divan::bench(args = [Kept::Hot, Kept::Sealed])]
fn a_day_of_six_trips_again(bencher: Bencher<'_, '_>, kept: Kept) {
    let server = Server::new(kept, Limits::default());
    let days = server.days_of_six();
    let (token, day) = days[0];
    bencher.bench_local(|| server.trips(token, day));
}

/// Weeks that nobody has asked for before.
#[divan::bench(args = [Kept::Hot, Kept::Sealed])]
fn a_week_of_composite_trips(bencher: Bencher<'_, '_>, kept: Kept) {
    let server = Server::new(kept, cold());
    let weeks: Vec<usize> = server.tokens.iter().map(|token| server.week(token).len()).collect();
    let next = Cell::new(0);
    let mean: usize = weeks.iter().sum::<usize>() / weeks.len();
    bencher
        .counter(BytesCount::new(mean))
        .bench_local(|| server.week(&server.tokens[next.replace((next.get() + 1) % server.tokens.len())]));
}

/// The same week, again and again.
#[divan::bench(args = [Kept::Hot, Kept::Sealed])]
fn a_week_of_composite_trips_again(bencher: Bencher<'_, '_>, kept: Kept) {
    let server = Server::new(kept, Limits::default());
    let token = server.tokens[0].as_str();
    bencher.counter(BytesCount::new(server.week(token).len())).bench_local(|| server.week(token));
}
