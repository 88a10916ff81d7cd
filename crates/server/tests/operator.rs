//! The operator's page: only where it is opened, for a bounded number of viewers, and ending with the server.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use http_body_util::BodyExt;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rushhour_server::{App, Limits, open_operator_page, router};
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
    let request = Request::builder().uri(path).body(Body::empty()).unwrap();
    router(Arc::clone(app)).oneshot(request).await.unwrap()
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
    open_operator_page(&app);
    let page = get(&app, "/").await;
    assert_eq!(page.status(), 200);
    assert!(page.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
}

#[tokio::test]
async fn a_viewer_sees_what_was_before_and_what_is_now_until_the_server_stops() {
    let (app, _dir) = app();
    open_operator_page(&app);
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
    open_operator_page(&app);
    let mut viewers = Vec::new();
    for _ in 0..32 {
        viewers.push(get(&app, "/operator/events").await);
    }
    assert!(viewers.iter().all(|viewer| viewer.status() == 200));
    assert_eq!(get(&app, "/operator/events").await.status(), 503);
}
