//! A day's trips. Until there is a pipeline no day has any.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use jiff::civil::Date;
use rushhour_model::wire::{Call, TimelineResponse};

use crate::app::App;
use crate::auth;
use crate::body::{JsonBody, parse};
use crate::error::ServerError;
use crate::routes::json;

/// `POST /timeline/getTrips/<day>`
pub(crate) async fn get_trips(
    State(app): State<Arc<App>>,
    day: Result<Path<String>, PathRejection>,
    body: JsonBody,
) -> Result<Response, ServerError> {
    let call: Call<'_> = parse(&body.bytes)?;
    auth::user(&app, call.user.as_deref())?;
    let invalid = |reason: String| ServerError::Invalid { name: "day", reason };
    let Path(day) = day.map_err(|rejection| invalid(rejection.to_string()))?;
    day.parse::<Date>().map_err(|error| invalid(error.to_string()))?;
    Ok(json(&TimelineResponse { timeline: Vec::new() }))
}
