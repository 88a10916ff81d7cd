//! Requests are a value: the same scenario gives the same bytes, and no put ever repeats another.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on may panic")]

use std::collections::HashSet;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use jiff::civil::Date;
use rushhour_load::plan::{Materials, Plan};
use rushhour_load::population::Population;
use rushhour_load::recording;
use rushhour_load::request::{Ahead, Before, Request, Requests, Source};
use rushhour_load::scenario::Scenario;
use rushhour_load::schedule::{Part, Schedule};
use rushhour_synth::parameters::Parameters;
use rushhour_synth::phone::PhoneParameters;
use rushhour_synth::region::{Region, RegionFile, RegionParameters};
use rushhour_synth::world::{Study, World};
use serde_json::Value;

const MIX: &str = "users = 5\nphases = { warm_up_s = 0, measure_s = 20 }\n[arrivals]\n\
    get = { rate_per_s = 5 }\nput = { rate_per_s = 20 }\ntimeline = { rate_per_s = 5 }\nfind = { rate_per_s = 5 }";

fn population(scenario: &Scenario) -> Population {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/days");
    Population::recorded(scenario, recording::read_dir(&dir).unwrap())
}

/// The requests of a part of `scenario` for `population`.
fn part(scenario: &Scenario, population: Population, part: Part) -> Requests<Schedule> {
    let materials = Materials { population, feeders: Vec::new() };
    let (plan, _) = Plan::new(scenario, materials, &"http://127.0.0.1".parse().unwrap(), || {});
    Requests::new(Arc::new(plan), Schedule::new(scenario), part)
}

fn requests() -> Vec<Request> {
    let scenario = Scenario::parse(MIX).unwrap();
    part(&scenario, population(&scenario), Part::WHOLE).collect()
}

/// Three people of a small town, who have uploaded two days when a run starts.
fn synthetic() -> Population {
    let mut town = RegionFile::from(RegionParameters::default());
    town.radius_m = 4_000.0;
    let region = Region::synthetic(&town.try_into().unwrap(), 1);
    let study = Study { seed: 1, first_day: Date::constant(2026, 1, 5), days: u32::MAX };
    // An upload whose answer is lost comes again.
    let phones = PhoneParameters::default().without_faults();
    let parameters = Parameters { phones, ..Parameters::default() };
    let world = Arc::new(World { region, parameters, study });
    Population::synthetic(world, NonZeroU32::new(3).unwrap(), 2)
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
    let mut ahead = Ahead::start(part(&scenario, population(&scenario), Part::WHOLE));
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
    let scenario = Scenario::parse(MIX).unwrap();
    for (population, users) in [(population(&scenario), 5), (synthetic(), 3)] {
        let scenario = Scenario { users: NonZeroU32::new(users).unwrap(), ..scenario.clone() };
        let mut before = Before::all(population);
        let uploads: Vec<_> = before.by_ref().collect();
        let mut seen = HashSet::new();
        let requests = part(&scenario, before.population, Part::WHOLE);
        let puts = requests.filter(|request| request.path == "/usercache/put");
        for request in uploads.into_iter().chain(puts) {
            let identities = identities(&request);
            assert_eq!(identities.len(), request.entries);
            for identity in identities {
                assert!(seen.insert(identity.clone()), "{identity} is sent twice");
            }
        }
        assert!(seen.len() > 10_000, "{}", seen.len());
    }
}

#[test]
fn the_requests_of_all_parts_are_those_of_the_whole() {
    let scenario = Scenario::parse(MIX).unwrap();
    let of = |index| part(&scenario, population(&scenario), Part { index, count: 3 });
    let mut united: Vec<Request> = (0..3).flat_map(of).collect();
    united.sort_by_key(|request| request.number);
    assert_eq!(united, requests());
}

const LIVED: &str = "phases = { warm_up_s = 0, measure_s = 1440 }\n[population]\npeople = 3\ndays = 2\n\
    live = { speed = 120, diaries_share = 1 }";

/// What the people of a part send by themselves in two of their days.
fn lived(part: Part) -> Vec<Request> {
    let scenario = Scenario::parse(LIVED).unwrap();
    let materials = Materials { population: synthetic(), feeders: Vec::new() };
    let (plan, identity) = Plan::new(&scenario, materials, &"http://127.0.0.1".parse().unwrap(), || {});
    let lived: Vec<_> = Arc::new(plan).lived(&scenario, part).unwrap().collect();
    assert!(lived.len() as u64 <= identity.arrivals && identity.arrivals > 0);
    lived
}

