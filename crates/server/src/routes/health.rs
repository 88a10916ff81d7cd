//! Whether the server is up and can be used, and what it counts.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use rushhour_model::wire::ErrorResponse;
use rushhour_store::blocking;

use crate::app::App;
use crate::error::ServerError;
use crate::metrics::plain::{OPEN_METRICS, PLAIN, plain, wants_plain};

/// `GET /healthz`: the server is up and its store is open.
#[utoipa::path(
    get,
    path = "/healthz",
    responses((status = 200, description = "The server is up", body = String, content_type = "text/plain"))
)]
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: uploads can be kept, and the server is not about to stop.
#[utoipa::path(
    get,
    path = "/readyz",
    responses((status = 200, description = "It can be used", body = String, content_type = "text/plain"), (status = 503, description = "Why it cannot", body = ErrorResponse))
)]
pub(crate) async fn readyz(State(app): State<Arc<App>>) -> Result<&'static str, ServerError> {
    app.unready().map_or(Ok("ready\n"), |reason| Err(ServerError::NotReady(reason)))
}

/// `GET /metrics`: the counters in one of Prometheus' text formats.
#[utoipa::path(
    get,
    path = "/metrics",
    responses((status = 200, description = "What the server counts, for Prometheus", body = String, content_type = "text/plain"))
)]
pub(crate) async fn metrics(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let is_plain = wants_plain(accept);
    // It asks the disk and the kernel.
    let text = blocking(move || {
        let (mut text, registry) = (String::new(), app.metrics.registry(&app));
        prometheus_client::encoding::text::encode(&mut text, &registry).expect("writing into a string cannot fail");
        if is_plain { plain(&text) } else { text }
    })
    .await;
    let mut response = Response::new(text.into());
    let format = HeaderValue::from_static(if is_plain { PLAIN } else { OPEN_METRICS });
    response.headers_mut().insert(header::CONTENT_TYPE, format);
    response
}
