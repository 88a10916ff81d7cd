//! A day's trips. Until there is a pipeline no day has any.

use std::sync::Arc;

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
    Path(day): Path<String>,
    body: JsonBody,
) -> Result<Response, ServerError> {
    let call: Call<'_> = parse(&body.0)?;
    auth::user(&app, call.user.as_deref())?;
    day.parse::<Date>().map_err(|error| ServerError::Invalid { name: "day", reason: error.to_string() })?;
    Ok(json(&TimelineResponse { timeline: Vec::new() }))
}
