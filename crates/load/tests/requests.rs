//! Requests are a value: the same scenario gives the same bytes, and no put ever repeats another.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on may panic")]

use std::collections::HashSet;
use std::path::Path;

use rushhour_load::operation::Operation;
use rushhour_load::population::Population;
use rushhour_load::recording;
use rushhour_load::request::{Ahead, Request, Requests, Source, count_uploads_before, uploads_before};
use rushhour_load::scenario::Scenario;
use rushhour_load::schedule::Schedule;
use serde_json::Value;

const MIX: &str = "users = 5\nphases = { warm_up_s = 0, measure_s = 20 }\n[arrivals]\n\
    get = { rate_per_s = 5 }\nput = { rate_per_s = 20 }\ntimeline = { rate_per_s = 5 }\nfind = { rate_per_s = 5 }";

fn population(scenario: &Scenario) -> Population {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/days");
    Population::new(scenario, recording::read_dir(&dir).unwrap())
}

fn requests() -> Vec<Request> {
    let scenario = Scenario::parse(MIX).unwrap();
    Requests::new(Schedule::new(&scenario), population(&scenario)).collect()
}

/// The identities of the entries that a put carries.
fn identities(request: &Request) -> Vec<String> {
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let identity = |entry: &Value| {
        let metadata = &entry["metadata"];
        format!("{} {} {} {}", body["user"], metadata["type"], metadata["key"], metadata["write_ts"])
    };
    body["phone_to_server"].as_array().unwrap().iter().map(identity).collect()
}

#[tokio::test]
async fn the_same_scenario_gives_the_same_bytes_also_when_made_ahead() {
    let scenario = Scenario::parse(MIX).unwrap();
    let mut ahead = Ahead::start(Requests::new(Schedule::new(&scenario), population(&scenario)));
    for request in requests() {
        assert_eq!(ahead.next().await, Some(request));
    }
    assert_eq!(ahead.next().await, None);
}

#[tokio::test]
#[should_panic(expected = "no more")]
async fn a_schedule_that_breaks_off_does_not_look_like_one_that_ended() {
    let mut broken = Ahead::start(requests().into_iter().take(3).chain(std::iter::from_fn(|| panic!("no more"))));
    while broken.next().await.is_some() {}
}

#[test]
fn every_put_is_new_data_also_against_what_was_uploaded_before() {
    let population = population(&Scenario::parse(MIX).unwrap());
    let before: Vec<_> = uploads_before(population.clone()).collect();
    assert_eq!(before.len(), count_uploads_before(&population));
    let mut seen = HashSet::new();
    let puts = requests().into_iter().filter(|request| request.operation == Operation::Put);
    for request in before.into_iter().chain(puts) {
        for identity in identities(&request) {
            assert!(seen.insert(identity.clone()), "{identity} is sent twice");
        }
    }
}

#[test]
fn readers_ask_for_days_that_were_uploaded() {
    let requests = requests();
    let paths: HashSet<_> = requests.iter().map(|request| request.path.as_str()).collect();
    let days = ["/timeline/getTrips/2026-01-05", "/timeline/getTrips/2026-01-06"];
    let others = ["/usercache/get", "/usercache/put", "/datastreams/find_entries/timestamp"];
    assert_eq!(paths, days.into_iter().chain(others).collect());
}