#[test]
fn people_who_live_send_new_data_when_phones_do_and_open_the_diary_in_the_evening() {
    let requests = lived(Part::WHOLE);
    assert!(requests.is_sorted_by_key(|request| request.at));
    let of = |path: &str| requests.iter().filter(|request| request.path.as_str().starts_with(path)).collect::<Vec<_>>();
    let mut seen = HashSet::new();
    for identity in of("/usercache/put").into_iter().flat_map(identities) {
        assert!(seen.insert(identity.clone()), "{identity} is sent twice");
    }
    assert!(seen.len() > 500, "{}", seen.len());
    assert!(of("/usercache/get").len() > 20, "{}", of("/usercache/get").len());
    // Three people on two evenings, each of 720 s: at nine is after seven eighths.
    let opened = of("/timeline/getTrips/2026-01-0");
    assert_eq!(opened.len(), 6);
    let evenings = opened.iter().map(|request| request.at.as_secs_f64() % 720.0 / 720.0);
    evenings.for_each(|share| assert!((0.75..1.0).contains(&share), "{share}"));
}

#[test]
fn an_upload_that_fails_would_come_again_at_its_phones_next_syncs() {
    let requests = lived(Part::WHOLE);
    let puts: Vec<_> = requests.iter().filter(|request| request.path == "/usercache/put").collect();
    for put in &puts {
        let syncs =
            requests.iter().filter(|get| get.user == put.user && get.path == "/usercache/get" && get.at >= put.at);
        // The first one belongs to the sync of the upload itself. The run ends before some of the others.
        let expected: Vec<_> = syncs.map(|get| get.at).skip(1).take(3).collect();
        assert!(put.retries_at.iter().zip(&expected).all(|(retry, sync)| retry == sync), "{put:?}");
        assert!(put.retries_at.len() <= 3 && put.retries_at.is_sorted());
    }
    assert!(puts.iter().filter(|put| !put.retries_at.is_empty()).count() * 10 > puts.len() * 9);
    assert!(requests.iter().all(|request| request.path == "/usercache/put" || request.retries_at.is_empty()));
}

#[test]
fn every_request_says_its_number_if_asked_to() {
    let text = LIVED.replace("[population]", "sending = { request_ids = true }\n[population]");
    let scenario = Scenario::parse(&text).unwrap();
    let materials = Materials { population: synthetic(), feeders: Vec::new() };
    let (plan, _) = Plan::new(&scenario, materials, &"http://127.0.0.1".parse().unwrap(), || {});
    let mut lived = Arc::new(plan).lived(&scenario, Part::WHOLE).unwrap().take(50);
    assert!(lived.all(|request| request.all_headers()["x-request-id"] == request.number.to_string().as_str()));
    assert!(requests().iter().all(|request| !request.all_headers().contains_key("x-request-id")));
}

#[test]
fn people_who_live_do_the_same_whoever_lives_beside_them() {
    let mut united: Vec<_> = (0..2).flat_map(|index| lived(Part { index, count: 2 })).collect();
    united.sort_by_key(|request| request.number);
    let mut whole = lived(Part::WHOLE);
    whole.sort_by_key(|request| request.number);
    assert_eq!(united, whole);
}

#[test]
fn readers_ask_for_days_that_were_uploaded() {
    let requests = requests();
    let paths: HashSet<_> = requests.iter().map(|request| request.path.as_str()).collect();
    let days = ["/timeline/getTrips/2026-01-05", "/timeline/getTrips/2026-01-06"];
    let others = ["/usercache/get", "/usercache/put", "/datastreams/find_entries/timestamp"];
    assert_eq!(paths, days.into_iter().chain(others).collect());
}

#[test]
fn headers_are_filled_as_paths_and_bodies_are() {
    let text = "users = 3\n[phases]\nwarm_up_s = 0\nmeasure_s = 5\ndrain_s = 1\n[arrivals]\nlook = { rate_per_s = 10 }\n\
                [requests.look]\nmethod = \"GET\"\npath = \"/logs/${number}\"\nheaders = { x-em-key = \"${user}\", accept = \"text/html\" }";
    let scenario = Scenario::parse(text).unwrap();
    let requests: Vec<Request> = part(&scenario, Population::named(NonZeroU32::new(3).unwrap()), Part::WHOLE).collect();
    assert!(requests.len() > 30);
    for request in requests {
        assert_eq!(request.path.path(), format!("/logs/{}", request.number));
        assert_eq!(request.headers["x-em-key"], format!("rushhour-{:07}", request.user).as_str());
        assert_eq!(request.headers["accept"], "text/html");
    }
}
