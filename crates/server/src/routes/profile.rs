//! Registering a token, and the free fields of a user's profile.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use rushhour_model::wire::{Call, ProfileCreateResponse, ProfileUpdateRequest, ProfileUpdateResponse};
use serde_json::{Map, Value, json as value};

use crate::app::App;
use crate::auth;
use crate::body::{JsonBody, parse};
use crate::diary::Summary;
use crate::error::ServerError;
use crate::routes::{json, pipeline};

/// The longest token that is taken; those in use are e-mail addresses or some 40 characters.
const TOKEN_BYTES_MAX: usize = 256;

/// `POST /profile/create`
pub(crate) async fn create(State(app): State<Arc<App>>, body: JsonBody) -> Result<Response, ServerError> {
    let call: Call<'_> = parse(&body.bytes)?;
    let token = call.user.ok_or(ServerError::NoToken)?;
    if token.is_empty() || token.len() > TOKEN_BYTES_MAX {
        let reason = format!("a token has 1 to {TOKEN_BYTES_MAX} bytes, not {}", token.len());
        return Err(ServerError::Invalid { name: "user", reason });
    }
    let user = app.store.register(&token).await?;
    Ok(json(&ProfileCreateResponse { uuid: user.to_string() }))
}

/// `POST /profile/get`
pub(crate) async fn get(State(app): State<Arc<App>>, body: JsonBody) -> Result<Response, ServerError> {
    let call: Call<'_> = parse(&body.bytes)?;
    let user = auth::user(&app, call.user.as_deref())?;
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
pub(crate) async fn update(State(app): State<Arc<App>>, body: JsonBody) -> Result<Response, ServerError> {
    let request: ProfileUpdateRequest<'_> = parse(&body.bytes)?;
    let user = auth::user(&app, request.user.as_deref())?;
    let mut fields = request.update_doc.ok_or(ServerError::Missing("update_doc"))?;
    // Whose profile it is cannot be changed.
    fields.shift_remove("user_id");
    app.store.update_profile(user, fields).await?;
    Ok(json(&ProfileUpdateResponse { update: true }))
}
