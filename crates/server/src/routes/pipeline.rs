//! How far a user's diary has got.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use rushhour_model::ids::UserId;
use rushhour_model::wire::{Call, CompleteTsResponse, ErrorResponse, RangeTsResponse};
use rushhour_store::blocking;

use crate::activity::Visit;
use crate::app::App;
use crate::body::{JsonBody, parse};
use crate::diary::{Summary, summary};
use crate::error::ServerError;
use crate::routes::json;

/// The original's stages count as done this long behind what they have done, in seconds.
const DONE_BEHIND_S: f64 = 5.0;

/// `POST /pipeline/get_range_ts`
#[utoipa::path(
    post,
    path = "/pipeline/get_range_ts",
    request_body = Call,
    responses((status = 200, description = "As asked", body = RangeTsResponse), (status = "4XX", description = "What is wrong with the request", body = ErrorResponse), (status = "5XX", description = "Why it cannot be served now", body = ErrorResponse))
)]
pub(crate) async fn get_range_ts(State(app): State<Arc<App>>, body: JsonBody) -> Result<Response, ServerError> {
    let call: Call<'_> = parse(&body.bytes)?;
    let user = body.caller.visitor(&app, call.user.as_deref(), Visit::Diary)?;
    let Summary { start_ts, end_ts, .. } = read(&app, user).await?;
    Ok(json(&RangeTsResponse { start_ts, end_ts }))
}

/// `POST /pipeline/get_complete_ts`
#[utoipa::path(
    post,
    path = "/pipeline/get_complete_ts",
    request_body = Call,
    responses((status = 200, description = "As asked", body = CompleteTsResponse), (status = "4XX", description = "What is wrong with the request", body = ErrorResponse), (status = "5XX", description = "Why it cannot be served now", body = ErrorResponse))
)]
pub(crate) async fn get_complete_ts(State(app): State<Arc<App>>, body: JsonBody) -> Result<Response, ServerError> {
    let call: Call<'_> = parse(&body.bytes)?;
    let summary = read(&app, body.caller.user(&app, call.user.as_deref())?).await?;
    Ok(json(&CompleteTsResponse { complete_ts: summary.end_ts.map(|end_ts| end_ts + DONE_BEHIND_S) }))
}

/// The summary of a user's diary.
pub(crate) async fn read(app: &Arc<App>, user: UserId) -> Result<Summary, ServerError> {
    let app = Arc::clone(app);
    Ok(blocking(move || summary(&app.store, user)).await?)
}
