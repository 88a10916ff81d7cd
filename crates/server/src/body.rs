//! Reading a request's body: all of it, but no more than is allowed and no longer than is allowed.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use rushhour_model::object::Object;
use serde::Deserialize;

use crate::app::{App, Limits};
use crate::error::ServerError;

/// A body that is too large is still read up to this many times the limit, so that a client that writes everything
/// before it reads sees the answer instead of a broken connection.
const DRAINED_LIMITS_MAX: usize = 4;

/// The bytes of a request's body.
#[derive(Debug)]
pub(crate) struct JsonBody(pub(crate) Bytes);

impl FromRequest<Arc<App>> for JsonBody {
    type Rejection = ServerError;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, ServerError> {
        let Limits { body_bytes_max, body_timeout, .. } = app.limits;
        let reading = read(request.into_body(), body_bytes_max);
        let body = tokio::time::timeout(body_timeout, reading).await;
        body.map_err(|_| ServerError::SlowBody(body_timeout.as_secs_f64()))?.map(Self)
    }
}

async fn read(mut body: Body, bytes_max: usize) -> Result<Bytes, ServerError> {
    let mut read = BytesMut::new();
    let mut total = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| ServerError::CutBody(error.to_string()))?;
        let Ok(bytes) = frame.into_data() else { continue };
        total += bytes.len();
        if total > bytes_max.saturating_mul(DRAINED_LIMITS_MAX) {
            break;
        }
        if total <= bytes_max {
            read.extend_from_slice(&bytes);
        }
    }
    if total > bytes_max { Err(ServerError::LargeBody(bytes_max)) } else { Ok(read.freeze()) }
}

/// Reads the body of a route from its bytes.
pub(crate) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, ServerError> {
    let Object(parsed) = serde_json::from_slice(body).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => ServerError::Shape(error),
        _ => ServerError::NotJson(error),
    })?;
    Ok(parsed)
}
