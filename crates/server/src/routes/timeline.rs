//! A day's trips.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rushhour_model::wire::{Call, ErrorResponse, TimelineResponse};
use rushhour_pipeline::features::TripFeatures;
use rushhour_pipeline::timeline::Day;
use rushhour_store::blocking;
use serde::Serialize;

use crate::app::App;
use crate::body::{JsonBody, parse};
use crate::diary::trips_on;
use crate::error::ServerError;
use crate::routes::json;

/// A [`TimelineResponse`] as it is written.
#[derive(Serialize)]
struct Timeline {
    timeline: Vec<TripFeatures>,
}

/// `POST /timeline/getTrips/<day>`
#[utoipa::path(
    post,
    path = "/timeline/getTrips/{day}",
    params(("day" = String, Path, description = "The day on which trips start, `YYYY-MM-DD`")),
    request_body = Call,
    responses((status = 200, description = "As asked", body = TimelineResponse), (status = "4XX", description = "What is wrong with the request", body = ErrorResponse), (status = "5XX", description = "Why it cannot be served now", body = ErrorResponse))
)]
pub(crate) async fn get_trips(
    State(app): State<Arc<App>>,
    day: Result<Path<String>, PathRejection>,
    body: JsonBody,
) -> Result<Response, ServerError> {
    let call: Call<'_> = parse(&body.bytes)?;
    let user = body.caller.user(&app, call.user.as_deref())?;
    let invalid = |reason: String| ServerError::Invalid { name: "day", reason };
    let Path(day) = day.map_err(|rejection| invalid(rejection.to_string()))?;
    let date: Date = day.parse().map_err(|error: jiff::Error| invalid(error.to_string()))?;
    let start = date.to_zoned(TimeZone::UTC).map_err(|error| invalid(error.to_string()))?.timestamp();
    let day = Day { year: date.year().into(), month: date.month().into(), day: date.day().into() };
    blocking(move || {
        let trips = trips_on(&app.store, &app.recent, user, day, start.as_second() as f64)?;
        // Written out here, too: meanwhile a request thread serves others.
        Ok(json(&Timeline { timeline: trips }))
    })
    .await
}
