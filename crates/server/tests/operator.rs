//! The operator's page: only where it is opened, for a bounded number of viewers, and ending with the server.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use http_body_util::BodyExt;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rushhour_server::{App, Limits, OperatorKey, open_operator_page, router};
use rushhour_store::{Options, Store};
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;

fn app() -> (Arc<App>, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(Options::new(dir.path(), StdRng::seed_from_u64(1))).unwrap();
    (Arc::new(App::new(store, Limits::default())), dir)
}

async fn get(app: &Arc<App>, path: &str) -> Response {
    ask(app, Request::get(path)).await
}

async fn ask(app: &Arc<App>, request: axum::http::request::Builder) -> Response {
    router(Arc::clone(app)).oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

/// The next event of a stream, and what it is called.
async fn next(events: &mut Response) -> Option<(String, Value)> {
    let bytes = events.body_mut().frame().await?.unwrap().into_data().unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let (name, data) = text.strip_prefix("event: ").unwrap().split_once("\ndata: ").unwrap();
    Some((name.to_owned(), serde_json::from_str(data).unwrap()))
}

#[tokio::test]
async fn there_is_no_page_unless_it_is_opened() {
    let (app, _dir) = app();
    assert_eq!(get(&app, "/").await.status(), 404);
    assert_eq!(get(&app, "/operator/events").await.status(), 404);
    open_operator_page(&app, None);
    let page = get(&app, "/").await;
    assert_eq!(page.status(), 200);
    assert!(page.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
}

#[tokio::test]
async fn where_there_is_a_key_the_page_is_for_who_shows_it() {
    let (app, dir) = app();
    let file = dir.path().join("key");
    std::fs::write(&file, "sesame\n").unwrap();
    open_operator_page(&app, Some(OperatorKey::open(&file).unwrap()));
    let shown = async |path: &str, key: &str| {
        ask(&app, Request::get(path).header("authorization", format!("Bearer {key}"))).await.status()
    };
    for path in ["/", "/operator/events"] {
        let asked = get(&app, path).await;
        assert_eq!(asked.status(), 401);
        assert_eq!(asked.headers()["www-authenticate"], "Basic realm=\"operator\"");
        assert_eq!(shown(path, "guess").await, 401);
        assert_eq!(shown(path, "sesame").await, 200);
    }
    assert_eq!(get(&app, "/healthz").await.status(), 200, "whoever looks whether it lives needs no key");
    std::fs::write(dir.path().join("next"), "other").unwrap();
    std::fs::rename(dir.path().join("next"), &file).unwrap();
    app.refresh().unwrap();
    assert_eq!((shown("/", "sesame").await, shown("/", "other").await), (StatusCode::UNAUTHORIZED, StatusCode::OK));
}

#[tokio::test]
async fn a_viewer_sees_what_was_before_and_what_is_now_until_the_server_stops() {
    let (app, _dir) = app();
    open_operator_page(&app, None);
    let mut events = get(&app, "/operator/events").await;
    assert_eq!(events.headers()["content-type"], "text/event-stream");
    assert_eq!(next(&mut events).await.unwrap().0, "before");
    let (name, now) = next(&mut events).await.unwrap();
    assert_eq!((name.as_str(), &now["users"], &now["unready"]), ("now", &Value::from(0), &Value::Null));
    app.drain();
    while next(&mut events).await.is_some() {}
}

#[tokio::test]
async fn so_many_may_look_at_once_and_no_more() {
    let (app, _dir) = app();
    open_operator_page(&app, None);
    let mut viewers = Vec::new();
    for _ in 0..32 {
        viewers.push(get(&app, "/operator/events").await);
    }
    assert!(viewers.iter().all(|viewer| viewer.status() == 200));
    assert_eq!(get(&app, "/operator/events").await.status(), 503);
}
