//! Who is believed, and how often.

use std::fs;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use rushhour_server::{Auth, RateLimit};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::server::{Server, entry};

fn file(name: &str, text: &str) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    fs::write(&path, text).unwrap();
    (dir, path)
}

async fn status(server: &Server, token: &str) -> StatusCode {
    server.post("/profile/create", &json!({"user": token}).to_string()).await.0
}

#[tokio::test]
async fn a_token_is_believed_while_it_is_in_the_list() {
    let (dir, path) = file("tokens", "# ours\nanna\n");
    let server = Server::that_believes(Auth::token_list(&path).unwrap());
    assert_eq!((status(&server, "anna").await, status(&server, "bert").await), (StatusCode::OK, StatusCode::FORBIDDEN));
    fs::write(dir.path().join("next"), "bert\n").unwrap();
    fs::rename(dir.path().join("next"), &path).unwrap();
    server.app.refresh().unwrap();
    assert_eq!((status(&server, "anna").await, status(&server, "bert").await), (StatusCode::FORBIDDEN, StatusCode::OK));
}

#[tokio::test]
async fn a_token_is_believed_if_it_starts_with_a_secret_or_was_registered() {
    let (_dir, path) = file("secret_list.json", r#"["s3cret"]"#);
    let server = Server::that_believes(Auth::secret(&path).unwrap());
    assert_eq!(status(&server, "s3cret_anna").await, 200);
    assert_eq!(status(&server, "anna").await, 403);
    let server = Server::that_believes(Auth::registered());
    assert_eq!(status(&server, "anna").await, 403);
    server.app.store().register("anna").await.unwrap();
    assert_eq!(status(&server, "anna").await, 200);
}

#[tokio::test]
async fn a_token_stands_in_the_body_or_in_the_head_and_only_one_of_them() {
    let server = Server::with_anna().await;
    server.register("bert").await;
    for (header, value, body, expected) in [
        ("authorization", "Bearer anna", "{}", 200),
        ("authorization", "bearer anna", r#"{"user":"anna"}"#, 200),
        ("x-em-key", "anna", "{}", 200),
        ("x-other", "anna", "{}", 401),
        ("authorization", "Basic anna", "{}", 401),
        ("authorization", "Bearer ", "{}", 401),
        ("authorization", "Bearer carl", "{}", 403),
        ("authorization", "Bearer bert", r#"{"user":"anna"}"#, 403),
        ("x-em-key", "bert", r#"{"user":"anna"}"#, 403),
    ] {
        let request = Request::post("/profile/get").header(header, value);
        let (status, answer) = server.ask(request, body).await;
        assert_eq!(status, expected, "{header}: {value}, {body}: {answer}");
        assert!(!answer.contains("carl") && !answer.contains("bert"), "no token in an error: {answer}");
    }
    let request = Request::post("/profile/get").header("x-em-key", "anna").header("authorization", "Bearer bert");
    assert_eq!(server.ask(request, "{}").await.0, 403);
}

#[tokio::test]
async fn who_calls_too_often_is_told_when_to_come_back() {
    let (calls, burst) = (NonZeroU32::new(1).unwrap(), NonZeroU32::new(2).unwrap());
    let limit = RateLimit { calls, period: Duration::from_secs(3600), burst };
    let server = Server::that_believes(Auth::skip().with_rate_limit(limit));
    for token in ["anna", "bert"] {
        server.register(token).await;
    }
    let call = || Request::post("/usercache/get").body(Body::from(r#"{"user":"anna"}"#)).unwrap();
    assert_eq!(server.answer(call()).await.status(), 200);
    assert_eq!(server.answer(call()).await.status(), 200);
    let refused = server.answer(call()).await;
    assert_eq!(refused.status(), 429);
    let wait_s: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((3000..=3600).contains(&wait_s), "{wait_s}");
    assert_eq!(server.post("/usercache/get", r#"{"user":"bert"}"#).await.0, 200, "others are not held up");
}

#[tokio::test]
async fn a_suspended_subgroup_is_answered_and_nothing_of_it_is_kept() {
    let configuration = json!({"version": 3, "opcode": {"subgroups": ["a", "b"], "suspended_subgroups": ["b"]}});
    let (_dir, path) = file("stage-program.nrel-op.json", &configuration.to_string());
    let server = Server::that_believes(Auth::skip().with_study(&path).unwrap());
    assert_eq!(status(&server, "nrelop_stage-program_c_x").await, 403);
    for (token, kept) in [("nrelop_stage-program_a_x", 1), ("nrelop_stage-program_b_x", 0)] {
        server.register(token).await;
        let put = json!({"user": token, "phone_to_server": [entry("k", 1.5)], "deployment_config_version": 2});
        let (status, body) = server.post("/usercache/put", &put.to_string()).await;
        assert_eq!(status, 200);
        let all = json!({"user": token, "key_list": null, "start_time": null, "end_time": null});
        assert_eq!(server.found(all).await.len(), kept, "{token}");
        let sent = serde_json::from_str::<Value>(&body).ok().map(|body| body["deployment_config"].clone());
        assert_eq!(sent, (kept == 1).then(|| configuration.clone()), "{token}");
    }
    let (_, metrics) = server.send("GET", "/metrics", Body::empty()).await;
    assert!(metrics.contains("em_suspended_uploads_total 1"), "{metrics}");
}
