//! A server that knows Anna, over a store of its own.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rushhour_server::{App, Limits, router};
use rushhour_store::{Ack, Options, Store};
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

static SERVER: LazyLock<(Router, Runtime)> = LazyLock::new(|| {
    let dir = tempfile::tempdir().expect("a temporary folder").keep();
    let options = Options { ack: Ack::Log, ..Options::new(&dir, StdRng::seed_from_u64(1)) };
    let store = Store::open(options).expect("a fresh store");
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(store.register("anna")).expect("a fresh store");
    (router(Arc::new(App::new(store, Limits::default()))), runtime)
});

/// Asks, and holds that the server answers, in JSON where it answers anything, and that nothing is its own fault.
pub fn ask(request: Request<Body>) {
    let (router, runtime) = &*SERVER;
    runtime.block_on(async {
        let response = router.clone().oneshot(request).await.expect("a router cannot fail");
        assert!(!response.status().is_server_error(), "{}", response.status());
        let is_json = response.headers().get("content-type").is_some_and(|kind| kind == "application/json");
        let body = response.into_body().collect().await.expect("an answer ends").to_bytes();
        if is_json {
            serde_json::from_slice::<serde_json::Value>(&body).expect("what is called JSON is");
        }
    });
}
