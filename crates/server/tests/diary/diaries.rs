//! From uploads to trips, through the routes: taken in once, in any portions, and shown as they were found.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rushhour_pipeline::transit::Stops;
use rushhour_server::diary::{Portion, renew, reset, set_aside, train};
use rushhour_server::intake::{Intake, Mode, Options as IntakeOptions};
use rushhour_store::{ChapterKey, Rewrite};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::server::{ALL, Server};

/// 2024-05-06 06:00 in UTC.
const MORNING_TS: f64 = 1_714_975_200.0;
const DAY_S: f64 = 86_400.0;

async fn with_anna() -> (Server, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::open(dir.path());
    server.register("anna").await;
    (server, dir)
}

fn entry(key: &str, kind: &str, write_ts: f64, data: Value) -> Value {
    let metadata =
        json!({"key": key, "type": kind, "platform": "android", "write_ts": write_ts, "time_zone": "Europe/Zurich"});
    json!({"metadata": metadata, "data": data})
}

fn fix(ts: f64, metres: f64) -> Value {
    let data = json!({"longitude": 8.5 + metres / 75_000.0, "latitude": 47.4, "ts": ts, "altitude": 408.5, "accuracy": 12,
        "bearing": 0, "sensed_speed": 1.5, "filter": "time"});
    entry("background/filtered_location", "sensor-data", ts + 0.125, data)
}

/// A walk of twenty minutes there, and one back in the evening.
pub(crate) fn walks(day: u32) -> Vec<Value> {
    let morning = MORNING_TS + f64::from(day) * DAY_S;
    let mut entries = Vec::new();
    for (start, from, step) in [(morning, 0.0, 40.0), (morning + 36_000.0, 1600.0, -40.0)] {
        for number in 0..60 {
            let ts = start + f64::from(number) * 30.0;
            entries.push(fix(ts, from + step * f64::from(number.min(40))));
            let motion = json!({"ts": ts, "type": if number < 40 { 7 } else { 3 }, "confidence": 95});
            entries.push(entry("background/motion_activity", "sensor-data", ts + 1.0, motion));
        }
        let stopped = json!({"currState": "local.state.ongoing_trip", "transition": "local.transition.stopped_moving",
            "ts": start + 1800.0});
        entries.push(entry("statemachine/transition", "message", start + 1800.0, stopped));
    }
    entries
}

pub(crate) fn label(start_ts: f64, end_ts: f64, write_ts: f64, label: &str) -> Value {
    entry("manual/mode_confirm", "message", write_ts, json!({"start_ts": start_ts, "end_ts": end_ts, "label": label}))
}

/// What a profile tells of the diary; the rest is when the phone called.
fn told_of_diary(profile: &Value) -> [&Value; 3] {
    ["pipeline_range", "total_trips", "labeled_trips"].map(|field| &profile[field])
}

#[tokio::test]
async fn uploads_become_trips_once() {
    let (server, _dir) = with_anna().await;
    assert_eq!(server.trips("anna", "2024-05-06").await.len(), 0);
    server.put("anna", &walks(0)).await;
    server.put("anna", &walks(1)).await;
    let runs = server.take_in_all(ALL);
    assert_eq!(runs.iter().map(|run| run.entries).sum::<usize>(), 484);
    assert!(runs.iter().all(|run| run.rejected.is_empty()));
    for day in ["2024-05-06", "2024-05-07"] {
        let trips = server.trips("anna", day).await;
        assert_eq!(trips.len(), 2, "{day}");
        assert_eq!(trips[0]["properties"]["inferred_section_summary"]["count"], json!({"WALKING": 1}));
        assert_eq!(trips[0]["features"][2]["features"][0]["properties"]["sensed_mode"], "PredictedModeTypes.WALKING");
    }
    assert_eq!(server.trips("anna", "2024-05-08").await.len(), 0);
    let profile = server.post("/profile/get", json!({"user": "anna"})).await;
    assert_eq!((&profile["total_trips"], &profile["labeled_trips"]), (&json!(4), &json!(0)));
    let range = server.post("/pipeline/get_range_ts", json!({"user": "anna"})).await;
    assert_eq!(profile["pipeline_range"], range);
    let complete = server.post("/pipeline/get_complete_ts", json!({"user": "anna"})).await;
    assert_eq!(complete["complete_ts"].as_f64().unwrap(), range["end_ts"].as_f64().unwrap() + 5.0);
    // Once is enough, and the same entries again change nothing.
    assert_eq!(server.store().pending(), 0);
    let before = server.trips("anna", "2024-05-06").await;
    server.put("anna", &walks(0)).await;
    server.take_in_all(ALL);
    assert_eq!(server.trips("anna", "2024-05-06").await, before);
    assert_eq!(told_of_diary(&server.post("/profile/get", json!({"user": "anna"})).await), told_of_diary(&profile));
}

