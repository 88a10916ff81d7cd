//! Usages: unique, durable, and found again.

use std::collections::HashSet;

use rushhour_server::{App, Limits};
use serde_json::{Value, json};

use crate::server::{Server, open};

async fn post(server: &Server, usage: &Value) -> String {
    let (status, body) = server.post("/api/usages", &usage.to_string()).await;
    assert_eq!(status, 201, "{body}");
    serde_json::from_str::<Value>(&body).unwrap()["id"].as_str().unwrap().to_owned()
}

async fn get(server: &Server, path: &str) -> (u16, Value) {
    let (status, body) = server.send("GET", path, axum::body::Body::empty()).await;
    (status.as_u16(), serde_json::from_str(&body).unwrap())
}

#[tokio::test]
async fn usages_have_ids_of_their_own_across_processes_and_restarts() {
    let usage =
        |number: u32| json!({"patientId": number, "timestamp": "2019-03-14T07:30:00Z", "medication": "albuterol"});
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let mut ids = HashSet::new();
    let mut all = 0;
    for (start, dir) in [&dirs[0], &dirs[0], &dirs[1]].into_iter().enumerate() {
        let server = Server::of(App::new(open(dir.path(), start as u64), Limits::default()));
        let before = get(&server, "/api/usages").await.1["count"].as_u64().unwrap();
        assert_eq!(before, if start == 1 { 200 } else { 0 });
        let posts = (0..200).map(|number| async move { number });
        for number in posts {
            let usage = usage(number.await);
            let id = post(&server, &usage).await;
            let mut found = get(&server, &format!("/api/usages/{id}")).await;
            assert_eq!(found.1.as_object_mut().unwrap().shift_remove("id"), Some(id.clone().into()));
            assert_eq!(found, (200, usage));
            ids.insert(id);
            all += 1;
        }
        assert_eq!(get(&server, "/api/usages").await.1["count"], before + 200);
    }
    assert_eq!(ids.len(), all);
}

#[tokio::test]
async fn what_is_no_usage_is_refused() {
    let server = Server::new();
    for (body, part) in [
        ("{}", "`patientId` is missing"),
        (r#"{"patientId":{},"timestamp":1,"medication":"a"}"#, "`patientId`: it takes text or a number"),
        (r#"{"patientId":1,"timestamp":null,"medication":"a"}"#, "`timestamp` is missing"),
        (r#"{"patientId":1,"timestamp":1,"medication":[]}"#, "`medication`: it takes"),
        ("[]", "the body is not what this route takes"),
    ] {
        let (status, answer) = server.post("/api/usages", body).await;
        assert!(status == 400 && answer.contains(part), "{body}: {status} {answer}");
    }
    for id in ["7", "018f9e4a-0000-7000-8000-000000000000", "67e55044-10b1-426f-9247-bb680e5fe0c8"] {
        assert_eq!(get(&server, &format!("/api/usages/{id}")).await.0, 404);
    }
    assert_eq!(get(&server, "/api/usages").await.1, json!({"count": 0}));
}
