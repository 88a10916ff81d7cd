//! Where a person went.

use rushhour_pipeline::transit::Stops;
use rushhour_server::diary::{Portion, take_in};
use serde_json::{Value, json};

use crate::server::Server;

/// 2024-05-06 06:00 in UTC.
const MORNING_TS: f64 = 1_714_975_200.0;

fn entry(key: &str, kind: &str, write_ts: f64, data: Value) -> Value {
    let metadata =
        json!({"key": key, "type": kind, "platform": "android", "write_ts": write_ts, "time_zone": "Europe/Zurich"});
    json!({"metadata": metadata, "data": data})
}

/// A walk of twenty minutes to the east, and a report on the way.
async fn walk(server: &Server) {
    let mut entries = Vec::new();
    for number in 0..60_i32 {
        let ts = MORNING_TS + f64::from(number) * 30.0;
        let metres = f64::from(number.min(40)) * 40.0;
        let fix = json!({"longitude": 8.5 + metres / 75_000.0, "latitude": 47.4, "ts": ts, "altitude": 408.5, "accuracy": 12,
            "bearing": 0, "sensed_speed": 1.5, "filter": "time"});
        entries.push(entry("background/filtered_location", "sensor-data", ts + 0.125, fix));
        let motion = json!({"ts": ts, "type": if number < 40 { 7 } else { 3 }, "confidence": 95});
        entries.push(entry("background/motion_activity", "sensor-data", ts + 1.0, motion));
    }
    let incident =
        json!({"ts": MORNING_TS + 300.0, "stress": 100, "loc": {"type": "Point", "coordinates": [8.505, 47.4]}});
    entries.push(entry("manual/incident", "message", MORNING_TS + 301.0, incident));
    let end = MORNING_TS + 1800.0;
    let stopped =
        json!({"currState": "local.state.ongoing_trip", "transition": "local.transition.stopped_moving", "ts": end});
    entries.push(entry("statemachine/transition", "message", end, stopped));
    for part in entries.chunks(10) {
        let (status, body) =
            server.post("/usercache/put", &json!({"user": "anna", "phone_to_server": part}).to_string()).await;
        assert_eq!(status, 200, "{body}");
    }
    let store = server.app.store();
    let all = Portion { entries_max: 1_000_000, span_s_max: f64::INFINITY };
    take_in(store, store.next_pending().unwrap(), &Stops::default(), all).unwrap();
}

async fn ask(server: &Server, what: &str, more: Value) -> Vec<Value> {
    let mut body = json!({"user": "anna", "start_time": MORNING_TS - 60.0, "end_time": MORNING_TS + 3600.0, "modes": null, "sel_region": null});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let (status, answer) = server.post(&format!("/result/heatmap/{what}/timestamp"), &body.to_string()).await;
    assert_eq!(status, 200, "{answer}");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    answer[if what == "incidents" { "incidents" } else { "lnglat" }].as_array().unwrap().clone()
}

fn box_of(from: f64, to: f64) -> Value {
    json!({"sel_region": {"type": "Polygon", "coordinates":
        [[[from, 47.0], [to, 47.0], [to, 48.0], [from, 48.0], [from, 47.0]]]}})
}

#[tokio::test]
async fn a_way_is_shown_inside_its_region_time_and_modes() {
    let server = Server::with_anna().await;
    walk(&server).await;
    let all = ask(&server, "pop.route", json!({})).await;
    assert!(all.len() > 20, "{}", all.len());
    assert!(all.iter().all(|at| (8.4999..8.5215).contains(&at[0].as_f64().unwrap())));
    let east = ask(&server, "pop.route", box_of(8.51, 9.0)).await;
    assert!(!east.is_empty() && east.iter().all(|at| at[0].as_f64().unwrap() > 8.51));
    assert_eq!(ask(&server, "pop.route", box_of(8.0, 8.51)).await.len() + east.len(), all.len());
    assert_eq!(ask(&server, "pop.route", json!({"modes": ["BICYCLING"]})).await, Vec::<Value>::new());
    assert_eq!(ask(&server, "pop.route", json!({"modes": ["WALKING", "ON_FOOT"]})).await.len(), all.len());
    let earlier = json!({"end_time": MORNING_TS + 600.0});
    assert!((10..all.len()).contains(&ask(&server, "pop.route", earlier).await.len()));
}

#[tokio::test]
async fn incidents_are_shown_inside_their_region() {
    let server = Server::with_anna().await;
    walk(&server).await;
    let all = ask(&server, "incidents", json!({})).await;
    assert_eq!((all.len(), &all[0]["stress"]), (1, &json!(100)));
    assert_eq!(ask(&server, "incidents", box_of(8.0, 8.51)).await.len(), 1);
    assert_eq!(ask(&server, "incidents", box_of(8.51, 9.0)).await.len(), 0);
    let (status, answer) =
        server.post("/result/heatmap/pop.route/timestamp", r#"{"user":"anna","modes":["FLYING"]}"#).await;
    assert!(status == 400 && answer.contains("there are IN_VEHICLE, BICYCLING"), "{answer}");
}