#[tokio::test]
async fn documents_are_found_by_key_and_time() {
    let (server, _dir) = with_anna().await;
    for day in 0..20 {
        server.put("anna", &walks(day)).await;
    }
    server.take_in_all(ALL);
    let (from, to) = (MORNING_TS + 5.0 * DAY_S, MORNING_TS + 12.0 * DAY_S);
    let week = server.found("anna", &["analysis/composite_trip"], "data.end_ts", from, to).await;
    assert_eq!(week.len(), 14);
    assert_eq!(week[0]["metadata"]["origin_key"], "analysis/confirmed_trip");
    assert_eq!(week[0]["user_id"]["$uuid"].as_str().unwrap().len(), 32);
    let ends: Vec<f64> = week.iter().map(|trip| trip["data"]["end_ts"].as_f64().unwrap()).collect();
    assert!(ends.is_sorted() && ends.iter().all(|end| (from..=to).contains(end)));
    // Each trip ends at the place where the next one starts, also where a chapter of the diary ends.
    for pair in week.windows(2) {
        assert_eq!(pair[0]["data"]["end_confirmed_place"], pair[1]["data"]["start_confirmed_place"]);
        assert_eq!(pair[0]["data"]["end_confirmed_place"]["data"]["exit_ts"], pair[1]["data"]["start_ts"]);
    }
    let both = server
        .found("anna", &["background/filtered_location", "analysis/confirmed_place"], "metadata.write_ts", from, to)
        .await;
    let keys: Vec<&str> = both.iter().map(|entry| entry["metadata"]["key"].as_str().unwrap()).collect();
    let places = keys.iter().filter(|key| **key == "analysis/confirmed_place").count();
    assert_eq!((keys.len() - places, places), (14 * 60, 14));
    assert!(keys.iter().rev().take(places).all(|key| *key == "analysis/confirmed_place"), "what was found comes last");
    let none = server.found("anna", &["analysis/confirmed_untracked"], "data.start_ts", 0.0, 1e11).await;
    assert_eq!(none.len(), 0);
}

#[tokio::test]
async fn late_entries_and_labels_reach_the_trips_that_they_are_about() {
    let (server, _dir) = with_anna().await;
    let mut days: Vec<Vec<Value>> = (0..6).map(walks).collect();
    // The second day's evening comes after all others.
    let late = days[1].split_off(121);
    for day in &days {
        server.put("anna", day).await;
        server.take_in_all(ALL);
    }
    assert_eq!(server.trips("anna", "2024-05-07").await.len(), 1);
    server.put("anna", &late).await;
    let trip = |day: f64| MORNING_TS + day * DAY_S;
    let labels = [0.0, 1.0, 5.0].map(|day| label(trip(day) + 1.0, trip(day) + 1100.0, trip(7.0) + day, "walk"));
    server.put("anna", &labels).await;
    server.take_in_all(ALL);
    assert_eq!(server.trips("anna", "2024-05-07").await.len(), 2);
    for day in ["2024-05-06", "2024-05-07", "2024-05-11"] {
        let trips = server.trips("anna", day).await;
        assert_eq!(trips[0]["properties"]["user_input"], json!({"mode_confirm": "walk"}), "{day}");
        assert_eq!(trips[1]["properties"]["user_input"], json!({}), "{day}");
    }
    // The last word counts.
    server.put("anna", &[label(trip(1.0) + 1.0, trip(1.0) + 1100.0, trip(8.0), "scooter")]).await;
    server.take_in_all(ALL);
    assert_eq!(
        server.trips("anna", "2024-05-07").await[0]["properties"]["user_input"],
        json!({"mode_confirm": "scooter"})
    );
    let profile = server.post("/profile/get", json!({"user": "anna"})).await;
    assert_eq!((&profile["total_trips"], &profile["labeled_trips"]), (&json!(12), &json!(3)));

    let whole = with_anna().await;
    let all: Vec<Value> = (0..6).flat_map(walks).collect();
    whole.0.put("anna", &all).await;
    whole.0.take_in_all(ALL);
    let bare =
        |trips: Vec<Value>| trips.iter().map(|trip| trip["features"].as_array().unwrap().len()).collect::<Vec<_>>();
    for day in 6..12 {
        let day = format!("2024-05-{day:02}");
        assert_eq!(bare(whole.0.trips("anna", &day).await), bare(server.trips("anna", &day).await));
    }
}

