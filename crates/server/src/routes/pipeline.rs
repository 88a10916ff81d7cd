//! How far the pipeline has got. Until there is one it has got nowhere, which the original also says of a new user.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use rushhour_model::wire::{Call, CompleteTsResponse, RangeTsResponse};

use crate::app::App;
use crate::auth;
use crate::body::{JsonBody, parse};
use crate::error::ServerError;
use crate::routes::json;

/// `POST /pipeline/get_range_ts`
pub(crate) async fn get_range_ts(State(app): State<Arc<App>>, body: JsonBody) -> Result<Response, ServerError> {
    let call: Call<'_> = parse(&body.bytes)?;
    auth::user(&app, call.user.as_deref())?;
    Ok(json(&RangeTsResponse { start_ts: None, end_ts: None }))
}

/// `POST /pipeline/get_complete_ts`
pub(crate) async fn get_complete_ts(State(app): State<Arc<App>>, body: JsonBody) -> Result<Response, ServerError> {
    let call: Call<'_> = parse(&body.bytes)?;
    auth::user(&app, call.user.as_deref())?;
    Ok(json(&CompleteTsResponse { complete_ts: None }))
}
