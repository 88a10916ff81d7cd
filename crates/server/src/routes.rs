//! The routes: which path leads where.

mod by_day;
mod datastreams;
mod events;
mod health;
mod heatmap;
mod labels;
mod openapi;
mod pipeline;
mod profile;
mod redirect;
mod timeline;
mod usages;
mod usercache;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Method, Uri, header};
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{get, post};
use rushhour_model::wire::route;
use serde::Serialize;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::decompression::RequestDecompressionLayer;

use crate::admission::{Class, admit};
use crate::app::App;
use crate::error::ServerError;
use crate::operator;
use crate::request_log::measure;
pub(crate) use crate::routes::events::LAST;
use crate::serial::in_turn;

/// The whole HTTP interface over `app`.
pub fn router(app: Arc<App>) -> Router {
    let admitted = |routes: Router<Arc<App>>, class: Class| {
        // A server that shows what becomes of waiting lets everybody wait.
        if app.serial.is_some() {
            return routes.route_layer(from_fn_with_state(Arc::clone(&app), in_turn));
        }
        routes.route_layer(from_fn_with_state((Arc::clone(&app), class), admit))
    };
    Router::new()
        .merge(admitted(uploads(), Class::Upload))
        .merge(admitted(diaries(), Class::Diary))
        .merge(admitted(reads(), Class::Read))
        .merge(admitted(calls(), Class::Call))
        .route(route::EVENTS, get(events::follow))
        .route(&format!("{}/{{*route}}", route::REDIRECT), get(redirect::redirect))
        .route(route::OPERATOR, get(operator::page))
        .route(route::OPERATOR_EVENTS, get(operator::events))
        .route(route::HEALTHZ, get(health::healthz))
        .route(route::READYZ, get(health::readyz))
        .route(route::METRICS, get(health::metrics))
        .route(route::OPENAPI, get(openapi::openapi))
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(from_fn_with_state(Arc::clone(&app), measure))
        .with_state(app)
}

fn uploads() -> Router<Arc<App>> {
    Router::new()
        .route(route::USERCACHE_PUT, post(usercache::put))
        .route(route::USERCACHE_PUTONE, post(usercache::putone))
        .route(route::USAGES, post(usages::post))
        .route(&format!("{}/{{*name}}", route::LOGS), post(events::append))
        .route_layer(RequestDecompressionLayer::new())
}

fn diaries() -> Router<Arc<App>> {
    Router::new().route(&format!("{}/{{day}}", route::GET_TRIPS), post(timeline::get_trips)).route_layer(compression())
}

fn reads() -> Router<Arc<App>> {
    Router::new()
        .route(&format!("{}/{{time_type}}", route::FIND_ENTRIES), post(datastreams::find_entries))
        .route(&format!("{}/{{time_type}}", route::HEATMAP_ROUTE), post(heatmap::route))
        .route(&format!("{}/{{time_type}}", route::HEATMAP_INCIDENTS), post(heatmap::incidents))
        .route(&format!("{}/yyyy_mm_dd", route::METRICS_BY_DAY), post(by_day::by_day))
        .route(&format!("{}/{{*name}}", route::LOGS), get(events::read))
        .route_layer(compression())
}

/// For who asks for it. A diary is some ten times as large as what is left of it at the fastest level.
fn compression() -> CompressionLayer {
    CompressionLayer::new().quality(CompressionLevel::Fastest)
}

fn calls() -> Router<Arc<App>> {
    Router::new()
        .route(route::PROFILE_CREATE, post(profile::create))
        .route(route::PROFILE_GET, post(profile::get))
        .route(route::PROFILE_UPDATE, post(profile::update))
        .route(route::USERCACHE_GET, post(usercache::get))
        .route(route::GET_RANGE_TS, post(pipeline::get_range_ts))
        .route(route::GET_COMPLETE_TS, post(pipeline::get_complete_ts))
        .route(route::CUSTOMLABEL_GET, post(labels::get))
        .route(route::CUSTOMLABEL_INSERT, post(labels::insert))
        .route(route::CUSTOMLABEL_UPDATE, post(labels::update))
        .route(route::CUSTOMLABEL_DELETE, post(labels::delete))
        .route(route::USAGES, get(usages::count))
        .route(&format!("{}/{{id}}", route::USAGES), get(usages::get))
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
