//! A day that is uploaded piece by piece to a server that is killed between the pieces has the trips of a quiet day.

use std::path::Path;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::serving::{Serving, client, post};

const PIECE: usize = 30;
/// So often the server is asked while it takes in; each time takes a millisecond or so.
const ASKED_MAX: usize = 20_000;
const TOKEN: &str = "anna";

fn day() -> Vec<Value> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/days/android-commute.raw.json");
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

async fn put(client: &reqwest::Client, url: &str, entries: &[Value]) {
    post(client, url, "/profile/create", &json!({"user": TOKEN})).await.unwrap();
    post(client, url, "/usercache/put", &json!({"user": TOKEN, "phone_to_server": entries})).await.unwrap();
}

/// When each trip starts and how long it is, as soon as that is `expected`, or what it is in the end.
async fn trips(client: &reqwest::Client, url: &str, expected: impl Fn(&[(f64, f64)]) -> bool) -> Vec<(f64, f64)> {
    let mut trips = Vec::new();
    for _ in 0..ASKED_MAX {
        let body = post(client, url, "/timeline/getTrips/2026-01-05", &json!({"user": TOKEN})).await.unwrap();
        let mut body: Value = serde_json::from_str(&body).unwrap();
        let found: Vec<Value> = serde_json::from_value(body["timeline"].take()).unwrap();
        let number = |trip: &Value, name: &str| trip["properties"][name].as_f64().unwrap();
        trips = found.iter().map(|trip| (number(trip, "start_ts"), number(trip, "distance"))).collect();
        if expected(&trips) {
            break;
        }
    }
    trips
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_finds_the_same_trips() {
    let client = client();
    let mut entries = day();
    let quiet_data = tempfile::tempdir().unwrap();
    let quiet = Serving::start(quiet_data.path());
    put(&client, &quiet.url, &entries).await;
    let expected = trips(&client, &quiet.url, |trips| trips.len() == 4).await;
    assert_eq!(expected.len(), 4);

    let data = tempfile::tempdir().unwrap();
    let mut rng = StdRng::seed_from_u64(5);
    entries.shuffle(&mut rng);
    let mut server = Serving::start(data.path());
    for piece in entries.chunks(PIECE) {
        put(&client, &server.url, piece).await;
        if rng.random_range(0..3) == 0 {
            server.kill();
            server = Serving::start(data.path());
        }
    }
    assert_eq!(trips(&client, &server.url, |trips| trips == expected).await, expected);
}
