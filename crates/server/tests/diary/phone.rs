//! What clients ask one after another, each answered as it expects: a phone that lives some days, and the tasks of the
//! original's own load test.

use serde_json::{Value, json};

use crate::diaries::walks;
use crate::people;
use crate::server::{ALL, Server};

const DAYS: u32 = 7;
/// What a phone asks for of the time that no diary tells of yet.
const TAIL: [&str; 3] = ["background/filtered_location", "statemachine/transition", "background/bluetooth_ble"];
const MANUAL: [&str; 3] = ["manual/mode_confirm", "manual/purpose_confirm", "manual/trip_user_input"];

/// An app that somebody opens: what it sends as it starts, and as it shows the diary of a week. Returns the trips.
async fn open_app(server: &Server, token: &str) -> Vec<Value> {
    let created = server.post("/profile/create", json!({"user": token})).await;
    assert!(created["uuid"].is_string(), "{created}");
    let update = json!({"user": token, "update_doc": {"client_app_version": "1.9.3", "curr_platform": "android"}});
    assert_eq!(server.post("/profile/update", update).await, json!({"update": true}));
    let profile = server.post("/profile/get", json!({"user": token})).await;
    assert_eq!(profile["client_app_version"], "1.9.3");
    let range = server.post("/pipeline/get_range_ts", json!({"user": token})).await;
    let complete = server.post("/pipeline/get_complete_ts", json!({"user": token})).await;
    let end_ts = range["end_ts"].as_f64();
    assert_eq!(complete["complete_ts"].is_null(), end_ts.is_none(), "{range} {complete}");
    let (from, to) = end_ts.map_or((0.0, 1e11), |end_ts| (end_ts - 7.0 * 86_400.0, end_ts));
    let trips = server.found(token, &["analysis/composite_trip"], "data.end_ts", from, to).await;
    for key in MANUAL {
        server.found(token, &[key], "data.end_ts", from, to).await;
    }
    for key in TAIL {
        server.found(token, &[key], "data.ts", complete["complete_ts"].as_f64().unwrap_or(0.0), 1e11).await;
    }
    let labels = server.post("/customlabel/get", json!({"user": token, "keys": ["mode", "purpose"]})).await;
    assert_eq!(labels, json!({"mode": [], "purpose": []}));
    server.post("/result/metrics/yyyy_mm_dd", json!({"start_time": "2026-01-05", "end_time": "2026-01-12"})).await;
    trips
}

#[tokio::test]
async fn a_phone_is_answered_as_it_expects_for_days() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::open(dir.path());
    let mut days = 0;
    for person in people::people(3, DAYS) {
        let token = person.token.as_str();
        assert!(open_app(&server, token).await.is_empty());
        for put in person.puts {
            // It syncs: what there is for it, and what it has.
            let got = server.post("/usercache/get", json!({"user": token})).await;
            assert_eq!(got, json!({"server_to_phone": []}));
            assert_eq!(server.post_bytes("/usercache/put", put).await, Value::Null);
            server.take_in_all(ALL);
        }
        if let Some(trip) = open_app(&server, token).await.first() {
            let day = trip["data"]["start_fmt_time"].as_str().unwrap().get(..10).unwrap();
            assert!(!server.trips(token, day).await.is_empty(), "{day}");
            days += 1;
        }
    }
    assert!(days > 0, "nobody has gone anywhere");
}

/// One user of the original's load test does these again and again. It sends back what the server has, in its own form.
#[tokio::test]
async fn the_tasks_of_the_originals_load_test_are_answered_as_it_expects() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::open(dir.path());
    server.register("source").await;
    server.put("source", &walks(0)).await;
    server.take_in_all(ALL);
    let keys = ["background/filtered_location", "background/motion_activity", "statemachine/transition"];
    let stored = server.found("source", &keys, "metadata.write_ts", 0.0, 1e11).await;
    assert!(stored.len() > 100);
    let again: Vec<Value> = stored
        .into_iter()
        .map(|mut entry| {
            let fields = entry.as_object_mut().unwrap();
            assert!(fields.remove("_id").is_some() && fields.remove("user_id").is_some());
            entry["metadata"].as_object_mut().unwrap().entry("type").or_insert("missing".into());
            entry
        })
        .collect();
    let user = "Kq3Tz8bVw1Lp";
    server.register(user).await;
    for iteration in 0..3 {
        let update = json!({"user": user, "update_doc": {"platform": "locust", "app_version": "1.9.3"}});
        assert_eq!(server.post("/profile/update", update).await, json!({"update": true}));
        assert_eq!(server.post("/usercache/get", json!({"user": user})).await, json!({"server_to_phone": []}));
        for (key, expected) in [("analysis/composite_trip", 2), ("background/filtered_location", 120)] {
            let found = server.found(user, &[key], "metadata.write_ts", 0.0, 1e11).await;
            assert_eq!(found.len(), if iteration == 0 { 0 } else { expected }, "{key}");
        }
        server.put(user, &again).await;
        let metrics = ["footprint", "distance", "duration", "count"].map(|metric| (metric, ["mode_confirm"]));
        let request = json!({"user": user, "metric_list": std::collections::BTreeMap::from(metrics),
            "start_time": "2024-05-01T21:08:57.123456+00:00", "end_time": "2024-05-08T21:08:57.123456+00:00",
            "is_return_aggregate": iteration % 2 == 0, "freq": "D"});
        let sums = server.post("/result/metrics/yyyy_mm_dd", request).await;
        assert_eq!(sums.get("count").is_some(), iteration > 0, "{sums}");
        server.take_in_all(ALL);
    }
}
