//! A server over a store of its own, without a network.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rushhour_model::ids::UserId;
use rushhour_pipeline::transit::Stops;
use rushhour_server::diary::{Portion, Run, take_in};
use rushhour_server::{App, Limits, router};
use rushhour_store::{Options, Store};
use serde_json::{Value, json};

/// Everything that waits, at once.
pub(crate) const ALL: Portion = Portion { entries_max: 1_000_000, span_s_max: f64::INFINITY };

/// A server, asked by its routes.
pub(crate) struct Server {
    pub(crate) app: Arc<App>,
    router: Router,
}

impl Server {
    pub(crate) fn open(dir: &Path) -> Self {
        let store = Store::open(Options::new(dir, StdRng::seed_from_u64(1))).unwrap();
        let app = Arc::new(App::new(store, Limits::default()));
        Self { router: router(Arc::clone(&app)), app }
    }

    pub(crate) fn store(&self) -> &Store {
        self.app.store()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        self.post_bytes(path, body.to_string().into()).await
    }

    pub(crate) async fn post_bytes(&self, path: &str, body: Vec<u8>) -> Value {
        let request = Request::builder().method("POST").uri(path).body(Body::from(body)).unwrap();
        let response = tower::ServiceExt::oneshot(self.router.clone(), request).await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() }
    }

    pub(crate) async fn register(&self, token: &str) -> UserId {
        self.post("/profile/create", json!({"user": token})).await;
        self.store().user(token).unwrap()
    }

    pub(crate) async fn put(&self, token: &str, entries: &[Value]) {
        self.post("/usercache/put", json!({"user": token, "phone_to_server": entries})).await;
    }

    /// The trips of a day, `2024-05-06`.
    pub(crate) async fn trips(&self, token: &str, day: &str) -> Vec<Value> {
        let mut answer = self.post(&format!("/timeline/getTrips/{day}"), json!({"user": token})).await;
        serde_json::from_value(answer["timeline"].take()).unwrap()
    }

    /// Entries and documents whose `key_time` is from `from` to `to`.
    pub(crate) async fn found(&self, token: &str, keys: &[&str], key_time: &str, from: f64, to: f64) -> Vec<Value> {
        let query = json!({"user": token, "key_list": keys, "key_time": key_time, "start_time": from, "end_time": to});
        let mut answer = self.post("/datastreams/find_entries/timestamp", query).await;
        serde_json::from_value(answer["phone_data"].take()).unwrap()
    }

    /// Takes in all who wait, portion by portion.
    pub(crate) fn take_in_all(&self, portion: Portion) -> Vec<Run> {
        let store = self.store();
        let waiting = std::iter::from_fn(|| store.next_pending());
        waiting.map(|user| take_in(store, user, &Stops::default(), portion).unwrap()).collect()
    }
}
