//! A server over a store of its own, asked request by request.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::request::Builder;
use axum::http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rushhour_server::{App, Auth, Limits, router};
use rushhour_store::{Options, Store};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

fn limits() -> Limits {
    Limits { body_bytes_max: 4096, bodies_bytes_max: 8192, put_entries_max: 20, entries_max: 100, ..Limits::default() }
}

/// A store that draws from `seed`.
pub(crate) fn open(dir: &Path, seed: u64) -> Store {
    Store::open(Options::new(dir, StdRng::seed_from_u64(seed))).unwrap()
}

pub(crate) struct Server {
    pub(crate) app: Arc<App>,
    router: Router,
    _dir: Option<TempDir>,
}

impl Server {
    pub(crate) fn new() -> Self {
        Self::that_believes(Auth::skip())
    }

    pub(crate) fn that_believes(auth: Auth) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path(), 1);
        Self { _dir: Some(dir), ..Self::of(App::guarded(store, limits(), auth)) }
    }

    pub(crate) fn of(app: App) -> Self {
        let app = Arc::new(app);
        Self { router: router(Arc::clone(&app)), app, _dir: None }
    }

    /// A server that knows the token `anna`.
    pub(crate) async fn with_anna() -> Self {
        let server = Self::new();
        server.register("anna").await;
        server
    }

    pub(crate) async fn register(&self, token: &str) {
        let (status, body) = self.post("/profile/create", &json!({"user": token}).to_string()).await;
        assert_eq!(status, 200, "{body}");
    }

    pub(crate) fn router(&self) -> Router {
        self.router.clone()
    }

    pub(crate) async fn answer(&self, request: Request<Body>) -> Response<Body> {
        self.router().oneshot(request).await.unwrap()
    }

    /// The status of the answer, and its body.
    pub(crate) async fn ask(&self, request: Builder, body: impl Into<Body>) -> (StatusCode, String) {
        let response = self.answer(request.body(body.into()).unwrap()).await;
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: Body) -> (StatusCode, String) {
        self.ask(Request::builder().method(method).uri(path), body).await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> (StatusCode, String) {
        self.send("POST", path, Body::from(body.to_owned())).await
    }

    /// Asks with `anna`'s token in the head.
    pub(crate) async fn as_anna(&self, method: &str, path: &str, body: &str) -> (StatusCode, Value) {
        let request = Request::builder().method(method).uri(path).header("authorization", "Bearer anna");
        let (status, body) = self.ask(request, body.to_owned()).await;
        (status, serde_json::from_str(&body).unwrap())
    }

    pub(crate) async fn found(&self, request: Value) -> Vec<Value> {
        let (status, body) = self.post("/datastreams/find_entries/timestamp", &request.to_string()).await;
        assert_eq!(status, 200, "{body}");
        let mut body: Value = serde_json::from_str(&body).unwrap();
        serde_json::from_value(body["phone_data"].take()).unwrap()
    }

    pub(crate) async fn entries(&self) -> Vec<Value> {
        self.found(json!({"user": "anna", "key_list": null, "start_time": null, "end_time": null})).await
    }
}

pub(crate) fn entry(key: &str, write_ts: f64) -> Value {
    json!({
        "metadata": {"key": key, "type": "message", "write_ts": write_ts, "time_zone": "UTC", "plugin": null},
        "data": {"ts": write_ts + 0.5, "zero": 0, "float": 0.0}
    })
}
