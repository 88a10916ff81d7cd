//! More than can be done: some is done in time, and the rest is told so.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use rushhour_server::{App, Limits, QueueLimits};

use crate::server::{Server, open};

/// A body that never ends.
fn endless() -> Body {
    Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>())
}

#[tokio::test(start_paused = true)]
async fn who_finds_no_place_is_sent_away_and_health_is_told_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let uploads = QueueLimits { at_once: 1, waiting_max: 1, wait_max: Duration::from_millis(500) };
    let server = Server::of(App::new(open(dir.path(), 1), Limits { uploads, ..Limits::default() }));
    server.register("anna").await;
    let put = |body| Request::post("/usercache/put").body(body).unwrap();
    let busy = server.answer(put(endless()));
    tokio::pin!(busy);
    assert!(futures_util::poll!(&mut busy).is_pending());
    let refused = server.answer(put(Body::from(r#"{"user":"anna","phone_to_server":[]}"#))).await;
    assert_eq!((refused.status().as_u16(), refused.headers()["retry-after"].to_str().unwrap()), (503, "5"));
    assert_eq!(server.send("GET", "/healthz", Body::empty()).await.0, 200);
    assert_eq!(server.post("/usercache/get", r#"{"user":"anna"}"#).await.0, 200, "other classes are not held up");
    let (_, metrics) = server.send("GET", "/metrics", Body::empty()).await;
    assert!(metrics.contains(r#"em_shed_total{reason="upload"} 1"#), "{metrics}");
    assert_eq!(busy.await.status(), 408, "its body never came");
    assert_eq!(server.post("/usercache/put", r#"{"user":"anna","phone_to_server":[]}"#).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn a_serial_server_takes_one_after_another_and_sends_nobody_away() {
    let dir = tempfile::tempdir().unwrap();
    let app = App::new(open(dir.path(), 1), Limits::default()).serial(Duration::from_millis(1_100));
    let server = Server::of(app);
    let started = tokio::time::Instant::now();
    let calls = (0..5).map(|_| server.send("GET", "/api/usages", Body::empty()));
    let answers = futures_util::future::join_all(calls).await;
    assert!(answers.iter().all(|(status, _)| *status == 200));
    assert!(started.elapsed() >= Duration::from_millis(5_500), "{:?}", started.elapsed());
    assert_eq!(server.send("GET", "/healthz", Body::empty()).await.0, 200);
}
