//! Every route's answer to good and bad requests, without a socket.

use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::server::{Server, entry};

/// Posts `body` and checks the status, and that the error in the answer has `part` in it, and that nothing was stored.
async fn refuses(path: &str, body: &str, status: u16, part: &str) {
    let server = Server::with_anna().await;
    let (answered, text) = server.post(path, body).await;
    assert_eq!(answered, status, "{body}: {text}");
    let error: Value = serde_json::from_str(&text).unwrap();
    assert!(error["error"].as_str().unwrap().contains(part), "{text}");
    let metrics = server.send("GET", "/metrics", Body::empty()).await.1;
    assert!(metrics.contains("em_store_entries 0\n"), "{metrics}");
}

#[tokio::test]
async fn what_is_put_is_found_as_it_was_with_its_ids() {
    let server = Server::with_anna().await;
    let batch = json!({"user": "anna", "phone_to_server": [entry("a", 2.0), entry("b", 1.0)], "app_version": "1.9.3"});
    assert_eq!(server.post("/usercache/put", &batch.to_string()).await, (StatusCode::OK, String::new()));
    let one = json!({"user": "anna", "the_entry": entry("c", 3.0)});
    assert_eq!(server.post("/usercache/putone", &one.to_string()).await.1, r#"{"putone":true}"#);
    let mut found = server.entries().await;
    for entry in &mut found {
        let fields = entry.as_object_mut().unwrap();
        assert_eq!(fields.shift_remove("_id").unwrap()["$oid"].as_str().unwrap().len(), 24);
        assert_eq!(fields.shift_remove("user_id").unwrap()["$uuid"].as_str().unwrap().len(), 32);
    }
    assert_eq!(found, [entry("b", 1.0), entry("a", 2.0), entry("c", 3.0)]);
}

#[tokio::test]
async fn a_batch_that_is_sent_again_changes_nothing() {
    let server = Server::with_anna().await;
    let batch = json!({"user": "anna", "phone_to_server": [entry("a", 1.0), entry("a", 2.0)]}).to_string();
    server.post("/usercache/put", &batch).await;
    let before = server.entries().await;
    server.post("/usercache/put", &batch).await;
    assert_eq!(server.entries().await, before);
    assert_eq!(before.len(), 2);
}

#[tokio::test]
async fn a_query_narrows_by_key_field_and_count() {
    let server = Server::with_anna().await;
    let batch = json!({"user": "anna", "phone_to_server": [entry("a", 1.0), entry("a", 2.0), entry("b", 3.0)]});
    server.post("/usercache/put", &batch.to_string()).await;
    let keys = async |request: Value| -> Vec<f64> {
        let found = server.found(request).await;
        found.iter().map(|entry| entry["metadata"]["write_ts"].as_f64().unwrap()).collect()
    };
    let base = |more: Value| {
        let mut request = json!({"user": "anna", "key_list": [], "start_time": 0, "end_time": 10});
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        request
    };
    assert_eq!(keys(base(json!({"key_list": ["a"]}))).await, [1.0, 2.0]);
    assert_eq!(keys(base(json!({"key_time": "data.ts", "start_time": 2.5, "end_time": 3.0}))).await, [2.0]);
    assert_eq!(keys(base(json!({"max_entries": 1, "trunc_method": "first"}))).await, [1.0]);
    assert_eq!(keys(base(json!({"max_entries": 1, "trunc_method": "last"}))).await, [3.0]);
    assert_eq!(keys(base(json!({"max_entries": 2, "trunc_method": "sample"}))).await, [1.0, 3.0]);
    let local = |key: &str, second: i64| {
        let date = json!({"year": 1970, "second": second});
        base(json!({"key_local_date": key, "from_local_date": date, "to_local_date": date}))
    };
    assert_eq!(keys(local("metadata.write_local_dt", 2)).await, [2.0]);
    assert_eq!(keys(local("metadata.write_ts", 2)).await, [0.0; 0]);
    for (more, status) in [
        (json!({"max_entries": 1}), 400),
        (json!({"max_entries": -1, "trunc_method": "first"}), 400),
        (json!({"max_entries": 1, "trunc_method": "middle"}), 400),
        (json!({"from_local_date": {"year": 1970, "day": 1}, "to_local_date": {"day": 1, "year": 1970}}), 400),
    ] {
        let (answered, body) = server.post("/datastreams/find_entries/timestamp", &base(more).to_string()).await;
        assert_eq!(answered, status, "{body}");
    }
}

#[tokio::test]
async fn a_profile_is_created_once_and_keeps_what_is_set() {
    let server = Server::new();
    let (status, first) = server.post("/profile/create", r#"{"user":"anna"}"#).await;
    assert_eq!(status, 200);
    assert_eq!(server.post("/profile/create", r#"{"user":"anna"}"#).await.1, first);
    assert_ne!(server.post("/profile/create", r#"{"user":"ben"}"#).await.1, first);
    let update = r#"{"user":"anna","update_doc":{"curr_platform":"ios","n":1.0,"user_id":"someone else"}}"#;
    assert_eq!(server.post("/profile/update", update).await.1, r#"{"update":true}"#);
    let mut profile: Value = serde_json::from_str(&server.post("/profile/get", r#"{"user":"anna"}"#).await.1).unwrap();
    assert!(profile.as_object_mut().unwrap().shift_remove("last_call_ts").is_some());
    let uuid: Value = serde_json::from_str(&first).unwrap();
    let hex = uuid["uuid"].as_str().unwrap().replace('-', "");
    assert_eq!(profile, json!({"user_id": {"$uuid": hex}, "curr_platform": "ios", "n": 1.0}));
}

#[tokio::test]
async fn before_the_pipeline_there_are_no_trips_and_no_range() {
    let server = Server::with_anna().await;
    for (path, answer) in [
        ("/usercache/get", r#"{"server_to_phone":[]}"#),
        ("/pipeline/get_range_ts", r#"{"start_ts":null,"end_ts":null}"#),
        ("/pipeline/get_complete_ts", r#"{"complete_ts":null}"#),
        ("/timeline/getTrips/2016-06-20", r#"{"timeline":[]}"#),
    ] {
        assert_eq!(server.post(path, r#"{"user":"anna"}"#).await, (StatusCode::OK, answer.to_owned()), "{path}");
    }
    for day in ["yesterday", "%FF"] {
        let (status, body) = server.post(&format!("/timeline/getTrips/{day}"), r#"{"user":"anna"}"#).await;
        assert!(status == 400 && body.starts_with(r#"{"error":"`day`"#), "{body}");
    }
}

#[tokio::test]
async fn a_body_that_is_not_a_json_object_is_400() {
    refuses("/usercache/put", "", 400, "not JSON").await;
    refuses("/usercache/put", r#"{"user":"anna","#, 400, "not JSON").await;
    refuses("/usercache/put", r#"{"user":"anna","phone_to_server":[{"x":NaN}]}"#, 400, "not JSON").await;
    refuses("/usercache/put", r#"["anna",[]]"#, 400, "expected an object").await;
    refuses("/usercache/put", &"[".repeat(4000), 400, "expected an object").await;
    let deep = format!(r#"{{"user":"anna","phone_to_server":[{}]}}"#, "[".repeat(2000));
    refuses("/usercache/put", &deep, 400, "not JSON").await;
}

#[tokio::test]
async fn who_is_calling_is_checked_before_what_they_send() {
    refuses("/usercache/put", r#"{"phone_to_server":[]}"#, 401, "`user` is missing").await;
    refuses("/usercache/put", r#"{"user":null,"phone_to_server":[]}"#, 401, "`user` is missing").await;
    let stranger = json!({"user": "ben", "phone_to_server": [entry("a", 1.0)]}).to_string();
    refuses("/usercache/put", &stranger, 403, "/profile/create").await;
    for path in ["/profile/get", "/usercache/get", "/pipeline/get_range_ts", "/timeline/getTrips/2016-06-20"] {
        refuses(path, r#"{"user":"ben"}"#, 403, "not registered").await;
    }
    refuses("/profile/create", r#"{"user":""}"#, 400, "1 to 256 bytes").await;
}

#[tokio::test]
async fn a_batch_is_stored_whole_or_not_at_all() {
    refuses("/usercache/put", r#"{"user":"anna"}"#, 400, "`phone_to_server` is missing").await;
    refuses("/usercache/put", r#"{"user":"anna","phone_to_server":{}}"#, 400, "expected a sequence").await;
    let batch = json!({"user": "anna", "phone_to_server": [entry("a", 1.0), {"data": {}}]}).to_string();
    refuses("/usercache/put", &batch, 400, "entry 1 of `phone_to_server`: `metadata` is missing").await;
    refuses("/usercache/putone", r#"{"user":"anna"}"#, 400, "`the_entry` is missing").await;
    refuses("/usercache/putone", r#"{"user":"anna","the_entry":{"metadata":{}}}"#, 400, "`the_entry`").await;
    refuses("/profile/update", r#"{"user":"anna"}"#, 400, "`update_doc` is missing").await;
}

#[tokio::test]
async fn a_body_over_the_limit_is_413() {
    refuses("/usercache/put", &format!(r#"{{"user":"{}"}}"#, "x".repeat(4096)), 413, "4096").await;
    refuses("/usercache/put", &"x".repeat(100_000), 413, "4096").await;
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_arrive_is_408() {
    let server = Server::with_anna().await;
    let (_sender, body) = http_body_util::channel::Channel::<Bytes>::new(1);
    let (status, text) = server.send("POST", "/usercache/put", Body::new(body)).await;
    assert_eq!(status, 408);
    assert_eq!(text, r#"{"error":"the body did not arrive within 30 s"}"#);
}

#[tokio::test(start_paused = true)]
async fn bodies_share_a_bounded_room_and_who_finds_none_is_told_so() {
    let server = Server::with_anna().await;
    // Two bodies of unknown size take all the room there is.
    let slow = || {
        let (sender, body) = http_body_util::channel::Channel::<Bytes>::new(1);
        let request = Request::post("/usercache/put").body(Body::new(body)).unwrap();
        (sender, tokio::spawn(server.router().oneshot(request)))
    };
    let (first, second) = (slow(), slow());
    tokio::task::yield_now().await;
    let (status, text) = server.post("/usercache/get", r#"{"user":"anna"}"#).await;
    assert_eq!((status.as_u16(), text.contains("send it again in 5 s")), (503, true), "{text}");
    for (sender, answer) in [first, second] {
        drop(sender);
        assert_ne!(answer.await.unwrap().unwrap().status(), 503);
    }
    assert_eq!(server.post("/usercache/get", r#"{"user":"anna"}"#).await.0, 200);
}

#[tokio::test]
async fn unknown_paths_and_methods_are_told_apart() {
    let server = Server::new();
    let (status, text) = server.post("/usercache", "{}").await;
    assert_eq!((status.as_u16(), text.as_str()), (404, r#"{"error":"there is no route /usercache"}"#));
    let request = Request::builder().method("GET").uri("/usercache/put").body(Body::empty()).unwrap();
    let response = server.router().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 405);
    assert_eq!(response.headers()["allow"], "POST");
}

#[tokio::test]
async fn the_server_tells_that_it_is_up_and_what_it_did() {
    let server = Server::with_anna().await;
    let batch = json!({"user": "anna", "phone_to_server": [entry("a", 1.0), entry("background/battery", 2.0)]});
    server.post("/usercache/put", &batch.to_string()).await;
    server.post("/no/such/route", "{}").await;
    server.send("BREW", "/no/such/route", Body::empty()).await;
    assert_eq!(server.send("GET", "/healthz", Body::empty()).await, (StatusCode::OK, "ok\n".to_owned()));
    let (_, text) = server.send("GET", "/metrics", Body::empty()).await;
    for line in [
        r#"em_ingest_entries_total{key="background/battery"} 1"#,
        r#"em_ingest_entries_total{key="other"} 1"#,
        r#"em_store_bytes{tier="volumes"} "#,
        "em_store_fsync_seconds_count 1",
        "em_store_writable 1",
        "em_pipeline_users_pending 1",
        "em_pipeline_lag_seconds ",
        r#"em_pipeline_stage_seconds_count{stage="segmentation"} 0"#,
        r#"em_phones{synced="hour"} 1"#,
        "em_connections 0",
        "process_cpu_seconds_total ",
        "em_store_entries 2",
        "em_users 1",
        r#"http_request_method="POST",http_route="/usercache/put",http_response_status_code="200"} 1"#,
        r#"{http_request_method="POST",http_route="unmatched",http_response_status_code="404"} 1"#,
        r#"{http_request_method="_OTHER",http_route="unmatched",http_response_status_code="404"} 1"#,
        "# EOF",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

#[tokio::test]
async fn a_profile_tells_when_its_phone_was_last_heard_of() {
    let server = Server::with_anna().await;
    let profile = async || {
        let (_, body) = server.post("/profile/get", r#"{"user":"anna"}"#).await;
        serde_json::from_str::<Value>(&body).unwrap()
    };
    let fresh = profile().await;
    assert!(fresh["last_call_ts"].is_f64() && fresh["last_sync_ts"].is_null(), "{fresh}");
    let batch = json!({"user": "anna", "phone_to_server": [entry("background/location", 1.0), entry("b", 2.0)]});
    server.post("/usercache/put", &batch.to_string()).await;
    let told = profile().await;
    assert_eq!((&told["last_location_ts"], &told["last_phone_data_ts"]), (&json!(1.5), &json!(2.0)));
    assert!(told["last_put_ts"].is_f64() && told["last_sync_ts"].is_f64(), "{told}");
    assert!(told["last_diary_fetch_ts"].is_null(), "{told}");
    server.post("/pipeline/get_range_ts", r#"{"user":"anna"}"#).await;
    assert!(profile().await["last_diary_fetch_ts"].is_f64());
}

#[tokio::test]
async fn a_server_that_stops_is_up_and_not_ready() {
    let server = Server::new();
    assert_eq!(server.send("GET", "/readyz", Body::empty()).await, (StatusCode::OK, "ready\n".to_owned()));
    server.app.drain();
    let (status, text) = server.send("GET", "/readyz", Body::empty()).await;
    assert_eq!((status.as_u16(), text.as_str()), (503, r#"{"error":"not ready: the server is stopping"}"#));
    assert_eq!(server.send("GET", "/healthz", Body::empty()).await.0, 200);
}

#[tokio::test]
async fn an_answer_carries_the_id_of_its_request() {
    let server = Server::new();
    let answered = async |id: &str| {
        let request = Request::builder().uri("/healthz").header("x-request-id", id).body(Body::empty()).unwrap();
        let response = server.router().oneshot(request).await.unwrap();
        response.headers().get("x-request-id").map(|id| id.to_str().unwrap().to_owned())
    };
    assert_eq!(answered("7f3a-1").await.as_deref(), Some("7f3a-1"));
    assert_eq!(answered("a token {}").await, None, "nobody listens, so none is made");
}
