//! What the interface is, for programs: an OpenAPI document made of the types that are read and written.

use axum::response::Response;
use utoipa::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};

use crate::routes::{by_day, datastreams, events, health, heatmap, json, labels, pipeline, profile, redirect};
use crate::routes::{timeline, usages, usercache};

/// The document.
#[derive(OpenApi)]
#[openapi(
    info(title = "Rush Hour", description = "The interface of an e-mission server, and what is beside it here"),
    paths(
        profile::create,
        profile::get,
        profile::update,
        usercache::put,
        usercache::putone,
        usercache::get,
        datastreams::find_entries,
        pipeline::get_range_ts,
        pipeline::get_complete_ts,
        timeline::get_trips,
        labels::get,
        labels::insert,
        labels::update,
        labels::delete,
        by_day::by_day,
        heatmap::route,
        heatmap::incidents,
        events::follow,
        events::append,
        events::read,
        usages::post,
        usages::get,
        usages::count,
        redirect::redirect,
        health::healthz,
        health::readyz,
        health::metrics
    ),
    modifiers(&Tokens),
    security((), ("bearer" = []), ("key" = []))
)]
struct Document;

/// Where a token may stand beside the body.
struct Tokens;

impl utoipa::Modify for Tokens {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        components.add_security_scheme("key", SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-Em-Key"))));
    }
}

/// `GET /openapi.json`
pub(crate) async fn openapi() -> Response {
    json(&Document::openapi())
}
