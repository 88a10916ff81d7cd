//! Sums over days, of one person or of everybody.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use jiff::civil::{Date, date};
use rushhour_model::wire::{ErrorResponse, MetricDay, MetricsRequest, MetricsResponse};
use rushhour_store::blocking;
use serde_json::Map;

use crate::app::App;
use crate::auth::Aggregates;
use crate::body::{JsonBody, parse};
use crate::by_day::{DaySums, Days, Sums, add_person};
use crate::diary::measures_between;
use crate::error::ServerError;
use crate::routes::json;

/// One of the sums.
type Measure = fn(&Sums) -> u64;

/// What is summed.
const METRICS: [(&str, Measure); 3] =
    [("count", |sums| sums.trips), ("distance", |sums| sums.distance_m), ("duration", |sums| sums.duration_s)];

/// `POST /result/metrics/yyyy_mm_dd`
#[utoipa::path(
    post,
    path = "/result/metrics/yyyy_mm_dd",
    request_body = MetricsRequest,
    responses((status = 200, description = "As asked", body = HashMap<String, Vec<MetricDay>>), (status = "4XX", description = "What is wrong with the request", body = ErrorResponse), (status = "5XX", description = "Why it cannot be served now", body = ErrorResponse))
)]
pub(crate) async fn by_day(State(app): State<Arc<App>>, body: JsonBody) -> Result<Response, ServerError> {
    let request: MetricsRequest<'_> = parse(&body.bytes)?;
    let first = day("start_time", request.start_time.as_deref())?;
    let last = day("end_time", request.end_time.as_deref())?;
    let is_somebody = request.user.is_some() || body.caller.has_token();
    let user = match (is_somebody, app.auth.aggregates) {
        (true, _) => Some(body.caller.user(&app, request.user.as_deref())?),
        (false, Aggregates::ForAll) => None,
        (false, Aggregates::ForUsers) => return Err(ServerError::NoToken),
        (false, Aggregates::Never) => return Err(ServerError::NoSuch("aggregate")),
    };
    let days = match user {
        None => app.everybody.days(),
        Some(user) => {
            let app = Arc::clone(&app);
            let trips = blocking(move || measures_between(&app.store, user, first, last)).await?;
            let mut days = Days::new();
            add_person(&mut days, &trips);
            Arc::new(days)
        }
    };
    let asked: Vec<(i32, &DaySums)> =
        if first <= last { days.range(first..=last).map(|(day, sums)| (*day, sums)).collect() } else { Vec::new() };
    if asked.is_empty() {
        return Ok(json(&MetricsResponse::new()));
    }
    let metric = |(name, measure): &(&str, Measure)| {
        ((*name).to_owned(), asked.iter().map(|(day, sums)| shown(*day, sums, *measure)).collect())
    };
    Ok(json(&METRICS.iter().map(metric).collect::<MetricsResponse>()))
}

fn shown(day: i32, sums: &DaySums, measure: Measure) -> MetricDay {
    let measures = sums.sums.iter().map(|(name, sums)| (name.clone(), measure(sums).into()));
    MetricDay { date: date_of(day).to_string(), users: sums.users, measures: measures.collect::<Map<_, _>>() }
}

const EPOCH: Date = date(1970, 1, 1);

fn date_of(day: i32) -> Date {
    EPOCH.saturating_add(jiff::Span::new().days(day))
}

fn day(name: &'static str, text: Option<&str>) -> Result<i32, ServerError> {
    let text = text.ok_or(ServerError::Missing(name))?;
    let date: Date =
        text.parse().map_err(|error: jiff::Error| ServerError::Invalid { name, reason: error.to_string() })?;
    Ok((date - EPOCH).get_days())
}
