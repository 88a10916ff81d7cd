//! Usages of medication, for the load tests of others: small durable posts, each answered with an id of its own.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use rushhour_model::wire::{ErrorResponse, UsageCountResponse, UsageRequest, UsageResponse};
use rushhour_store::blocking;

use crate::app::App;
use crate::auth::Caller;
use crate::body::{JsonBody, parse};
use crate::error::ServerError;
use crate::intake::wall_time;
use crate::metrics::KeyCounts;
use crate::routes::{json, json_text};

/// `POST /api/usages`
#[utoipa::path(
    post,
    path = "/api/usages",
    request_body = UsageRequest,
    responses((status = 201, description = "Kept", body = UsageResponse), (status = "4XX", description = "What is wrong with the request", body = ErrorResponse), (status = "5XX", description = "Why it cannot be served now", body = ErrorResponse))
)]
pub(crate) async fn post(State(app): State<Arc<App>>, body: JsonBody) -> Result<Response, ServerError> {
    body.caller.is_let_in(&app)?;
    let usage: UsageRequest<'_> = parse(&body.bytes)?;
    let id = app.usages.keep(&app.store, app.stamps.next(wall_time()), &usage).await?;
    app.metrics.count_upload(&KeyCounts::other(), body.bytes.len());
    let mut response = json(&UsageResponse { id: id.to_string() });
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

/// `GET /api/usages/<id>`
#[utoipa::path(
    get,
    path = "/api/usages/{id}",
    params(("id" = String, Path, description = "The usage's id")),
    responses((status = 200, description = "As asked", body = Object), (status = "4XX", description = "What is wrong with the request", body = ErrorResponse), (status = "5XX", description = "Why it cannot be served now", body = ErrorResponse))
)]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, ServerError> {
    caller.is_let_in(&app)?;
    let id = id.ok().and_then(|Path(id)| id.parse().ok());
    let usage = match id {
        Some(id) => app.usages.find(&app.store, id).await?,
        None => None,
    };
    Ok(json_text(usage.ok_or(ServerError::NoSuch("usage"))?))
}

/// `GET /api/usages`
#[utoipa::path(
    get,
    path = "/api/usages",
    responses((status = 200, description = "As asked", body = UsageCountResponse), (status = "4XX", description = "What is wrong with the request", body = ErrorResponse), (status = "5XX", description = "Why it cannot be served now", body = ErrorResponse))
)]
pub(crate) async fn count(State(app): State<Arc<App>>, caller: Caller) -> Result<Response, ServerError> {
    caller.is_let_in(&app)?;
    let count = blocking(move || app.usages.count(&app.store)).await?;
    Ok(json(&UsageCountResponse { count }))
}
