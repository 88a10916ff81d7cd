//! Sums over days are those of the trips that a client is shown.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::diaries::{label, walks};
use crate::server::{ALL, Server};

/// Metric, day and value to the sum.
type Expected = BTreeMap<(&'static str, String, String), f64>;

/// The sums of the confirmed trips of some people, as a client would make them.
async fn sums_of(server: &Server, tokens: &[&str]) -> (Expected, BTreeMap<String, u64>) {
    let (mut sums, mut users) = (Expected::new(), BTreeMap::<String, u64>::new());
    for token in tokens {
        let mut days = BTreeSet::new();
        for trip in server.found(token, &["analysis/confirmed_trip"], "data.start_ts", 0.0, 1e11).await {
            let data = &trip["data"];
            let part = |name: &str| data["start_local_dt"][name].as_i64().unwrap();
            let day = format!("{}-{:02}-{:02}", part("year"), part("month"), part("day"));
            for dimension in ["mode_confirm", "purpose_confirm", "replaced_mode"] {
                let value = data["user_input"][dimension].as_str().unwrap_or("UNLABELED");
                for (metric, measure) in [
                    ("count", 1.0),
                    ("distance", data["distance"].as_f64().unwrap().round()),
                    ("duration", data["duration"].as_f64().unwrap().round()),
                ] {
                    *sums.entry((metric, day.clone(), format!("{dimension}_{value}"))).or_default() += measure;
                }
            }
            days.insert(day);
        }
        for day in days {
            *users.entry(day).or_default() += 1;
        }
    }
    (sums, users)
}

/// What the server answers, in the same form.
fn told(answer: &Value) -> (Expected, BTreeMap<String, u64>) {
    let (mut sums, mut users) = (Expected::new(), BTreeMap::new());
    for metric in ["count", "distance", "duration"] {
        for day in answer[metric].as_array().unwrap() {
            let date = day["date"].as_str().unwrap();
            users.insert(date.to_owned(), day["nUsers"].as_u64().unwrap());
            for (name, measure) in
                day.as_object().unwrap().iter().filter(|(name, _)| !["date", "nUsers"].contains(&name.as_str()))
            {
                sums.insert((metric, date.to_owned(), name.clone()), measure.as_f64().unwrap());
            }
        }
    }
    (sums, users)
}

#[tokio::test]
async fn sums_over_days_are_those_of_the_trips() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::open(dir.path());
    for (token, days) in [("anna", 0..4), ("bert", 2..6)] {
        server.register(token).await;
        for day in days {
            server.put(token, &walks(day)).await;
        }
        server.take_in_all(ALL);
    }
    let first = &server.found("anna", &["analysis/confirmed_trip"], "data.start_ts", 0.0, 1e11).await[0]["data"];
    let (start, end) = (first["start_ts"].as_f64().unwrap(), first["end_ts"].as_f64().unwrap());
    server.put("anna", &[label(start, end, end + 600_000.0, "walk")]).await;
    server.take_in_all(ALL);
    let asked = json!({"start_time": "2024-05-01", "end_time": "2024-05-31"});
    assert_eq!(server.post("/result/metrics/yyyy_mm_dd", asked.clone()).await, json!({}), "nobody has looked yet");
    server.app.sum_up().unwrap();
    let everybody = server.post("/result/metrics/yyyy_mm_dd", asked.clone()).await;
    let expected = sums_of(&server, &["anna", "bert"]).await;
    assert!(
        expected.0.contains_key(&("count", "2024-05-06".to_owned(), "mode_confirm_walk".to_owned())),
        "{expected:?}"
    );
    assert_eq!(expected.1["2024-05-08"], 2);
    assert_eq!(told(&everybody), expected);
    let mut of_bert = asked.clone();
    of_bert["user"] = "bert".into();
    assert_eq!(told(&server.post("/result/metrics/yyyy_mm_dd", of_bert).await), sums_of(&server, &["bert"]).await);
    let one = json!({"start_time": "2024-05-08", "end_time": "2024-05-08"});
    let one = server.post("/result/metrics/yyyy_mm_dd", one).await;
    assert_eq!(one["count"].as_array().unwrap().len(), 1);
}