/// What is found in entries, to the millisecond, the centimetre and a ten-millionth of a degree.
fn found_in(value: &Value, text: &mut String) {
    match value {
        Value::Object(fields) => {
            let in_order: BTreeMap<_, _> = fields.iter().filter(|(name, _)| *name != "id").collect();
            for (name, value) in in_order {
                text.push_str(name);
                found_in(value, text);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| found_in(item, text)),
        Value::Number(number) => {
            let number = number.as_f64().unwrap();
            let units = if number.abs() < 180.0 { 1e7 } else { 1e3 };
            text.push_str(&format!("{:.0},", number * units));
        }
        _ => {}
    }
}

#[tokio::test]
async fn what_is_found_changes_only_with_the_version_of_what_is_kept() {
    let (server, _dir) = with_anna().await;
    for day in 0..3 {
        server.put("anna", &walks(day)).await;
    }
    server.take_in_all(ALL);
    let mut text = String::new();
    for day in 6..9 {
        found_in(&Value::Array(server.trips("anna", &format!("2024-05-{day:02}")).await), &mut text);
    }
    // Diaries that were written before are found again by the pipeline of today. Whoever has to change this number
    // raises `VERSION` in `diary/kept.rs` too, so that they are written anew.
    assert_eq!(crc32c::crc32c(text.as_bytes()), 2_072_664_574);
}

#[tokio::test]
async fn years_at_once_are_written_in_slices_and_nothing_is_missing() {
    let days = [0, 1, 59, 60, 61, 130, 400, 401, 720];
    let (whole, _dir) = with_anna().await;
    let all: Vec<Value> = days.into_iter().flat_map(walks).collect();
    whole.put("anna", &all).await;
    whole.take_in_all(ALL);
    let (parts, _other) = with_anna().await;
    for day in days {
        parts.put("anna", &walks(day)).await;
        parts.take_in_all(ALL);
    }
    let bare = |server: Server| async move {
        let found = server.found("anna", &["analysis/composite_trip"], "data.end_ts", 0.0, 1e11).await;
        let profile = server.post("/profile/get", json!({"user": "anna"})).await;
        let trips = found.iter().map(|trip| (trip["data"]["start_ts"].clone(), trip["data"]["distance"].clone()));
        (trips.collect::<Vec<_>>(), profile["total_trips"].clone(), profile["pipeline_range"].clone())
    };
    let (whole, parts) = (bare(whole).await, bare(parts).await);
    assert_eq!(whole, parts);
    assert_eq!(whole.1, 18);
}

#[tokio::test]
async fn untracked_time_is_found_by_when_it_started() {
    let (server, _dir) = with_anna().await;
    server.put("anna", &walks(0)).await;
    // A week without the phone, which then comes back three kilometres away.
    let mut later = walks(7);
    for entry in &mut later {
        if let Some(longitude) = entry["data"].get_mut("longitude") {
            *longitude = json!(longitude.as_f64().unwrap() + 0.04);
        }
    }
    server.put("anna", &later).await;
    server.take_in_all(ALL);
    let (from, to) = (MORNING_TS, MORNING_TS + DAY_S);
    for key in ["analysis/confirmed_untracked", "segmentation/raw_untracked"] {
        assert_eq!(server.found("anna", &[key], "data.start_ts", from, to).await.len(), 1, "{key}");
    }
}

#[tokio::test]
async fn places_are_found_by_when_they_were_left_however_long_somebody_stayed() {
    let (server, _dir) = with_anna().await;
    server.put("anna", &walks(0)).await;
    // The phone tells once more where it is, and then nothing for days.
    server.put("anna", &[fix(MORNING_TS + 39_000.0, 0.0)]).await;
    server.put("anna", &walks(4)).await;
    server.take_in_all(ALL);
    let morning = MORNING_TS + 4.0 * DAY_S;
    for key in ["analysis/confirmed_place", "analysis/cleaned_place", "segmentation/raw_place"] {
        let left = server.found("anna", &[key], "data.exit_ts", morning - 7_200.0, morning + 1_800.0).await;
        assert_eq!(left.len(), 1, "{key}");
        assert!(left[0]["data"]["enter_ts"].as_f64().unwrap() < MORNING_TS + DAY_S, "{key}");
    }
}

#[tokio::test]
async fn a_diary_outlives_its_server_and_goes_on() {
    let (server, dir) = with_anna().await;
    server.put("anna", &walks(0)).await;
    server.take_in_all(ALL);
    server.store().sync_diaries().unwrap();
    server.put("anna", &walks(1)).await;
    let before = server.trips("anna", "2024-05-06").await;
    drop(server);
    let server = Server::open(dir.path());
    assert_eq!(server.store().pending(), 1, "what was not taken in waits");
    assert_eq!(server.trips("anna", "2024-05-06").await[0], before[0]);
    server.take_in_all(ALL);
    assert_eq!(server.trips("anna", "2024-05-07").await.len(), 2);
    server.store().sync_diaries().unwrap();
    drop(server);
    assert_eq!(Server::open(dir.path()).store().pending(), 0);
}

#[tokio::test]
async fn a_run_that_was_not_durable_is_done_again() {
    let (server, dir) = with_anna().await;
    server.put("anna", &walks(0)).await;
    server.take_in_all(ALL);
    let trips = server.trips("anna", "2024-05-06").await;
    // A copy of the folder is what a crash leaves: nothing of it was closed.
    let copy = tempfile::tempdir().unwrap();
    std::fs::create_dir(copy.path().join("log")).unwrap();
    std::fs::copy(dir.path().join("directory.redb"), copy.path().join("directory.redb")).unwrap();
    for file in std::fs::read_dir(dir.path().join("log")).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), copy.path().join("log").join(file.file_name())).unwrap();
    }
    let crashed = Server::open(copy.path());
    crashed.take_in_all(ALL);
    assert_eq!(crashed.trips("anna", "2024-05-06").await, trips);
}

