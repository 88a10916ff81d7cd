//! The routes: which path leads where.

mod datastreams;
mod health;
mod pipeline;
mod profile;
mod timeline;
mod usercache;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Method, Uri, header};
use axum::response::Response;
use axum::routing::{get, post};
use rushhour_model::wire::route;
use serde::Serialize;

use crate::app::App;
use crate::error::ServerError;
use crate::operator;
use crate::request_log::measure;

/// The whole HTTP interface over `app`.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route(route::PROFILE_CREATE, post(profile::create))
        .route(route::PROFILE_GET, post(profile::get))
        .route(route::PROFILE_UPDATE, post(profile::update))
        .route(route::USERCACHE_PUT, post(usercache::put))
        .route(route::USERCACHE_PUTONE, post(usercache::putone))
        .route(route::USERCACHE_GET, post(usercache::get))
        .route(&format!("{}/{{time_type}}", route::FIND_ENTRIES), post(datastreams::find_entries))
        .route(route::GET_RANGE_TS, post(pipeline::get_range_ts))
        .route(route::GET_COMPLETE_TS, post(pipeline::get_complete_ts))
        .route(&format!("{}/{{day}}", route::GET_TRIPS), post(timeline::get_trips))
        .route(route::OPERATOR, get(operator::page))
        .route(route::OPERATOR_EVENTS, get(operator::events))
        .route(route::HEALTHZ, get(health::healthz))
        .route(route::READYZ, get(health::readyz))
        .route(route::METRICS, get(health::metrics))
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&app), measure))
        .with_state(app)
}

async fn no_route(uri: Uri) -> ServerError {
    ServerError::NoRoute(uri.path().to_owned())
}

async fn no_method(method: Method) -> ServerError {
    ServerError::Method(method.to_string())
}

/// Answers with `body` as JSON.
pub(crate) fn json(body: &impl Serialize) -> Response {
    json_text(serde_json::to_string(body).expect("the wire types have text keys and finite numbers"))
}

/// Answers with a body that is JSON already.
pub(crate) fn json_text(body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
