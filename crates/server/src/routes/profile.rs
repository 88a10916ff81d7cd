//! Registering a token, and the free fields of a user's profile.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use rushhour_model::wire::{Call, ErrorResponse, ProfileCreateResponse, ProfileUpdateRequest, ProfileUpdateResponse};
use serde_json::{Map, Value, json as value};

use crate::app::App;
use crate::body::{JsonBody, parse};
use crate::diary::Summary;
use crate::error::ServerError;
use crate::routes::{json, pipeline};

/// `POST /profile/create`
#[utoipa::path(
    post,
    path = "/profile/create",
    request_body = Call,
    responses((status = 200, description = "As asked", body = ProfileCreateResponse), (status = "4XX", description = "What is wrong with the request", body = ErrorResponse), (status = "5XX", description = "Why it cannot be served now", body = ErrorResponse))
)]
pub(crate) async fn create(State(app): State<Arc<App>>, body: JsonBody) -> Result<Response, ServerError> {
    let call: Call<'_> = parse(&body.bytes)?;
    let name = body.caller.name(&app, call.user.as_deref())?;
    let user = app.store.register(&name.0).await?;
    Ok(json(&ProfileCreateResponse { uuid: user.to_string() }))
}

/// `POST /profile/get`
#[utoipa::path(
    post,
    path = "/profile/get",
    request_body = Call,
    responses((status = 200, description = "As asked", body = Object), (status = "4XX", description = "What is wrong with the request", body = ErrorResponse), (status = "5XX", description = "Why it cannot be served now", body = ErrorResponse))
)]
pub(crate) async fn get(State(app): State<Arc<App>>, body: JsonBody) -> Result<Response, ServerError> {
    let call: Call<'_> = parse(&body.bytes)?;
    let user = body.caller.user(&app, call.user.as_deref())?;
    let mut profile = Map::from_iter([("user_id".to_owned(), value!({"$uuid": user.hex()}))]);
    profile.extend(app.store.profile(user).await?);
    profile.extend(app.activity.fields(user));
    profile.extend(known_of(&pipeline::read(&app, user).await?));
    Ok(json(&Value::Object(profile)))
}

/// What the pipeline adds to a profile, once it has found a trip.
fn known_of(summary: &Summary) -> Vec<(String, Value)> {
    let Summary { start_ts, end_ts, trips, labelled_trips } = summary;
    if start_ts.is_none() {
        return Vec::new();
    }
    vec![
        ("pipeline_range".to_owned(), value!({"start_ts": start_ts, "end_ts": end_ts})),
        ("total_trips".to_owned(), (*trips).into()),
        ("labeled_trips".to_owned(), (*labelled_trips).into()),
    ]
}

/// `POST /profile/update`
#[utoipa::path(
    post,
    path = "/profile/update",
    request_body = ProfileUpdateRequest,
    responses((status = 200, description = "As asked", body = ProfileUpdateResponse), (status = "4XX", description = "What is wrong with the request", body = ErrorResponse), (status = "5XX", description = "Why it cannot be served now", body = ErrorResponse))
)]
pub(crate) async fn update(State(app): State<Arc<App>>, body: JsonBody) -> Result<Response, ServerError> {
    let request: ProfileUpdateRequest<'_> = parse(&body.bytes)?;
    let user = body.caller.user(&app, request.user.as_deref())?;
    let mut fields = request.update_doc.ok_or(ServerError::Missing("update_doc"))?;
    // Whose profile it is cannot be changed.
    fields.shift_remove("user_id");
    app.store.update_profile(user, fields).await?;
    Ok(json(&ProfileUpdateResponse { update: true }))
}