#[tokio::test]
async fn portions_are_fair_and_end_in_the_same_diary() {
    let (server, _dir) = with_anna().await;
    server.register("bert").await;
    for day in 0..5 {
        server.put("anna", &walks(day)).await;
    }
    server.put("bert", &walks(0)).await;
    let day = Portion { entries_max: 1000, span_s_max: DAY_S };
    let order: Vec<usize> = server.take_in_all(day).iter().map(|run| run.entries).collect();
    // Anna has a day, then it is Bert's turn, then hers again.
    assert_eq!(order, [242, 242, 242, 242, 242, 242]);
    assert_eq!(server.store().pending(), 0);
    for day in 6..11 {
        assert_eq!(server.trips("anna", &format!("2024-05-{day:02}")).await.len(), 2);
    }
    assert_eq!(server.trips("bert", "2024-05-06").await.len(), 2);
}

#[tokio::test]
async fn who_is_set_aside_comes_back_with_the_next_entries() {
    let (server, _dir) = with_anna().await;
    server.put("anna", &walks(0)).await;
    server.put("anna", &[label(MORNING_TS + 1.0, MORNING_TS + 1100.0, MORNING_TS + 5000.0, "walk")]).await;
    let user = server.store().next_pending().unwrap();
    set_aside(server.store(), user, ALL).unwrap();
    assert_eq!(server.store().pending(), 0);
    assert_eq!(server.trips("anna", "2024-05-06").await.len(), 0);
    server.put("anna", &walks(1)).await;
    server.take_in_all(ALL);
    let trips = server.trips("anna", "2024-05-06").await;
    assert_eq!(trips.len(), 2, "the entries of before are not forgotten");
    assert_eq!(trips[0]["properties"]["user_input"], json!({"mode_confirm": "walk"}), "nor the labels");
    assert_eq!(server.trips("anna", "2024-05-07").await.len(), 2);
}

