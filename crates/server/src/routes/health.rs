//! Whether the server is up, and what it counts.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;

use crate::app::App;

/// `GET /healthz`: the server is up and its store is open.
#[utoipa::path(
    get,
    path = "/healthz",
    responses((status = 200, description = "The server is up", body = String, content_type = "text/plain"))
)]
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// `GET /metrics`: the counters in Prometheus' text format.
#[utoipa::path(
    get,
    path = "/metrics",
    responses((status = 200, description = "What the server counts, for Prometheus", body = String, content_type = "application/openmetrics-text"))
)]
pub(crate) async fn metrics(State(app): State<Arc<App>>) -> Response {
    let mut text = String::new();
    let registry = app.metrics.registry(&app);
    prometheus_client::encoding::text::encode(&mut text, &registry).expect("writing into a string cannot fail");
    let mut response = Response::new(text.into());
    let format = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, format);
    response
}