#[tokio::test]
async fn a_diary_is_written_anew_and_labels_teach() {
    let (server, _dir) = with_anna().await;
    for day in 0..9 {
        server.put("anna", &walks(day)).await;
        let start = MORNING_TS + f64::from(day) * DAY_S;
        for start in [start, start + 36_000.0] {
            server.put("anna", &[label(start + 1.0, start + 1100.0, start + 5000.0, "walk")]).await;
        }
    }
    let user = server.store().user("anna").unwrap();
    server.take_in_all(ALL);
    let before = server.trips("anna", "2024-05-08").await;
    let stops = Stops::default();
    reset(server.store(), user, &stops, MORNING_TS + 2.0 * DAY_S).unwrap();
    assert_eq!(server.trips("anna", "2024-05-08").await, before);
    assert_eq!(before[0]["properties"]["inferred_labels"], json!([]));
    train(server.store(), user).unwrap();
    server.put("anna", &walks(9)).await;
    server.take_in_all(ALL);
    let after = server.trips("anna", "2024-05-15").await;
    assert_eq!(after[0]["properties"]["inferred_labels"][0]["labels"], json!({"mode_confirm": "walk"}));
    assert!(after[0]["properties"]["inferred_labels"][0]["p"].as_f64().unwrap() > 0.9);
    assert_eq!(after[0]["properties"]["expectation"], json!({"to_label": false}));
    assert_eq!(server.trips("anna", "2024-05-08").await, before, "what was found before was not asked for anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_intake_works_beside_the_routes_and_rests_when_told() {
    let (server, _dir) = with_anna().await;
    let options = IntakeOptions { cores: 2, share: 0.5, ..IntakeOptions::default() };
    let intake = Intake::start(&server.app, options).unwrap();
    server.put("anna", &walks(0)).await;
    while server.trips("anna", "2024-05-06").await.len() < 2 {
        tokio::task::yield_now().await;
    }
    intake.pause();
    server.put("anna", &walks(1)).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.store().pending(), 1, "nobody works");
    intake.resume();
    while server.trips("anna", "2024-05-07").await.len() < 2 {
        tokio::task::yield_now().await;
    }
    tokio::task::spawn_blocking(|| intake.stop()).await.unwrap();
    server.put("anna", &walks(2)).await;
    assert_eq!(server.store().pending(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_intake_learns_from_labels_when_it_shall() {
    let (server, _dir) = with_anna().await;
    for day in 0..9 {
        server.put("anna", &walks(day)).await;
        let start = MORNING_TS + f64::from(day) * DAY_S;
        for start in [start, start + 36_000.0] {
            server.put("anna", &[label(start + 1.0, start + 1100.0, start + 5000.0, "walk")]).await;
        }
    }
    // What was labelled before is known, but nobody has learnt from it.
    server.take_in_all(ALL);
    let options = IntakeOptions { label_models: Some(Duration::from_secs(86_400)), ..IntakeOptions::default() };
    let intake = Intake::start(&server.app, options).unwrap();
    server.put("anna", &walks(9)).await;
    while server.trips("anna", "2024-05-15").await.len() < 2 {
        tokio::task::yield_now().await;
    }
    tokio::task::spawn_blocking(|| intake.stop()).await.unwrap();
    let trips = server.trips("anna", "2024-05-15").await;
    assert_eq!(trips[0]["properties"]["inferred_labels"][0]["labels"], json!({"mode_confirm": "walk"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gate_keeps_out_who_has_little_to_tell_and_off_is_off() {
    let (server, _dir) = with_anna().await;
    let location = |ts: f64| {
        entry(
            "background/location",
            "sensor-data",
            ts,
            json!({"latitude": 47.4, "longitude": 8.5, "ts": ts, "bearing": 0}),
        )
    };
    let gate = IntakeOptions { gate_s: 21_600.0, cores: 2, ..IntakeOptions::default() };
    let intake = Intake::start(&server.app, gate).unwrap();
    server.put("anna", &walks(0)).await;
    server.put("anna", &[location(MORNING_TS + 36_000.0)]).await;
    while server.trips("anna", "2024-05-06").await.len() < 2 {
        tokio::task::yield_now().await;
    }
    tokio::task::spawn_blocking(|| intake.stop()).await.unwrap();
    let off = Intake::start(&server.app, IntakeOptions { mode: Mode::Off, ..IntakeOptions::default() }).unwrap();
    server.put("anna", &walks(1)).await;
    tokio::task::spawn_blocking(|| off.stop()).await.unwrap();
    assert_eq!(server.trips("anna", "2024-05-07").await.len(), 0);
    let hourly = IntakeOptions { mode: Mode::Every(Duration::from_secs(3600)), ..IntakeOptions::default() };
    let hourly = Intake::start(&server.app, hourly).unwrap();
    while server.trips("anna", "2024-05-07").await.len() < 2 {
        tokio::task::yield_now().await;
    }
    tokio::task::spawn_blocking(|| hourly.stop()).await.unwrap();
}

#[tokio::test]
async fn a_diary_of_another_version_is_written_anew_from_all_that_was_sent() {
    let (server, _dir) = with_anna().await;
    for day in [0, 1, 90] {
        server.put("anna", &walks(day)).await;
    }
    server.put("anna", &[label(MORNING_TS + 1.0, MORNING_TS + 1100.0, MORNING_TS + 5000.0, "walk")]).await;
    server.take_in_all(ALL);
    let before = server.found("anna", &["analysis/composite_trip"], "data.end_ts", 0.0, 1e11).await;
    let profile = server.post("/profile/get", json!({"user": "anna"})).await;
    let user = server.store().user("anna").unwrap();
    let strange = Rewrite {
        from: ChapterKey::FIRST,
        chapters: vec![(ChapterKey::FIRST, vec![0; 40]), (ChapterKey::at(MORNING_TS, 0.0), vec![255; 40])],
        taken: None,
        state: vec![0; 40],
    };
    server.store().rewrite(user, &strange).unwrap();
    assert_eq!(server.trips("anna", "2024-05-06").await.len(), 0);
    // The next upload is enough.
    server.put("anna", &walks(90)).await;
    server.take_in_all(ALL);
    assert_eq!(server.found("anna", &["analysis/composite_trip"], "data.end_ts", 0.0, 1e11).await, before);
    // So is a start of the intake, for those whose phones are silent; and once.
    let app = Arc::clone(&server.app);
    tokio::task::spawn_blocking(move || app.store().seal_all().unwrap()).await.unwrap();
    server.store().rewrite(user, &strange).unwrap();
    assert_eq!((server.trips("anna", "2024-05-06").await.len(), server.store().pending()), (0, 0));
    renew(server.store()).unwrap();
    renew(server.store()).unwrap();
    assert_eq!(server.store().pending(), 1);
    server.take_in_all(ALL);
    assert_eq!(server.found("anna", &["analysis/composite_trip"], "data.end_ts", 0.0, 1e11).await, before);
    renew(server.store()).unwrap();
    assert_eq!(server.store().pending(), 0);
    assert_eq!(told_of_diary(&server.post("/profile/get", json!({"user": "anna"})).await), told_of_diary(&profile));
}
